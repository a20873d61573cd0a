"""A tariff as it is proven: a head and rows, each a leaf of the tree whose root is the tariff's hash.

Leaf 0 is the head (currency, rounding, steps, what each table is); the rows of all tables follow in order. A leaf is
hashed as SHA-256(0x00 | salt | canonical JSON).
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verify import merkle
from verify.spelling import canonical


class Refused(Exception):
    """What was handed in does not prove what it claims. The text says where."""


@dataclass(frozen=True)
class Row:
    """One row of a table and its number among all rows of the tariff, from 1."""

    number: int
    table: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Proven:
    """The head of a tariff and those of its rows that were shown, all under one root."""

    root: str
    head: Mapping[str, Any]
    rows: tuple[Row, ...]


def by_proofs(proof: Mapping[str, Any]) -> Proven:
    """The head and rows of an offer's proof. Raises Refused where one of them does not lead to the root."""
    root, size = str(proof["root"]), int(proof["size"])
    _lead_to(root, size, proof["head"])
    if proof["head"]["index"] != 0:
        raise Refused("the head is not the first leaf")
    head = proof["head"]["leaf"]
    if size != 1 + sum(table["rows"] for table in head["tables"]):
        raise Refused("the tree has more leaves than the tables have rows")
    rows = []
    for opened in proof["rows"]:
        _lead_to(root, size, opened)
        row = Row(opened["index"], opened["leaf"]["table"], tuple(opened["leaf"]["row"]))
        if row.number not in _numbers_of(head, row.table):
            raise Refused(f"row {row.number} does not lie in the table {row.table}")
        rows.append(row)
    return Proven(root, head, tuple(rows))


def whole(published: Mapping[str, Any]) -> Proven:
    """Every row of a tariff that was published whole, with its key. Raises Refused where rows are out of order, doubled
    or overlap: then two cells could fit one risk.
    """
    key, tariff = bytes.fromhex(published["key"]), published["tariff"]
    head, rows = _head_of(tariff), tuple(_rows_of(tariff))
    for table in head["tables"]:
        _refuse_ambiguous(table, [row.values for row in rows if row.table == table["name"]])
    leaves = [head, *({"table": row.table, "row": list(row.values)} for row in rows)]
    hashes = [merkle.leaf(salt_of(key, number) + canonical(each)) for number, each in enumerate(leaves)]
    return Proven(merkle.root_over(hashes).hex(), head, rows)


def salt_of(key: bytes, number: int) -> bytes:
    """The salt of a leaf: the first 16 bytes of HMAC-SHA-256 of its number (8 bytes, big-endian)."""
    return hmac.digest(key, number.to_bytes(8, "big"), "sha256")[:16]


def _lead_to(root: str, size: int, opened: Mapping[str, Any]) -> None:
    hashed = merkle.leaf(bytes.fromhex(opened["salt"]) + canonical(opened["leaf"]))
    proof = [bytes.fromhex(beside) for beside in opened["proof"]]
    if not merkle.verify_inclusion(hashed, int(opened["index"]), size, bytes.fromhex(root), proof):
        raise Refused(f"leaf {opened['index']} is not part of the tariff {root}")


def _numbers_of(head: Mapping[str, Any], name: str) -> range:
    first = 1
    for table in head["tables"]:
        if table["name"] == name:
            return range(first, first + table["rows"])
        first += table["rows"]
    return range(0)


def _head_of(tariff: Mapping[str, Any]) -> dict[str, Any]:
    tables = [{**table, "rows": len(table["rows"])} for table in tariff["tables"]]
    return {**tariff, "tables": tables}


def _rows_of(tariff: Mapping[str, Any]) -> Any:
    number = 0
    for table in tariff["tables"]:
        for values in table["rows"]:
            number += 1
            yield Row(number, table["name"], tuple(values))


def _refuse_ambiguous(table: Mapping[str, Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """Two rows fit one risk when all their exact values agree, all their bands meet, and they are at one knot."""
    exact, bands = len(table["exact"]), len(table["banded"])
    groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        typed = tuple((type(value).__name__, value) for value in row[:exact])
        knot = row[exact + 2 * bands : -1]
        groups.setdefault((*typed, *knot), []).append(row[exact : exact + 2 * bands])
    for boxes in groups.values():
        ordered = sorted(boxes)
        for place, box in enumerate(ordered):
            for other in ordered[place + 1 :]:
                if bands and other[0] > box[1]:
                    break
                if all(box[2 * n] <= other[2 * n + 1] and other[2 * n] <= box[2 * n + 1] for n in range(bands)):
                    raise Refused(f"two rows of the table {table['name']} fit the same risk")

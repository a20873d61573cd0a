"""The hash of a tariff, and what shows that a premium was made from the tariff behind it.

The hash is the root of a Merkle tree (`kernel.merkle`). Leaf 0 is the head: currency, rounding, steps, and what each
table is; then one leaf for every row of every table, in order. Each leaf is hashed with a salt of its own, so that the
proof of one cell says nothing of its neighbours: a rate has few digits, and a hash without a salt could be guessed. The
salts come from one key of the tariff (HMAC-SHA-256 of the leaf's number); whoever has the key can open the whole tree.

`verify/` checks the proofs without any of this.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

from marketplace.kernel.canonical import canonical_bytes
from marketplace.kernel.merkle import MerkleTree, leaf_hash
from marketplace.rating.rules.premium import cells_used, compile_tariff
from marketplace.rating.values import Risk, Tariff

SALT_BYTES = 16
KEY_BYTES = 32
_ROW = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
HEAD = 0


def tree_of(tariff: Tariff, key: bytes) -> MerkleTree:
    return MerkleTree(leaf_hash(_salt(key, number) + data) for number, data in enumerate(_leaves(tariff)))


def proven(tariff: Tariff, key: bytes, risk: Risk) -> dict[str, Any]:
    """The head and the rows that the premium of `risk` rests on, as JSON, each with its proof to the root."""
    tree = tree_of(tariff, key)
    rows = dict(_rows(tariff))
    used = sorted({row for cell in cells_used(compile_tariff(tariff), risk) for row in cell.rows})
    return {
        "root": tree.root.hex(),
        "size": tree.size,
        "head": _opened(tree, key, HEAD, tariff.head()),
        "rows": [_opened(tree, key, number, rows[number]) for number in used],
    }


def _opened(tree: MerkleTree, key: bytes, number: int, leaf: Any) -> dict[str, Any]:
    return {
        "index": number,
        "salt": _salt(key, number).hex(),
        "leaf": leaf,
        "proof": [beside.hex() for beside in tree.inclusion_proof(number)],
    }


def _leaves(tariff: Tariff) -> Iterator[bytes]:
    """The canonical bytes of every leaf. Rows are lists of plain values, so each is written without looking into it."""
    yield canonical_bytes(tariff.head())
    for table in tariff.tables:
        rest = f',"table":"{table.name}"}}'  # a name needs no escaping
        for row in table.rows:
            yield f'{{"row":{_ROW.encode(row)}{rest}'.encode()


def _rows(tariff: Tariff) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every row of every table with its number, from 1."""
    number = HEAD
    for table in tariff.tables:
        for row in table.rows:
            number += 1
            yield number, {"table": table.name, "row": list(row)}


def _salt(key: bytes, number: int) -> bytes:
    return hmac.digest(key, number.to_bytes(8), "sha256")[:SALT_BYTES]

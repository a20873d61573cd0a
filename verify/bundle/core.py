"""`core/core.json`: which contract, its entries in order, and the files that belong to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from verify.findings import Code, Report
from verify.leaf import Leaf, leaf_of
from verify.shape import (
    Misshapen,
    anything,
    is_count,
    is_hash,
    is_list,
    is_list_of_hashes,
    is_object,
    is_text,
    is_uuid,
    one_of,
    or_null,
    parts,
)
from verify.spelling import canonical, read_json

CORE = "core/core.json"
CHECKPOINT = "core/checkpoint"
NEWER = "wrapper/checkpoints/"
README = "README.txt"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Entry:
    """An entry as the bundle shows it: its number in the log, its leaf, and the proof in the tree of `size`.

    `withheld` says why what it said or showed is not there, where it is not.
    """

    index: int
    leaf: Leaf
    proof: tuple[bytes, ...]
    size: int
    body: str | None
    page: str | None
    withheld: str | None

    def __str__(self) -> str:
        return f"Entry {self.index} ({self.leaf})"


@dataclass
class Bundle:
    """The files, what the core says of them, and which of them were used by it. `opened` are the envelopes of bodies
    that are proven, by the number of their entry.
    """

    files: Mapping[str, bytes]
    origin: str
    contract: Mapping[str, Any]
    entries: tuple[Entry, ...]
    page_versions: Mapping[str, Any]
    documents: tuple[Mapping[str, Any], ...]
    exhibits: tuple[Mapping[str, Any], ...]
    used: set[str]
    opened: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def checkpoints(self) -> list[str]:
        """The files that should be checkpoints, that of the core first."""
        return [CHECKPOINT, *sorted(name for name in self.files if name.startswith(NEWER))]

    def take(self, name: str) -> bytes | None:
        """A file, which is part of the evidence from then on."""
        self.used.add(name)
        return self.files.get(name)


_CORE = {
    "format": one_of("evenfold-evidence/1"),
    "origin": is_text,
    "contract": is_object,
    "entries": is_list,
    "page_versions": is_object,
    "documents": is_list,
    "exhibits": is_list,
}
_CONTRACT = {"application_id": is_uuid, "policy_no": or_null(is_text)}
_ENTRY = {
    "index": is_count,
    "leaf": anything,
    "proof": is_list_of_hashes,
    "size": is_count,
    "body": or_null(is_text),
    "page": or_null(is_text),
    "withheld": one_of(None, "other_insurer", "other_contract", "erased"),
}


def _is_core_file(value: Any) -> bool:
    return is_text(value) and value.startswith("core/") and value not in (CORE, CHECKPOINT)


_DOCUMENT = {"name": is_text, "sha256": is_hash, "file": _is_core_file}
_EXHIBIT = {"kind": is_text, **_DOCUMENT}


def read_bundle(report: Report, files: Mapping[str, bytes]) -> Bundle | None:
    """None, and a finding, where the core cannot be read at all."""
    if CORE not in files:
        report.find(Code.MISSING_FILE, f"The file {CORE} is missing.")
        return None
    try:
        core = read_json(files[CORE])
        parts(core, _CORE)
        contract = parts(core["contract"], _CONTRACT)
        if canonical(core) != files[CORE]:
            raise Misshapen("it is not in its one spelling")
    except ValueError as error:
        report.find(Code.MALFORMED, f"{CORE} is not understood: {error}.")
        return None
    wrapper = {name for name in files if name == README or name.startswith("wrapper/")}
    return Bundle(
        files=files,
        origin=core["origin"],
        contract=contract,
        entries=_each(report, core["entries"], "entry", _entry),
        page_versions=core["page_versions"],
        documents=_each(report, core["documents"], "document", lambda value: parts(value, _DOCUMENT)),
        exhibits=_each(report, core["exhibits"], "exhibit", lambda value: parts(value, _EXHIBIT)),
        used={CORE, *wrapper},
    )


def _entry(value: Any) -> Entry:
    found = parts(value, _ENTRY)
    for kind, name in (("body", f"core/bodies/{found['index']}.json"), ("page", f"core/pages/{found['index']}.html")):
        if found[kind] not in (None, name):
            raise Misshapen(f"its {kind} is not {name}")
    return Entry(
        index=found["index"],
        leaf=leaf_of(found["leaf"]),
        proof=tuple(map(bytes.fromhex, found["proof"])),
        size=found["size"],
        body=found["body"],
        page=found["page"],
        withheld=found["withheld"],
    )


def _each(report: Report, values: Sequence[Any], what: str, read: Callable[[Any], _T]) -> tuple[_T, ...]:
    found = []
    for number, value in enumerate(values, 1):
        try:
            found.append(read(value))
        except ValueError as error:
            index = value.get("index") if type(value) is dict else None
            report.find(
                Code.MALFORMED,
                f"The {what} in place {number} of {CORE} is not understood: {error}.",
                index if is_count(index) else None,
            )
    return tuple(found)

"""The files of a contract's evidence, as bytes (docs/evidence-format.md): the same values give the same bytes."""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import Any

from marketplace.kernel.canonical import canonical_bytes
from marketplace.traceability.values import Envelope, Exhibit, Extract, Logged, Release, Stamped

FORMAT = "evenfold-evidence/1"
CORE, CHECKPOINT = "core/core.json", "core/checkpoint"


def core_files(
    extract: Extract, policy_no: str | None, documents: Sequence[Exhibit], exhibits: Sequence[Exhibit]
) -> dict[str, bytes]:
    """Everything under `core/`. `documents` are named by pages or acts; `exhibits` help to see what was."""
    core = {
        "format": FORMAT,
        "origin": extract.origin,
        "contract": {"application_id": extract.application_id, "policy_no": policy_no},
        "entries": [_entry(each, extract.size) for each in extract.entries],
        "page_versions": extract.versions,
        "documents": [_described(each, "documents") for each in documents],
        "exhibits": [{"kind": each.kind, **_described(each, "exhibits")} for each in exhibits],
    }
    files = {CORE: canonical_bytes(core), CHECKPOINT: extract.checkpoint.encode()}
    for entry in extract.entries:
        if entry.envelope is not None:
            files[_body(entry)] = salted(entry.envelope)
        if entry.page is not None:
            files[_page(entry)] = entry.page
    files |= {_path(each, "documents"): each.data for each in documents}
    return files | {_path(each, "exhibits"): each.data for each in exhibits}


def stamp_files(stamp: Stamped, certificates: bytes) -> dict[str, bytes]:
    """A time-stamp, and who made it (PEM)."""
    return {f"{_stamp(stamp)}.tst": stamp.token, f"{_stamp(stamp)}.pem": certificates}


def stamp_entry_file(stamp: Stamped, entry: Logged) -> dict[str, bytes]:
    """The entry that names a stamp in the log: its leaf, the proof in the tree of the core, and what it says."""
    return {f"{_stamp(stamp)}.json": canonical_bytes(_of_log(entry))}


def release_file(release: Release, views: Sequence[int], entry: Logged | None) -> dict[str, bytes]:
    """A release of pages, the entries of the core that showed pages under it, and the entry of the log that says it."""
    told = {name: getattr(release, name) for name in ("number", "author", "reviewer", "reason", "build")}
    shown = {
        "release": told | {"content_sha256": release.content.id},
        "content": release.content.to_json(),
        "views": views,
        **_of_log(entry),
    }
    return {f"wrapper/releases/{release.number}.json": canonical_bytes(shown)}


def rotation_file(entry: Logged) -> dict[str, bytes]:
    """A change of the log's key: its entry, with the proof in the tree that it ends."""
    return {f"wrapper/rotations/{entry.index}.json": canonical_bytes(_of_log(entry))}


def consistency_file(hashes: Iterable[bytes]) -> bytes:
    return "".join(f"{b64encode(each).decode()}\n" for each in hashes).encode()


def _entry(entry: Logged, size: int) -> dict[str, Any]:
    return {
        "index": entry.index,
        "leaf": entry.leaf,
        "proof": [each.hex() for each in entry.proof],
        "size": size,
        "body": None if entry.envelope is None else _body(entry),
        "page": None if entry.page is None else _page(entry),
        "withheld": entry.withheld,
    }


def _of_log(entry: Logged | None) -> dict[str, Any]:
    """An entry of the log itself: what it says, and where it stands. Nothing where there is none that can be read."""
    if entry is None or entry.envelope is None:
        return {"body": None, "entry": None}
    place = {"index": entry.index, "leaf": entry.leaf, "proof": [each.hex() for each in entry.proof]}
    return {"body": json.loads(salted(entry.envelope)), "entry": place}


def salted(envelope: Envelope) -> bytes:
    """The file of what an entry says: canonical JSON."""
    return b'{"envelope":%s,"salt":"%s"}' % (envelope.data, envelope.salt.hex().encode())


def _stamp(stamp: Stamped) -> str:
    return f"wrapper/timestamps/{stamp.size}-{stamp.authority}"


def _body(entry: Logged) -> str:
    return f"core/bodies/{entry.index}.json"


def _page(entry: Logged) -> str:
    return f"core/pages/{entry.index}.html"


def _described(file: Exhibit, folder: str) -> dict[str, str]:
    return {"name": file.name, "sha256": file.sha256, "file": _path(file, folder)}


def _path(file: Exhibit, folder: str) -> str:
    """By content, so that two files of one name do not meet; the name itself may hold any letters."""
    ending = file.name.rpartition(".")[2]
    return f"core/{folder}/{file.sha256}" + (f".{ending}" if ending.isascii() and ending.isalnum() else "")

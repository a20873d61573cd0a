"""Entries of the log about its own time-stamps: `wrapper/timestamps/<size>-<authority>.json`."""

from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from verify.bundle.core import Bundle
from verify.findings import Code, Report
from verify.history import Head
from verify.leaf import leaf_of
from verify.merkle import verify_inclusion
from verify.shape import Misshapen, anything, is_count, is_list_of_hashes, is_object, parts
from verify.spelling import canonical, read_json

_FILE = {"body": is_object, "entry": is_object}
_BODY = {"envelope": is_object, "salt": lambda value: type(value) is str and len(value) == 32}  # noqa: PLR2004
_ENTRY = {"index": is_count, "leaf": anything, "proof": is_list_of_hashes}
TYPE = "log:stamped"


def place_in_log(report: Report, bundle: Bundle, core: Head, stem: str, stamped: Head) -> int | None:
    """Where the log says that its tree `stamped` has the time-stamp `stem`; None where it is not shown, or not true.
    `core` is the tree in which it stands.
    """
    data = bundle.files.get(f"{stem}.json")
    if data is None:
        return None
    try:
        return _place(data, bundle.origin, core, bundle.files[f"{stem}.tst"], stamped)
    except ValueError as error:
        text = f"{stem}.json is no entry of the log about this time-stamp: {error}."
        report.find(Code.TIMESTAMP_INVALID, text)
    return None


def _place(data: bytes, origin: str, core: Head, token: bytes, stamped: Head) -> int:
    """Raises ValueError."""
    file = parts(read_json(data), _FILE)
    body, entry = parts(file["body"], _BODY), parts(file["entry"], _ENTRY)
    leaf, index = leaf_of(entry["leaf"]), entry["index"]
    proof = tuple(map(bytes.fromhex, entry["proof"]))
    if leaf.type != TYPE or leaf.journey != str(uuid5(NAMESPACE_URL, origin)):
        raise Misshapen("it is about something else")
    if not verify_inclusion(leaf.hash, index, core.size, core.root, proof):
        raise Misshapen("it is not in the log")
    if sha256(bytes.fromhex(body["salt"]) + canonical(body["envelope"])).hexdigest() != leaf.body_hash:
        raise Misshapen("it says something else")
    said = body["envelope"].get("body")
    told = {"token_sha256": sha256(token).hexdigest(), "root": stamped.root.hex(), "size": stamped.size}
    if type(said) is not dict or any(said.get(key) != value for key, value in told.items()):
        raise Misshapen("it names another time-stamp")
    return int(index)

"""Entries of the log about its own time-stamps: `wrapper/timestamps/<size>-<authority>.json`."""

from hashlib import sha256
from uuid import NAMESPACE_URL, uuid5

from verify.bundle.core import Bundle
from verify.bundle.log_entries import entry_of
from verify.findings import Code, Report
from verify.history import Head
from verify.shape import Misshapen, is_object, parts
from verify.spelling import read_json

_FILE = {"body": is_object, "entry": is_object}
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
    entry = entry_of(file["body"], file["entry"], core)
    if entry.leaf.type != TYPE or entry.leaf.journey != str(uuid5(NAMESPACE_URL, origin)):
        raise Misshapen("it is about something else")
    told = {"token_sha256": sha256(token).hexdigest(), "root": stamped.root.hex(), "size": stamped.size}
    if any(entry.said.get(key) != value for key, value in told.items()):
        raise Misshapen("it names another time-stamp")
    return entry.index

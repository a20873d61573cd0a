"""What was said and shown: bodies, pages, their versions, documents and exhibits, each against its hash."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from verify.bundle.core import Bundle, Entry
from verify.findings import Code, Report
from verify.shape import anything, is_hash, is_object, is_text, is_uuid, or_null, parts
from verify.spelling import canonical, read_json

_SALTED = {"salt": lambda value: type(value) is str and len(value) == 32, "envelope": anything}  # noqa: PLR2004
_ENVELOPE = {
    "actor": is_object,
    "application_id": or_null(is_uuid),
    "body": is_object,
    "business_at": is_text,
    "entry_id": is_uuid,
    "insurer_id": or_null(is_uuid),
}
_ACTOR = {"account_id": or_null(is_uuid), "label": is_text, "role": is_text}
_KEPT = {
    "recording:kept": "recording",
    "consultation:asked": "question",
    "consultation:answered": "answer",
}
_WITHHELD = {
    "other_insurer": (Code.WITHHELD, "what it said is withheld, because it is of another insurer's contract"),
    "other_contract": (Code.WITHHELD, "what it said is withheld, because it is of another contract in the journey"),
    "erased": (Code.ERASED, "what it said was erased; that it was recorded stays proven"),
}


def check(report: Report, bundle: Bundle) -> None:
    for entry in bundle.entries:
        _check_presence(report, entry)
        _check_body(report, bundle, entry)
        _check_page(report, bundle, entry)
    _check_disputes(report, bundle)
    named = frozenset(_hashes([*_proven_versions(report, bundle), *bundle.opened.values()]))
    for document in bundle.documents:
        _check_file(report, bundle, document)
        if document["sha256"] not in named:
            text = f"The document {document['file']} is named by no entry and no page: another stood in its place."
            report.find(Code.ASSET_REPLACED, text)
    for exhibit in bundle.exhibits:
        _check_file(report, bundle, exhibit)
        if exhibit["sha256"] not in named:
            text = f"{exhibit['file']} ({exhibit['kind']}) is named by no entry: it illustrates and proves nothing."
            report.find(Code.ILLUSTRATION, text)
    _check_kept(report, bundle)


def _check_presence(report: Report, entry: Entry) -> None:
    if entry.withheld is not None:
        code, text = _WITHHELD[entry.withheld]
        report.find(code, f"{entry}: {text}.", entry.index)
        if entry.body is not None:
            report.find(Code.MALFORMED, f"{entry}: what it said is there although it is not.", entry.index)
    elif entry.body is None:
        report.find(Code.MISSING_FILE, f"{entry}: what it said is missing, and nothing says why.", entry.index)
    elif entry.page is None and entry.leaf.page_hash is not None:
        report.find(Code.MISSING_FILE, f"{entry}: the page it showed is missing, and nothing says why.", entry.index)


def _check_disputes(report: Report, bundle: Bundle) -> None:
    """While a dispute about the contract is open nothing of it is erased. What opens, closes and erases is known by its
    leaf, so that the words need not be there.
    """
    disputes: list[Entry] = []
    own = [entry for entry in bundle.entries if entry.withheld in (None, "erased")]
    for entry in sorted(own, key=lambda entry: entry.index):
        if entry.leaf.type == "hold:opened":
            disputes.append(entry)
        elif entry.leaf.type == "hold:closed" and disputes:
            disputes.pop()
        elif entry.leaf.type == "data:erased" and disputes:
            report.find(Code.ERASED_IN_DISPUTE, f"{entry}: it was erased while a dispute was open.", entry.index)
            return
    if disputes and any(entry.withheld == "erased" for entry in own):
        text = f"{disputes[0]} began a dispute that is still open, and some of what was said is erased."
        report.find(Code.ERASED_IN_DISPUTE, text, disputes[0].index)


def _check_body(report: Report, bundle: Bundle, entry: Entry) -> None:
    if entry.body is None:
        return
    data = bundle.take(entry.body)
    if data is None:
        report.find(Code.MISSING_FILE, f"{entry}: the file {entry.body} is missing.", entry.index)
        return
    try:
        salted = parts(read_json(data), _SALTED)
        hashed = sha256(bytes.fromhex(salted["salt"]) + canonical(salted["envelope"])).hexdigest()
        envelope = parts(salted["envelope"], _ENVELOPE)
        parts(envelope["actor"], _ACTOR)
    except ValueError as error:
        report.find(Code.MALFORMED, f"{entry}: the file {entry.body} is not understood: {error}.", entry.index)
        return
    if hashed != entry.leaf.body_hash:
        report.find(Code.BODY_ALTERED, f"{entry}: what it says is not what was recorded.", entry.index)
        return
    bundle.opened[entry.index] = envelope


def _check_page(report: Report, bundle: Bundle, entry: Entry) -> None:
    if entry.page is None:
        return
    data = bundle.take(entry.page)
    if data is None:
        report.find(Code.MISSING_FILE, f"{entry}: the file {entry.page} is missing.", entry.index)
    elif sha256(data).hexdigest() != entry.leaf.page_hash:
        report.find(Code.PAGE_ALTERED, f"{entry}: the page is not the one that was sent.", entry.index)


def _proven_versions(report: Report, bundle: Bundle) -> Iterator[Any]:
    """The manifests of the pages that were shown; one that no entry names proves nothing."""
    shown = {entry.leaf.page_version: entry for entry in reversed(bundle.entries) if entry.leaf.page_version}
    for version, entry in shown.items():
        if version not in bundle.page_versions:
            report.find(Code.MISSING_FILE, f"{entry}: the version of its page is missing.", entry.index)
        elif sha256(canonical(bundle.page_versions[version])).hexdigest() != version:
            text = f"{entry}: what its page was made of is not what was recorded."
            report.find(Code.PAGE_VERSION_ALTERED, text, entry.index)
        else:
            yield bundle.page_versions[version]
    for version in bundle.page_versions.keys() - shown.keys():
        report.find(Code.EXTRA_FILE, f"The page version {version[:64]} is of no entry.")


def _check_file(report: Report, bundle: Bundle, described: Mapping[str, Any]) -> None:
    data = bundle.take(described["file"])
    if data is None:
        report.find(Code.MISSING_FILE, f"The file {described['file']} is missing.")
    elif sha256(data).hexdigest() != described["sha256"]:
        report.find(Code.ASSET_REPLACED, f"The file {described['file']} is not the one that was kept.")


def _check_kept(report: Report, bundle: Bundle) -> None:
    """What browsers recorded and was kept is there, and every question and answer of the application, word by word:
    leaving one out says as much as changing it.
    """
    there = {exhibit["sha256"] for exhibit in bundle.exhibits}
    for entry in bundle.entries:
        envelope = bundle.opened.get(entry.index)
        what = _KEPT.get(entry.leaf.type)
        if what is None or envelope is None or envelope["application_id"] != bundle.contract["application_id"]:
            continue
        if envelope["body"].get("sha256") not in there:
            report.find(Code.MISSING_FILE, f"{entry}: the {what} it names is missing.", entry.index)


def _hashes(values: list[Any]) -> Iterator[str]:
    """Every hash that stands anywhere in JSON, without recursion: how deep it goes is the sender's choice."""
    while values:
        value = values.pop()
        if isinstance(value, Mapping):
            values.extend(value.values())
        elif isinstance(value, list):
            values.extend(value)
        elif is_hash(value):
            yield value

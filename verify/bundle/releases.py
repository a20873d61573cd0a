"""Who released the pages that were shown: `wrapper/releases/<number>.json`, each against its entry in the log.

A release that is not in the log is of before releases were entered there, and proves nothing. Where an older one is in
the log it is not believed to be of before.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from verify.bundle.core import CHECKPOINT, Bundle, Entry
from verify.bundle.log_entries import LogEntry, NotInLog, entry_of
from verify.findings import Code, Report
from verify.history import Head
from verify.shape import Misshapen, is_count, is_hash, is_list, is_object, or_null, parts
from verify.spelling import canonical, read_json

TYPE = "pages:released"
_NAME = re.compile(r"wrapper/releases/([1-9][0-9]{0,9})\.json")
_MOST = 100


def _is_words(value: Any) -> bool:
    return type(value) is str


def _is_named(value: Any) -> bool:
    return type(value) is dict and all(map(is_hash, value.values()))


_FILE = {
    "release": is_object,
    "content": is_object,
    "views": is_list,
    "body": or_null(is_object),
    "entry": or_null(is_object),
}
_RELEASE = {
    "number": is_count,
    "content_sha256": is_hash,
    "author": _is_words,
    "reviewer": _is_words,
    "reason": _is_words,
    "build": _is_words,
}
_CONTENT = {"assets": _is_named, "templates": _is_named, "wordings": _is_named}
_LATER = {"sentences": _is_named}  # what releases before them do not name


@dataclass(frozen=True)
class Release:
    """What a file says; `entry` is where the log says it, if it does. `views` are the numbers of entries."""

    name: str
    said: Mapping[str, Any]
    content: Mapping[str, Any]
    views: frozenset[int]
    entry: LogEntry | None

    def __str__(self) -> str:
        return f"Release {self.said['number']} of the pages"


def check(report: Report, bundle: Bundle, heads: Mapping[str, Head]) -> None:
    if CHECKPOINT not in heads:
        return
    releases = list(_releases(report, bundle, heads[CHECKPOINT]))
    logged = [each for each in releases if each.entry is not None]
    for each in releases:
        if each.entry is None and any(each.said["number"] > other.said["number"] for other in logged):
            report.find(Code.NOT_IN_LOG, f"{each} is not in the log, and an older one is.")
    shown = [entry for entry in bundle.entries if entry.leaf.page_hash is not None]
    for each in logged:
        _tell(report, each)
        _check_views(report, bundle, each, [entry for entry in shown if entry.index in each.views])
    proven = frozenset().union(*(each.views for each in logged))
    unproven = [entry for entry in shown if entry.index not in proven]
    if unproven:
        text = f"Who released {len(unproven)} of the {len(shown)} pages is not proven by the log."
        report.find(Code.RELEASE_NOT_LOGGED, text)


def _releases(report: Report, bundle: Bundle, core: Head) -> Iterable[Release]:
    names = sorted(name for name in bundle.files if name.startswith("wrapper/releases/"))
    if len(names) > _MOST:
        report.find(Code.UNREADABLE, f"There are {len(names)} releases of pages; {_MOST} were looked at.")
    for name in names[:_MOST]:
        try:
            yield _release(name, bundle.files[name], core)
        except NotInLog:
            report.find(Code.NOT_IN_LOG, f"{name}: this release of pages is not in the log as it was signed.")
        except ValueError as error:
            report.find(Code.RELEASE_ALTERED, f"{name} is no release of pages: {error}.")


def _release(name: str, data: bytes, core: Head) -> Release:
    """Raises ValueError."""
    file = parts(read_json(data), _FILE)
    said, content = parts(file["release"], _RELEASE), _content(file["content"])
    number = _NAME.fullmatch(name)
    if number is None or int(number[1]) != said["number"] or not all(map(is_count, file["views"])):
        raise Misshapen("it is not of the number it is named by, or of no pages")
    if sha256(canonical(content)).hexdigest() != said["content_sha256"]:
        raise Misshapen("what was released is not of its hash")
    entry = None
    if file["entry"] is not None:
        entry = entry_of(file["body"], file["entry"], core)
        if entry.leaf.type != TYPE:
            raise Misshapen("its entry in the log is about something else")
        _refuse_otherwise(said, entry)
    return Release(name, said, content, frozenset(file["views"]), entry)


def _content(value: Any) -> Mapping[str, Any]:
    """Raises Misshapen."""
    named = {name: rule for name, rule in _LATER.items() if type(value) is dict and name in value}
    return parts(value, _CONTENT | named)


def _refuse_otherwise(said: Mapping[str, Any], entry: LogEntry) -> None:
    """Raises Misshapen where the log says another author, reviewer …"""
    for part, value in said.items():
        if type(value) is not type(entry.said.get(part)) or value != entry.said[part]:
            told = str(entry.said.get(part))[:120]
            raise Misshapen(f"its {part} is “{str(value)[:120]}”, and entry {entry.index} of the log says “{told}”")
    if entry.said.keys() != said.keys():
        raise Misshapen(f"entry {entry.index} of the log says more of it")


def _tell(report: Report, release: Release) -> None:
    author, reviewer = (release.said[who][:120] for who in ("author", "reviewer"))
    report.show(f"{release}, as the log says: made by {author}, reviewed by {reviewer}.")


def _check_views(report: Report, bundle: Bundle, release: Release, shown: Iterable[Entry]) -> None:
    for entry in shown:
        manifest = bundle.page_versions.get(entry.leaf.page_version or "")
        if release.entry is not None and release.entry.index > entry.index:
            text = f"{entry}: the page was shown before it was released (entry {release.entry.index})."
            report.find(Code.RELEASE_LATE, text, entry.index)
        elif manifest is not None and not _is_made_of(manifest, release.content):
            report.find(Code.RELEASE_ALTERED, f"{entry}: the page is not made of what {release} has.", entry.index)


def _is_made_of(manifest: Any, content: Mapping[str, Any]) -> bool:
    """Whether all templates and static files of a page, and what it says in its language, are those of the release."""
    if type(manifest) is not dict:
        return False
    kinds = ["templates", "assets", *(kind for kind in _LATER if kind in content or kind in manifest)]
    return all(
        type(manifest.get(kind)) is dict and manifest[kind].items() <= content.get(kind, {}).items() for kind in kinds
    )

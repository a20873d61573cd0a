"""Whether a page was first shown with a box ticked, or an answer chosen, that its reader had not given (T26-24).

A page with errors (a status other than 200) shows again what was just sent; one that is looked at again shows what its
reader has entered before: on the same version of the page, about the same document, or under the same name. A
comparison shows what was asked for, and agrees nothing.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from verify.bundle.core import Bundle, Entry
from verify.findings import Code, Report

_OK = 200
_AGREES_NOTHING = "comparison:shown"
_LEFT = "page:left"
_BY_READER = ("visitor", "customer")
_BLANK = "\t\n\f\r "
_TAG = re.compile(f"<input(?=[{_BLANK}/>])", re.IGNORECASE | re.ASCII)
_NAME = f"[^{_BLANK}/>=<]+"
_VALUE = f"""(?:"([^"]*)"|'([^']*)'|([^{_BLANK}><]*))"""
_PART = re.compile(f"[{_BLANK}/]*({_NAME})(?:[{_BLANK}]*=[{_BLANK}]*{_VALUE})?")
_END = re.compile(f"[{_BLANK}/]*>")


def check(report: Report, bundle: Bundle) -> None:
    for entry in bundle.entries:
        page = _fresh_page(bundle, entry)
        if page is None:
            continue
        names = [name for name in ticked(page) if not _was_entered(bundle, entry, name)]
        if names:
            text = f"{entry}: its page was shown with “{names[0][:60]}” ticked, which nobody had ticked before."
            report.find(Code.DEFAULT_TICK, text, entry.index)


def ticked(page: str) -> Iterator[str]:
    """The names of what is ticked or chosen, in their order. Tags are looked for wherever they stand, in comments too,
    and one that is not well formed counts: no two programs must read a page differently for this to be missed.
    """
    for tag in _TAG.finditer(page):
        parts: dict[str, str] = {}
        at = tag.end()
        while (part := _PART.match(page, at)) is not None:
            parts.setdefault(part[1].lower(), part[2] or part[3] or part[4] or "")
            at = part.end()
        if "checked" in parts or _END.match(page, at) is None:
            yield parts.get("name", "")


def _fresh_page(bundle: Bundle, entry: Entry) -> str | None:
    envelope = bundle.opened.get(entry.index)
    data = bundle.files.get(entry.page or "")
    if envelope is None or data is None or entry.leaf.type == _AGREES_NOTHING or envelope["body"].get("status") != _OK:
        return None
    return data.decode(errors="replace") if sha256(data).hexdigest() == entry.leaf.page_hash else None


def _was_entered(bundle: Bundle, view: Entry, name: str) -> bool:
    return any(_enters(bundle, act, view, name) for act in bundle.entries if act.index < view.index)


def _enters(bundle: Bundle, act: Entry, view: Entry, name: str) -> bool:
    """Whether an act of the reader is about what is ticked on the page."""
    said, shown = bundle.opened.get(act.index), bundle.opened[view.index]
    if said is None or act.leaf.page_hash is not None or act.leaf.type == _LEFT:
        return False
    if said["actor"]["role"] not in _BY_READER or said["application_id"] != shown["application_id"]:
        return False
    told, document = said["body"], shown["body"].get("document_id")
    spelled = [value.replace(".", "_") for value in (told.get("question"), told.get("field")) if type(value) is str]
    return (
        (act.leaf.page_version is not None and act.leaf.page_version == view.leaf.page_version)
        or (type(document) is str and told.get("document_id") == document)
        or name.replace(".", "_") in spelled
    )

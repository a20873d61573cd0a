"""What a product says before and after: every field that differs, items matched by their code."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from marketplace.catalog.values import DocumentKind, ProductContent
from marketplace.listing.values import Change, Part

# Lists whose items have a name of their own, and which field it is.
_KEYED = {
    Part.COVERS: "code",
    Part.EXCLUSIONS: "code",
    Part.QUESTIONS: "id",
    Part.DOCUMENTS: "file",
}
_MAPPED = (Part.ELIGIBILITY, Part.KEY_FACTS, Part.FACTS, Part.SERVICES)


def content_changes(old: ProductContent, new: ProductContent) -> tuple[Change, ...]:
    """Every change, part by part in the order in which the parts are shown; nothing where both say the same."""
    before, after = _without_made_documents(old, new).to_json(), new.to_json()
    parts = {*_KEYED, *_MAPPED}
    rest = [{name: value for name, value in side.items() if name not in parts} for side in (before, after)]
    found = list(_fields(Part.PRODUCT, "", rest[0], rest[1]))
    for part in Part:
        if part in _KEYED:
            found += _items(part, before[part], after[part])
        elif part in _MAPPED:
            found += _fields(part, "", before[part], after[part])
    return tuple(found)


def _without_made_documents(old: ProductContent, new: ProductContent) -> ProductContent:
    """A product information document that the marketplace made of what the insurer said is made anew, not removed."""
    if new.information is None or any(each.kind is DocumentKind.IPID for each in new.documents):
        return old
    return replace(old, documents=tuple(each for each in old.documents if each.kind is not DocumentKind.IPID))


def _items(part: Part, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    key = _KEYED[part]
    old, new = ({item[key]: item for item in side} for side in (before, after))
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield Change(part, name, "", _title(old[name], name), None)
        elif name not in old:
            yield Change(part, name, "", None, _title(new[name], name))
        else:
            yield from _fields(part, name, old[name], new[name])
    if list(old) != list(new) and set(old) == set(new):
        yield Change(part, "", "order", ", ".join(old), ", ".join(new))


def _fields(part: Part, item: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    old, new = dict(_leaves("", before)), dict(_leaves("", after))
    for path in [*old, *(path for path in new if path not in old)]:
        if old.get(path) != new.get(path):
            yield Change(part, item, path, old.get(path), new.get(path))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every value that is said, under its path: `limit.zh`, `age.max`. Lists of plain values are one."""
    match value:
        case None:
            return
        case dict():
            for name, each in value.items():
                yield from _leaves(f"{path}.{name}" if path else name, each)
        case list() if any(isinstance(each, dict) for each in value):
            for number, each in enumerate(value, 1):
                yield from _leaves(f"{path}.{number}", each)
        case list():
            if value:
                yield path, ", ".join(_said(each) for each in value)
        case _:
            if value != "":
                yield path, _said(value)


def _said(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _title(item: Mapping[str, Any], name: str) -> str:
    """What a whole item is called: its name, title or text in English, as it stands first everywhere."""
    said = next((item[field] for field in ("name", "title", "text") if item.get(field)), name)
    return str(said["en"]) if isinstance(said, dict) and said.keys() >= {"en"} else str(said)

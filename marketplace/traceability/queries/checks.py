"""Whether what is kept of pages and views is what names it, is what the log says of it, and is there at all.

For checks: every entry is looked at.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Row, select, text

from marketplace.infra.db import reader
from marketplace.kernel.canonical import digest
from marketplace.traceability.models import PageVersionRow, ReleaseRow
from marketplace.traceability.queries.releases import not_kept
from marketplace.traceability.queries.trail import entries_of_type
from marketplace.traceability.values import Entry, EntryType, ReleaseContent

_SAID = ("content_sha256", "author", "reviewer", "reason", "build")

# Hosts whose clocks differ a little are none of it; what never was online is from before releases.
_MISTIMED = text(
    """
    SELECT o.page_version_id
    FROM (SELECT page_version_id, min(online_at) AS since FROM traceability_page_online GROUP BY 1) o
    JOIN (SELECT page_version_id, min(recorded_at) AS at FROM traceability_entry
          WHERE page_sha256 IS NOT NULL GROUP BY 1) shown USING (page_version_id)
    WHERE shown.at < o.since - interval '1 minute' ORDER BY 1
    """
)

# The same that the trigger of the intake asks before one is entered (decision 22).
_BASELESS = text(
    """
    WITH view AS (
        SELECT log_index, id, journey_id, application_id, page_bytes, page_base FROM traceability_entry
        UNION ALL
        SELECT NULL, id, journey_id, application_id, page_bytes, page_base FROM traceability_evidence_intake
    )
    SELECT coalesce('entry ' || view.log_index, 'the view ' || view.id) FROM view
    WHERE view.page_base IS NOT NULL AND NOT EXISTS (
        SELECT FROM view base WHERE base.id = view.page_base AND base.journey_id = view.journey_id
        AND base.application_id IS NOT DISTINCT FROM view.application_id
        AND base.page_bytes IS NOT NULL AND base.page_base IS NULL
    ) ORDER BY view.log_index, view.id
    """
)


def altered_pages() -> Iterator[tuple[str, str]]:
    """What of releases, versions of pages and views was altered or lost (what it is called), and how."""
    with reader() as connection:
        releases = connection.execute(select(ReleaseRow.__table__).order_by(ReleaseRow.number)).all()
        versions = connection.execute(select(PageVersionRow.id, PageVersionRow.manifest)).all()
        mistimed = connection.execute(_MISTIMED).scalars().all()
        baseless = connection.execute(_BASELESS).scalars().all()
    for row in releases:
        yield from ((f"release {row.number}", sentence) for sentence in _of_release(row))
    yield from _against_the_log({row.number: row for row in releases})
    for version_id, manifest in versions:
        if digest(manifest) != version_id:
            yield version_id, "what the page is made of is not of its hash"
    yield from ((each, "the page was shown before it is said to have come online") for each in mistimed)
    yield from ((each, "the earlier view that it is kept against is not there") for each in baseless)


def _of_release(row: Row[Any]) -> Iterator[str]:
    content = ReleaseContent(**row.content)
    if content.id != row.content_sha256:
        yield "what was released is not of its hash"
    elif missing := not_kept(content.files):
        yield f"not in the store as they were put there: {', '.join(missing)}"


def _against_the_log(releases: Mapping[int, Row[Any]]) -> Iterator[tuple[str, str]]:
    """Each release is what its entry says, and none is missing. Those of before the first entry have none."""
    entries = {each.body.get("number", 0): each for each in entries_of_type(EntryType.PAGES_RELEASED)}
    first = min(entries, default=None)
    for number in sorted(releases.keys() | entries.keys()):
        row, entry = releases.get(number), entries.get(number)
        if row is not None and entry is not None:
            said = _differing(row, entry)
            yield from ((f"release {number}", f"its {name} is not what the entry{_place(entry)} says") for name in said)
        elif entry is not None:
            yield f"release {number}", f"what the entry{_place(entry)} says is not kept"
        elif row is not None and (row.entry_id is not None or number < 1 or (first is not None and number > first)):
            yield f"release {number}", f"no entry {EntryType.PAGES_RELEASED} says it"


def _differing(row: Row[Any], entry: Entry) -> Iterator[str]:
    kept = {name: getattr(row, name) for name in _SAID}
    yield from (name for name in _SAID if kept[name] != entry.body.get(name))
    if row.entry_id != entry.id:
        yield "entry"


def _place(entry: Entry) -> str:
    return f" {entry.type} ({'outside the log' if entry.log_index is None else entry.log_index})"

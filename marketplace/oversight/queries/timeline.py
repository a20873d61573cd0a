"""A sale's trail, entry by entry, in words."""

from uuid import UUID

from marketplace.oversight.queries.sales import sale
from marketplace.oversight.queries.words import actor_words, entry_words, page_words
from marketplace.oversight.values import TimelineEntry
from marketplace.traceability import queries as trail


def timeline(sale_id: UUID, *, only_insurer: UUID | None = None) -> tuple[TimelineEntry, ...]:
    """Everything recorded on the way to this sale, first to last: what concerns its application, and what came before
    any application. An insurer sees what concerns its own application only. Raises SaleNotFound.
    """
    found = sale(sale_id, only_insurer=only_insurer)
    shared = () if only_insurer is not None else (None,)
    entries = [
        entry
        for entry in trail.journey_entries(found.journey_id)
        if entry.application_id in (*shared, found.application_id)
    ]
    versions = trail.page_versions(entry.page_version_id for entry in entries if entry.page_version_id)
    pages = {version.id: page_words(version.page) for version in versions}
    return tuple(
        TimelineEntry(
            entry_id=entry.id,
            type=entry.type,
            recorded_at=entry.recorded_at,
            business_at=entry.business_at,
            words=entry_words(entry.type, entry.body),
            actor=actor_words(entry.actor.role),
            page=pages.get(entry.page_version_id or ""),
            page_version_id=entry.page_version_id,
            has_page=entry.page_sha256 is not None,
            body=entry.body,
        )
        for entry in entries
    )

"""A sale's trail, entry by entry, in words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import current_locale
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
    questions = _questions(found.product_version_id)
    return tuple(
        TimelineEntry(
            entry_id=entry.id,
            type=entry.type,
            recorded_at=entry.recorded_at,
            business_at=entry.business_at,
            words=entry_words(entry.type, _asked(entry.body, questions)),
            actor=actor_words(entry.actor.role),
            page=pages.get(entry.page_version_id or ""),
            page_version_id=entry.page_version_id,
            has_page=entry.page_sha256 is not None,
            body=entry.body,
        )
        for entry in entries
    )


def _questions(product_version_id: UUID | None) -> dict[str, str]:
    """The insurer's questions by their ids, in the present locale."""
    if product_version_id is None:
        return {}
    content = catalog.product_version(product_version_id).content
    return {each.id: each.text.in_(current_locale()) for each in content.questions}


def _asked(body: Mapping[str, Any], questions: Mapping[str, str]) -> Mapping[str, Any]:
    """The body with the question itself in place of its id."""
    asked = str(body.get("question"))
    return {**body, "question": questions[asked]} if asked in questions else body

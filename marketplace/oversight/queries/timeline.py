"""A sale's trail, entry by entry, in words, and that of the later visits to its contract."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import current_locale
from marketplace.oversight.queries.sales import sale
from marketplace.oversight.queries.words import actor_words, entry_words, page_words
from marketplace.oversight.values import Sale, TimelineEntry, Visit
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry


def timeline(sale_id: UUID, *, only_insurer: UUID | None = None) -> tuple[TimelineEntry, ...]:
    """Everything recorded on the way to this sale, first to last: what concerns its application, and what came before
    any application. An insurer sees what concerns its own application only. Raises SaleNotFound.
    """
    found = sale(sale_id, only_insurer=only_insurer)
    shared = () if only_insurer is not None else (None,)
    entries = trail.journey_entries(found.journey_id)
    return _told(found, [each for each in entries if each.application_id in (*shared, found.application_id)])


def visits(of: Sale) -> tuple[Visit, ...]:
    """A customer's later visits to the contract of a sale, the latest first. For callers that checked who asks."""
    if of.application_id is None or of.policy_id is None:
        return ()
    begun = trail.visits_to({of.application_id})
    if not begun:
        return ()
    entries = trail.entries_of_visits(of.application_id)
    told: defaultdict[UUID, list[TimelineEntry]] = defaultdict(list)
    for entry, line in zip(entries, _told(of, entries), strict=True):
        told[entry.journey_id].append(line)
    return tuple(
        Visit(each.reference, each.business_started_at, tuple(told[each.id]))
        for each in reversed(begun)
        if each.id in told
    )


def views(of: Sale) -> tuple[TimelineEntry, ...]:
    """Every page that was shown on the way to a sale and in later visits to its contract. As above."""
    later = (entry for visit in visits(of) for entry in visit.entries)
    return tuple(entry for entry in (*timeline(of.id), *later) if entry.has_page)


def _told(of: Sale, entries: Sequence[Entry]) -> tuple[TimelineEntry, ...]:
    """The entries in words."""
    versions = trail.page_versions(entry.page_version_id for entry in entries if entry.page_version_id)
    pages = {version.id: page_words(version.page) for version in versions}
    questions = _questions(of.product_version_id)
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

"""Journeys, manifests, acts and views with everything filled in that a test does not care about."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries, services
from marketplace.traceability.values import (
    VISITOR,
    Act,
    Actor,
    Channel,
    Entry,
    EntryType,
    NewRelease,
    PageManifest,
    Release,
    ReleaseContent,
    View,
)
from tests.everything import every_row
from tests.factories.log import ORIGIN

REVIEWED = NewRelease("Anna Li", "Tom Weber", "The words on exclusions are clearer.", "build 1")


def a_journey(channel: Channel = Channel.SELF, **attribution: Any) -> UUID:
    return services.start_journey(channel, attribution)


def a_manifest(page: str = "storefront.comparison", locale: str = "en", **changes: Any) -> PageManifest:
    parts: dict[str, Any] = {
        "templates": {"base/page.html": sha256_hex(b"base"), "storefront/compare/shown.html": sha256_hex(b"shown")},
        "assets": {"css/site.css": sha256_hex(b"css")},
        "wordings": {"recording_notice": sha256_hex(b"notice")},
        "documents": (sha256_hex(b"clauses"), sha256_hex(b"summary")),
    }
    return PageManifest(page=page, locale=locale, **(parts | changes))


def an_act(journey_id: UUID, type_: EntryType = EntryType.ENTRY_ACKNOWLEDGED, **changes: Any) -> Act:
    actor: Actor = changes.pop("actor", VISITOR)
    return Act(journey_id=journey_id, type=type_, body=changes.pop("body", {}), actor=actor, **changes)


def still_opens(entry: Entry) -> bool:
    """Whether what the entry said is all there, and is what its hash in the log is of."""
    envelope = queries.envelopes_of_journey(entry.journey_id).get(entry.id)
    return envelope is not None and sha256_hex(envelope.salt + envelope.data) == entry.body_sha256


def a_view(journey_id: UUID, page: bytes = b"<!doctype html>", **changes: Any) -> View:
    version = changes.pop("page_version_id", None) or services.ensure_page_version(a_manifest())
    return View(
        journey_id=journey_id,
        type=changes.pop("type", EntryType.COMPARISON_SHOWN),
        page_version_id=version,
        page=page,
        actor=changes.pop("actor", VISITOR),
        **changes,
    )


def a_release(template: str = "<p>What is covered</p>", asked: NewRelease = REVIEWED) -> Release:
    """A release of one template, one style and one text. Commits."""
    files = {name: each.encode() for name, each in (("t", template), ("a", "p { color: black }"), ("w", "A notice"))}
    hashes = {name: sha256_hex(data) for name, data in files.items()}
    content = ReleaseContent(
        {"base/page.html": hashes["t"]}, {"css/site.css": hashes["a"]}, {"recording_notice.en": hashes["w"]}
    )
    released = services.release_pages(ORIGIN, content, files.values(), asked)
    db.session.commit()
    return released


@contextmanager
def altering(table: str) -> Iterator[Connection]:
    """The hand of whoever owns the database: nothing refuses what is done to the table, which is committed."""
    with every_row() as owner:
        owner.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield owner
        owner.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
        owner.commit()


def as_of_before(release: Release) -> None:
    """As if it had been released before releases were entered in the log."""
    for table, change in {
        "traceability_release": "UPDATE traceability_release SET entry_id = NULL WHERE entry_id = :id",
        "traceability_evidence_intake": "DELETE FROM traceability_evidence_intake WHERE id = :id",
    }.items():
        with altering(table) as owner:
            owner.execute(text(change), {"id": release.entry_id})


def a_released_manifest(release: Release, **changes: Any) -> PageManifest:
    """Of a page of that release, about two documents that are in the store."""
    content = release.content
    papers = {"documents": (storage.put(b"clauses"), storage.put(b"summary"))}
    wordings = {"recording_notice": content.wordings["recording_notice.en"]}
    parts = {"templates": content.templates, "assets": content.assets, "wordings": wordings} | papers
    return a_manifest(**(parts | changes))

"""Pages are released by two persons, kept before they are shown, and found by the day on which they were online."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.traceability import queries, services
from marketplace.traceability.rules.rotation import journey_of_log
from marketplace.traceability.services import releasing
from marketplace.traceability.values import (
    SYSTEM,
    EntryType,
    PagesNotReleased,
    PageVersionNotFound,
    ReleaseContent,
    ReviewerNeeded,
    TrailUnavailable,
)
from tests.everything import every_row
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.traceability import REVIEWED, a_manifest, a_release, a_released_manifest, as_of_before

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
PAGE, LOCALE = "storefront.comparison", "en"


def releases() -> list[int]:
    return [release.number for release in queries.releases()]


@pytest.mark.requirement("T26-34", "T26-35")
def test_the_same_content_is_the_same_release_and_one_changed_word_another(frozen_clock):
    first = a_release()
    again = a_release(asked=replace(REVIEWED, build="build 2", reason="Deployed once more."))
    assert again == first, "a redeploy without change"
    second = a_release("<p>What is insured</p>")
    third = a_release()
    assert [each.number for each in (first, second, third)] == [1, 2, 3]
    assert third.content == first.content, "older content is released under a number of its own"
    assert queries.releases() == (third, second, first)
    assert (first.author, first.reviewer, first.reason) == ("Anna Li", "Tom Weber", REVIEWED.reason)
    assert (first.build, first.released_at) == ("build 1", frozen_clock)
    assert queries.release_of(first.content) == third


@pytest.mark.requirement("T26-36", "T26-41")
def test_who_released_what_is_an_entry_of_the_log(server, tmp_path):
    first, again, second = a_release(), a_release(), a_release("<p>What is insured</p>")
    keys = a_key_folder(tmp_path / "log")
    integrate(server, keys)
    entries = queries.journey_entries(journey_of_log(ORIGIN))
    assert [(each.type, each.log_index, each.actor) for each in entries] == [
        (EntryType.PAGES_RELEASED, 0, SYSTEM),
        (EntryType.PAGES_RELEASED, 1, SYSTEM),
    ]
    assert [each.id for each in entries] == [first.entry_id, second.entry_id]
    assert again == first, "nothing is entered where nothing is released"
    assert entries[0].body == {
        "number": 1,
        "content_sha256": first.content.id,
        "author": "Anna Li",
        "reviewer": "Tom Weber",
        "reason": REVIEWED.reason,
        "build": "build 1",
    }
    services.put_online(a_released_manifest(second), second.number)
    assert [each.log_index for each in queries.pages_ever_online(9)] == [1]


def test_what_was_released_before_releases_were_entered_is_released_again():
    old = a_release()
    as_of_before(old)
    new = a_release()
    assert (new.number, new.content) == (2, old.content)
    assert new.entry_id is not None
    assert a_release() == new


def test_a_page_whose_release_was_not_entered_comes_online_again_by_one_that_was(frozen_clock):
    old = a_release()
    manifest = a_released_manifest(old)
    services.put_online(manifest, old.number)
    as_of_before(old)
    new = a_release()
    with clock.frozen(frozen_clock + DAY):
        for release in (new, new, old):
            assert services.put_online(manifest, release.number).version_id == manifest.id
    newer, older = queries.pages_ever_online(9)
    assert (newer.release, older.release.number) == (new, old.number)
    assert (older.until, newer.since) == (frozen_clock + DAY, frozen_clock + DAY)
    assert newer.version == older.version


@pytest.mark.requirement("T26-36")
def test_where_it_cannot_be_entered_nothing_is_released(monkeypatch):
    def refuse(*_what):
        raise TrailUnavailable

    monkeypatch.setattr(releasing, "record_of_log", refuse)
    with pytest.raises(TrailUnavailable):
        a_release()
    db.session.rollback()
    assert releases() == []


@pytest.mark.requirement("T26-36")
@pytest.mark.parametrize("reviewer", ["Anna Li", " anna li "])
def test_nobody_releases_their_own_pages(reviewer):
    with pytest.raises(ReviewerNeeded):
        a_release(asked=replace(REVIEWED, reviewer=reviewer))
    db.session.rollback()
    assert releases() == []
    assert queries.journey_entries(journey_of_log(ORIGIN)) == ()


@pytest.mark.requirement("T26-36")
def test_a_release_names_who_and_why():
    with pytest.raises(Invalid) as refused:
        a_release(asked=replace(REVIEWED, reviewer=" ", reason=""))
    assert refused.value.fields == {"reviewer": "missing", "reason": "missing"}
    assert releases() == []


@pytest.mark.requirement("T26-33")
def test_what_is_not_in_the_store_is_not_released():
    content = ReleaseContent({"base/page.html": sha256_hex(b"never stored")}, {}, {})
    with pytest.raises(PagesNotReleased):
        services.release_pages(ORIGIN, content, [b"something else"], REVIEWED)
    db.session.rollback()
    assert releases() == []


@pytest.mark.requirement("T26-34")
@pytest.mark.parametrize("table", ["traceability_release", "traceability_page_version", "traceability_page_online"])
@pytest.mark.parametrize("change", ["UPDATE {} SET number = number", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_nobody_changes_what_was_released_and_online_the_owner_of_the_tables_included(table, change):
    released = a_release()
    services.put_online(a_released_manifest(released), released.number)
    db.session.rollback()
    with every_row() as owner, pytest.raises(DBAPIError) as refused:
        owner.execute(text(change.format(table)))
    assert isinstance(refused.value.orig, InsufficientPrivilege)
    assert releases() == [1]
    assert queries.count_online() == 1


@pytest.mark.requirement("T26-34", "T26-37")
def test_the_version_of_any_instant_is_found_without_gap_or_overlap(frozen_clock):
    texts = ("first", "second", "first")
    shown = []
    for number, words in enumerate(texts):
        with clock.frozen(frozen_clock + number * DAY):
            release = a_release(words)
            manifest = a_released_manifest(release)
            shown.append(services.put_online(manifest, release.number).version_id)
            services.put_online(manifest, release.number)
    assert shown[0] == shown[2] != shown[1]
    begun = [frozen_clock + number * DAY for number in range(3)]
    found = queries.pages_online((), begun[0], begun[2] + DAY)
    assert [(each.version.id, each.since, each.until) for each in found] == [
        (shown[0], begun[0], begun[1]),
        (shown[1], begun[1], begun[2]),
        (shown[2], begun[2], None),
    ]
    assert [each.version.number for each in found] == [1, 2, 1], "released again, it is the version it was"
    assert [each.release.number for each in found] == [1, 2, 3]
    instant = timedelta(microseconds=1)
    expected = [
        (begun[0], 1), (begun[1] - instant, 1), (begun[1], 2), (begun[2] - instant, 2), (begun[2], 3),
        (begun[2] + 900 * DAY, 3),
    ]  # fmt: skip
    assert [queries.page_version_at(PAGE, LOCALE, None, at).release.number for at, _ in expected] == [
        number for _, number in expected
    ]
    with pytest.raises(PageVersionNotFound):
        queries.page_version_at(PAGE, LOCALE, None, begun[0] - instant)
    assert [each.version.id for each in queries.pages_online((), begun[1], begun[1] + instant)] == [shown[1]]
    assert queries.pages_ever_online(10) == tuple(reversed(found))
    assert queries.history_of(shown)[shown[0]] == found[0]


@pytest.mark.requirement("T26-37")
def test_an_old_process_beside_a_new_one_notes_nothing(frozen_clock):
    old = a_release("old")
    before = a_released_manifest(old)
    services.put_online(before, old.number)
    new = a_release("new")
    after = a_released_manifest(new)
    services.put_online(after, new.number)
    assert services.put_online(before, old.number).version_id == before.id, "it still says which version it shows"
    services.put_online(after, new.number)
    assert [each.version.id for each in queries.pages_online((), frozen_clock, frozen_clock + DAY)] == [after.id]
    assert queries.count_online() == 2
    again = a_release("old")
    services.put_online(before, again.number)
    services.put_online(after, new.number)
    assert queries.pages_ever_online(1)[0].version.id == before.id
    assert queries.count_online() == 3


@pytest.mark.requirement("T26-37")
def test_a_clock_that_is_behind_gives_no_interval_that_ends_before_it_began(frozen_clock):
    first, second = a_release("first"), a_release("second")
    services.put_online(a_released_manifest(first), first.number)
    with clock.frozen(frozen_clock - DAY):
        services.put_online(a_released_manifest(second), second.number)
    (newer, older) = queries.pages_ever_online(9)
    assert (newer.since, newer.until) == (frozen_clock, None)
    assert (older.since, older.until) == (frozen_clock, frozen_clock)
    assert queries.page_version_at(PAGE, LOCALE, None, frozen_clock).release == second


@pytest.mark.requirement("T26-34", "T26-37")
def test_each_language_product_and_document_has_versions_of_its_own():
    release = a_release()
    mine, other = uuid4(), uuid4()
    clauses, summary = storage.put(b"clauses"), storage.put(b"summary")
    wanted = (
        a_released_manifest(release),
        a_released_manifest(release, locale="zh_Hans_CN"),
        a_released_manifest(release, product_version_id=mine),
        a_released_manifest(release, product_version_id=other),
        *(a_released_manifest(release, page="product.document", documents=(each,)) for each in (clauses, summary)),
    )
    for manifest in wanted:
        services.put_online(manifest, release.number)
    now = clock.business_now()
    assert len(queries.pages_online((), now, now + DAY)) == 4
    assert [each.version.product_version_id for each in queries.pages_online({mine}, now, now + DAY)].count(mine) == 1
    assert {queries.page_version(manifest.id).number for manifest in wanted} == {1}
    found = queries.page_version_at("product.document", LOCALE, None, now, document=summary)
    assert found.version.manifest["documents"] == [summary]


@pytest.mark.requirement("T26-33", "T26-34")
def test_a_page_whose_documents_are_not_in_the_store_does_not_go_online():
    release = a_release()
    manifest = a_released_manifest(release, documents=(sha256_hex(b"never stored"),))
    with pytest.raises(PagesNotReleased):
        services.put_online(manifest, release.number)
    assert queries.count_online() == 0
    with pytest.raises(PageVersionNotFound):
        queries.page_version(manifest.id)


def test_what_pages_are_made_of_is_used_and_stays_in_the_store():
    release = a_release()
    assert queries.files_used(release.content.files | {"0" * 64}) == release.content.files


def test_what_a_form_stood_on_is_told_with_what_is_online():
    old, new = a_release("old"), a_release("new")
    before, after = a_released_manifest(old), a_released_manifest(new)
    services.put_online(before, old.number)
    services.put_online(after, new.number)
    seen = queries.seen(before.id)
    assert seen is not None
    assert (seen.manifest, seen.online_id, seen.online_release) == (before.to_json(), after.id, new.number)
    unreleased = services.ensure_page_version(a_manifest("policy.policy"))
    seen = queries.seen(unreleased)
    assert seen is not None
    assert (seen.online_id, seen.online_release) == (None, None)
    assert queries.seen("0" * 64) is None

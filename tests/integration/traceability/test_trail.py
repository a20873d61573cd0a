"""What is recorded, when, by whom, and what happens when it cannot be (T26-06, T26-31, T26-33, T26-38)."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, pool, text

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import digest, sha256_hex
from marketplace.traceability import queries, services
from marketplace.traceability.services import apart
from marketplace.traceability.values import (
    OUTLIVES_ERASURE,
    SYSTEM,
    Actor,
    ActorRole,
    Channel,
    EntryNotFound,
    EntryType,
    JourneyNotFound,
    PageVersionNotFound,
    TrailUnavailable,
)
from tests.factories.traceability import a_journey, a_manifest, a_view, an_act

pytestmark = pytest.mark.usefixtures("database")

PAGE = "<!doctype html><title>比较</title>".encode()


@pytest.fixture
def stuck_trail(app):
    """The site may no longer write evidence; given back afterwards."""
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    tables = "traceability_evidence_intake, traceability_journey, traceability_page_version"
    with owner.begin() as connection:
        connection.execute(text(f"REVOKE INSERT ON {tables} FROM marketplace_app"))
    yield
    with owner.begin() as connection:
        connection.execute(text(f"GRANT INSERT ON {tables} TO marketplace_app"))


def test_a_journey_keeps_where_it_came_from(frozen_clock):
    clock.set_business_offset(timedelta(days=-30))
    journey = queries.journey(services.start_journey(Channel.SELF, {"campaign": "autumn", "terms": ["意外险"]}))

    assert journey.reference.startswith("J-")
    assert journey.channel is Channel.SELF
    assert journey.attribution == {"campaign": "autumn", "terms": ["意外险"]}
    assert journey.started_at == frozen_clock
    assert journey.business_started_at == frozen_clock - timedelta(days=30)


def test_a_journey_survives_the_request_that_failed():
    journey_id = a_journey()
    db.session.rollback()
    assert queries.journey(journey_id).id == journey_id


def test_what_was_never_recorded_is_not_found():
    assert queries.journey_entries(uuid4()) == ()
    with pytest.raises(JourneyNotFound):
        queries.journey(uuid4())
    with pytest.raises(EntryNotFound):
        queries.entry(uuid4())
    with pytest.raises(PageVersionNotFound):
        queries.page_version("0" * 64)


@pytest.mark.requirement("T26-31")
def test_an_act_carries_both_times_its_actor_its_page_and_its_digest(frozen_clock):
    clock.set_business_offset(timedelta(hours=-5))
    journey_id, application_id, insurer_id, account_id = a_journey(), uuid4(), uuid4(), uuid4()
    version = services.ensure_page_version(a_manifest())
    body = {"question": "smoker", "answer": "no", "times": 1, "of": application_id}

    entry_id = services.record_act(
        an_act(
            journey_id,
            EntryType.ANSWER_GIVEN,
            body=body,
            actor=Actor(ActorRole.CUSTOMER, account_id, "customer"),
            application_id=application_id,
            insurer_id=insurer_id,
            page_version_id=version,
        )
    )
    db.session.commit()

    (entry,) = queries.journey_entries(journey_id)
    assert entry == queries.entry(entry_id)
    assert entry.type is EntryType.ANSWER_GIVEN
    assert entry.actor == Actor(ActorRole.CUSTOMER, account_id, "customer")
    assert (entry.application_id, entry.insurer_id, entry.page_version_id) == (application_id, insurer_id, version)
    assert entry.recorded_at == frozen_clock
    assert entry.business_at == frozen_clock - timedelta(hours=5)
    assert entry.body == {"question": "smoker", "answer": "no", "times": 1, "of": str(application_id)}
    envelope = queries.envelopes_of_journey(journey_id)[entry_id]
    assert len(envelope.salt) == 16
    assert entry.body_sha256 == sha256_hex(envelope.salt + envelope.data)
    assert json.loads(envelope.data) == {
        "actor": {"account_id": str(account_id), "label": "customer", "role": "customer"},
        "application_id": str(application_id),
        "body": entry.body,
        "business_at": entry.business_at.isoformat(),
        "entry_id": str(entry_id),
        "insurer_id": str(insurer_id),
    }
    assert entry.page_sha256 is None


@pytest.mark.asvs("2.3.3")
def test_an_act_is_kept_or_dropped_with_its_business():
    journey_id = a_journey()
    services.record_act(an_act(journey_id, EntryType.APPLICATION_SUBMITTED))
    assert queries.journey_entries(journey_id) == (), "not before the business is committed"

    db.session.rollback()
    assert queries.journey_entries(journey_id) == ()

    services.record_act(an_act(journey_id, EntryType.APPLICATION_SUBMITTED))
    db.session.commit()
    assert [entry.type for entry in queries.journey_entries(journey_id)] == [EntryType.APPLICATION_SUBMITTED]


@pytest.mark.requirement("T26-38", "T26-42")
def test_a_page_is_kept_byte_for_byte_whatever_becomes_of_the_request():
    journey_id = a_journey()
    entry_id = services.record_view(a_view(journey_id, PAGE, body={"rows": 5}))
    db.session.rollback()

    (entry,) = queries.journey_entries(journey_id)
    assert (entry.id, entry.type, entry.body) == (entry_id, EntryType.COMPARISON_SHOWN, {"rows": 5})
    assert entry.page_version_id == a_manifest().id
    assert entry.page_sha256 == sha256_hex(PAGE)
    assert queries.page_bytes(entry_id) == PAGE


def test_an_act_shows_no_page():
    entry_id = services.record_act(an_act(a_journey()))
    db.session.commit()
    with pytest.raises(EntryNotFound):
        queries.page_bytes(entry_id)


def test_entries_stand_in_the_order_of_recording_and_by_application(frozen_clock):
    journey_id, application_id = a_journey(), uuid4()
    words = [EntryType.ENTRY_ACKNOWLEDGED, EntryType.EMAIL_VERIFIED, EntryType.ANSWER_GIVEN]
    for seconds in (2, 0, 1):
        with clock.frozen(frozen_clock + timedelta(seconds=seconds)):
            of = application_id if seconds else None
            services.record_act(an_act(journey_id, words[seconds], application_id=of))
    services.record_act(an_act(a_journey(), EntryType.ANSWER_GIVEN, application_id=uuid4()))
    db.session.commit()

    assert [entry.type for entry in queries.journey_entries(journey_id)] == words
    assert [entry.type for entry in queries.entries_of_application(application_id)] == words[1:]


def test_a_body_with_a_float_is_no_evidence():
    with pytest.raises(TypeError):
        services.record_act(an_act(a_journey(), body={"premium": 12.5}))


@pytest.mark.requirement("T26-35")
def test_a_page_version_is_kept_at_its_first_use_and_stays_the_same(frozen_clock):
    first = services.ensure_page_version(a_manifest())
    with clock.frozen(frozen_clock + timedelta(days=400)):
        assert services.ensure_page_version(a_manifest()) == first
        second = services.ensure_page_version(a_manifest(assets={"css/site.css": sha256_hex(b"new")}))
    db.session.rollback()

    version = queries.page_version(first)
    assert version.first_served_at == frozen_clock
    assert (version.page, version.locale, version.product_version_id) == ("storefront.comparison", "en", None)
    assert version.manifest == a_manifest().to_json()
    assert digest(version.manifest) == first
    assert queries.page_version(second).first_served_at == frozen_clock + timedelta(days=400)


@pytest.mark.requirement("T26-33")
@pytest.mark.usefixtures("stuck_trail")
def test_without_a_trail_no_journey_begins_and_no_page_version_is_served():
    with pytest.raises(TrailUnavailable):
        a_journey()
    with pytest.raises(TrailUnavailable):
        services.ensure_page_version(a_manifest())


@pytest.mark.requirement("T26-33")
def test_without_a_trail_neither_page_nor_act_goes_on(request):
    journey_id = a_journey()
    view = a_view(journey_id)
    request.getfixturevalue("stuck_trail")

    with pytest.raises(TrailUnavailable):
        services.record_view(view)
    with pytest.raises(TrailUnavailable):
        services.record_act(an_act(journey_id))
    db.session.rollback()
    assert queries.journey_entries(journey_id) == ()


@pytest.mark.asvs("13.1.3")
@pytest.mark.requirement("T26-33")
def test_a_locked_trail_refuses_the_page_instead_of_hanging_it(app, monkeypatch):
    monkeypatch.setattr(apart, "PATIENCE", "50ms")
    view = a_view(a_journey())
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.execute(text("LOCK TABLE traceability_evidence_intake IN EXCLUSIVE MODE"))
        with pytest.raises(TrailUnavailable):
            services.record_view(view)


def test_an_entry_belongs_to_a_journey_that_exists():
    view = a_view(a_journey())
    with pytest.raises(TrailUnavailable):
        services.record_act(an_act(uuid4()))
    db.session.rollback()
    with pytest.raises(TrailUnavailable):
        services.record_view(a_view(uuid4(), page_version_id=view.page_version_id))


@pytest.fixture
def erased_journey():
    journey_id = a_journey()
    services.record_act(an_act(journey_id, body={"word": "said before"}))
    vault.destroy(journey_id)
    db.session.commit()
    return journey_id


@pytest.mark.parametrize("kind", sorted(OUTLIVES_ERASURE))
def test_what_happens_without_the_customer_is_entered_after_an_erasure_too(erased_journey, kind):
    body = {"amount": 128_400, "currency": "CNY"}
    services.record_act(an_act(erased_journey, kind, body=body, actor=SYSTEM))
    db.session.commit()
    before, after = queries.journey_entries(erased_journey)
    assert (before.body, after.body) == ({}, {}), "neither can be read"
    assert (after.type, after.actor) == (kind, SYSTEM)
    assert after.recorded_at > before.recorded_at
    assert after.body_sha256 not in {before.body_sha256, digest(body)}, "and nobody can guess of what"


def test_nothing_else_happens_in_an_erased_journey(erased_journey):
    for kind in sorted(set(EntryType) - OUTLIVES_ERASURE):
        with pytest.raises(vault.DataDestroyed):
            services.record_act(an_act(erased_journey, kind))
    with pytest.raises(vault.DataDestroyed):
        services.record_view(a_view(erased_journey, PAGE))
    db.session.commit()
    assert len(queries.journey_entries(erased_journey)) == 1


def test_journeys_come_in_batches_the_oldest_first(frozen_clock):
    begun = []
    for days in (3, 1, 2, 2):
        with clock.frozen(frozen_clock - timedelta(days=days)):
            begun.append((-days, a_journey()))
    expected = [journey_id for _, journey_id in sorted(begun)]
    found, latest = [], None
    while batch := queries.idle_journeys(frozen_clock, 1, latest):
        found += batch
        latest = batch[-1]
    assert found == expected
    assert queries.idle_journeys(frozen_clock, 10) == tuple(expected)

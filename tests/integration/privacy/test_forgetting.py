"""The daily forgetting: who stayed away for a year is forgotten, contracts are not, and every run leaves its count."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import SecurityEventFilter, SecurityEventType
from marketplace.application import queries as applications
from marketplace.application.values import State, Step
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence import services as mails
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.privacy import queries, services
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_view
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.application import an_application
from tests.factories.checkout import an_offer_of
from tests.factories.correspondence import a_message
from tests.factories.traceability import a_view

YEAR = timedelta(days=366)


@contextmanager
def after(time: timedelta) -> Iterator[None]:
    """Both clocks this much later."""
    with clock.frozen(clock.now() + time):
        yield


@pytest.mark.asvs("14.2.7")
@pytest.mark.requirement("T26-30")
def test_an_application_left_alone_for_a_year_is_forgotten(database: None, frozen_clock: datetime) -> None:
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS)
    db.session.commit()
    with after(YEAR - timedelta(days=2)):
        assert services.forget().counts["journeys"] == 0
    with after(YEAR):
        assert services.forget().counts | {"mails": 0} == {
            "journeys": 1, "applications": 1, "mails": 0, "copies": 0, "requests_pressing": 0, "contracts_due": 0,
        }  # fmt: skip
        db.session.commit()
        assert services.forget().counts["journeys"] == 0, "once"
        db.session.commit()
    kept = applications.application(told.id)
    assert (kept.people, kept.answers, kept.email, kept.state) == (None, {}, None, State.LAPSED)
    assert kept.reference == told.reference
    kept_entries = trail.journey_entries(told.journey_id)
    types = [entry.type for entry in kept_entries]
    assert types.count(EntryType.DATA_ERASED) == 2, "the application's and the journey's"
    assert EntryType.FIELD_ENTERED in types, "that it happened stays"
    assert {str(entry.body) for entry in kept_entries} == {"{}"}, "what was said does not"
    assert all(entry.body_sha256 for entry in kept_entries)
    assert proofs() == [("application", "retention"), ("journey", "retention")]
    events = accounts.security_events(SecurityEventFilter(type=SecurityEventType.DATA_ERASED)).events
    assert len(events) == 2
    assert sorted(run.counts["journeys"] for run in queries.latest_runs()) == [0, 0, 1], "each run left its count"
    assert "oversight.note_erased" in drain("oversight"), "the sales log forgets the address too"


def proofs() -> list[tuple[str, str]]:
    rows = db.session.execute(text("SELECT subject, reason FROM privacy_erasure ORDER BY erased_at, subject"))
    return [(row.subject, row.reason) for row in rows]


def test_a_visit_in_between_keeps_it(database: None, frozen_clock: datetime) -> None:
    by, told = an_application(an_offer_of(), upto=Step.PEOPLE)
    db.session.commit()
    with after(timedelta(days=300)):
        look_again(by.journey_id)
    with after(YEAR):
        assert services.forget().counts["journeys"] == 0
    assert applications.application(told.id).email is not None


def look_again(journey_id: UUID) -> None:
    """The person looks at a page again."""
    record_view(a_view(journey_id))


@pytest.mark.asvs("14.2.7")
def test_the_words_of_old_mails_are_forgotten(database: None, frozen_clock: datetime) -> None:
    mails.queue(a_message(recipient="li.na@example.com"))
    drain("correspondence")
    with after(YEAR):
        mails.queue(a_message(recipient="new@example.com"))
        assert services.forget().counts["mails"] == 1
        db.session.commit()
        assert correspondence.inbox(recipient="li.na@example.com") == ()
        assert [mail.recipient for mail in correspondence.inbox()] == ["new@example.com", ""]
        assert services.forget().counts["mails"] == 0


def test_the_business_clock_decides_about_visits(database: None, frozen_clock: datetime) -> None:
    an_application(an_offer_of(), upto=Step.PEOPLE)
    db.session.commit()
    business_clock.move_to_offset(YEAR)
    assert services.forget().counts["journeys"] == 1


@pytest.mark.parametrize("table", ["privacy_erasure", "privacy_run"])
@pytest.mark.parametrize("act", ["DELETE FROM {}", "UPDATE {} SET id = id"])
@pytest.mark.asvs("16.4.2")
def test_the_site_cannot_take_back_what_it_noted(database: None, table: str, act: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        db.session.execute(text(act.format(table)))

"""How fast insurers answer: a clock for each question, and what is measured of them (N108-01)."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.accounts.values import Account, Insurer
from marketplace.consultation import queries, services
from marketplace.consultation.rules import clocks
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.quoting.values import OfferView
from tests.factories.accounts import a_customer, an_insurer
from tests.factories.consultation import NINETY, a_practitioner, a_question
from tests.factories.quoting import an_offer, publish

MONDAY_NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # twelve o'clock in Shanghai


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer()


@pytest.fixture
def offer(insurer: Insurer) -> OfferView:
    publish(insurer)
    return an_offer()


def answered_after(offer: OfferView, staff: Account, customer: Account, waited: timedelta) -> None:
    thread = a_question(offer, customer)
    since = clock.business_now() - clock.now()
    business_clock.move_to_offset(since + waited)
    services.answer_question(thread.id, staff, NINETY)
    business_clock.move_to_offset(since)


def test_nothing_is_known_of_an_insurer_nobody_asked(insurer: Insurer) -> None:
    known = queries.measured(insurer.id)
    assert (known.answered, known.median, known.most, known.rate) == (0, None, None, None)
    assert queries.measured_of_all() == {}


@pytest.mark.requirement("N108-01")
def test_median_slowest_and_share_in_time_are_measured(
    insurer: Insurer, offer: OfferView, caplog: pytest.LogCaptureFixture
) -> None:
    staff, customer = a_practitioner(insurer), a_customer()
    with clock.frozen(MONDAY_NOON):
        for hours in (1, 2, 3, 30):
            answered_after(offer, staff, customer, timedelta(hours=hours))
        known = queries.measured(insurer.id)
        assert known.answered == 4
        assert known.median == 2.5 * 3600
        assert known.most == pytest.approx(30 * 3600, rel=0.2)
        assert (known.in_time, known.due, known.rate) == (3, 4, 0.75)
        with caplog.at_level(logging.ERROR):
            assert services.watch() == 0, "four questions say nothing"
        for _ in range(16):
            answered_after(offer, staff, customer, timedelta(hours=1))
        assert services.watch() == 0, "19 of 20 is 95 per cent"
        answered_after(offer, staff, customer, timedelta(hours=30))
        with caplog.at_level(logging.ERROR):
            assert services.watch() == 1
        assert f"ALARM insurer {insurer.id} answered 19 of 21 questions in time" in caplog.messages


def test_what_is_older_than_thirty_days_counts_no_more(insurer: Insurer, offer: OfferView) -> None:
    staff = a_practitioner(insurer)
    with clock.frozen(MONDAY_NOON):
        answered_after(offer, staff, a_customer(), timedelta(hours=1))
        business_clock.move_to_offset(timedelta(days=31))
        assert queries.measured(insurer.id).answered == 0


def test_what_waits_too_long_rings_and_counts_against_the_insurer(
    insurer: Insurer, offer: OfferView, caplog: pytest.LogCaptureFixture
) -> None:
    with clock.frozen(MONDAY_NOON):
        thread = a_question(offer)
        assert thread.due_at == MONDAY_NOON + timedelta(hours=4)
        assert services.watch() == 0
        business_clock.move_to_offset(timedelta(hours=4))
        with caplog.at_level(logging.ERROR):
            assert services.watch() == 1
        assert any(f"ALARM question {thread.reference}" in each for each in caplog.messages)
        known = queries.measured(insurer.id)
        assert (known.waiting, known.overdue, known.rate) == (1, 1, 0.0)
        services.answer_question(thread.id, a_practitioner(insurer), NINETY)
        assert services.watch() == 0
        assert queries.measured(insurer.id).rate == 0.0


def test_a_question_before_a_holiday_is_due_after_it(offer: OfferView) -> None:
    """China's National Day of 2026 is 1 to 7 October; 10 October is a make-up day."""
    with clock.frozen(datetime(2026, 9, 30, 8, 0, tzinfo=UTC)):  # four in the afternoon
        thread = a_question(offer)
    assert thread.due_at == datetime(2026, 10, 8, 4, 0, tzinfo=UTC), "an hour of the 30th, three of the 8th"
    assert timedelta(hours=4) == clocks.TARGET
    db.session.rollback()

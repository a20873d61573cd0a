"""The clock of two working days from the contract to its mail: who is late rings, and is asked after until it left."""

import logging
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import event, select, text

from marketplace.checkout import queries as orders
from marketplace.checkout import services
from marketplace.checkout.models import DeliveryRow
from marketplace.correspondence import queries as messages
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import ReportOutcome
from marketplace.infra import mail, working_days
from marketplace.infra.db import db
from marketplace.infra.mail import MailUnavailable
from marketplace.kernel import clock
from marketplace.oversight.queries import disagreements
from marketplace.policy import queries as policies
from marketplace.policy import services as policies_of
from tests.deferred_jobs import drain, hasten
from tests.factories.accounts import an_insurer
from tests.factories.correspondence import a_message
from tests.factories.delivery_reports import a_report
from tests.factories.policy import a_contract

FRIDAY = datetime(2026, 11, 27, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
DUE = datetime(2026, 12, 2, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai"))  # with the end of Tuesday
UNPUNCTUAL = "the policy was not mailed within two working days"


class Post:
    """A mail server that is down until somebody mends it."""

    keeps_copies = True

    def __init__(self) -> None:
        self.down = True
        self.taken: list[tuple[str, str, bytes]] = []

    def deliver(self, eml: bytes, *, sender: str, recipient: str) -> None:
        if self.down:
            raise MailUnavailable("down")
        self.taken.append((sender, recipient, eml))


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    transport = Post()
    monkeypatch.setattr(mail, "_post", None)
    mail.configure(transport, "Evenfold <service@evenfold.example>")
    return transport


@pytest.fixture
def policy_id(database: None, post: Post) -> UUID:
    """Concluded on a Friday, its mail written, and no mail server there."""
    with clock.frozen(FRIDAY):
        policy = policies_of.issue(a_contract())
        services.start_clock(policy)
        db.session.commit()
        assert (row(policy.id).due_at, row(policy.id).presumed) == (FRIDAY + timedelta(days=2), True)
        correspondence.queue(a_message(subject_key=str(policy.id)))
        drain("correspondence", "checkout")
    return policy.id


def late() -> list[tuple[str, str]]:
    """What the hourly question finds of mails; that nothing was paid for is not asked here."""
    return [found for found in disagreements() if "mailed" in found[1]]


def watched(at: datetime) -> int:
    with clock.frozen(at):
        rung = services.watch_deliveries()
    db.session.commit()
    return rung


def row(policy_id: UUID) -> DeliveryRow:
    db.session.rollback()
    return db.session.scalars(select(DeliveryRow).where(DeliveryRow.policy_id == policy_id)).one()


@pytest.mark.requirement("N108-03")
def test_a_policy_that_does_not_leave_rings_at_half_of_its_time_and_at_its_end(
    policy_id: UUID, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    clock_of = row(policy_id)
    assert (clock_of.due_at, clock_of.presumed, clock_of.mailed_at) == (DUE, False, None)
    assert clock_of.warn_at == FRIDAY + (DUE - FRIDAY) / 2
    number = policies.policy(policy_id).number
    assert watched(clock_of.warn_at - timedelta(seconds=1)) == 0
    assert "ALARM policy" not in caplog.text
    assert watched(clock_of.warn_at) == 1
    assert f"ALARM policy {number} is not mailed, and half of its time is over" in caplog.text
    assert watched(DUE - timedelta(seconds=1)) == 0, "it rang for that"
    assert late() == []
    assert watched(DUE) == 1
    assert f"ALARM policy {number} was not mailed in time" in caplog.text
    assert watched(DUE + timedelta(hours=1)) == 0
    assert late() == [(number, UNPUNCTUAL)], "asked after every hour"
    post.down = False
    hasten("correspondence.send_message")
    drain("correspondence", "checkout")
    assert row(policy_id).mailed_at is not None
    assert late() == []


@pytest.mark.requirement("N108-03")
def test_a_policy_that_left_in_time_is_never_asked_after(policy_id: UUID, post: Post, caplog) -> None:
    post.down = False
    hasten("correspondence.send_message")
    with clock.frozen(FRIDAY + timedelta(hours=1)):
        drain("correspondence", "checkout")
    assert row(policy_id).mailed_at == FRIDAY + timedelta(hours=1)
    assert watched(DUE + timedelta(days=30)) == 0
    assert "ALARM policy" not in caplog.text


def test_concluding_again_does_not_wind_the_clock_up_again(policy_id: UUID) -> None:
    with clock.frozen(FRIDAY + timedelta(days=1)):
        services.start_clock(policies.policy(policy_id))
        db.session.commit()
    assert row(policy_id).due_at == DUE


def test_a_contract_without_a_clock_is_found(policy_id: UUID) -> None:
    db.session.execute(text("DELETE FROM checkout_delivery"))
    db.session.commit()
    found = (policies.policy(policy_id).number, "nobody counts the time in which the policy is to be mailed")
    assert late() == [found]


def test_a_calendar_that_ends_rings_before_it_does(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setattr(working_days, "is_known", lambda year, zone: year < 2027 or zone != "Asia/Shanghai")
    with caplog.at_level(logging.ERROR), clock.frozen(datetime(2026, 12, 17, 12, 0, tzinfo=FRIDAY.tzinfo)):
        assert services.watch_calendars() == ()
    with caplog.at_level(logging.ERROR), clock.frozen(datetime(2026, 12, 18, 12, 0, tzinfo=FRIDAY.tzinfo)):
        assert services.watch_calendars() == ("Asia/Shanghai",)
    assert "ALARM the working days of 2027 in Asia/Shanghai are not known" in caplog.text


@pytest.mark.requirement("N108-03")
def test_a_policy_that_came_back_is_awaited_again_until_it_is_fetched(policy_id: UUID, post: Post) -> None:
    post.down = False
    hasten("correspondence.send_message")
    drain("correspondence", "checkout")
    (message,) = messages.inbox()
    assert row(policy_id).mailed_at is not None
    assert correspondence.take_report(a_report(f"<{message.id}@evenfold.example>")) is ReportOutcome.BOUNCED
    drain("checkout")
    assert row(policy_id).mailed_at is None
    assert watched(DUE) == 1
    number = policies.policy(policy_id).number
    assert late() == [(number, UNPUNCTUAL)]
    services.note_fetched(policy_id)
    db.session.commit()
    assert late() == []
    assert watched(DUE + timedelta(days=1)) == 0


def test_that_it_left_is_not_noted_of_a_mail_that_came_back_meanwhile(policy_id: UUID, post: Post) -> None:
    post.down = False
    hasten("correspondence.send_message")
    drain("correspondence")
    (message,) = messages.inbox()
    correspondence.take_report(a_report(f"<{message.id}@evenfold.example>"))
    drain("checkout")
    assert row(policy_id).mailed_at is None


def test_late_ones_are_told_with_their_mails_in_two_questions_however_many(policy_id: UUID, app: Flask) -> None:
    with clock.frozen(FRIDAY):
        others = [policies_of.issue(a_contract(an_insurer(code))).id for code in ("birch", "north")]
        for each in others:
            services.start_clock(policies.policy(each))
        correspondence.queue(a_message(subject_key=str(others[0])))
        db.session.commit()
    asked: list[str] = []
    with clock.frozen(DUE):
        orders.late_deliveries()  # keys are known, and everybody's clock is read
        event.listen(db.engine, "before_cursor_execute", note := lambda *said: asked.append(said[2]))
        found = orders.late_deliveries()
        event.remove(db.engine, "before_cursor_execute", note)
    assert {each.policy_id: each.message and each.message.subject_key for each in found} == {
        policy_id: str(policy_id), others[0]: str(others[0]), others[1]: None,
    }  # fmt: skip
    assert len(asked) == 2

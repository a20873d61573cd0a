"""Requests about one's data: taken, due in a month, answered once by mail and page, pressing after twenty days."""

import logging
from datetime import date, datetime, timedelta

import pytest

from marketplace.accounts.values import Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.kernel.ids import new_id
from marketplace.privacy import queries, services
from marketplace.privacy.values import Outcome, RequestAnswered, RequestKind, RequestNotFound
from tests.everything import every_row
from tests.factories.accounts import a_customer, a_member_of_staff
from tests.factories.evidence import acting

WRONG = "My date of birth is wrong.\nIt is 5 March 1992."


def test_a_request_is_due_in_a_month(database: None, frozen_clock: datetime) -> None:
    customer = a_customer()
    asked = services.ask_request(customer.id, RequestKind.CORRECTION, WRONG)
    assert (asked.words, asked.due_on, asked.answered_at) == (WRONG, date(2026, 12, 22), None)
    assert asked.reference.startswith("D-")
    assert queries.requests_of(customer.id) == (asked,)
    assert queries.requests_of(new_id()) == ()
    assert [(line.reference, line.pressing) for line in queries.queue()] == [(asked.reference, False)]


@pytest.mark.asvs("14.2.4")
def test_what_a_person_wrote_is_not_readable_in_the_table(database: None) -> None:
    services.ask_request(a_customer().id, RequestKind.OBJECTION, "unmistakable-words")
    db.session.commit()
    with every_row() as reader:
        row = reader.exec_driver_sql("SELECT encode(words, 'escape') || privacy_request::text FROM privacy_request")
        assert "unmistakable" not in row.scalar_one()


def test_an_answer_is_given_once_and_the_mail_does_not_say_it(database: None) -> None:
    customer, officer = a_customer("li.na@example.com"), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    asked = services.ask_request(customer.id, RequestKind.CORRECTION, WRONG)
    answered = services.answer_request(asked.id, acting(officer), Outcome.DONE, "It is corrected.")
    assert (answered.outcome, answered.answer) == (Outcome.DONE, "It is corrected.")
    with pytest.raises(RequestAnswered):
        services.answer_request(asked.id, acting(officer), Outcome.REFUSED, "No.")
    assert queries.request(asked.id).answer == "It is corrected."
    (mail,) = correspondence.inbox(recipient="li.na@example.com", limit=1)
    assert mail.kind == "data_request_answered"
    with pytest.raises(RequestNotFound):
        services.answer_request(new_id(), acting(officer), Outcome.DONE, "Nothing.")


def test_a_request_that_waits_for_twenty_days_raises_an_alarm(
    database: None, frozen_clock: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    asked = services.ask_request(a_customer().id, RequestKind.ACCESS, "Who saw it?")
    assert services.warn_of_pressing() == 0
    business_clock.move_to_offset(timedelta(days=20))
    with caplog.at_level(logging.ERROR):
        assert services.warn_of_pressing() == 1
    assert asked.reference in caplog.text
    assert "Who saw it" not in caplog.text
    assert [line.pressing for line in queries.queue()] == [True]

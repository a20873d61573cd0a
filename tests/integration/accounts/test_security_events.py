"""What happened at the doors is only ever added, by the site; told page by page; and never names a person's address."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.accounts import queries, services
from marketplace.accounts.values import (
    EventOutcome,
    NewSecurityEvent,
    SecurityEventFilter,
    SecurityEventsUnavailable,
    SecurityEventType,
)
from marketplace.infra.db import apart, db, reader
from marketplace.kernel import ids

SIGN_IN = NewSecurityEvent(SecurityEventType.SIGN_IN, source="192.0.2.7", endpoint="account.sign_in")
REFUSED = NewSecurityEvent(SecurityEventType.SIGN_IN, EventOutcome.REFUSED, source="192.0.2.7")


@pytest.mark.asvs("16.4.2")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_security_event SET outcome = 'done'",
        "DELETE FROM accounts_security_event",
        "TRUNCATE accounts_security_event",
        "SELECT count(*) FROM accounts_security_event",
    ],
)
def test_the_site_adds_and_does_nothing_else(database: None, statement: str) -> None:
    services.record_security_event_apart(REFUSED)
    with pytest.raises(ProgrammingError, match="permission denied"), apart() as connection:
        connection.execute(text(statement))
    assert [each.outcome for each in queries.security_events(SecurityEventFilter()).events] == [EventOutcome.REFUSED]


def test_what_was_done_is_kept_with_it_and_what_was_refused_whatever_happens(database: None) -> None:
    services.record_security_event(SIGN_IN)
    services.record_security_event_apart(REFUSED)
    db.session.rollback()
    assert [each.outcome for each in queries.security_events(SecurityEventFilter()).events] == [EventOutcome.REFUSED]
    services.record_security_event(SIGN_IN)
    db.session.commit()
    assert queries.security_events(SecurityEventFilter(outcome=EventOutcome.DONE)).total == 1


@pytest.mark.asvs("16.2.1", "16.2.5")
def test_an_event_says_who_what_when_where_and_not_from_which_address(database: None, frozen_clock: object) -> None:
    account_id, session_id = ids.new_id(), ids.new_id()
    for source in ("192.0.2.7", "192.0.2.7", "192.0.2.8"):
        services.record_security_event_apart(
            NewSecurityEvent(
                SecurityEventType.STAFF_ACT, account_id=account_id, actor="admin_owner", session_id=session_id,
                source=source, endpoint="desk.change", detail={"sale_id": "x"},
            )
        )  # fmt: skip
    first, *_ = found = queries.security_events(SecurityEventFilter(account_id=account_id)).events
    assert (first.at, first.type, first.outcome) == (frozen_clock, SecurityEventType.STAFF_ACT, EventOutcome.DONE)
    assert (first.account_id, first.session_id, first.actor) == (account_id, session_id, "admin_owner")
    assert (first.endpoint, first.detail) == ("desk.change", {"sale_id": "x"})
    assert sorted([each.source_hash for each in found].count(each.source_hash) for each in found) == [1, 2, 2]
    with reader() as connection:
        assert "192.0.2" not in str(connection.execute(text("SELECT * FROM accounts_security_event")).all())


def test_events_are_told_page_by_page_newest_first(database: None) -> None:
    for number in range(5):
        services.record_security_event_apart(NewSecurityEvent(SecurityEventType.SIGN_OUT, detail={"number": number}))
    pages = [queries.security_events(SecurityEventFilter(), page, size=2) for page in (1, 2, 3)]
    assert [[each.detail["number"] for each in page.events] for page in pages] == [[4, 3], [2, 1], [0]]
    assert (pages[0].total, pages[0].pages) == (5, 3)
    other = SecurityEventFilter(SecurityEventType.SIGN_IN)
    assert queries.security_events(other).events == ()


@pytest.mark.asvs("16.5.3")
def test_what_cannot_be_kept_does_not_happen(app: Flask, database: None) -> None:
    too_long = NewSecurityEvent(SecurityEventType.SIGN_IN, actor="x" * 41)
    with pytest.raises(SecurityEventsUnavailable):
        services.record_security_event(too_long)
    with pytest.raises(SecurityEventsUnavailable):
        services.record_security_event_apart(too_long)

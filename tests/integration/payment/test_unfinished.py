"""What waits for a person at the refund desk rings until somebody has done it."""

import logging
from datetime import timedelta

import pytest

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.oversight import services as oversight
from marketplace.payment import queries, services
from marketplace.payment.values import Attempt, RefundState
from tests.deferred_jobs import drain
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import a_share, a_waiting_wish, a_wish, an_open_attempt, at_the_refund_desk
from tests.simulator_server import SimulatorServer


@pytest.fixture
def sold(simulator: SimulatorServer) -> Attempt:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    services.book_premiums(attempt.id, [a_share(an_insurer("harbour"))])
    db.session.commit()
    return attempt


def rung(caplog: pytest.LogCaptureFixture, after: timedelta = timedelta()) -> list[str]:
    """What the hour says of the desk, so much later."""
    caplog.clear()
    with clock.frozen(clock.now() + after), caplog.at_level(logging.ERROR):
        oversight.check_books()
    return [line for line in caplog.messages if ": refund " in line]


def test_a_refund_that_did_not_arrive_rings_each_hour_until_it_did(
    simulator: SimulatorServer, sold: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    staff = a_member_of_staff(Role.ADMIN_FINANCE).id
    a_wish(sold.id, staff)
    simulator.switch(fail_next=[{"path": "/v1/refunds", "status": 400}])
    drain("payment")
    (refund,) = queries.refunds_for(sold.purpose, sold.subject_id)
    assert refund.state is RefundState.FAILED
    assert f"ALARM refund {refund.id} did not reach the customer" in caplog.text
    for _ in range(2):
        (line,) = rung(caplog)
        assert line.startswith(f"ALARM {sold.reference}: refund {refund.id} has not reached the customer since ")
    services.ask_again(refund.id, at_the_refund_desk(staff))
    drain("payment")
    assert rung(caplog) == []


def test_what_waits_for_a_second_person_rings_after_a_day_until_it_is_decided(
    sold: Attempt, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (a_member_of_staff(Role.ADMIN_FINANCE).id for _ in range(2))
    wish = a_waiting_wish(sold.id, one)
    db.session.commit()
    assert rung(caplog, timedelta(hours=23)) == []
    (line,) = rung(caplog, timedelta(hours=25))
    assert line.startswith(f"ALARM {sold.reference}: refund wish {wish.id} waits for a second person since ")
    services.refuse_wish(wish.id, "The contract goes on.", at_the_refund_desk(other))
    db.session.commit()
    assert rung(caplog, timedelta(hours=25)) == []

"""Above the limit two people agree, however it is cut (O13-43)."""

import threading
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.values import Attempt, RefundState, WishState
from tests.deferred_jobs import drain
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import a_share, a_wish, a_wish_to_pay, an_open_attempt, at_the_refund_desk
from tests.simulator_server import SimulatorServer

WHOLE, LIMIT = Money(1_000_000, "CNY"), Money(200_000, "CNY")


@pytest.fixture
def sold(simulator: SimulatorServer) -> Attempt:
    attempt, url = an_open_attempt(a_wish_to_pay(amount=WHOLE))
    simulator.pay(url)
    services.settle(attempt.id)
    services.book_premiums(attempt.id, [a_share(an_insurer("harbour"), WHOLE)])
    db.session.commit()
    return attempt


def of_the_payment(attempt: Attempt) -> list[int]:
    return [each.amount.minor for each in queries.refunds_for(attempt.purpose, attempt.subject_id)]


def test_in_slices_it_needs_a_second_person_too(simulator: SimulatorServer, sold: Attempt) -> None:
    assert services.limit_of("CNY") == LIMIT
    one = a_member_of_staff(Role.ADMIN_FINANCE).id
    states = [a_wish(sold.id, one, amount=LIMIT).state for _ in range(5)]
    assert states == [WishState.APPROVED, *[WishState.WAITING] * 4]
    drain("payment")
    assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [LIMIT.minor]


def test_what_two_agreed_to_takes_nothing_from_what_one_may_do_alone(sold: Attempt) -> None:
    one, other = (a_member_of_staff(Role.ADMIN_FINANCE).id for _ in range(2))
    wish = a_wish(sold.id, one, amount=LIMIT + LIMIT)
    assert services.approve_wish(wish.id, at_the_refund_desk(other)).state is RefundState.REQUESTED
    assert a_wish(sold.id, one, amount=LIMIT).state is WishState.APPROVED
    assert a_wish(sold.id, one, amount=Money(1, "CNY")).state is WishState.WAITING
    assert of_the_payment(sold) == [2 * LIMIT.minor, LIMIT.minor]


def test_what_went_back_of_another_payment_does_not_count(simulator: SimulatorServer, sold: Attempt) -> None:
    one = a_member_of_staff(Role.ADMIN_FINANCE).id
    other, url = an_open_attempt()
    simulator.pay(url)
    services.settle(other.id)
    services.book_premiums(other.id, [a_share(an_insurer("meadow"))])
    states = [a_wish(each.id, one, amount=Money(100_000, "CNY")).state for each in (sold, other)]
    assert states == [WishState.APPROVED] * 2


def test_slices_at_the_same_moment_are_counted_too(app: Flask, sold: Attempt) -> None:
    people = [a_member_of_staff(Role.ADMIN_FINANCE).id for _ in range(4)]
    db.session.commit()
    together, states = threading.Barrier(len(people)), []

    def click(who: UUID) -> None:
        with use_scope(Scope.all()), app.app_context():
            together.wait()
            states.append(a_wish(sold.id, who, amount=LIMIT).state)
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=click, args=(each,)) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == [WishState.APPROVED, *[WishState.WAITING] * 3]
    assert of_the_payment(sold) == [LIMIT.minor]

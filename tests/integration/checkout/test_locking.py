"""Two tabs of a customer, or a tab and a job, at the same moment: one waits for the other, nothing is torn down."""

import threading
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.checkout import queries, services
from marketplace.checkout.services import issuing, ordering
from marketplace.checkout.values import Order, OrderClosed, OrderState, PaymentUrls
from marketplace.infra.db import Scope, apart, db, use_scope
from marketplace.kernel.errors import MarketplaceError
from marketplace.payment.values import AlreadyPaid
from marketplace.policy import queries as policies
from tests.deferred_jobs import drain

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


class Together:
    """The first is held up in the middle, at `module.name`, until the second has begun and waits for a lock."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app, self.patch = app, monkeypatch
        self.outcomes: dict[str, object] = {}

    def run(self, held_up: tuple[object, str], first: Callable[[], object], second: Callable[[], object]) -> None:
        reached, module, name = threading.Event(), *held_up
        goes_on = getattr(module, name)

        def slowly(*given: object) -> object:
            if threading.current_thread().name == "first" and not reached.is_set():
                reached.set()
                self.until_somebody_waits()
            return goes_on(*given)

        self.patch.setattr(module, name, slowly)
        one = threading.Thread(target=self.work, args=("first", first), name="first")
        other = threading.Thread(target=self.work, args=("second", second), name="second")
        one.start()
        assert reached.wait(20)
        other.start()
        one.join(30)
        other.join(30)
        assert not one.is_alive()
        assert not other.is_alive()

    def until_somebody_waits(self) -> None:
        pause = threading.Event()
        for _ in range(400):
            with self.app.app_context(), apart() as connection:
                if connection.execute(WAITING).scalar_one():
                    return
            pause.wait(0.05)
        pytest.fail("the second never waited for the first")

    def work(self, name: str, task: Callable[[], object]) -> None:
        with use_scope(Scope.all()), self.app.app_context():
            try:
                self.outcomes[name] = task()
                db.session.commit()
            except MarketplaceError as refusal:
                db.session.rollback()
                self.outcomes[name] = type(refusal)
            except Exception as error:  # noqa: BLE001  a deadlock, for one
                db.session.rollback()
                self.outcomes[name] = error
            db.session.remove()


@pytest.fixture
def together(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Together:
    return Together(app, monkeypatch)


def attempts(order: Order) -> int:
    question = "SELECT count(*) FROM payment_attempt WHERE subject_id = :order"
    return int(db.session.execute(text(question), {"order": order.id}).scalar_one())


def test_the_return_page_and_another_click_on_pay(together: Together, paid: Order) -> None:
    together.run(
        (issuing, "take_payment"),
        lambda: services.check_payment(paid.id).state,
        lambda: services.pay(paid.id, URLS).state,
    )
    assert together.outcomes == {"first": OrderState.PAID, "second": OrderClosed}
    drain()
    assert queries.order(paid.id).state is OrderState.ISSUED
    assert len(policies.policies_of_order(paid.id)) == 1
    assert attempts(paid) == 1, "nobody is asked to pay again"


def test_a_click_on_pay_and_the_return_page(together: Together, paid: Order) -> None:
    together.run(
        (ordering.payment, "start_attempt"),
        lambda: services.pay(paid.id, URLS).number,
        lambda: services.check_payment(paid.id).state,
    )
    assert together.outcomes == {"first": 1, "second": OrderState.PAID}
    drain()
    assert queries.order(paid.id).state is OrderState.ISSUED
    assert attempts(paid) == 1


def test_the_sweep_that_closes_an_order_and_another_click_on_pay(together: Together, paid: Order) -> None:
    together.run((ordering, "held"), lambda: services.lapse_order(paid.id), lambda: services.pay(paid.id, URLS).state)
    assert together.outcomes == {"first": None, "second": AlreadyPaid}
    drain()
    assert queries.order(paid.id).state is OrderState.ISSUED
    assert len(policies.policies_of_order(paid.id)) == 1
    assert attempts(paid) == 1

"""An insurer whose sales are stopped sells nothing from that commit on; what was concluded goes on."""

from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import a_member_of_staff
from tests.web.conftest import ANSWERS, count

Work = Callable[[], list[str]]


@pytest.fixture
def stop(shop: Flask) -> Callable[[], None]:
    def stop() -> None:
        with shop.app_context():
            who = a_member_of_staff(Role.ADMIN_OWNER)
            services.suspend_insurer(accounts.insurer_by_code("harbour").id, "solvency", who)
            db.session.commit()

    return stop


def resume(shop: Flask) -> None:
    with shop.app_context():
        insurer_id = accounts.insurer_by_code("harbour").id
        services.ask_to_lift(insurer_id, "mended", a_member_of_staff(Role.ADMIN_OWNER))
        services.lift_suspension(insurer_id, a_member_of_staff(Role.ADMIN_COMPLIANCE))
        db.session.commit()


def test_no_offers_while_sales_are_stopped(shop: Flask, visitor: Visitor, stop: Callable[[], None]) -> None:
    stop()
    visitor.get("/")
    assert visitor.compare("term_life", ANSWERS) == []
    resume(shop)
    assert len(visitor.compare("term_life", ANSWERS)) == 1


def test_an_offer_made_before_opens_no_application(shop: Flask, visitor: Visitor, stop: Callable[[], None]) -> None:
    visitor.get("/")
    offer = visitor.compare("term_life", ANSWERS)[0]
    stop()
    assert visitor.client.get(offer).status_code == 200
    assert visitor.client.get(offer.replace("/offers/", "/apply/")).status_code == 409
    assert count(shop, "application_application") == 0


def test_an_application_under_way_is_not_paid_and_may_be_once_sales_go_on(
    shop: Flask, at_step: Callable[..., Visitor], stop: Callable[[], None], work: Work
) -> None:
    visitor = at_step("pay")
    path = visitor.at
    stop()
    work()
    assert visitor.client.get(path).status_code == 409
    assert count(shop, "payment_attempt") == 0
    resume(shop)
    visitor.get(path)
    assert visitor.pay()
    work()
    assert count(shop, "policy_policy") == 1


def test_an_open_order_lapses_with_its_payment_page(
    shop: Flask, at_step: Callable[..., Visitor], stop: Callable[[], None], work: Work
) -> None:
    visitor = at_step("pay")
    visitor.post({})
    work()
    assert count(shop, "checkout_order", "state = 'open'") == 1
    stop()
    work()
    assert count(shop, "checkout_order", "state = 'lapsed'") == 1
    assert count(shop, "payment_attempt", "state = 'expired'") == 1


def test_contracts_go_on(shop: Flask, at_step: Callable[..., Visitor], stop: Callable[[], None], work: Work) -> None:
    visitor = at_step("pay")
    assert visitor.pay()
    work()
    stop()
    work()
    assert count(shop, "policy_policy", "state = 'in_force'") == count(shop, "policy_policy") == 1

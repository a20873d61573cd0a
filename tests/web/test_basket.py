"""A plan of three products of three insurers, applied for one after the other and paid once."""

import re
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.application import queries as applications
from marketplace.catalog.values import Line
from marketplace.checkout import queries as orders
from marketplace.checkout.values import Order
from marketplace.infra.db import db
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Identity, Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.quoting import a_content, a_tariff, publish
from tests.web.conftest import NothingWritten, count, days_later
from tests.web.test_needs import plan

LI_NA = Identity("Li Na", date(1992, 3, 5), "li.na@example.com")
TOLD = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "region": "shanghai", "debts": "400000", "budget": "9000",
}  # fmt: skip


@pytest.fixture
def market(shop: Flask) -> Flask:
    """Beside Harbour's term life: hospital cover at 318 and accident cover at 106, of two other insurers."""
    with shop.app_context():
        publish(an_insurer("lantern"), a_content("bills", Line.HOSPITAL), a_tariff("300.00"))
        publish(an_insurer("third"), a_content("falls", Line.ACCIDENT), a_tariff("100.00"))
        db.session.commit()
    return shop


@pytest.fixture
def basket(market: Flask, visitor: Visitor) -> str:
    """The path of the basket of a plan with three parts."""
    plan(visitor, TOLD)
    visitor.post({}, f"{visitor.at}/apply")
    assert re.match(r"/basket/[0-9a-f-]+$", visitor.at)
    return visitor.at


def begin(visitor: Visitor, basket: str) -> list[str]:
    """The lines of the basket that can be begun."""
    visitor.get(basket)
    return re.findall(r'href="(/apply/[0-9a-f-]+)"', visitor.text)


def apply(visitor: Visitor, offer: str, code_for: Callable[[str], str] | None = None) -> None:
    """From the entry page of a line to its decision; with a code where no address is proven yet."""
    visitor.get(offer)
    visitor.pass_entry()
    if code_for is not None:
        visitor.give_address(LI_NA.email)
        visitor.give_code(code_for(LI_NA.email))
    visitor.expect("/people$")
    visitor.give_people(LI_NA)
    visitor.answer(LI_NA)
    visitor.post({"declare": "yes"})


def to_payment(visitor: Visitor, basket: str, code_for: Callable[[str], str]) -> None:
    """Every line applied for, and the page on which all of them are paid."""
    first, *others = begin(visitor, basket)
    apply(visitor, first, code_for)
    for offer in others:
        apply(visitor, offer)
    visitor.get(f"{basket}/pay")


@pytest.mark.requirement("SCM-05", "EU-07", "UK-03")
def test_three_contracts_of_three_insurers_are_paid_once(
    market: Flask, visitor: Visitor, basket: str, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    first, second, third = begin(visitor, basket)
    apply(visitor, first, code_for)
    assert visitor.at == basket, "back to what is left"
    assert "2 applications are still open." in words(visitor.text)
    assert "/basket/" not in "".join(re.findall(r'class="btn" href="([^"]+)"', visitor.text))
    apply(visitor, second)
    apply(visitor, third)
    assert visitor.text.count("Accepted, not paid yet") == 3
    visitor.get(f"{basket}/pay")
    said = words(visitor.text)
    total = re.search(r"To pay now, together ¥([\d,.]+)", said)
    assert total is not None
    parts = re.findall(r"To pay now ¥([\d,.]+)", said)
    assert sum(float(each.replace(",", "")) for each in parts) == pytest.approx(float(total[1].replace(",", "")))
    assert visitor.pay("4000000000000002") is False
    visitor.get(f"{basket}/pay")
    assert visitor.pay() is True
    work()
    visitor.get(basket)
    assert words(visitor.text).count("Concluded") == 3
    assert "All of these contracts are concluded." in words(visitor.text)
    with market.app_context():
        found = applications.applications_of_basket(_id(basket))
        (order_id,) = {_order(each.id).id for each in found.values()}
        attempts = payments.attempts_of(Purpose.NEW_BUSINESS, order_id)
        assert [each.succeeded_at is not None for each in attempts].count(True) == 1
        assert len({each.insurer_id for each in found.values()}) == len(_order(found[1].id).lines) == 3
        stated = [policies.policy_of_application(each.id).body["needs"] for each in found.values()]
    assert [each["plan"]["reference"][:2] for each in stated] == ["S-"] * 3, "each says for which part of which plan"
    assert all(set(each["circumstances"]) <= {"meant_for_me"} for each in stated), "a plan knows cover and means"
    assert not [told for each in stated for told in ("income", "debts") if told in str(each)]


@pytest.mark.requirement("T26-01", "T26-40")
def test_the_trail_of_each_of_the_three_is_whole(
    market: Flask, visitor: Visitor, basket: str, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    to_payment(visitor, basket, code_for)
    assert visitor.pay() is True
    work()
    with market.app_context():
        sales = [each for each in oversight.sales(SaleFilter()).sales if each.policy_id]
        assert [each.completeness and each.completeness.gaps for each in sales] == [()] * 3
        for each in applications.applications_of_basket(_id(basket)).values():
            said = [entry.type for entry in trail.journey_entries(each.journey_id) if entry.application_id == each.id]
            for wanted in (EntryType.EMAIL_VERIFIED, EntryType.PAYMENT_LEFT, EntryType.PAYMENT_RETURNED):
                assert said.count(wanted) == 1, wanted


def test_what_was_told_for_one_is_there_for_the_next_and_who_is_insured_is_asked_anew(
    market: Flask, visitor: Visitor, basket: str, code_for: Callable[[str], str]
) -> None:
    first, second, _third = begin(visitor, basket)
    apply(visitor, first, code_for)
    visitor.get(second)
    visitor.pass_entry()
    assert 'value="Li Na"' in visitor.text
    assert 'value="1992-03-05"' in visitor.text


def test_what_was_begun_stands_in_the_newest_basket(
    market: Flask, visitor: Visitor, basket: str, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    """Of a plan that was changed afterwards, and alone before there was a plan."""
    scheme = plan_of(market)
    first, *_others = begin(visitor, basket)
    apply(visitor, first, code_for)
    visitor.get(scheme)
    visitor.post({"offer": ""}, f"{scheme}/parts/1")
    visitor.post({}, f"{visitor.at}/apply")
    newer = visitor.at
    assert newer != basket
    assert visitor.text.count("Accepted, not paid yet") == 1
    (left,) = begin(visitor, newer)
    apply(visitor, left)
    visitor.get(f"{newer}/pay")
    assert visitor.pay() is True
    work()
    visitor.get(newer)
    assert words(visitor.text).count("Concluded") == 2


def test_a_line_is_taken_back_in(market: Flask, visitor: Visitor, basket: str) -> None:
    first, *_others = begin(visitor, basket)
    visitor.post({}, f"{basket}/lines/1/out")
    assert first not in visitor.text
    visitor.post({}, f"{basket}/lines/1/back")
    assert first in visitor.text


def test_what_is_being_paid_is_not_left_out_and_an_open_payment_is_closed_first(
    market: Flask, visitor: Visitor, basket: str, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    to_payment(visitor, basket, code_for)
    visitor.post({})
    hosted = visitor.at
    visitor.get(basket)
    visitor.post({}, f"{basket}/lines/3/out")
    work()
    visitor.at = hosted
    assert visitor.give_card() is None, "the session of three is closed"
    visitor.get(f"{basket}/pay")
    back = visitor.give_card()
    assert back is not None
    visitor.get(basket)
    visitor.post({}, f"{basket}/lines/2/out")
    visitor.get(back)
    work()
    assert count(market, "policy_policy") == 2
    assert count(market, "needs_basket_line", "taken_out_at IS NOT NULL") == 1


def test_a_price_that_expired_is_named_and_nothing_is_paid(
    market: Flask, visitor: Visitor, basket: str, code_for: Callable[[str], str]
) -> None:
    first, *_others = begin(visitor, basket)
    apply(visitor, first, code_for)
    days_later(market, 40)
    visitor.get(basket)
    assert "Its price has expired" in visitor.text
    visitor.get(f"{basket}/pay")
    assert visitor.at == basket
    assert count(market, "checkout_order") == 0


def plan_of(market: Flask) -> str:
    """The path of the newest plan."""
    with market.app_context():
        reference = db.session.execute(
            text("SELECT reference FROM needs_scheme ORDER BY made_at DESC LIMIT 1")
        ).scalar_one()
    return f"/schemes/{reference}"


def test_a_line_that_is_left_out_is_neither_waited_for_nor_paid(
    market: Flask, visitor: Visitor, basket: str, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    first, second, third = begin(visitor, basket)
    apply(visitor, first, code_for)
    apply(visitor, second)
    visitor.post({}, f"{basket}/lines/3/out")
    assert third not in visitor.text
    visitor.get(f"{basket}/pay")
    assert visitor.pay() is True
    work()
    assert count(market, "policy_policy") == 2
    visitor.post({}, f"{basket}/lines/1/out")
    visitor.get(basket)
    assert words(visitor.text).count("Concluded") == 2, "what is concluded stays"


def test_nothing_is_paid_while_something_is_open(
    market: Flask, visitor: Visitor, basket: str, code_for: Callable[[str], str], nothing_written: NothingWritten
) -> None:
    first, *_others = begin(visitor, basket)
    apply(visitor, first, code_for)
    own = next(iter(re.findall(r"/application/([0-9a-f-]+)", visitor.text)), None)
    with nothing_written():
        visitor.get(f"{basket}/pay")
        assert visitor.at == basket
        visitor.post({}, f"{basket}/pay")
    assert count(market, "checkout_order") == 0
    assert own is None, "an accepted line leads nowhere but to the common payment"


def test_a_basket_is_nobody_elses(
    market: Flask, visitor: Visitor, basket: str, stranger: Visitor, nothing_written: NothingWritten
) -> None:
    with nothing_written():
        for path in (basket, f"{basket}/pay"):
            stranger.get(path)
            assert stranger.status == 404
        stranger.get("/needs")
        stranger.post({}, f"{basket}/lines/1/out")
        assert stranger.status == 404


def test_a_basket_is_filled_once(market: Flask, visitor: Visitor) -> None:
    plan(visitor, TOLD)
    path = visitor.at
    visitor.post({}, f"{path}/apply")
    first = visitor.at
    visitor.get(path)
    visitor.post({}, f"{path}/apply")
    assert visitor.at == first
    assert count(market, "needs_basket_line") == 3


def _id(basket: str) -> UUID:
    return UUID(basket.rsplit("/", 1)[1])


def _order(application_id: UUID) -> Order:
    found = orders.order_of_application(application_id)
    assert found is not None
    return found

"""Whole-system test 2 of the regulation checklist: whoever posts a step before its turn is refused and told where to go
on; nothing is written, issued or paid, and the attempt is kept.
"""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import EventOutcome, SecurityEventFilter, SecurityEventType
from marketplace.application.rules import ORDER
from marketplace.application.values import Step
from marketplace.catalog.values import Line
from marketplace.infra.db import db
from marketplace.web.customer import road as declared
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.quoting import a_content, a_tariff, publish
from tests.web.conftest import NothingWritten, count, form_for
from tests.web.roads import ROADS, Road, Traveller, posted_steps
from tests.web.test_needs import plan

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
HOUSEHOLD = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "region": "shanghai", "life_cover": "10000000", "budget": "9000",
}  # fmt: skip
"""Insured on death already: a plan of hospital and accident cover."""
REFUSED = SecurityEventType.STEP_OUT_OF_ORDER


def kept(shop: Flask) -> int:
    """How many attempts to skip a step are in the log of the doors."""
    with shop.app_context():
        found = accounts.security_events(SecurityEventFilter(type=REFUSED), size=1000).events
    assert {each.outcome for each in found} <= {EventOutcome.REFUSED}
    return len(found)


def later(shop: Flask, present: Step) -> list[Step]:
    """The steps of the declared road that come after this one and have a form."""
    return sorted((each for each in posted_steps(shop) if ORDER.index(each) > ORDER.index(present)), key=ORDER.index)


def skip(shop: Flask, traveller: Traveller, nothing_written: NothingWritten) -> int:
    """Post every later step from where the customer stands. Returns how many were tried."""
    present, before = traveller.view.next_step, kept(shop)
    source = {"REMOTE_ADDR": f"198.51.100.{ORDER.index(present) + 1}"}  # tries are counted by where they come from
    traveller.visitor.client.environ_base |= source
    steps = later(shop, present)
    with nothing_written():
        for step in steps:
            status, page = traveller.post_early(step)
            assert status == 409, f"{step} while at {present}"
            assert f'href="{traveller.resume}">Go on where you are' in page, f"{step} while at {present}"
    assert traveller.view.next_step is present
    assert kept(shop) - before == len(steps)
    traveller.visitor.get(traveller.resume)
    assert traveller.visitor.status == 200, "and that is a page on which one can go on"
    return len(steps)


def test_every_step_of_the_declared_road_is_on_one_of_these_roads(shop: Flask) -> None:
    walked = {step for road in ROADS.values() for step in road.steps}
    assert posted_steps(shop) - walked == set(), "a new step has to be walked, and is then skipped by itself"
    assert set(declared.ROAD) <= walked


@pytest.mark.requirement("T26-09", "T26-14", "T26-15", "T26-22", "T26-27")
@pytest.mark.asvs("2.3.1")
@pytest.mark.parametrize("name", ROADS)
def test_no_step_can_be_skipped_on_any_road(
    *, shop: Flask, visitor: Visitor, code_for: CodeFor, work: Work, nothing_written: NothingWritten, name: str
) -> None:
    road: Road = ROADS[name]
    traveller = Traveller(shop, visitor, road, code_for)
    traveller.begin()
    stood, tried = [], 0
    while (present := traveller.view.next_step) is not Step.PAY:
        stood.append(present)
        tried += skip(shop, traveller, nothing_written)
        if present is Step.REFERRED:
            traveller.be_asked()
            tried += skip(shop, traveller, nothing_written)
        traveller.go_on()
    assert sorted((*stood, Step.PAY), key=ORDER.index) == list(road.steps)
    assert tried > len(road.steps)
    assert (count(shop, "payment_attempt"), count(shop, "policy_policy")) == (0, 0)
    nothing_is_concluded_by_coming_back(traveller, nothing_written)
    traveller.pay()
    work()
    assert count(shop, "policy_policy") == 1, "in its order, the same road leads to a contract"


def nothing_is_concluded_by_coming_back(traveller: Traveller, nothing_written: NothingWritten) -> None:
    """The pages behind a payment that was not made."""
    with nothing_written():
        for end in ("return", "done"):
            answer = traveller.visitor.client.get(f"{traveller.resume}/{end}")
            assert answer.status_code in {302, 303, 404}
            assert answer.status_code == 404 or re.search(r"/(pay|done)$", answer.location)


@pytest.mark.requirement("T26-09", "SCM-05")
@pytest.mark.asvs("2.3.1")
def test_no_step_can_be_skipped_on_the_way_through_a_basket(
    *, shop: Flask, visitor: Visitor, code_for: CodeFor, work: Work, nothing_written: NothingWritten
) -> None:
    basket, offers = a_basket(shop, visitor)
    road = Road(())
    for place, offer in enumerate(offers):
        visitor.get(basket)
        traveller = Traveller(shop, visitor, road, code_for)
        traveller.begin(offer.replace("/apply/", "/offers/"))
        while traveller.view.next_step is not Step.PAY:
            skip(shop, traveller, nothing_written)
            pay_too_early(shop, visitor, basket, nothing_written)
            traveller.go_on()
        if place < len(offers) - 1:
            one_alone_is_not_paid(shop, traveller, nothing_written)
            pay_too_early(shop, visitor, basket, nothing_written)
    assert (count(shop, "checkout_order"), count(shop, "payment_attempt"), count(shop, "policy_policy")) == (0, 0, 0)
    visitor.get(f"{basket}/pay")
    assert visitor.pay() is True
    work()
    assert count(shop, "policy_policy") == len(offers) == 2
    assert count(shop, "payment_attempt") == 1


def a_basket(shop: Flask, visitor: Visitor) -> tuple[str, list[str]]:
    """The path of a basket of two parts, and the entry pages of both."""
    with shop.app_context():
        publish(an_insurer("lantern"), a_content("bills", Line.HOSPITAL), a_tariff("300.00"))
        publish(an_insurer("third"), a_content("falls", Line.ACCIDENT), a_tariff("100.00"))
        db.session.commit()
    plan(visitor, HOUSEHOLD)
    visitor.post({}, f"{visitor.at}/apply")
    return visitor.at, re.findall(r'href="(/apply/[0-9a-f-]+)"', visitor.text)


def pay_too_early(shop: Flask, visitor: Visitor, basket: str, nothing_written: NothingWritten) -> None:
    """For all, while something is open."""
    path, before = f"{basket}/pay", kept(shop)
    with nothing_written():
        answer = visitor.client.post(path, data=form_for(shop, visitor, path))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert f'href="{basket}">Go on where you are' in page
    assert "This step cannot be done now." in words(page)
    assert kept(shop) == before + 1


def one_alone_is_not_paid(shop: Flask, traveller: Traveller, nothing_written: NothingWritten) -> None:
    """A part that was accepted waits for the others."""
    before = kept(shop)
    with nothing_written():
        status, _page = traveller.post_early(Step.PAY)
    assert (status, kept(shop)) == (409, before + 1)

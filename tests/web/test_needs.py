"""A household tells what it needs and gets a plan: honest about what it leaves open, shown to nobody else."""

import re
from collections.abc import Mapping
from decimal import Decimal

import pytest
from flask import Flask

from marketplace.catalog.values import Allowed, Commission, Line
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.quoting import a_content, a_tariff, publish
from tests.web.conftest import NothingWritten, count

FAMILY: Mapping[str, str] = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "hospital_cover": "no",
    "public_insurance": "yes", "partner_public_insurance": "yes", "children_public_insurance": "yes",
    "partner_age": "36", "partner_sex": "male", "partner_smoker": "no", "partner_hospital_cover": "yes",
    "children": "4, 9", "children_hospital_cover": "no",
    "region": "shanghai", "debts": "200000", "budget": "6000",
}  # fmt: skip
SCHEME = re.compile(r"/schemes/S-")


@pytest.fixture
def market(shop: Flask) -> Flask:
    """Beside Harbour's term life: hospital cover at 318 and 424, accident cover from 18 years on at 106."""
    with shop.app_context():
        publish(an_insurer("lantern"), a_content("bills", Line.HOSPITAL), a_tariff("300.00"))
        publish(an_insurer("dear"), a_content("wide", Line.HOSPITAL), a_tariff("400.00"))
        publish(
            an_insurer("third"),
            a_content("falls", Line.ACCIDENT, eligibility={"age": Allowed(min=18)}),
            a_tariff("100.00"),
        )
        db.session.commit()
    return shop


@pytest.fixture
def planner(market: Flask, visitor: Visitor) -> Visitor:
    """Somebody who stands on the plan of their family."""
    return plan(visitor, FAMILY)


def plan(visitor: Visitor, told: Mapping[str, str]) -> Visitor:
    visitor.get("/needs")
    start = re.search(r'name="start_on"[^>]*value="([^"]+)"', visitor.text)
    assert start is not None
    visitor.post({"start_on": start[1], **told})
    return visitor


def parts(visitor: Visitor) -> list[str]:
    return [words(each.split("</article>")[0]) for each in visitor.text.split('<article class="card"')[1:]]


def others(visitor: Visitor, place: int) -> list[str]:
    part = visitor.text.split(f'id="part-{place}"')[1].split("</article>")[0]
    return re.findall(r'name="offer" value="([^"]+)"', part)


@pytest.mark.requirement("O13-20", "EU-07", "UK-03", "SCM-04")
def test_a_plan_says_what_is_needed_what_covers_it_and_what_stays_open(planner: Visitor) -> None:
    assert SCHEME.match(planner.at)
    said = words(planner.text)
    hospital, death, accident, *children = parts(planner)
    assert "Your hospital bills" in hospital
    assert "Needed ¥1,280,000" in death
    assert "60% of ¥100,000 a year, for 18 years ¥1,080,000" in death
    assert "Share of the debts ¥200,000" in death
    assert "5 years of ¥100,000" in accident
    assert [
        each.startswith("Hospital bills of your child of")
        for each in (words(c).split(">", 1)[-1].strip() for c in children)
    ] == [True, True]
    assert "Your partner’s hospital bills are insured already" in said
    cost = re.search(r"All parts together cost ¥([\d,.]+)", said)
    assert cost is not None
    prices = [Decimal(found.replace(",", "")) for found in re.findall(r'class="price">¥([\d,.]+)', planner.text)]
    assert sum(prices) == Decimal(cost[1].replace(",", ""))


def test_a_budget_that_reaches_not_far_says_how_much_is_missing(market: Flask, visitor: Visitor) -> None:
    plan(visitor, {**FAMILY, "budget": "1000"})
    said = words(visitor.text)
    assert len(parts(visitor)) == 3
    assert "What stays open" in said
    assert "¥1,280,000 are missing: your budget does not reach further." in said
    plan(visitor, {**FAMILY, "budget": "1"})
    assert "Your budget reaches none of this." in words(visitor.text)


@pytest.mark.requirement("SCM-04")
def test_who_plans_to_spend_too_much_is_warned(market: Flask, visitor: Visitor) -> None:
    plan(visitor, {**FAMILY, "budget": "10001"})
    assert "Your budget is more than 10% of the income you told us." in words(visitor.text)
    plan(visitor, {**FAMILY, "budget": "10000"})
    assert "Your budget is more than" not in words(visitor.text)


def test_another_offer_is_taken_and_a_part_left_out_on_a_new_plan(planner: Visitor) -> None:
    first = planner.at
    (dear,) = others(planner, 0)
    path = f"{first}/parts/0"
    planner.get(first)
    planner.post({"offer": dear}, path)
    assert SCHEME.match(planner.at)
    assert planner.at != first
    assert "You took this offer; another costs less." in parts(planner)[0]
    before = len(parts(planner))
    planner.post({"offer": ""}, f"{planner.at}/parts/1")
    assert len(parts(planner)) == before - 1
    assert "You left this out." in words(planner.text)
    planner.get(first)
    assert len(parts(planner)) == before, "the first plan stays as it is"


def test_what_belongs_to_another_part_or_to_nobody_is_refused(
    planner: Visitor, nothing_written: NothingWritten
) -> None:
    first = planner.at
    foreign = others(planner, 3)[0]
    for part, offer in (("0", foreign), ("0", "11111111-1111-4111-8111-111111111111"), ("99", foreign), ("0", "x")):
        planner.get(first)
        with nothing_written():
            planner.post({"offer": offer}, f"{first}/parts/{part}")
        assert planner.status in {404, 409, 422}, (part, offer)


@pytest.mark.requirement("T26-12")
def test_a_plan_is_shown_to_its_visit_alone(planner: Visitor, stranger: Visitor) -> None:
    path = planner.at
    stranger.get(path)
    assert stranger.status == 404
    assert "100,000" not in stranger.text
    stranger.get(f"/needs?from={path.rsplit('/', 1)[1]}")
    assert 'value="100000"' not in stranger.text


def test_what_was_told_comes_back_to_be_changed(planner: Visitor) -> None:
    planner.get(f"/needs?from={planner.at.rsplit('/', 1)[1]}")
    for name in ("age", "income", "partner_age", "children", "debts", "budget"):
        assert re.search(rf'name="{name}"[^>]*value="{re.escape(FAMILY[name])}"', planner.text), name


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"age": "17"}, "age"),
        ({"age": ""}, "age"),
        ({"sex": ""}, "sex"),
        ({"partner_sex": ""}, "partner_sex"),
        ({"public_insurance": ""}, "public_insurance"),
        ({"partner_age": "", "partner_smoker": ""}, "partner_age"),
        ({"children": "4, 19"}, "children"),
        ({"children": "four"}, "children"),
        ({"children": "4", "children_hospital_cover": ""}, "children_hospital_cover"),
        ({"income": "100000001"}, "income"),
        ({"debts": "-1"}, "debts"),
        ({"contents": "100000"}, "area"),
        ({"budget": ""}, "budget"),
        ({"start_on": "2020-01-01"}, "start_on"),
        ({"region": "moon"}, "region"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_nothing_is_kept(
    market: Flask, visitor: Visitor, nothing_written: NothingWritten, wrong: dict[str, str], field: str
) -> None:
    visitor.get("/needs")
    with nothing_written():
        plan(visitor, {**FAMILY, **wrong})
    assert visitor.status == 422
    assert f'id="{field}-error"' in visitor.text
    assert "9" in visitor.text, "what else was typed is still there"


def test_who_needs_nothing_is_told_so(market: Flask, visitor: Visitor) -> None:
    plan(
        visitor,
        {
            "age": "34",
            "sex": "male",
            "smoker": "no",
            "public_insurance": "yes",
            "hospital_cover": "yes",
            "region": "shanghai",
            "budget": "900",
        },
    )
    assert visitor.status == 422
    assert "nothing that insurance from here would have to cover" in words(visitor.text)


@pytest.mark.requirement("EU-03", "O13-16")
def test_commission_and_code_of_an_insurer_move_nothing_in_a_plan(market: Flask, visitor: Visitor) -> None:
    plan(visitor, FAMILY)
    before = [re.search(r"Clauses: \S+", each) for each in parts(visitor)]
    with market.app_context():
        publish(an_insurer("best"), a_content("zz", Line.HOSPITAL, commission=Commission(9_999)), a_tariff("300.00"))
        db.session.commit()
    plan(visitor, FAMILY)
    after = [re.search(r"Clauses: \S+", each) for each in parts(visitor)]
    assert [found and found[0] for found in after] == [found and found[0] for found in before]


def test_the_rule_is_stated_with_its_numbers_and_praises_nothing(market: Flask, visitor: Visitor) -> None:
    said = words(visitor.get("/how-we-plan"))
    assert "60% of a person’s income until the youngest child is 22" in said
    assert "It is no personal advice." in said
    assert count(market, "needs_scheme") == 0

"""A customer who would rather pay every month: asks so, sees what it costs in all, buys, and pays one month."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra import formatting
from marketplace.infra.db import db
from marketplace.kernel.money import Money
from marketplace.policy import queries as policies
from sandbox.demo.visitor import LostError, Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, published
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, LI_NA, count, go_on
from tests.web.test_statement_counts import asked

MONTHLY = ANSWERS | {"payment_frequency": "monthly"}


@pytest.fixture
def market(shop: Flask) -> Flask:
    """Harbour is paid every year; Farshore as one likes, at a charge; Larkmeadow every year or month, without one."""
    with shop.app_context():
        for code in ("farshore", "larkmeadow"):
            published(an_insurer(code), catalog_files(code))
        db.session.commit()
    return shop


def change(visitor: Visitor, frequency: str) -> None:
    """Send the form for changing answers that stands on the comparison."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.text.split('id="change"')[1])
    assert token
    form = {"csrf_token": token[1], "sum_insured": "1000000", "term_years": "20", "payment_frequency": frequency}
    visitor.post(form, f"{visitor.at}/change")


def table(page: str) -> list[str]:
    """The rows of what the product costs paid otherwise."""
    part = page.split('id="paid-otherwise"')[1].split("</table>", maxsplit=1)[0]
    return [words(row) for row in part.split("<tr>")[2:]]


def test_the_product_page_says_what_each_frequency_costs_in_all(market: Flask, visitor: Visitor) -> None:
    farshore = visitor.compare("term_life", ANSWERS)[0]
    assert table(visitor.get(farshore)) == [
        "every year this offer ¥1,256.60 20 ¥25,132.00 –",
        "every half-year ¥637.71 40 ¥25,508.40 +¥376.40",
        "every quarter ¥322.02 80 ¥25,761.60 +¥629.60",
        "every month ¥108.92 240 ¥26,140.80 +¥1,008.80",
    ]
    comparison = visitor.text.split("Choose another in the comparison")[0].rsplit('href="', 1)[1].split('"')[0]
    assert comparison.endswith("#change")
    assert 'id="change"' in visitor.get(comparison.split("#")[0])


def test_where_there_is_no_choice_there_is_no_table(market: Flask, visitor: Visitor) -> None:
    harbour = visitor.compare("term_life", ANSWERS)[2]
    page = visitor.get(harbour)
    assert "Harbour Term" in page
    assert "paid-otherwise" not in page
    assert "Alipay · WeChat Pay by itself: you pay each one by a link." in words(page)


def test_the_table_asks_the_database_nothing_more(market: Flask, visitor: Visitor) -> None:
    offers = visitor.compare("term_life", ANSWERS)
    choice, one = (asked(market, lambda at=at: visitor.get(f"{at}?anew=1")) for at in (offers[0], offers[2]))
    assert len(choice) == len(one)
    assert [each for each in choice if "rating_tariff" in each] == []


@pytest.mark.requirement("O13-12")
def test_the_ways_to_pay_are_a_fact_of_page_and_comparison(market: Flask, visitor: Visitor) -> None:
    offers = visitor.compare("term_life", ANSWERS)
    assert "Ways to pay every year · every month · card · Alipay · WeChat Pay" in words(
        re.sub(r"</?span[^>]*>", "", visitor.text)
    )
    assert "every half-year · every quarter · every month · card · Alipay" in words(visitor.get(offers[0]))


@pytest.mark.requirement("UK-12")
def test_the_assumption_is_changed_where_it_stands(market: Flask, visitor: Visitor) -> None:
    visitor.compare("term_life", ANSWERS)
    before = visitor.at
    assert "Assumed: Premium is paid every year change" in words(visitor.text)
    change(visitor, "monthly")
    said = words(visitor.text)
    assert visitor.at != before
    assert "Premium is paid: every month (before: every year)" in said
    assert "¥106.67 a month" in said
    assert "Before: ¥1,280.00 a year · ¥25,600.00 in all" in said
    assert "¥25,600.80 in all, over 240 payments" in said
    assert re.search(r"Harbour Term ?, [^:]+: Premium is paid: only every year, asked for every month", said)
    assert '<option selected value="monthly">' in visitor.text.split('id="change"')[1]


def test_side_by_side_and_the_file_say_how_often(market: Flask, visitor: Visitor) -> None:
    visitor.compare("term_life", MONTHLY)
    comparison = visitor.at
    beside = words(visitor.get(f"{comparison}/side-by-side?offers=1,2"))
    assert "Paid otherwise every year in all ¥1,280.00 ¥25,600.00" in beside
    assert "240 payments" in beside
    csv = visitor.client.get(f"{comparison}/comparison.csv").get_data(as_text=True)
    assert "106.67,every month,240,25600.80" in csv


@pytest.mark.parametrize("crafted", ["weekly", "single", "yearly,monthly", "<b>"])
def test_a_frequency_that_is_none_is_refused_and_nothing_is_written(
    market: Flask, visitor: Visitor, nothing_written: Callable[[], AbstractContextManager[None]], crafted: str
) -> None:
    visitor.compare("term_life", ANSWERS)
    with nothing_written():
        change(visitor, crafted)
        assert visitor.status == 422
        with pytest.raises(LostError, match="422"):
            visitor.compare("term_life", ANSWERS | {"payment_frequency": crafted})
    assert count(market, "payment_attempt") == 0


def listed_days(page: str) -> list[str]:
    """The days of the premiums after the first one, as a page lists them; every amount is that of the offer."""
    listed = page.split('<ol class="columns" start="2">')[1].split("</ol>", maxsplit=1)[0]
    days, amounts = zip(*(words(each).rsplit(" ", 1) for each in listed.split("</li>")[:-1]), strict=True)
    assert set(amounts) == {"¥108.92"}
    return list(days)


def newest(simulator: SimulatorServer) -> dict[str, Any]:
    """The page of Stripe that was made last, by whichever test."""
    return next(iter(simulator.listed("/v1/checkout/sessions", limit=1)), {})


@pytest.mark.requirement("PER-03")
def test_one_month_is_charged_by_the_methods_of_the_product(
    market: Flask,
    visitor: Visitor,
    simulator: SimulatorServer,
    code_for: Callable[[str], str],
    work: Callable[[], list[str]],
) -> None:
    before = newest(simulator)
    offers = visitor.compare("term_life", MONTHLY)
    assert len(offers) == 2
    farshore = next(each for each in offers if "Farshore" in visitor.get(each).split("</h1>")[0])
    visitor.enter(farshore)
    go_on(visitor, "review", LI_NA, code_for)
    said = "Premium is paid every month After the first premium come 239 more: ¥108.92 every month, the next on "
    assert said in words(visitor.text)
    go_on(visitor, "pay", LI_NA, code_for)
    said = words(visitor.text)
    assert "To pay now ¥108.92" in said
    assert "How often every month" in said
    assert "By card · Alipay" in said
    assert "Only this premium is charged now." in said
    shown = listed_days(visitor.text)
    assert newest(simulator) == before, "no page of Stripe before it is asked for"
    assert visitor.pay() is True
    session = newest(simulator)
    assert (session["amount_total"], session["payment_method_types"]) == (10_892, ["card", "alipay"])
    work()
    assert count(market, "policy_policy") == 1
    with market.app_context():
        (policy_id,) = db.session.scalars(text("SELECT id FROM policy_policy"))
        planned = policies.instalments_of(policy_id)
        assert [each.amount for each in planned] == [Money(10_892, "CNY")] * 239
        with market.test_request_context():
            assert [formatting.format_day(each.due_on) for each in planned[:120]] == shown
    visitor.get(f"/policies/{policy_id}")
    assert listed_days(visitor.text) == shown
    assert "And so on: 119 more of the same amount" in words(visitor.text)

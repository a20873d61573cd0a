"""Paid every month instead of every year: priced by the same tariff, counted over the term, or refused plainly."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import text

from marketplace.catalog.values import LINES, Frequency, Line, Payment
from marketplace.infra.db import db
from marketplace.kernel.errors import Invalid
from marketplace.kernel.money import Money
from marketplace.quoting import queries, services
from marketplace.quoting.values import Choice, NeedRequest, WayToPay
from tests.factories.accounts import an_insurer
from tests.factories.quoting import (
    START_ON,
    TERM_LIFE_RISK,
    a_content,
    a_content_with_choice,
    a_need,
    a_tariff,
    a_tariff_in_parts,
    publish,
)
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

MONTHLY = {"payment_frequency": "monthly"}


def rows(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def yuan(minor: int) -> Money:
    return Money(minor, "CNY")


def test_a_monthly_offer_is_priced_by_its_own_steps_and_paid_240_times() -> None:
    publish(an_insurer(), a_content_with_choice(), a_tariff_in_parts("0.03"))
    (yearly,) = queries.offers_for(a_need(line=Line.TERM_LIFE).id)
    (monthly,) = queries.offers_for(a_need(line=Line.TERM_LIFE, risk=MONTHLY).id)
    assert (yearly.frequency, yearly.premium, yearly.payments, yearly.total) == (
        Frequency.YEARLY, yuan(120_000), 20, yuan(2_400_000),
    )  # fmt: skip
    assert (monthly.frequency, monthly.premium, monthly.payments, monthly.total) == (
        Frequency.MONTHLY, yuan(10_300), 240, yuan(2_472_000),
    )  # fmt: skip
    assert [(line.kind, line.amount.minor) for line in monthly.breakdown.lines] == [
        ("risk", 10_000),
        ("instalment", 300),
    ]


def test_each_way_to_pay_is_told_with_its_total_and_what_it_is_more() -> None:
    publish(an_insurer(), a_content_with_choice("parts", "yearly", "monthly"), a_tariff_in_parts("0.03"))
    publish(an_insurer("once"), a_content("once", Line.TERM_LIFE), a_tariff("5000.00"))
    offers = queries.offers_for(a_need(line=Line.TERM_LIFE, risk=MONTHLY).id)
    chosen = next(each for each in offers if each.version.content.code == "parts")
    assert queries.ways_to_pay(offers) == {
        chosen.id: (
            WayToPay(Frequency.YEARLY, yuan(120_000), 20, yuan(2_400_000), yuan(-72_000), chosen=False),
            WayToPay(Frequency.MONTHLY, yuan(10_300), 240, yuan(2_472_000), yuan(0), chosen=True),
        )
    }


@pytest.mark.requirement("O13-16")
def test_a_product_that_is_not_paid_so_often_is_named_with_its_reason_and_no_offer_is_written() -> None:
    harbour = an_insurer()
    only = publish(
        harbour,
        a_content("yearly", Line.TERM_LIFE, payment=Payment(Frequency.YEARLY, times_factor="term_years")),
        a_tariff(),
    )
    part = publish(harbour, a_content_with_choice("halves", "yearly", "half_yearly"), a_tariff_in_parts())
    need = a_need(line=Line.TERM_LIFE, risk=MONTHLY)
    assert {each.product_version_id: each.reason.en for each in need.panel.not_offered} == {
        only.id: "Premium is paid: only every year, asked for every month",
        part.id: "Premium is paid: only every year, every half-year, asked for every month",
    }
    assert rows("quoting_offer") == 0
    assert len(queries.offers_for(a_need(line=Line.TERM_LIFE).id)) == 2


def test_a_frequency_nobody_knows_is_refused_and_nothing_is_written() -> None:
    publish(an_insurer(), a_content_with_choice(), a_tariff_in_parts())
    with pytest.raises(Invalid) as refused:
        a_need(line=Line.TERM_LIFE, risk={"payment_frequency": "weekly"})
    assert set(refused.value.fields) == {"payment_frequency"}
    assert (rows("quoting_need"), rows("quoting_offer")) == (0, 0)


def test_a_need_told_before_anybody_was_asked_means_what_it_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    harbour, line = an_insurer(), LINES[Line.TERM_LIFE]
    yearly = a_content("term", Line.TERM_LIFE, payment=Payment(Frequency.YEARLY, times_factor="term_years"))
    told = {name: value for name, value in TERM_LIFE_RISK.items() if name != "payment_frequency"}
    version = publish(harbour, yearly, a_tariff("1200.00", tax="0"))
    with monkeypatch.context() as before:
        factors = tuple(factor for factor in line.factors if factor.name in told)
        before.setitem(LINES, Line.TERM_LIFE, replace(line, factors=factors, frequency_factor=None))  # type: ignore[arg-type]  # a dict, shown as what nobody changes
        need = services.request_quotes(NeedRequest(Line.TERM_LIFE, told, START_ON, a_journey()))
        (made,) = queries.offers_for(need.id)
    db.session.flush()
    db.session.expire_all()

    read = queries.need(need.reference)
    assert read.risk == told | {"payment_frequency": "yearly"}
    assert (read.assumed, read.told) == (("payment_frequency",), told)
    (again,) = queries.offers_of(read)
    assert (again.premium, again.payments, again.total) == (made.premium, 20, yuan(2_400_000))
    assert again.frequency is Frequency.YEARLY
    assert queries.recomputable(again.id)["breakdown"] == made.breakdown.to_json()
    assert [each.risk for each in queries.open_offers([version.id], 10)] == [read.risk]

    publish(harbour, a_content_with_choice("term"), a_tariff_in_parts(), effective_from=date(2026, 11, 22))
    assert queries.changed_since(read, [again])[again.id].total == yuan(2_400_000)
    assert services.requote(need.id, {"age": 35}).risk == read.risk | {"age": 35}


def test_curves_and_filters_follow_the_chosen_frequency() -> None:
    publish(an_insurer(), a_content_with_choice(), a_tariff_in_parts("0"))
    publish(an_insurer("once"), a_content("once", Line.TERM_LIFE), a_tariff("5000.00"))
    offers = queries.offers_for(a_need(line=Line.TERM_LIFE, risk=MONTHLY).id)
    assert [each.version.content.code for each in queries.choose(offers, Choice(frequency=Frequency.MONTHLY))] == [
        "parts"
    ]
    assert queries.choose(offers, Choice(frequency=Frequency.YEARLY)) == ()
    parts = next(each for each in offers if each.version.content.code == "parts")
    (curve,) = queries.curves([parts], parts.version.content.definition.factor("term_years"))
    assert [(value, point and point[1]) for value, point in curve.points][:2] == [
        (10, yuan(1_200_000)),
        (15, yuan(1_800_000)),
    ]

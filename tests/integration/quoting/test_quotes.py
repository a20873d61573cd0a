"""A comparison: everything on sale is offered or named, frozen, ranked by one rule, recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.catalog import services as catalog
from marketplace.catalog.values import Allowed, Commission, Cover, Line, ProductContent, Profile
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.quoting import queries, services
from marketplace.quoting.values import (
    Fit,
    NeedNotFound,
    NeedRequest,
    NotForSale,
    OfferExpired,
    OfferNotFound,
    OfferVoided,
    ProductWithdrawn,
    StartDayPassed,
)
from marketplace.rating import queries as rating
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import SYSTEM, EntryType
from tests.factories.accounts import an_insurer
from tests.factories.quoting import START_ON, TRAVEL_RISK, a_content, a_need, a_tariff, an_offer, publish, words
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

TODAY = date(2026, 11, 22)


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def rows(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_everything_on_sale_is_offered_in_order_or_named_with_its_reason() -> None:
    harbour, lantern = an_insurer(), an_insurer("lantern")
    publish(harbour, a_content("dear"), a_tariff("300.00"))
    publish(lantern, a_content("cheap"), a_tariff("100.00"))
    young = publish(lantern, a_content("young", eligibility={"age": Allowed(max=30)}))
    need = a_need()
    offers = queries.offers_for(need.id)
    assert [(each.place, each.version.content.code, each.premium, each.total) for each in offers] == [
        (1, "cheap", Money(10_600, "CNY"), Money(10_600, "CNY")),
        (2, "dear", Money(31_800, "CNY"), Money(31_800, "CNY")),
    ]
    assert [line.amount.minor for line in offers[0].breakdown.lines] == [10_000, 600]
    assert (need.panel.products, need.panel.offered, need.panel.insurers) == (3, 2, 2)
    (refused,) = need.panel.not_offered
    assert (refused.product_version_id, refused.insurer_id, refused.product_code) == (young.id, lantern.id, "young")
    assert refused.reason.en == "Age of the traveller: insured up to 30 years, asked for 34"


@pytest.mark.requirement("O13-45")
def test_where_an_insurer_may_not_sell_its_products_are_named_and_not_offered() -> None:
    far = an_insurer("far", regions=("beijing",))
    publish(an_insurer("near", regions=("shanghai",)), a_content("here", Line.TERM_LIFE))
    publish(far, a_content("there", Line.TERM_LIFE))
    need = a_need(line=Line.TERM_LIFE)
    assert [each.version.content.code for each in queries.offers_for(need.id)] == ["here"]
    assert [(each.insurer_id, each.factor) for each in need.panel.not_offered] == [(far.id, "region")]
    (shown,) = queries.indications(Line.TERM_LIFE, [need.risk])
    assert [each.product_code for each in shown] == ["here"]


def test_a_reopened_comparison_is_the_one_that_was_made() -> None:
    publish(an_insurer(), a_content(eligibility={"zone": Allowed(values=("china",))}))
    need = a_need()
    db.session.commit()
    assert queries.need(need.reference) == need
    assert queries.need_by_id(need.id) == need
    assert queries.offers_for(need.id) == ()


def test_an_offer_pins_price_content_and_tariff_when_something_newer_is_published() -> None:
    insurer = an_insurer()
    old = publish(insurer, a_content("trip"), a_tariff("100.00"))
    offer = an_offer()
    publish(insurer, a_content("trip", summary=words("Better now.")), a_tariff("900.00"), effective_from=TODAY)
    again = queries.live_offer(offer.id)
    assert (again.premium, again.version.id, again.content_sha256) == (
        Money(10_600, "CNY"),
        old.id,
        old.content_sha256,
    )
    assert again.tariff_root == rating.raters_of([old.id])[old.id].root
    assert an_offer().premium == Money(95_400, "CNY")


@pytest.mark.requirement("UK-12")
def test_what_was_not_told_is_assumed_and_said_so() -> None:
    publish(an_insurer())
    told = {"zone": "asia", "days": 10, "age": 34}
    need = services.request_quotes(NeedRequest(Line.TRAVEL, told, START_ON, a_journey()))
    assert need.assumed == ("sports",)
    assert need.risk == {**told, "sports": False}
    assert a_need().assumed == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"age": 81}, {"age"}),
        ({"age": -1, "days": 0}, {"age", "days"}),
        ({"zone": "moon"}, {"zone"}),
        ({"days": "ten"}, {"days"}),
        ({"days": True}, {"days"}),
        ({"name": "Lin Yue"}, {"name"}),
    ],
)
@pytest.mark.requirement("T26-12")
def test_a_risk_that_does_not_fit_names_the_factor_and_nothing_is_written(
    changes: dict[str, Any], fields: set[str]
) -> None:
    journey = a_journey()
    with pytest.raises(Invalid) as refusal:
        services.request_quotes(NeedRequest(Line.TRAVEL, TRAVEL_RISK | changes, START_ON, journey))
    assert set(refusal.value.fields) == fields
    db.session.commit()
    assert (rows("quoting_need"), rows("quoting_offer"), rows("procrastinate_jobs")) == (0, 0, 0)
    assert journey_entries(journey) == ()


@pytest.mark.parametrize("start_on", [TODAY - timedelta(days=1), TODAY + timedelta(days=366)])
def test_cover_cannot_start_yesterday_or_in_two_years(start_on: date) -> None:
    with pytest.raises(Invalid) as refusal:
        a_need(start_on=start_on)
    assert set(refusal.value.fields) == {"start_on"}
    assert rows("quoting_need") == 0


@pytest.mark.requirement("EU-24")
def test_the_act_of_quoting_is_recorded_with_ranking_and_order() -> None:
    publish(an_insurer(), a_content("a"), a_tariff("20.00"))
    publish(an_insurer("lantern"), a_content("b"), a_tariff("10.00"))
    journey = a_journey()
    need = a_need(journey)
    offers = queries.offers_for(need.id)
    db.session.commit()
    (entry,) = journey_entries(journey)
    assert entry.type is EntryType.COMPARISON_MADE
    assert entry.body["ranking_rule"] == "ranking-2"
    assert entry.body["stated"] == []
    assert entry.body["risk"] == TRAVEL_RISK
    assert entry.body["assumed"] == []
    assert entry.body["profiles"] == ["cn_nonlife"]
    assert [(each["offer_id"], each["total_minor"], each["tariff_root"]) for each in entry.body["order"]] == [
        (str(offer.id), offer.total.minor, offer.tariff_root) for offer in offers
    ]
    assert rows("procrastinate_jobs") == 1


@pytest.mark.requirement("EU-03")
def test_all_commissions_changed_and_the_order_is_the_same() -> None:
    insurers = [an_insurer(f"insurer{number}") for number in range(4)]

    def order(commissions: tuple[int, ...], since: date) -> list[str]:
        for number, (insurer, basis_points) in enumerate(zip(insurers, commissions, strict=True)):
            content = a_content(f"p{number}", commission=Commission(basis_points))
            publish(insurer, content, a_tariff(("30.00", "10.00", "20.00", "10.00")[number]), effective_from=since)
        return [offer.version.content.code for offer in queries.offers_for(a_need().id)]

    first = order((0, 100, 200, 300), date(2026, 1, 1))
    assert first == ["p1", "p3", "p2", "p0"]
    assert order((9000, 8000, 10, 0), date(2026, 2, 1)) == first


def test_sixty_four_plans_cost_as_many_statements_as_one() -> None:
    insurer = an_insurer()
    publish(insurer, a_content("p00"))
    db.session.commit()
    journey = a_journey()

    def statements() -> int:
        db.session.commit()
        with counted_statements() as counted:
            need = a_need(journey)
        with counted_statements() as shown:
            queries.offers_for(need.id)
        return len(counted) * 100 + len(shown)

    statements()  # contents and tariffs are remembered from here on
    one = statements()
    for number in range(1, 64):
        publish(insurer, a_content(f"p{number:02d}"), a_tariff(f"{number + 1}.00"))
    statements()
    assert statements() == one
    assert rows("quoting_offer") == 1 + 1 + 64 + 64


@pytest.mark.parametrize(("after", "live"), [(timedelta(days=14, seconds=-1), True), (timedelta(days=14), False)])
def test_an_offer_holds_fourteen_days_of_business_time(after: timedelta, live: bool) -> None:  # noqa: FBT001  cases
    publish(an_insurer())
    offer = an_offer(start_on=TODAY + timedelta(days=60))
    assert offer.expires_at == clock.business_now() + timedelta(days=14)
    clock.set_business_offset(after)
    if live:
        assert queries.live_offer(offer.id) == offer
    else:
        with pytest.raises(OfferExpired):
            queries.live_offer(offer.id)
        assert queries.offer(offer.id) == offer


@pytest.mark.parametrize(("after", "live"), [(timedelta(hours=11, minutes=59), True), (timedelta(hours=12), False)])
def test_an_offer_ends_with_the_first_day_of_its_cover(after: timedelta, live: bool) -> None:  # noqa: FBT001  cases
    """It is noon in Shanghai; cover starts today."""
    publish(an_insurer())
    offer = an_offer(start_on=TODAY)
    clock.set_business_offset(after)
    if live:
        assert queries.live_offer(offer.id) == offer
    else:
        with pytest.raises(StartDayPassed):
            queries.live_offer(offer.id)


def test_a_withdrawn_product_takes_its_open_offers_with_it() -> None:
    version = publish(an_insurer())
    offer = an_offer()
    catalog.recall(version.id, words("A wrong table."), SYSTEM)
    with pytest.raises(ProductWithdrawn):
        queries.live_offer(offer.id)
    assert a_need().panel.products == 0


def test_a_voided_offer_is_gone_and_its_neighbour_stays() -> None:
    publish(an_insurer(), a_content("a"), a_tariff("1.00"))
    publish(an_insurer("lantern"), a_content("b"), a_tariff("2.00"))
    first, second = queries.offers_for(a_need().id)
    services.void_offer(first.id)
    voided = queries.offer(first.id)
    clock.set_business_offset(timedelta(hours=1))
    services.void_offer(first.id)
    with pytest.raises(OfferVoided):
        queries.live_offer(first.id)
    assert queries.offer(first.id) == voided
    assert queries.live_offer(second.id) == second


def test_published_rates_can_be_compared_and_never_bought() -> None:
    content = a_content("plan", Line.US_HEALTH, profile=Profile.RATES_ONLY)
    publish(an_insurer(), content, a_tariff("10.00", "USD"), effective_from=date(2017, 1, 1))
    risk = {"start_on": "2017-04-01", "rating_area": "R-MA001", "age": 40}
    need = services.request_quotes(NeedRequest(Line.US_HEALTH, risk, START_ON, a_journey()))
    (offer,) = queries.offers_for(need.id)
    assert need.start_on == date(2017, 4, 1)
    assert offer.premium == Money(1_060, "USD")
    assert not offer.can_be_bought
    with pytest.raises(NotForSale):
        queries.live_offer(offer.id)


def test_quoting_again_changes_only_what_is_said() -> None:
    publish(an_insurer())
    told = {"zone": "asia", "days": 10, "age": 34}
    need = services.request_quotes(NeedRequest(Line.TRAVEL, told, START_ON, a_journey()))
    again = services.requote(need.id, {"age": 35})
    assert again.risk == {**told, "sports": False, "age": 35}
    assert (again.assumed, again.start_on, again.journey_id) == (("sports",), START_ON, need.journey_id)
    assert again.id != need.id
    assert services.requote(need.id, {}, START_ON + timedelta(days=1)).start_on == START_ON + timedelta(days=1)


def test_what_does_not_exist_is_not_found() -> None:
    with pytest.raises(NeedNotFound):
        queries.need("Q-3333-3333")
    with pytest.raises(OfferNotFound):
        queries.live_offer(new_id())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE quoting_offer SET premium_minor = 1, total_minor = 1",
        "UPDATE quoting_offer SET expires_at = now()",
        "DELETE FROM quoting_offer",
        "UPDATE quoting_need SET risk = '{}'",
    ],
)
def test_not_even_the_site_itself_can_change_a_price(statement: str) -> None:
    publish(an_insurer())
    offer = an_offer()
    db.session.commit()
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert queries.offer(offer.id) == offer


def test_the_total_is_the_premium_times_its_payments_or_the_database_refuses() -> None:
    publish(an_insurer())
    offer = an_offer()
    columns = (
        "need_id, product_version_id, insurer_id, currency, breakdown, fits, tariff_root, content_sha256, expires_at"
    )
    with pytest.raises(IntegrityError, match="ck_quoting_offer_total"):
        db.session.execute(
            text(
                f"INSERT INTO quoting_offer (id, place, premium_minor, payments, total_minor, {columns}) "
                f"SELECT gen_random_uuid(), 99, premium_minor, 2, premium_minor, {columns} "
                "FROM quoting_offer WHERE id = :id"
            ),
            {"id": offer.id},
        )


@pytest.mark.requirement("EU-24")
def test_the_page_states_each_criterion_of_the_rule_in_its_order() -> None:
    now, before = queries.ranking_rules()
    assert (now.rule, before.rule) == ("ranking-2", "ranking-1")
    needs, total, code = now.criteria
    assert needs.startswith("The share of the needs you stated")
    assert total.startswith("The total cost over the whole term")
    assert "code of the product" in code
    assert before.criteria == (total, code)
    assert queries.ranking_rule("ranking-1") == before
    assert (now.sentence, before.sentence) == (
        "In order of stated needs met, then total cost over the term.",
        "In order of total cost over the term.",
    )


def travel(code: str, *covers: str) -> ProductContent:
    return a_content(code, covers=tuple(Cover(each, words(each), words("pays"), words("limit")) for each in covers))


@pytest.mark.requirement("EU-03")
def test_stated_needs_order_the_offers_and_each_says_what_it_lacks() -> None:
    publish(an_insurer("cheap"), travel("cheap", "medical"), a_tariff("10.00"))
    publish(an_insurer("dear"), travel("dear", "medical", "cancellation"), a_tariff("90.00"))
    publish(an_insurer("wordy"), travel("wordy", "trip_called_off"), a_tariff("50.00"))
    journey = a_journey()
    request = NeedRequest(Line.TRAVEL, TRAVEL_RISK, START_ON, journey, ("liability", "cancellation"))
    need = services.request_quotes(request)
    db.session.commit()
    assert queries.need(need.reference).stated == ("cancellation", "liability")
    assert [(offer.version.content.code, dict(offer.fits)) for offer in queries.offers_for(need.id)] == [
        ("dear", {"cancellation": Fit.MET, "liability": Fit.NOT_MET}),
        ("cheap", {"cancellation": Fit.NOT_MET, "liability": Fit.NOT_MET}),
        ("wordy", {"cancellation": Fit.UNKNOWN, "liability": Fit.UNKNOWN}),
    ]
    (entry,) = journey_entries(journey)
    assert entry.body["stated"] == ["cancellation", "liability"]
    assert entry.body["order"][0]["fits"] == {"cancellation": "met", "liability": "not_met"}
    again = services.requote(need.id, {"age": 35})
    assert (again.stated, again.follows) == (("cancellation", "liability"), need.id)


def test_a_need_the_line_does_not_know_is_refused_and_nothing_is_kept() -> None:
    publish(an_insurer())
    journey = a_journey()
    with pytest.raises(Invalid) as refusal:
        services.request_quotes(NeedRequest(Line.TRAVEL, TRAVEL_RISK, START_ON, journey, ("terminal_illness",)))
    db.session.commit()
    assert set(refusal.value.fields) == {"needs"}
    assert (rows("quoting_need"), rows("quoting_offer")) == (0, 0)
    assert journey_entries(journey) == ()

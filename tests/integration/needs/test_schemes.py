"""A scheme rests on frozen comparisons, is frozen itself, and says what it leaves open."""

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.catalog.values import Allowed, Commission, Line, Profile
from marketplace.infra.db import db
from marketplace.kernel.canonical import digest
from marketplace.kernel.ids import new_id
from marketplace.needs import queries, services
from marketplace.needs.values import (
    Gap,
    Household,
    MakeScheme,
    Member,
    NeedKind,
    NothingNeeded,
    NotOfThisScheme,
    Role,
    Scheme,
    SchemeNotFound,
)
from marketplace.privacy.services import erasing
from marketplace.privacy.values.requests import ErasureReason
from marketplace.quoting import queries as quoting
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import EntryType
from tests.factories.accounts import an_insurer
from tests.factories.quoting import START_ON, a_content, a_tariff, publish
from tests.factories.traceability import a_journey
from tests.integration.quoting.test_quotes import counted_statements, rows

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

HOUSEHOLD = Household(
    (
        Member(Role.SELF, 34, "female", income=100_000, public_insurance=True),
        Member(Role.CHILD, 4, public_insurance=True),
    ),
    "shanghai",
    10_000,
    debts=200_000,
)


@pytest.fixture(autouse=True)
def market(database: object) -> None:
    """Hospital at 300 and 400 with 6 % tax, term life at 500, accident at 100; all paid once."""
    harbour, lantern = an_insurer(), an_insurer("lantern")
    publish(harbour, a_content("hospital-dear", Line.HOSPITAL), a_tariff("400.00"))
    publish(lantern, a_content("hospital", Line.HOSPITAL), a_tariff("300.00"))
    publish(harbour, a_content("term", Line.TERM_LIFE), a_tariff("500.00"))
    publish(lantern, a_content("accident", Line.ACCIDENT, eligibility={"age": Allowed(min=18)}), a_tariff("100.00"))
    publish(lantern, a_content("rates", Line.HOSPITAL, profile=Profile.RATES_ONLY), a_tariff("1.00"))


def made(household: Household = HOUSEHOLD) -> Scheme:
    return services.make_scheme(MakeScheme(a_journey(), household, START_ON))


def kinds(scheme: Scheme) -> list[tuple[NeedKind, int | None, int]]:
    found = ((scheme.plan.needs[item.need], item.amount) for item in scheme.plan.items)
    return [(need.kind, need.member, amount) for need, amount in found]


@pytest.mark.requirement("O13-20", "EU-07")
def test_each_part_is_the_cheapest_offer_of_a_comparison_that_is_frozen_with_it() -> None:
    scheme = made()
    assert kinds(scheme) == [
        (NeedKind.HOSPITAL, 0, 0),
        (NeedKind.DEATH, 0, 1_500_000),
        (NeedKind.ACCIDENT, 0, 500_000),
        (NeedKind.HOSPITAL, 1, 0),
    ]
    for item in scheme.plan.items:
        compared = quoting.need(item.comparison)
        offer = quoting.live_offer(item.offer_id)
        assert offer.need.id == compared.id
        assert compared.journey_id == scheme.journey_id
        assert item.first_year_minor == offer.premium.minor
    codes = [quoting.offer(item.offer_id).version.content.code for item in scheme.plan.items]
    assert codes == ["hospital", "term", "accident", "hospital"]
    assert scheme.plan.first_year.minor == 31_800 + 53_000 + 10_600 + 31_800
    assert scheme.plan.unmet == ()


def test_it_is_frozen_found_again_by_its_visit_and_by_nobody_else() -> None:
    scheme = made()
    db.session.commit()
    assert queries.own_scheme(scheme.reference, scheme.journey_id) == scheme
    assert queries.schemes_of_baskets({services.fill_basket(scheme).id}) == (scheme,)
    with pytest.raises(SchemeNotFound):
        queries.own_scheme(scheme.reference, new_id())
    for statement in ("UPDATE needs_scheme SET plan = 'x'", "DELETE FROM needs_scheme"):
        with pytest.raises(ProgrammingError), db.session.begin_nested():
            db.session.execute(text(statement))


@pytest.mark.requirement("T26-50")
def test_the_trail_names_it_by_its_hash_and_tells_nothing_of_the_household() -> None:
    scheme = made()
    db.session.commit()
    (entry,) = (each for each in journey_entries(scheme.journey_id) if each.type is EntryType.SCHEME_MADE)
    assert entry.body["sha256"] == scheme.sha256 == digest(queries.PLANS.dump_python(scheme.plan, mode="json"))
    assert "100000" not in str(entry.body)
    again = services.make_scheme(MakeScheme(scheme.journey_id, HOUSEHOLD, START_ON))
    assert again.sha256 != scheme.sha256, "nobody finds out an income by trying"
    stored = db.session.execute(text("SELECT plan FROM needs_scheme LIMIT 1")).scalar_one()
    assert b"100000" not in bytes(stored)


def test_a_tight_budget_covers_the_first_needs_and_names_the_others() -> None:
    scheme = made(replace(HOUSEHOLD, budget=700))
    assert kinds(scheme) == [(NeedKind.HOSPITAL, 0, 0), (NeedKind.HOSPITAL, 1, 0)]
    missing = [(scheme.plan.needs[each.need].kind, each.amount, each.gap) for each in scheme.plan.unmet]
    assert missing == [(NeedKind.DEATH, 1_280_000, Gap.BUDGET), (NeedKind.ACCIDENT, 500_000, Gap.BUDGET)]


def test_what_nobody_offers_is_named_with_the_comparison_that_says_why() -> None:
    old = Household(
        (Member(Role.SELF, 60, "male", income=50_000, occupation_class=4, public_insurance=True),), "shanghai", 9_000
    )
    publish(an_insurer("third"), a_content("other", Line.ACCIDENT, eligibility={"age": Allowed(max=50)}))
    db.session.execute(
        text("UPDATE catalog_product_version SET withdrawn_at = now() WHERE content->>'code' = 'accident'")
    )
    (unmet,) = made(old).plan.unmet
    assert (unmet.gap, unmet.amount) == (Gap.NOT_OFFERED, 250_000)
    assert unmet.comparison is not None
    (reason,) = quoting.need(unmet.comparison).panel.not_offered
    assert reason.product_code == "other"


def test_another_offer_may_be_taken_and_a_part_left_out_and_the_first_scheme_stays() -> None:
    scheme = made()
    dear = quoting.offers_of(quoting.need(scheme.plan.items[0].comparison))[2]
    other = services.take_instead(scheme, 0, dear.id)
    assert other.follows == scheme.id
    assert (other.plan.items[0].offer_id, other.plan.items[0].chosen) == (dear.id, True)
    assert other.plan.first_year.minor == scheme.plan.first_year.minor + 10_600
    without = services.leave_out(other, 1)
    assert [item.need for item in without.plan.items] == [0, 2, 3]
    assert [(each.need, each.amount, each.gap) for each in without.plan.unmet] == [(1, 1_280_000, Gap.LEFT_OUT)]
    assert queries.scheme(scheme.id) == scheme


def test_an_offer_of_another_part_is_not_taken() -> None:
    scheme = made()
    db.session.commit()
    before = rows("needs_scheme")
    for place, offer_id in ((0, scheme.plan.items[1].offer_id), (0, new_id()), (9, scheme.plan.items[0].offer_id)):
        with pytest.raises(NotOfThisScheme):
            services.take_instead(scheme, place, offer_id)
    with pytest.raises(NotOfThisScheme):
        services.leave_out(scheme, 9)
    assert rows("needs_scheme") == before


def test_who_needs_nothing_is_told_so_and_nothing_is_kept() -> None:
    covered = Member(Role.SELF, 34, "female", hospital_cover=True)
    with pytest.raises(NothingNeeded):
        made(Household((covered,), "shanghai", 1_000))
    assert (rows("needs_scheme"), rows("quoting_need")) == (0, 0)


@pytest.mark.requirement("EU-03")
def test_commission_moves_nothing() -> None:
    before = made()
    publish(an_insurer("third"), a_content("zz", Line.HOSPITAL, commission=Commission(9_000)), a_tariff("300.00"))
    assert [quoting.offer(item.offer_id).version.content.code for item in made().plan.items] == [
        quoting.offer(item.offer_id).version.content.code for item in before.plan.items
    ]


def test_what_was_told_is_gone_with_the_visit() -> None:
    scheme = made()
    basket = services.fill_basket(scheme)
    db.session.commit()
    erasing.erase_journey(scheme.journey_id, ErasureReason.RETENTION)
    db.session.commit()
    with pytest.raises(SchemeNotFound):
        queries.own_scheme(scheme.reference, scheme.journey_id)
    assert queries.schemes_of_baskets({basket.id}) == ()


def test_statements_grow_with_what_is_bought_not_with_what_is_tried() -> None:
    made()
    with counted_statements() as few:
        made(replace(HOUSEHOLD, budget=400))
    with counted_statements() as same:
        made(replace(HOUSEHOLD, budget=400, debts=3_000_000))
    assert len(same) == len(few), "more levels of the sum insured cost no further statement"

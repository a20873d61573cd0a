"""What customers see of a new version, and what is left to them when a sale ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.application import services as application
from marketplace.application.values import Acting, Step
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import AlreadyOnSale, Line
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.listing import queries, services
from marketplace.listing.values import Impact, ReasonMissing, ReviewNotYours, Shift, StoredDraft
from marketplace.quoting import queries as quoting
from marketplace.quoting import services as quotes
from marketplace.quoting.values import NeedRequest, OfferView, OfferVoided, ProductWithdrawn, SaleStopped
from tests.conftest import NOON
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.application import an_application
from tests.factories.catalog import HARBOUR_TERM, PREMIUM_MINOR, RISK, catalog_files, changed
from tests.factories.listing import People, accepted, acting, dearer, people_of, read
from tests.factories.traceability import a_journey

WHY = LocalizedText("A table was wrong.", "费率表有误。")


@pytest.fixture
def people(database: None) -> Iterator[People]:
    with clock.frozen(NOON):
        yield people_of(an_insurer("harbour"))


def offers(start_in: int = 5) -> tuple[OfferView, ...]:
    """What somebody is offered now, for cover from some days ahead."""
    start_on = clock.today("Asia/Shanghai") + timedelta(days=start_in)
    need = quotes.request_quotes(NeedRequest(Line.TERM_LIFE, RISK, start_on, a_journey()))
    return quoting.offers_for(need.id)


def test_a_new_premium_is_seen_at_its_instant_and_not_before(people: People) -> None:
    """Also by who asks beforehand for cover that begins after it."""
    (old,) = accepted(people, catalog_files())
    (new,) = accepted(people, dearer("2026-12-01"))
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    with clock.frozen(midnight - timedelta(seconds=1)):
        (before,) = offers(start_in=30)
    with clock.frozen(midnight):
        (after,) = offers(start_in=30)
    assert (before.version.id, before.premium.minor) == (old, PREMIUM_MINOR)
    assert (after.version.id, after.premium.minor > PREMIUM_MINOR) == (new, True)
    with clock.frozen(midnight):
        assert quoting.live_offer(before.id).premium == before.premium, "an offer pins its version"


def test_stopping_a_sale_ends_new_offers_and_applications_and_nothing_else(people: People) -> None:
    (version_id,) = accepted(people, catalog_files())
    (offer,) = offers()
    by, begun = an_application(offer, Step.PEOPLE)
    (other,) = offers()
    services.stop_sale(version_id, NOON + timedelta(hours=1), WHY, people.first)
    assert len(offers()) == 1, "until then it is sold"
    with clock.frozen(NOON + timedelta(hours=1)):
        assert offers() == ()
        assert quoting.live_offer(offer.id).id == offer.id
        assert application.open_application(by, offer.id, "en").id == begun.id, "what was begun goes on"
        db.session.commit()
        with pytest.raises(SaleStopped):
            application.open_application(Acting(other.need.journey_id, "0" * 64), other.id, "en")
        db.session.rollback()
        assert applications.applications_of_journey(other.need.journey_id) == ()


def test_a_recall_voids_open_offers_too(people: People) -> None:
    (version_id,) = accepted(people, catalog_files())
    (first,), (second,) = offers(), offers()
    assert services.recall_version(version_id, WHY, people.first) == 2
    for offer in (first, second):
        with pytest.raises(OfferVoided):
            quoting.live_offer(offer.id)
    assert offers() == ()
    assert issubclass(SaleStopped, ProductWithdrawn)


def test_what_is_withdrawn_before_its_day_never_comes_and_the_old_goes_on(people: People) -> None:
    (old,) = accepted(people, catalog_files())
    (new,) = accepted(people, dearer("2026-12-01"))
    with pytest.raises(AlreadyOnSale):
        services.withdraw_version(old, WHY, people.first)
    services.withdraw_version(new, WHY, people.first)
    with clock.frozen(NOON + timedelta(days=30)):
        assert [offer.version.id for offer in offers()] == [old]


@pytest.mark.asvs("8.2.2")
def test_only_those_who_keep_the_catalog_of_this_insurer_end_a_sale(people: People) -> None:
    (version_id,) = accepted(people, catalog_files())
    rival = people_of(an_insurer("rival"))
    finance = acting(a_member_of_staff(Role.INSURER_FINANCE, people.insurer))
    for actor in (rival.first, people.reviewer, finance):
        for end in (services.recall_version, services.withdraw_version):
            with pytest.raises(ReviewNotYours):
                end(version_id, WHY, actor)
        with pytest.raises(ReviewNotYours):
            services.stop_sale(version_id, None, WHY, actor)
    with pytest.raises(ReasonMissing):
        services.recall_version(version_id, LocalizedText("  "), people.first)
    assert (catalog.sale_ends_of([version_id]), len(offers())) == ((), 1)


# --- difference and impact --------------------------------------------------------------------------------------------


def test_the_first_version_of_a_product_is_compared_with_nothing(people: People) -> None:
    (draft,) = queries.drafts_of(read(people, catalog_files()).id)
    assert (draft.difference.against, draft.difference.changes, draft.difference.premiums) == (None, (), None)
    assert draft.impact == Impact(NOON)
    (tried,) = queries.tried(draft, [dict(RISK)])
    assert (tried.new and tried.new.total.minor, tried.old) == (PREMIUM_MINOR, None)


def test_a_draft_says_what_it_changes_and_whom_it_touches(people: People) -> None:
    (version_id,) = accepted(people, catalog_files())
    (offer,) = offers()
    an_application(offer, Step.PEOPLE)
    files = changed(f"{HARBOUR_TERM}product.toml", "grace_days = 60", "grace_days = 30", files=dearer("2026-12-01"))
    upload = read(people, files)
    (draft,) = queries.drafts_of(upload.id)
    assert (draft.difference.against, draft.difference.number) == (version_id, 1)
    assert [(each.field, each.old, each.new) for each in draft.difference.changes] == [("grace_days", "60", "30")]
    premiums = draft.difference.premiums
    assert premiums is not None
    assert premiums.shift is not None
    assert (premiums.possible, premiums.rated, premiums.comes, premiums.goes) == (15_480, 15_480, 0, 0)
    assert premiums.shift == by_hand(draft)
    assert (premiums.shift.risks, premiums.shift.rising, premiums.shift.falling) == (13_320, 13_298, 0)
    ages = [band for band in premiums.bands if band.factor == "age"]
    assert [(band.low, band.high) for band in ages][:2] == [(18, 19), (20, 29)]
    assert (draft.impact.offers, draft.impact.rated, draft.impact.applications) == (1, 1, 1)
    assert (draft.impact.rising, draft.impact.refused, draft.impact.in_force) == (0, 0, 0)


def by_hand(draft: StoredDraft) -> Shift:
    """A plain loop over the same risks, one premium at a time."""
    changes = [
        round((each.new.total.minor - each.old.total.minor) * 1_000_000 / each.old.total.minor)
        for each in queries.tried(draft, queries.some_risks(draft, 20_000, 0))
        if each.new is not None and each.old is not None
    ]
    rising, falling = sum(change > 0 for change in changes), sum(change < 0 for change in changes)
    average = round(sum(changes) / len(changes))
    return Shift(len(changes), rising, falling, average, max(changes), min(changes))


def test_offers_that_would_rise_by_more_than_five_per_cent_are_counted_anew_at_each_step(people: People) -> None:
    accepted(people, catalog_files())
    upload = read(people, dearer("2026-12-01", "160.00"))
    assert queries.draft(upload.id, 1).impact.rising == 0
    offers()
    services.submit_upload(upload.id, people.first)
    services.measure_impact(upload.id)
    db.session.expire_all()
    impact = queries.draft(upload.id, 1).impact
    assert (impact.offers, impact.rated, impact.rising) == (1, 1, 1)

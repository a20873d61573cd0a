"""Public notices are read off what the house knows: nobody writes them a second time."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from marketplace.accounts import queries as parties
from marketplace.accounts import services as accounts
from marketplace.accounts.values import Insurer, Role
from marketplace.catalog import queries as on_sale
from marketplace.catalog import services as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.disclosure import services as disclosure
from marketplace.disclosure.values import AnnouncementKind, NewAnnouncement
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.oversight import queries, services
from marketplace.oversight.values import Became, NoticeFilter
from marketplace.rating import services as rating
from marketplace.traceability.values import Actor, ActorRole
from tests.conftest import NOON
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.catalog import STAFF, a_draft_product, harbour_term, statements
from tests.factories.disclosure import an_announcement

pytestmark = pytest.mark.usefixtures("database")

DRAFT = a_draft_product()
WHY = LocalizedText("A table was wrong.", "费率表有误。")
BOTH = LocalizedText("Words", "文字")
ALL = NoticeFilter()


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer("harbour")


def publish(insurer: Insurer, start: date, end: date | None = None, *, other_price: bool = False) -> ProductVersion:
    """A version of Harbour Term, with the tariff it has or another one. One is published after the other."""
    documents = {ref.sha256: data for ref, data in DRAFT.documents}
    version = catalog.publish_version(
        insurer.id, DRAFT.content, documents, effective_from=start, effective_to=end, actor=STAFF
    )
    rating.store_tariff(
        version.id, replace(DRAFT.tariff, steps=DRAFT.tariff.steps[:-1]) if other_price else DRAFT.tariff
    )
    return version


def kinds(asked: NoticeFilter = ALL) -> list[str]:
    """The newest first; of one transaction of these tests, in any order."""
    return sorted(each.kind.value for each in queries.notices(asked).notices)


@pytest.mark.requirement("SCM-01", "SCM-03")
def test_a_version_that_goes_live_and_a_stop_announced_ahead_show_their_day(insurer: Insurer) -> None:
    version = harbour_term(insurer)
    stops = clock.business_now() + timedelta(days=30)
    catalog.stop_sale(version.id, stops, WHY, STAFF)
    (begun,) = queries.notices(NoticeFilter(kind=Became.PRODUCT)).notices
    assert (begun.product_version_id, begun.starts_on) == (version.id, version.effective_from)
    (stop,) = queries.notices(NoticeFilter(kind=Became.STOP_SALE)).notices
    assert (stop.product_version_id, stop.starts_at, stop.reason) == (version.id, stops, WHY)
    assert stop.at <= stops


@pytest.mark.requirement("SCM-01")
def test_an_end_that_is_known_from_the_beginning_is_told_with_it(insurer: Insurer) -> None:
    today = clock.today("Asia/Shanghai")
    publish(insurer, today, today + timedelta(days=30))
    (found,) = queries.notices(NoticeFilter(kind=Became.PRODUCT)).notices
    assert (found.starts_on, found.ends_on) == (today, today + timedelta(days=30))


@pytest.mark.requirement("SCM-01", "SCM-03")
def test_recalled_and_withdrawn_versions_are_told(insurer: Insurer) -> None:
    version = harbour_term(insurer)
    later = publish(insurer, clock.today("Asia/Shanghai") + timedelta(days=40))
    catalog.withdraw(later.id, WHY, STAFF)
    catalog.recall(version.id, WHY, STAFF)
    assert kinds() == ["insurer_begun", "product", "recall", "version", "withdrawal"]


@pytest.mark.requirement("SCM-03")
def test_a_new_tariff_is_a_new_price_and_the_same_one_is_not(insurer: Insurer) -> None:
    today = clock.today("Asia/Shanghai")
    first = harbour_term(insurer)
    same = publish(insurer, today + timedelta(days=10))
    dearer = publish(insurer, today + timedelta(days=20), other_price=True)
    by_version = {each.product_version_id: each for each in queries.notices(ALL).notices if each.product_version_id}
    assert [by_version[each.id].kind for each in (first, same, dearer)] == [
        Became.PRODUCT, Became.VERSION, Became.PRICE,
    ]  # fmt: skip
    assert by_version[dearer.id].starts_on == today + timedelta(days=20)
    assert [each.product_version_id for each in queries.notices(NoticeFilter(kind=Became.PRICE)).notices] == [dearer.id]


def test_the_price_is_compared_with_what_was_sold_not_with_what_was_taken_back(insurer: Insurer) -> None:
    today = clock.today("Asia/Shanghai")
    harbour_term(insurer)
    taken_back = publish(insurer, today + timedelta(days=10), other_price=True)
    catalog.withdraw(taken_back.id, WHY, STAFF)
    same = publish(insurer, today + timedelta(days=20))
    (found,) = (each for each in queries.notices(ALL).notices if each.product_version_id == same.id)
    assert found.kind is Became.VERSION
    assert not found.new_price


def test_a_version_after_a_stop_is_on_sale_again(insurer: Insurer) -> None:
    version = harbour_term(insurer)
    catalog.stop_sale(version.id, None, WHY, STAFF)
    again = publish(insurer, clock.today("Asia/Shanghai") + timedelta(days=10), other_price=True)
    (found,) = queries.notices(NoticeFilter(kind=Became.AGAIN)).notices
    assert found.product_version_id == again.id
    assert found.new_price
    assert [each.id for each in queries.notices(NoticeFilter(kind=Became.PRICE)).notices] == [again.id]


def test_a_stop_that_comes_after_the_next_version_interrupts_nothing(insurer: Insurer) -> None:
    version = harbour_term(insurer)
    catalog.stop_sale(version.id, clock.business_now() + timedelta(days=30), WHY, STAFF)
    publish(insurer, clock.today("Asia/Shanghai") + timedelta(days=10))
    assert kinds() == ["insurer_begun", "product", "stop_sale", "version"]


def test_insurers_that_come_stop_and_go_on_are_told(insurer: Insurer) -> None:
    owner, second = a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    accounts.suspend_insurer(insurer.id, "solvency, for us alone", owner)
    assert kinds() == ["insurer_begun", "insurer_stopped"]
    accounts.ask_to_lift(insurer.id, "mended", owner)
    assert kinds() == ["insurer_begun", "insurer_stopped"], "asking is no news"
    accounts.lift_suspension(insurer.id, second)
    assert kinds() == ["insurer_begun", "insurer_resumed", "insurer_stopped"]
    assert all(each.reason is None for each in queries.notices(ALL).notices), "what is told the insurer is not public"


def test_one_that_waits_for_its_first_sale_has_not_come_yet(insurer: Insurer) -> None:
    held = text(
        "INSERT INTO accounts_suspension (id, insurer_id, before_first_sale, reason, suspended_at) "
        "VALUES (gen_random_uuid(), :insurer, true, '', now())"
    )
    db.session.execute(held, {"insurer": insurer.id})
    assert kinds() == []


def test_announcements_stand_among_them_once_they_are_released(insurer: Insurer) -> None:
    author, second = a_member_of_staff(Role.ADMIN_OWNER), a_member_of_staff(Role.ADMIN_COMPLIANCE)
    said = NewAnnouncement(AnnouncementKind.OTHER, BOTH, BOTH, insurer_id=insurer.id)
    draft = disclosure.draft_announcement(said, author.id)
    assert kinds() == ["insurer_begun"]
    disclosure.release_announcement(draft.id, "market.example/log", Actor(ActorRole.ADMIN, second.id))
    assert kinds() == ["insurer_begun", "other"]
    assert kinds(NoticeFilter(kind=AnnouncementKind.OTHER)) == ["other"]


@pytest.mark.requirement("O13-03")
def test_an_insurer_sells_nothing_from_the_announced_end_of_its_cooperation_on(
    insurer: Insurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    today, now = clock.today("Asia/Shanghai"), clock.business_now()
    harbour_term(insurer)
    other = an_insurer("meridian")
    ends = an_announcement(AnnouncementKind.COOPERATION, insurer_id=insurer.id, starts_at=now + timedelta(days=1))
    assert services.end_cooperations() == 0
    assert len(on_sale.all_on_sale(today)) == 1
    monkeypatch.setattr(clock, "business_now", lambda: now + timedelta(days=2))
    assert services.end_cooperations() == 1
    assert on_sale.all_on_sale(today) == ()
    (stopped,) = parties.suspensions(insurer.id)
    assert stopped.suspended_by == ends.released_by
    assert parties.may_sell(other.id)
    assert services.end_cooperations() == 0, "once"


@pytest.mark.requirement("O13-03")
def test_an_end_that_was_taken_back_stops_nothing(insurer: Insurer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = clock.business_now()
    ends = an_announcement(AnnouncementKind.COOPERATION, insurer_id=insurer.id, starts_at=now + timedelta(days=1))
    an_announcement(AnnouncementKind.REVOCATION, revokes_id=ends.id)
    monkeypatch.setattr(clock, "business_now", lambda: now + timedelta(days=2))
    assert services.end_cooperations() == 0
    assert parties.may_sell(insurer.id)


def test_they_are_found_by_insurer(insurer: Insurer) -> None:
    harbour_term(insurer)
    other = an_insurer("meridian")
    assert kinds(NoticeFilter(other.id)) == ["insurer_begun"]
    assert kinds(NoticeFilter(insurer.id)) == ["insurer_begun", "product"]
    assert kinds(NoticeFilter(other.id, Became.PRODUCT)) == []


def test_ten_thousand_versions_are_one_statement_and_the_last_page_is_there(insurer: Insurer) -> None:
    version = harbour_term(insurer)
    db.session.commit()
    with every_row() as owner:
        owner.execute(_MANY, {"version": version.id})
        owner.commit()
    with statements() as sent:
        found = queries.notices(ALL)
    assert len(sent) == 1
    assert (found.total, len(found.notices), found.pages) == (10_002, 25, 401)
    last = queries.notices(ALL, 9_999)
    assert (last.number, len(last.notices)) == (401, 2)
    assert last.notices[-1].at <= last.notices[0].at <= NOON + timedelta(days=36_500)


_MANY = text(
    """
    WITH products AS (
        INSERT INTO catalog_product (id, insurer_id, code, line)
        SELECT gen_random_uuid(), insurer_id, 'many-' || n, line
        FROM catalog_product_version, generate_series(1, 2000) AS n WHERE id = :version RETURNING id
    )
    INSERT INTO catalog_product_version (id, product_id, insurer_id, number, line, profile, content, content_sha256,
        effective, published_at)
    SELECT gen_random_uuid(), p.id, v.insurer_id, n, v.line, v.profile, v.content, v.content_sha256,
        daterange(date '2026-01-01' + n, date '2026-01-01' + n + 1), v.published_at - n * interval '1 day'
    FROM catalog_product_version v, products p, generate_series(1, 5) AS n WHERE v.id = :version
    """
)

"""Public notices and announcements: who writes and releases them, where they stand, and that they stop sales."""

import re
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.catalog import queries as catalog
from marketplace.catalog import services as selling
from marketplace.disclosure import queries, services
from marketplace.disclosure.values import Announcement, AnnouncementKind
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.web import released as pages_released
from sandbox.demo.visitor import Visitor, words
from tests.factories.catalog import STAFF
from tests.factories.disclosure import an_announcement
from tests.web.conftest import ANSWERS, count, days_later
from tests.web.desk_visits import at_the_desk, statements

LANGUAGES = {
    "title": "Maintenance", "title_zh": "系统维护", "text": "The computers are moved.", "text_zh": "机房搬迁。",
    "handling": "Applications wait.", "handling_zh": "投保申请予以保留。",
}  # fmt: skip
WHY = LocalizedText("A table was wrong.", "费率表有误。")


def said(page: str) -> str:
    """All words of a page, those above its content too."""
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<body") :]).split())


def announce(shop: Flask, kind: AnnouncementKind, **changes: object) -> Announcement:
    with shop.app_context():
        found = an_announcement(kind, **changes)
        db.session.commit()
    return found


def interrupt(shop: Flask, **changes: object) -> Announcement:
    return announce(shop, AnnouncementKind.INTERRUPTION, **{"starts_at": clock.business_now()} | changes)


def take_back(shop: Flask, found: Announcement) -> Announcement:
    return announce(
        shop, AnnouncementKind.REVOCATION, revokes_id=found.id, title=LocalizedText("It is over", "维护结束"),
        handling=None,
    )  # fmt: skip


def close(shop: Flask) -> Announcement:
    with shop.app_context():
        day = services.earliest_start(AnnouncementKind.CLOSING)
    contracts = LocalizedText("Contracts go on with their insurers.", "保险合同由保险公司继续履行。")
    return announce(shop, AnnouncementKind.CLOSING, starts_at=day, handling=contracts)


def test_one_writes_another_releases_and_everybody_reads(shop: Flask, visitor: Visitor) -> None:
    author, second = at_the_desk(shop, Role.ADMIN_COMPLIANCE), at_the_desk(shop, Role.ADMIN_OWNER)
    author.get("/admin/notices")
    author.get("/admin/notices/new")
    author.post({"kind": "interruption", **LANGUAGES})
    draft = author.at
    assert "Another person than you has to release it." in words(author.text)
    assert "Maintenance" not in visitor.get("/notices")
    assert visitor.client.get(draft.replace("/admin", "")).status_code == 404
    author.post({}, f"{draft}/release")
    assert author.status == 422
    assert "Whoever wrote an announcement cannot release it." in words(author.text)
    second.get("/admin/notices")
    second.get(draft)
    second.post({}, f"{draft}/release")
    assert "Maintenance" in visitor.get("/notices")
    page = words(visitor.get(draft.replace("/admin", "")))
    assert "The computers are moved." in page
    assert "Applications wait." in page
    visitor.locale = "zh_Hans_CN"
    assert "机房搬迁。" in words(visitor.get(draft.replace("/admin", "")))


def test_what_was_typed_stays_where_it_will_not_do(shop: Flask) -> None:
    author = at_the_desk(shop, Role.ADMIN_OWNER)
    author.get("/admin/notices/new")
    soon = clock.business_now().astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=3)
    page = author.post({"kind": "closing", **LANGUAGES, "starts_at": f"{soon:%Y-%m-%dT%H:%M}"})
    assert author.status == 422
    assert "This has to be announced earlier. It may begin from" in words(page)
    assert "The computers are moved." in page
    page = author.post({"kind": "closing", **LANGUAGES, "handling": "", "handling_zh": ""})
    assert author.status == 422
    assert "Please answer this." in words(page)
    assert count(shop, "disclosure_announcement") == 0


def test_a_draft_is_dropped_and_written_anew_and_an_announcement_taken_back(shop: Flask, visitor: Visitor) -> None:
    author, second = at_the_desk(shop, Role.ADMIN_COMPLIANCE), at_the_desk(shop, Role.ADMIN_OWNER)
    author.get("/admin/notices/new")
    author.post({"kind": "other", **LANGUAGES})
    first = author.at
    author.post({}, f"{first}/drop")
    author.get(f"/admin/notices/new?like={first.rsplit('/', 1)[1]}")
    assert "The computers are moved." in author.text
    author.post({"kind": "other", **LANGUAGES})
    second.get(author.at)
    second.post({}, f"{author.at}/release")
    author.get(author.at)
    (back,) = re.findall(r'href="(/admin/notices/new\?revokes=[0-9a-f-]+)"', author.text)
    author.get(back)
    author.post({"kind": "revocation", **LANGUAGES, "title": "It is over"})
    second.get(author.at)
    second.post({}, f"{author.at}/release")
    page = visitor.get("/notices")
    assert [page.count(each) for each in (">It is over<", ">taken back<")] == [1, 1]
    with shop.app_context():
        assert [each.said.kind for each in queries.standing()] == ["revocation"]


@pytest.mark.parametrize("query", ["revokes=x", "like=00000000-0000-0000-0000-000000000000"])
def test_what_names_no_announcement_leads_nowhere(shop: Flask, query: str) -> None:
    assert at_the_desk(shop, Role.ADMIN_OWNER).client.get(f"/admin/notices/new?{query}").status_code == 404


@pytest.mark.requirement("O13-42")
def test_an_interruption_says_on_the_start_page_why_nothing_is_sold_and_what_is_done(
    shop: Flask, visitor: Visitor
) -> None:
    assert "Nothing is sold here at present." not in said(visitor.get("/"))
    found = interrupt(shop)
    page = said(visitor.get("/"))
    assert "Nothing is sold here at present. The computers are moved." in page
    assert "Applications wait." in page
    take_back(shop, found)
    assert "Nothing is sold here at present." not in said(visitor.get("/"))


@pytest.mark.requirement("O13-42")
def test_nothing_is_sold_while_it_lasts_and_sales_go_on_by_themselves(
    shop: Flask, stranger: Visitor, at_step: Callable[..., Visitor]
) -> None:
    (offer, *_) = stranger.compare("term_life", ANSWERS)
    paying = at_step("pay")
    path = paying.at
    interrupt(shop, ends_at=clock.business_now() + timedelta(hours=20))
    for page in (paying.post({}), stranger.get(offer.replace("/offers/", "/apply/"))):
        assert "The computers are moved." in said(page)
    assert paying.status == stranger.status == 503
    assert count(shop, "payment_attempt") == 0
    days_later(shop, 1)
    paying.get(path)
    assert paying.status == 200


def test_the_trouble_of_one_insurer_is_told_and_stops_nobody(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        insurer_id = accounts.insurer_by_code("harbour").id
    interrupt(shop, insurer_id=insurer_id)
    page = said(visitor.get("/"))
    assert "The computers are moved." in page
    assert "Nothing is sold here at present." not in page
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    assert visitor.client.get(offer.replace("/offers/", "/apply/")).status_code == 200


@pytest.mark.requirement("O13-06")
def test_a_closing_stands_on_every_sales_page_with_its_day_and_what_becomes_of_contracts(
    shop: Flask, visitor: Visitor, at_step: Callable[..., Visitor]
) -> None:
    visitor.get("/")
    found = close(shop)
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    pages = [visitor.get(path) for path in ("/", comparison, offer)]
    pages += [at_step(step).text for step in ("email", "people", "questions", "documents", "exclusions", "pay")]
    for page in pages:
        assert "Contracts go on with their insurers." in said(page)
        assert 'data-req="O13-06"' in page
    days_later(shop, 50)
    assert "Nothing is sold here at present." in said(visitor.get("/"))
    with shop.app_context():
        assert queries.announcement(found.id).in_force(clock.business_now())


@pytest.mark.requirement("N108-10")
def test_a_change_of_scope_stands_on_products_pages_until_it_is_made(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        day = services.earliest_start(AnnouncementKind.SCOPE)
    visitor.get("/")
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    announce(shop, AnnouncementKind.SCOPE, starts_at=day, title=LocalizedText("No annuities", "不再销售年金"))
    for path in ("/", offer, offer.replace("/offers/", "/apply/")):
        assert "No annuities" in said(visitor.get(path))
    days_later(shop, 12)
    assert "No annuities" not in said(visitor.get("/"))
    assert "No annuities" in said(visitor.get("/notices"))


def test_desks_of_staff_show_none(shop: Flask) -> None:
    interrupt(shop)
    assert "The computers are moved." not in at_the_desk(shop, Role.ADMIN_SALES).get("/admin/sales")


@pytest.mark.requirement("O13-42")
def test_the_start_page_says_so_too_where_the_pages_were_not_released(
    shop: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreleased(*_named: object) -> None:
        raise pages_released.PagesNotReleased

    monkeypatch.setattr(pages_released.Pages, "require", unreleased)
    assert "Nothing is sold here at present." in said(visitor.get("/"))
    monkeypatch.undo()
    assert "Nothing is sold here at present." not in said(visitor.get("/"))


@pytest.mark.requirement("SCM-01", "SCM-03")
def test_a_stop_is_public_with_its_day_before_it_comes_and_after_it_nothing_is_quoted(
    shop: Flask, visitor: Visitor
) -> None:
    visitor.get("/")
    assert "On sale from January 1, 2026" in said(visitor.get("/notices"))
    with shop.app_context():
        (version,) = catalog.all_on_sale(clock.today("Asia/Shanghai"))
        selling.stop_sale(version.id, clock.business_now() + timedelta(days=3), WHY, STAFF)
        db.session.commit()
    page = said(visitor.get("/notices?kind=stop_sale"))
    assert "No new applications from" in page
    assert "The insurer says why: A table was wrong." in page
    assert len(visitor.compare("term_life", ANSWERS)) == 1
    days_later(shop, 4)
    assert visitor.compare("term_life", ANSWERS) == []


def test_notices_are_found_by_insurer_and_kind(shop: Flask, visitor: Visitor) -> None:
    interrupt(shop)
    assert said(visitor.get("/notices")).count("3 notices") == 1
    assert "1 notice" in said(visitor.get("/notices?kind=interruption"))
    assert "2 notices" in said(visitor.get("/notices?insurer=harbour"))
    assert "There is no such notice." in said(visitor.get("/notices?insurer=harbour&kind=recall"))
    assert visitor.client.get("/notices?kind=nonsense").status_code == 422
    assert visitor.client.get("/notices?page=99").status_code == 200


def test_the_page_asks_no_more_for_many_notices_than_for_few(shop: Flask, visitor: Visitor) -> None:
    visitor.get("/notices?page=1")
    few = statements(shop, lambda: visitor.get("/notices?page=1"))
    for _ in range(5):
        announce(shop, AnnouncementKind.OTHER)
    visitor.get("/notices?page=1")
    assert statements(shop, lambda: visitor.get("/notices?page=1")) <= few + 1, "announcements are asked for at once"
    visitor.get("/notices")
    assert statements(shop, lambda: visitor.get("/notices")) <= 1, "the first page is kept in memory"


def test_the_feed_says_what_the_page_says(shop: Flask, visitor: Visitor) -> None:
    found = interrupt(shop)
    answer = visitor.client.get("/notices/feed.atom")
    assert answer.mimetype == "application/atom+xml"
    feed = ET.fromstring(answer.data)  # noqa: S314  our own
    names = {"a": "http://www.w3.org/2005/Atom"}
    entries = feed.findall("a:entry", names)
    assert len(entries) == 3
    assert [feed.findtext(f"a:{name}", "", names) != "" for name in ("id", "title", "updated")] == [True] * 3
    links = [each.get("href", "") for each in feed.findall("a:entry/a:link", names)]
    assert any(link.endswith(f"/notices/{found.id}") for link in links)
    assert len({entry.findtext("a:id", "", names) for entry in entries}) == 3

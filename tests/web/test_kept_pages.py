"""Pages from memory: the same words for every visitor, nothing of one for another, never older than what is true."""

import re
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.quoting import services as quoting
from marketplace.traceability import queries as trail
from marketplace.web import kept_pages
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import ANSWERS, days_later
from tests.web.desk_visits import at_the_desk

NONCE = re.compile(r'nonce="([^"]+)"')
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
MARK = re.compile(r"mark-[0-9a-f]{32}")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates of the pages that were made, in their order."""
    templates: list[str] = []
    make = kept_pages._made

    def noted(page: kept_pages.Page) -> kept_pages._Kept:
        templates.append(page.template.split("/")[1])
        return make(page)

    monkeypatch.setattr(kept_pages, "_made", noted)
    return templates


@pytest.fixture
def pages(visitor: Visitor, made: list[str]) -> tuple[str, str, str]:
    """The three kinds, each made once for `visitor`."""
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    for path in ("/", offer):
        visitor.get(path)
    assert made == ["comparison.html", "home.html", "product.html"]
    return "/", comparison, offer


def without_its_own(page: str) -> str:
    """The page without what is new in each answer."""
    return TOKEN.sub("", NONCE.sub("", page))


def test_another_visitor_gets_the_same_words_and_tokens_of_their_own(
    pages: tuple[str, str, str], visitor: Visitor, stranger: Visitor, made: list[str]
) -> None:
    made.clear()
    for path in pages:
        mine, theirs = visitor.get(path), stranger.get(path)
        assert without_its_own(mine) == without_its_own(theirs), path
        assert set(NONCE.findall(mine)).isdisjoint(NONCE.findall(theirs))
        assert set(TOKEN.findall(mine)).isdisjoint(TOKEN.findall(theirs))
        assert len(set(TOKEN.findall(mine))) == len(set(TOKEN.findall(theirs))) == 1
        assert MARK.findall(mine + theirs) == []
    assert made == []


def test_the_token_of_a_page_from_memory_is_taken_and_its_nonce_is_in_the_policy(
    shop: Flask, pages: tuple[str, str, str], stranger: Visitor
) -> None:
    answer = stranger.client.get("/")
    (nonce,) = set(NONCE.findall(answer.text))
    assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]
    (token,) = set(TOKEN.findall(answer.text))
    changed = stranger.client.post("/language", data={"csrf_token": token, "locale": "zh_Hans_CN", "back": "/"})
    assert changed.status_code == 302
    assert "逐项比较保险" in stranger.client.get("/").text, "and the other language is another page"


@pytest.mark.requirement("T26-06")
def test_every_sending_is_recorded_with_its_own_bytes(
    shop: Flask, pages: tuple[str, str, str], visitor: Visitor
) -> None:
    sent = [visitor.get(path) for path in pages[1:] for _ in range(2)]
    with visitor.client.session_transaction() as session, shop.app_context():
        journey_id = trail.journey(UUID(session["journey"])).id
        kept = [entry.page_sha256 for entry in trail.journey_entries(journey_id) if entry.page_sha256]
    assert kept[-4:] == [sha256_hex(page.encode()) for page in sent]
    assert len(set(kept)) == len(kept)


def test_who_is_signed_in_asks_with_a_query_or_has_a_message_waiting_gets_a_page_of_their_own(
    shop: Flask, pages: tuple[str, str, str], visitor: Visitor, made: list[str]
) -> None:
    made.clear()
    staff = at_the_desk(shop, Role.ADMIN_SALES)
    made.clear()
    assert "Sign out" in staff.get("/")
    visitor.get("/?from=mail")
    with visitor.client.session_transaction() as session:
        session["_flashes"] = [("message", "Your new password is set.")]
    assert "Your new password is set." in visitor.get("/")
    assert made == ["home.html"] * 3
    assert "Your new password is set." not in visitor.get("/")
    assert "Sign out" not in visitor.text
    assert made == ["home.html"] * 3, "what was kept before is still what visitors get"


def test_a_page_ends_with_its_prices(shop: Flask, pages: tuple[str, str, str], visitor: Visitor) -> None:
    _, comparison, offer = pages
    assert "These prices have expired." not in words(visitor.get(comparison))
    days_later(shop, 60)
    assert "These prices have expired." in words(visitor.get(comparison))
    assert "This price has expired." in words(visitor.get(offer))
    assert "Apply for this" not in words(visitor.text)


def test_an_offer_that_was_ended_is_offered_no_more(shop: Flask, pages: tuple[str, str, str], visitor: Visitor) -> None:
    offer = pages[2]
    assert "Apply for this" in words(visitor.get(offer))
    with shop.app_context():
        quoting.void_offer(UUID(offer.rsplit("/", 1)[1]))
        db.session.commit()
    assert "This product is no longer offered." in words(visitor.get(offer))
    assert "Apply for this" not in words(visitor.text)


def test_what_an_insurer_changes_is_on_the_next_page(
    shop: Flask, pages: tuple[str, str, str], visitor: Visitor, made: list[str]
) -> None:
    made.clear()
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
        db.session.execute(
            text("UPDATE accounts_insurer SET phone = '400 000 1234' WHERE id = :id"), {"id": harbour.id}
        )
        db.session.commit()
    assert "400 000 1234" in visitor.get(pages[2])
    visitor.get("/")
    assert made == ["product.html", "home.html"]


def test_what_is_not_there_is_not_kept(visitor: Visitor) -> None:
    for path in ("/compare/term_life/Q-NONE-NONE", "/offers/00000000-0000-4000-8000-000000000000"):
        for _ in range(2):
            visitor.get(path)
            assert visitor.status == 404

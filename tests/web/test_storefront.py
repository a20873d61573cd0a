"""What a visitor sees before applying: offers side by side, their lines, the rule of their order, the documents."""

import hashlib
import re
from decimal import Decimal
from html import unescape

import pytest
from flask import Flask

from marketplace.catalog import queries as catalog
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, changed, published
from tests.web.conftest import ANSWERS, NothingWritten, count

HYPE = ("best", "cheapest", "no. 1", "number one", "recommended", "exclusive", "guaranteed", "hurry", "only today")


@pytest.fixture
def two_insurers(shop: Flask) -> Flask:
    """Farshore sells the same term life under another name."""
    with shop.app_context():
        files = changed("catalog.toml", 'insurer = "harbour"', 'insurer = "farshore"')
        published(an_insurer("farshore"), files)
        db.session.commit()
    return shop


def offers_on(page: str) -> list[str]:
    return page.split('<article class="offer"')[1:]


def rows_of(offer: str) -> list[str]:
    return [unescape(label) for label in re.findall(r'<div class="row"><dt>(.*?)</dt>', offer)]


def test_every_offer_has_the_same_rows_and_at_least_six_that_are_no_price(
    two_insurers: Flask, visitor: Visitor
) -> None:
    visitor.compare("term_life", ANSWERS)
    rows = [rows_of(offer) for offer in offers_on(visitor.text)]
    assert len(rows) == 2
    assert all(each == rows[0] for each in rows)
    assert len([label for label in rows[0] if "premium" not in label.lower() and "price" not in label.lower()]) >= 6


@pytest.mark.requirement("UK-05")
def test_the_lines_of_a_premium_sum_to_it(visitor: Visitor) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    for path in (visitor.at, offer):
        visitor.get(path)
        shown = words(visitor.text.split('class="price"')[1].split("</aside>")[0].split("</article>")[0])
        amounts = [Decimal(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\.\d\d", shown)]
        total, lines = amounts[0], amounts[1 : amounts.index(amounts[0], 1)]
        assert total == Decimal("1320.75")
        assert len(lines) >= 3
        assert sum(lines) == total, path


@pytest.mark.requirement("O13-16", "EU-02")
def test_no_page_of_the_shop_praises(visitor: Visitor) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    for path in (visitor.at, offer, "/", "/how-we-rank", "/compare/term_life", "/disclosure"):
        said = words(visitor.get(path)).lower()
        assert [word for word in HYPE if re.search(rf"\b{re.escape(word)}(?!\w)", said)] == [], path


@pytest.mark.requirement("EU-24")
def test_the_order_is_explained_one_click_away(visitor: Visitor) -> None:
    visitor.compare("term_life", ANSWERS)
    assert 'href="/how-we-rank"' in visitor.text
    said = words(visitor.get("/how-we-rank"))
    assert "total cost over the whole term" in said.lower()
    assert "commission" in said.lower()


def test_the_language_changes_on_the_very_page(visitor: Visitor, shop: Flask) -> None:
    visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    token = visitor.text.split('name="csrf_token" value="')[1].split('"')[0]
    back = visitor.text.split('name="back" value="')[1].split('"')[0]
    needs = count(shop, "quoting_need")
    visitor.post({"locale": "zh_Hans_CN", "back": back, "csrf_token": token}, "/language")
    assert visitor.at == comparison
    assert '<html lang="zh-Hans-CN">' in visitor.text
    assert "1,320.75" in visitor.text
    assert count(shop, "quoting_need") == needs
    visitor.get("/sign-in")
    assert '<html lang="zh-Hans-CN">' in visitor.text, "the choice stays"


@pytest.mark.asvs("5.3.1", "3.2.1")
@pytest.mark.requirement("T26-14", "PER-11")
def test_documents_are_served_as_they_were_filed(
    shop: Flask, visitor: Visitor, nothing_written: NothingWritten
) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    visitor.get(offer)
    found = list(dict.fromkeys(re.findall(r"/documents/([0-9a-f-]{36})", visitor.text)))
    assert len(found) >= 2
    filed = set(catalog_files().values())
    for document_id in found:
        with nothing_written():
            answer = visitor.client.get(f"/documents/{document_id}")
        with shop.app_context():
            document = catalog.document(document_id)  # type: ignore[arg-type]
        assert hashlib.sha256(answer.data).hexdigest() == document.sha256
        assert answer.data in filed
        assert answer.headers["ETag"] == f'"{document.sha256}"'
        assert "immutable" in answer.headers["Cache-Control"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        again = visitor.client.get(f"/documents/{document_id}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        visitor.get(f"/documents/{document_id}/read")
        assert document.sha256 in visitor.text


@pytest.mark.requirement("O13-01", "EU-01")
def test_a_demonstration_says_so_on_every_page(visitor: Visitor) -> None:
    offer = visitor.compare("term_life", ANSWERS)[0]
    for path in (visitor.at, offer, "/", "/sign-in", "/verify", "/disclosure", "/no-such-page"):
        assert "SPECIMEN" in visitor.get(path), path


def test_published_rates_are_said_to_be_of_real_insurers_and_not_for_sale(visitor: Visitor) -> None:
    said = words(visitor.get("/compare/us_health")) + visitor.text
    assert "Nothing here can be bought" in said
    assert "2017" in said
    assert "insurers are fictional" not in said

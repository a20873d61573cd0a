"""The page of a wide rate card, without script: seen, corrected, put into a draft; of its own insurer alone."""

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.listing import queries
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.web.desk_visits import at_the_desk, links

CARD = b"Age,Male,Female\n18-40,0.45,0.30\n41-60,1.10,0.80\n"


@pytest.fixture
def desk(shop: Flask, client: FlaskClient) -> Visitor:
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    return at_the_desk(shop, Role.INSURER_CATALOG, insurer)


def uploaded(desk: Visitor, data: bytes = CARD) -> str:
    """The address of a new card."""
    desk.get("/insurer/rate-cards")
    desk.post({"name": "Acme", "line": "term_life", "file": (io.BytesIO(data), "acme.csv")})  # type: ignore[dict-item]
    return desk.at.partition("#")[0]


def test_a_card_is_seen_corrected_and_its_table_taken_away(shop: Flask, desk: Visitor) -> None:
    path = uploaded(desk)
    shown = words(desk.text)
    assert "41-60" in shown
    assert "4 rows." in shown
    desk.post(
        {
            "titles": "0",
            "headings": "1",
            "label_columns": "1",
            "table_name": "risk",
            "numbers_are": "rate",
            "columns-0": "age",
            "lines-0": "sex",
        }
    )
    taken = desk.client.get(f"{path}/table.csv")
    assert taken.data.decode("utf-8-sig").splitlines()[:2] == ["sex,age_from,age_to,rate", "male,18,40,0.45"]
    assert taken.headers["Content-Disposition"] == "attachment; filename=risk.csv"
    desk.get(path)
    desk.post({"titles": "x", "headings": "1", "label_columns": "1", "table_name": "No Name", "numbers_are": "rate"})
    assert desk.status == 422
    with shop.app_context():
        (card,) = queries.rate_cards(accounts.insurer_by_code("harbour").id)
        assert (card.plan.table, card.plan.columns, card.plan.lines) == ("risk", ("age",), ("sex",))


def test_a_file_that_is_no_card_is_told_and_nothing_kept(shop: Flask, desk: Visitor) -> None:
    uploaded(desk, "é".encode("utf-16"))
    assert desk.status == 422
    assert "The text is not in UTF-8." in words(desk.text)
    with shop.app_context():
        assert queries.rate_cards(accounts.insurer_by_code("harbour").id) == ()


def test_a_card_of_another_insurer_does_not_exist(shop: Flask, desk: Visitor) -> None:
    path = uploaded(desk)
    with shop.app_context():
        rival = an_insurer("rival", short_name=LocalizedText("Rival Life", "对手人寿"), mark="R")
        db.session.commit()
    other = at_the_desk(shop, Role.INSURER_CATALOG, rival)
    other.get("/insurer/rate-cards")
    assert links(other.text, f"{path}") == []
    for address in (path, f"{path}/table.csv"):
        other.get(address)
        assert other.status == 404

"""A visitor takes the figures of an offer along and works its premium out again without the marketplace."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from marketplace.catalog.values import Line, ProductContent
from marketplace.infra.db import db
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason
from marketplace.quoting import queries as quoting
from sandbox.demo.visitor import Visitor
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, published
from tests.factories.quoting import a_content, a_tariff, publish
from tests.web.conftest import ANSWERS
from verify.__main__ import main


@pytest.fixture
def offer(visitor: Visitor) -> str:
    return visitor.compare("term_life", ANSWERS)[0]


def taken(visitor: Visitor, path: str, folder: Path) -> tuple[str, dict[str, Any]]:
    """The file behind a link of the page, kept."""
    answer = visitor.client.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    file = folder / path.rsplit("/", 1)[1]
    file.write_bytes(answer.get_data())
    return str(file), json.loads(answer.get_data())


@pytest.mark.requirement("SCM-09")
def test_the_premium_is_proven_by_its_cells_and_by_the_whole_published_tariff(
    visitor: Visitor, offer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = visitor.get(offer)
    assert f'href="{offer}/premium.json"' in page
    assert f'href="{offer}/tariff.json"' in page
    premium, told = taken(visitor, f"{offer}/premium.json", tmp_path)
    tariff, whole = taken(visitor, f"{offer}/tariff.json", tmp_path)
    assert told["tariff"]["root"] == whole["root"]
    assert told["tariff"]["root"] in page
    assert main(["premium", premium]) == 0
    assert main(["premium", premium, "--tariff", tariff, "--root", whole["root"]]) == 0
    assert str(told["breakdown"]["total"]) in capsys.readouterr().out
    whole["tariff"]["tables"][0]["rows"][0][-1] = "0.000001"
    Path(tariff).write_text(json.dumps(whole))
    assert main(["premium", premium, "--tariff", tariff]) == 1


def test_a_charge_for_paying_every_month_is_proven_like_any_other_line(
    shop: Flask, visitor: Visitor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with shop.app_context():
        published(an_insurer("farshore"), catalog_files("farshore"))
        db.session.commit()
    (monthly,) = visitor.compare("term_life", ANSWERS | {"payment_frequency": "monthly"})
    premium, told = taken(visitor, f"{monthly}/premium.json", tmp_path)
    assert (told["risk"]["payment_frequency"], told["payments"]) == ("monthly", 240)
    assert [line["amount"] for line in told["breakdown"]["lines"] if line["kind"] == "instalment"] == [419]
    assert told["breakdown"]["total"] == 10_892
    assert main(["premium", premium]) == 0
    assert "10892" in capsys.readouterr().out
    Path(premium).write_text(json.dumps(told | {"risk": told["risk"] | {"payment_frequency": "yearly"}}))
    assert main(["premium", premium]) != 0, "a year is not proven by the cells of a month"


def test_a_tariff_that_its_insurer_keeps_is_not_handed_out(shop: Flask, visitor: Visitor, tmp_path: Path) -> None:
    with shop.app_context():
        content: ProductContent = a_content("kept", Line.TERM_LIFE)
        publish(an_insurer("keeper"), content, a_tariff("10.00"))
        db.session.commit()
    kept = next(offer for offer in visitor.compare("term_life", ANSWERS) if "tariff.json" not in visitor.get(offer))
    answer = visitor.client.get(f"{kept}/tariff.json")
    assert answer.status_code == 404
    assert b"rows" not in answer.get_data()
    premium, told = taken(visitor, f"{kept}/premium.json", tmp_path)
    assert main(["premium", premium]) == 0
    assert "key" not in json.dumps(told)


def test_what_was_erased_cannot_be_taken_along(shop: Flask, visitor: Visitor, offer: str) -> None:
    reference = visitor.at.rsplit("/", 1)[1]
    with shop.app_context():
        erasing.erase_journey(quoting.need(reference).journey_id, ErasureReason.RETENTION)
        db.session.commit()
    assert visitor.client.get(f"{offer}/premium.json").status_code in {404, 410}

"""Real published rates can be looked at on every page that leads there, and end at the door of the application."""

from datetime import date

import pytest
from flask import Flask

from marketplace.catalog.values import Line, Profile
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.quoting import a_content, a_tariff, publish
from tests.web.conftest import NothingWritten

RISK = {"start_on": "2017-04-01", "rating_area": "R-MA001", "age": "40"}


@pytest.fixture
def plan(shop: Flask, visitor: Visitor) -> str:
    """The path of the page of a plan whose rates were published."""
    with shop.app_context():
        content = a_content("plan", Line.US_HEALTH, profile=Profile.RATES_ONLY)
        publish(an_insurer("published"), content, a_tariff("10.00", "USD"), effective_from=date(2017, 1, 1))
        db.session.commit()
    return visitor.compare("us_health", RISK)[0]


def test_the_page_of_a_plan_says_that_it_is_real_and_not_for_sale(visitor: Visitor, plan: str) -> None:
    said = words(visitor.get(plan)) + visitor.text
    assert "the insurers on this page are real" in said
    assert "insurers are fictional" not in said
    assert "They cannot be bought." in said
    assert "/apply/" not in visitor.text
    assert "sold by" not in said
    assert "Telephone" not in said


def test_nobody_enters_an_application_for_a_plan(visitor: Visitor, plan: str, nothing_written: NothingWritten) -> None:
    entrance = plan.replace("/offers/", "/apply/")
    with nothing_written():
        said = words(visitor.get(entrance))
    assert visitor.status == 422
    assert "They cannot be bought." in said

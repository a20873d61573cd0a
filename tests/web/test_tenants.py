"""A request says its scope itself, and behind an insurer's door the database knows whose desk it is (ADR 0007)."""

from collections.abc import Callable
from contextvars import Context

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.web import access
from marketplace.web.insurer import sales as desk
from tests.factories.accounts import an_insurer
from tests.web.desk_visits import at_the_desk, buy, links

SALE = "/insurer/sales/[0-9a-f-]{36}"


@pytest.mark.asvs("8.4.1")
def test_a_desk_that_asked_for_another_insurers_sales_would_be_given_none(
    shop: Flask,
    work: Callable[[], list[str]],
    code_for: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buy(shop, work, code_for)
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
        rival = an_insurer("rival", short_name=LocalizedText("Rival Life", "对手人寿"), mark="R")
        db.session.commit()
    visitor = at_the_desk(shop, Role.INSURER_UNDERWRITER, rival)
    monkeypatch.setattr(desk, "own_insurer_id", lambda: harbour.id)

    assert links(visitor.get("/insurer"), SALE) == []

    monkeypatch.setattr(access, "narrow_scope", lambda _insurer_id: None)  # the control
    assert len(links(visitor.get("/insurer"), SALE)) == 1


def test_a_request_has_a_scope_of_its_own(shop: Flask, client: FlaskClient) -> None:
    """As on a server, where no test has said one."""
    answer = Context().run(client.get, "/compare/term_life")
    assert answer.status_code == 200

"""Anybody reports a false site; staff answer, and the answer is mailed where an address was given."""

from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.correspondence import queries as correspondence
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk, links

TOLD = {"place": "https://evenfo1d.example/pay", "words": "It asks for my card."}
REPORT = "/admin/reports/[0-9a-f-]{36}"


def send(visitor: Visitor, **more: str) -> str:
    visitor.get("/report-fake-site")
    return visitor.post(TOLD | more)


@pytest.mark.requirement("O13-40")
def test_a_report_needs_no_account_and_reaches_a_desk(
    shop: Flask, visitor: Visitor, work: Callable[[], list[str]]
) -> None:
    assert 'href="/report-fake-site"' in visitor.get("/").split('<footer class="foot">')[1]
    assert "Your report has the number R-" in words(send(visitor, email="li.na@example.com"))
    desk = at_the_desk(shop, Role.ADMIN_COMPLAINTS)
    (path,) = links(desk.get("/admin/reports"), REPORT)
    page = words(desk.get(path))
    assert TOLD["place"] in page
    assert TOLD["words"] in page
    desk.post({"answer": "It is not ours. We told its host."})
    assert desk.status == 422
    assert "It is not ours. We told its host." in desk.text, "what was typed stays"
    desk.post({"outcome": "false", "answer": "It is not ours. We told its host."})
    work()
    with shop.app_context():
        (mail,) = correspondence.inbox(recipient="li.na@example.com")
        assert "It is not ours. We told its host." in correspondence.message_parts(mail.id).text
    assert "It is false" in words(desk.get("/admin/reports"))


def test_without_an_address_nobody_is_written_to(shop: Flask, visitor: Visitor) -> None:
    send(visitor)
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    before = count(shop, "correspondence_message")
    desk.get(links(desk.get("/admin/reports"), REPORT)[0])
    desk.post({"outcome": "unclear", "answer": "It is gone."})
    assert count(shop, "disclosure_site_report", "answered_at IS NOT NULL") == 1
    assert count(shop, "correspondence_message") == before


@pytest.mark.parametrize(
    ("typed", "what"), [({"place": ""}, "Please answer this."), ({"email": "nobody"}, "mail address")]
)
def test_what_will_not_do_is_said_beside_the_field(
    shop: Flask, visitor: Visitor, typed: dict[str, str], what: str
) -> None:
    page = send(visitor, **typed)
    assert visitor.status == 422
    assert what in words(page)
    assert "It asks for my card." in page
    assert count(shop, "disclosure_site_report") == 0


def test_so_many_reports_are_taken_from_one_address(visitor: Visitor, shop: Flask) -> None:
    visitor.get("/report-fake-site")
    for _ in range(10):
        visitor.post(TOLD, "/report-fake-site")
    visitor.post(TOLD, "/report-fake-site")
    assert visitor.status == 429
    assert count(shop, "disclosure_site_report") == 10

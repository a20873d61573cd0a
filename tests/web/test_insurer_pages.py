"""The public page of an insurer, and the desk at which what it says is entered."""

import re
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import FactKind, NewFact, Role
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk

PAID = {
    "kind": "claims_paid", "figure": "97.4", "words": "", "words_zh": "", "source": "Report 2025",
    "source_zh": "2025年报告", "as_of": "2025-12-31",
}  # fmt: skip


def the_desk(shop: Flask, role: Role = Role.ADMIN_COMPLIANCE) -> tuple[Visitor, str]:
    with shop.app_context():
        insurer_id = accounts.insurer_by_code("harbour").id
    return at_the_desk(shop, role), f"/admin/insurers/{insurer_id}"


def answered(page: str, question: str) -> str:
    """What stands beside a term on the page."""
    found = re.search(rf"<dt>{re.escape(question)}</dt><dd>(.*?)</dd>", page, re.DOTALL)
    assert found, f"{question} is not on the page"
    return words(found[1])


def test_what_is_not_known_is_said_to_be_so(shop: Flask, visitor: Visitor) -> None:
    page = visitor.get("/insurers/harbour")
    for question in ("Claims that were paid", "Days until a claim is decided", "Complaints for each thousand policies"):
        assert answered(page, question) == "not known"
    assert "Harbour Term" in page


def test_each_figure_stands_with_its_source_and_its_day(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        insurer_id, source, day = (
            accounts.insurer_by_code("harbour").id,
            LocalizedText("Report 2025"),
            date(2025, 12, 31),
        )
        for kind, figure in (
            (FactKind.CLAIMS_PAID, "97.40"),
            (FactKind.DAYS_TO_DECIDE, "1.5"),
            (FactKind.COMPLAINTS, "0.42"),
        ):
            services.record_fact(NewFact(insurer_id, kind, source, day, figure=Decimal(figure)), None)
        db.session.commit()
    page = visitor.get("/insurers/harbour")
    assert answered(page, "Claims that were paid") == "97.4% Report 2025, as of December 31, 2025"
    assert answered(page, "Days until a claim is decided") == "1.5 days Report 2025, as of December 31, 2025"
    assert answered(page, "Complaints for each thousand policies") == "0.42 Report 2025, as of December 31, 2025"


def test_the_page_is_found_where_the_insurer_is_named(shop: Flask, visitor: Visitor) -> None:
    assert 'href="/insurers/harbour"' in visitor.get("/insurers")
    assert 'href="/insurers/harbour"' in visitor.get("/disclosure")
    visitor.get("/")
    offer = visitor.compare("term_life", {"age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000",
        "term_years": "20", "occupation_class": "1", "region": "shanghai"})[0]  # fmt: skip
    assert 'href="/insurers/harbour"' in visitor.get(offer)
    assert visitor.client.get("/insurers/nobody").status_code == 404


def test_branches_are_named_by_codes_that_are_known(shop: Flask) -> None:
    desk = at_the_desk(shop, Role.ADMIN_OWNER)
    with shop.app_context():
        insurer_id = accounts.insurer_by_code("harbour").id
    desk.get(f"/admin/insurers/{insurer_id}")
    entry = {"kind": "branches", "source": "Report", "as_of": "2026-01-01"}
    page = desk.post(entry | {"words": "shanghai, atlantis"}, f"/admin/insurers/{insurer_id}/facts")
    assert desk.status == 422
    assert "Please use these codes only" in words(page)
    desk.post(entry | {"words": "shanghai, beijing"}, f"/admin/insurers/{insurer_id}/facts")
    assert answered(desk.get("/insurers/harbour"), "Where it has branches").startswith("Shanghai, Beijing")


def test_what_the_desk_enters_is_public_at_once(shop: Flask, visitor: Visitor) -> None:
    desk, path = the_desk(shop)
    visitor.get("/insurers/harbour")
    desk.get(path)
    desk.post(PAID, f"{path}/facts")
    assert "97.4%" in words(desk.text)
    assert answered(visitor.get("/insurers/harbour"), "Claims that were paid").startswith("97.4% Report 2025")
    desk.post(PAID | {"figure": ""}, f"{path}/facts")
    assert answered(visitor.get("/insurers/harbour"), "Claims that were paid") == "not known"
    assert count(shop, "accounts_insurer_fact", "entered_by IS NOT NULL") == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"figure": "101"}, "This figure is not one that can be."),
        ({"figure": "many"}, "Please enter a number."),
        ({"figure": "NaN"}, "This figure is not one that can be."),
        ({"source": ""}, "Please answer this."),
        ({"as_of": "2999-01-01"}, "This day has not come yet."),
        ({"kind": "address"}, "Please give words for this"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_entered(shop: Flask, changes: dict[str, str], said: str) -> None:
    desk, path = the_desk(shop)
    desk.get(path)
    desk.post(PAID | changes, f"{path}/facts")
    assert desk.status == 422
    assert said in words(desk.text)
    assert count(shop, "accounts_insurer_fact") == 0


def test_two_people_at_the_desk_let_an_insurer_sell_again(shop: Flask, visitor: Visitor) -> None:
    first, path = the_desk(shop)
    second, _ = the_desk(shop, Role.ADMIN_OWNER)
    insurer = None
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    staff = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    first.get(path)
    first.post({"reason": "solvency below the limit"}, f"{path}/suspend")
    assert "solvency below the limit" in words(first.text)
    assert "solvency below the limit" in words(staff.get("/insurer"))
    assert "This insurer sells nothing here at present." in words(visitor.get("/insurers/harbour"))
    assert "Harbour Life" not in words(visitor.get("/insurers"))
    first.post({"reason": "capital was raised"}, f"{path}/ask-to-lift")
    assert "Another person than you has to agree." in words(first.text)
    assert first.client.post(f"{path}/lift", data={"csrf_token": token(first)}).status_code == 422
    second.get(path)
    second.post({}, f"{path}/lift")
    assert "It sells." in words(second.text)
    assert "Harbour Life" in words(visitor.get("/insurers"))


def test_a_reason_is_needed(shop: Flask) -> None:
    desk, path = the_desk(shop)
    desk.get(path)
    desk.post({"reason": " "}, f"{path}/suspend")
    assert desk.status == 422
    assert count(shop, "accounts_suspension") == 0


def token(visitor: Visitor) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.text)
    assert found
    return found[1]

"""The desk of an insurer: its own sales and products, and not a trace of anybody else's."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.catalog import queries as catalog
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.policy import queries as policies
from marketplace.rating import queries as rating
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.web.conftest import count
from tests.web.desk_visits import ILL, apply, at_the_desk, buy, links, statements

SALE = "/insurer/sales/[0-9a-f-]{36}"

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
AtStep = Callable[..., Visitor]


@pytest.fixture
def harbour(shop: Flask, client: FlaskClient) -> Visitor:
    """Staff of the insurer whose product is sold."""
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    return at_the_desk(shop, Role.INSURER_ADMIN, insurer)


@pytest.fixture
def rival(shop: Flask, client: FlaskClient) -> Visitor:
    """Staff of another insurer."""
    with shop.app_context():
        insurer = an_insurer("rival", short_name=LocalizedText("Rival Life", "对手人寿"), mark="R")
        db.session.commit()
    return at_the_desk(shop, Role.INSURER_ADMIN, insurer)


@pytest.mark.parametrize("path", ["/insurer", "/insurer/products"])
def test_a_visitor_is_sent_to_sign_in_and_a_customer_or_an_admin_is_refused(
    shop: Flask, client: FlaskClient, code_for: CodeFor, path: str
) -> None:
    assert client.get(path).headers["Location"] == f"/sign-in?next={path}"
    customer, _ = apply(shop, code_for)
    customer.get(path)
    assert customer.status == 403
    admin = at_the_desk(shop, Role.ADMIN_OWNER)
    admin.get(path)
    assert admin.status == 403


@pytest.mark.requirement("O13-22")
def test_an_answer_that_was_changed_is_put_before_the_insurer_though_nobody_had_to_decide(
    shop: Flask, harbour: Visitor, work: Work, at_step: AtStep
) -> None:
    """The applicant gets no hint of it; the marketplace sees that there was one, not which."""
    customer = at_step("questions")
    application = customer.at.removesuffix("/questions")
    customer.answer(ILL)
    customer.get(f"{application}/questions")
    customer.answer(replace(ILL, yes_to=frozenset()))
    assert "changed" not in words(customer.get(f"{application}/review"))
    assert customer.submit() == "pay"
    work()
    with shop.app_context():
        (sale,) = oversight.sales(SaleFilter()).sales
    page = words(harbour.get(f"/insurer/sales/{sale.id}"))
    assert "Answers that were changed" in page
    assert page.count("First Yes, changed") == 1
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    page = words(admin.get(f"/admin/sales/{sale.id}"))
    assert "1 answer changed" in page
    assert "First Yes" not in page


def test_an_insurer_sees_its_sale_with_the_trail_of_that_application_only(
    shop: Flask, harbour: Visitor, work: Work, code_for: CodeFor
) -> None:
    buy(shop, work, code_for)
    assert "policy mailed" in harbour.get("/insurer")
    (path,) = links(harbour.text, SALE)
    shown = words(harbour.get(path))
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
        own = oversight.timeline(sale.id, only_insurer=sale.insurer_id)
        every = oversight.timeline(sale.id)
        assert sale.policy_id is not None
        paper = policies.document_bytes(sale.policy_id)
    assert {entry.entry_id for entry in own} < {entry.entry_id for entry in every}
    for entry in every:
        assert (entry.entry_id.hex[:8] in shown) == (entry in own)
    assert "Compared 1 offer" not in shown
    assert "Confirmed what is not covered" in shown
    assert "/pages/" not in harbour.text
    assert harbour.client.get(f"{path}/policy.pdf").data == paper


def test_a_sale_of_another_insurer_does_not_exist(shop: Flask, rival: Visitor, work: Work, code_for: CodeFor) -> None:
    buy(shop, work, code_for)
    with shop.app_context():
        sale = oversight.sales(SaleFilter()).sales[0]
    rival.get("/insurer")
    assert rival.status == 200
    assert links(rival.text, SALE) == []
    rival.get(f"/insurer?insurer={sale.insurer_id}&text={sale.policy_number}")
    assert links(rival.text, SALE) == []
    for path in (f"/insurer/sales/{sale.id}", f"/insurer/sales/{sale.id}/policy.pdf"):
        rival.get(path)
        assert rival.status == 404
        assert "Li Na" not in rival.text


@pytest.mark.asvs("8.2.3")
def test_the_answer_that_had_an_application_referred_stands_in_its_file_where_the_look_is_noted(
    shop: Flask, harbour: Visitor, work: Work, code_for: CodeFor
) -> None:
    _, led_to = apply(shop, code_for, ILL)
    assert led_to == "ended"
    work()
    with shop.app_context():
        version = catalog.products_of_insurer(accounts.insurer_by_code("harbour").id)[0]
        question = version.content.questions[2].text.en
    listed = words(harbour.get("/insurer"))
    assert "1 application waits for your decision." in listed
    for asked in version.content.questions:
        assert asked.text.en not in listed
    harbour.get("/insurer?state=referred")
    (path,) = links(harbour.text, SALE)
    assert looks(shop) == 0
    shown = words(harbour.get(path))
    assert looks(shop) == 2, "that the reason was given, and the file"
    assert f"{question} Yes" in shown
    assert "This answer had the application referred." in shown
    assert "There is no contract." in shown
    assert harbour.client.get(f"{path}/policy.pdf").status_code == 404


def looks(shop: Flask) -> int:
    return count(shop, "traceability_evidence_intake", "type = 'sale:viewed'")


def test_products_show_versions_hashes_and_documents(shop: Flask, harbour: Visitor) -> None:
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
        version = catalog.products_of_insurer(insurer.id)[0]
        tariff = rating.raters_of([version.id])[version.id]
        documents = catalog.documents_of(version.id)
    shown = words(harbour.get("/insurer/products"))
    assert version.content.name.en in shown
    assert version.content.filing_no in shown
    assert "on sale" in shown
    assert tariff.root in harbour.text
    assert len(documents) > 1
    for document in documents:
        assert f"/documents/{document.id}/read" in harbour.text


def test_another_insurers_products_are_not_shown(shop: Flask, rival: Visitor) -> None:
    shown = words(rival.get("/insurer/products"))
    assert "You have no product here yet." in shown
    assert "Nothing was uploaded yet." in words(rival.get("/insurer/uploads"))
    assert "Harbour Term" not in shown


def test_the_list_asks_the_database_no_more_often_when_more_is_referred(
    shop: Flask, harbour: Visitor, work: Work, code_for: CodeFor
) -> None:
    apply(shop, code_for, ILL)
    work()
    short = statements(shop, lambda: harbour.get("/insurer"))
    for who in ("a@example.com", "b@example.com"):
        apply(shop, code_for, replace(ILL, email=who))
    work()
    assert statements(shop, lambda: harbour.get("/insurer")) == short
    assert harbour.text.count("referred to the insurer</span>") == 3

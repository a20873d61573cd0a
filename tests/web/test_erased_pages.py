"""What was erased answers nobody: its comparison, prices and recorded pages; what is restricted, compliance alone."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason
from marketplace.quoting import queries as quoting
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import ANSWERS, LI_NA, count, go_on
from tests.web.desk_visits import ILL, at_the_desk, buy, links

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]


@pytest.fixture
def compared(visitor: Visitor) -> tuple[str, str]:
    """The addresses of a comparison and of its first offer, both kept in memory for every visitor."""
    (offer, *_) = visitor.compare("term_life", ANSWERS)
    comparison = visitor.at
    visitor.get(offer)
    visitor.get(comparison)
    return comparison, offer


def erase_the_journey_of(shop: Flask, comparison: str) -> None:
    with shop.app_context():
        need = quoting.need(comparison.rsplit("/", 1)[1])
        erasing.erase_journey(need.journey_id, ErasureReason.RETENTION)
        db.session.commit()


@pytest.mark.requirement("T26-30")
def test_an_erased_comparison_says_so_to_whoever_has_its_address(
    shop: Flask, compared: tuple[str, str], visitor: Visitor, stranger: Visitor
) -> None:
    comparison, offer = compared
    assert "34 years" in words(stranger.get(comparison))
    erase_the_journey_of(shop, comparison)
    for somebody in (visitor, stranger):
        somebody.get(comparison)
        assert somebody.status == 410
        assert "What was compared here was erased" in words(somebody.text)
        assert "Please compare again" in words(somebody.text)
        for told in ("34 years", "Female", "1,000,000", "Shanghai"):  # the page's own number may have a 34 in it
            assert told not in words(somebody.text)
        somebody.get(offer)
        assert somebody.status == 404, "nobody applied for it, so its price is gone too"
    stranger.locale = "zh_Hans_CN"
    assert "这里比较的内容已被删除" in words(stranger.get(comparison))


def test_the_form_forgets_what_it_was_filled_with(shop: Flask, compared: tuple[str, str], visitor: Visitor) -> None:
    comparison, _ = compared
    path = f"/compare/term_life?from={comparison.rsplit('/', 1)[1]}"
    assert 'value="34"' in visitor.get(path)
    erase_the_journey_of(shop, comparison)
    assert 'value="34"' not in visitor.get(path)
    assert visitor.status == 200


def test_what_was_applied_for_and_taken_back_is_not_offered_again(
    shop: Flask, compared: tuple[str, str], visitor: Visitor, code_for: CodeFor
) -> None:
    comparison, offer = compared
    visitor.enter(offer)
    go_on(visitor, "documents", LI_NA, code_for)
    visitor.get(f"/application/{visitor.at.split('/')[2]}/consent")
    visitor.post({})
    for path in (comparison, offer):
        visitor.get(path)
        assert visitor.status == 410, path
    assert visitor.client.get(offer.replace("/offers/", "/apply/")).status_code == 409


def test_the_insurer_is_told_that_answers_are_erased_and_not_that_nobody_gave_them(
    shop: Flask, work: Work, visitor: Visitor, code_for: CodeFor
) -> None:
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    go_on(visitor, "questions", ILL, code_for)
    visitor.answer(ILL)
    assert visitor.submit() == "ended"
    work()
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, harbour)
    (sale,) = links(underwriter.get("/insurer"), "/insurer/sales/[0-9a-f-]+")
    told = words(underwriter.get(sale))
    assert "This application waits for your decision" in told
    assert "It was erased" not in told
    with shop.app_context():
        erasing.erase_application(UUID(visitor.at.split("/")[2]), ErasureReason.CLOSING)
        db.session.commit()
    before_the_job = words(underwriter.get(sale))
    work()
    for told in (before_the_job, words(underwriter.get(sale))):
        assert "It was erased" in told
        assert "not answered" not in told
        assert "waits for your decision" not in told
        assert ILL.name not in told


def begin_again(visitor: Visitor, upto: str, code_for: CodeFor) -> str:
    """A second application in the same browser; the beginning of its address."""
    visitor.enter(visitor.compare("term_life", ANSWERS | {"sum_insured": "500000"})[0])
    go_on(visitor, upto, LI_NA, code_for)
    return "/".join(visitor.at.split("/")[:3])


@pytest.mark.requirement("T26-47")
def test_a_second_application_beside_a_contract_is_shut_to_the_desks_when_the_account_closes(
    shop: Flask, work: Work, code_for: CodeFor
) -> None:
    li_na = buy(shop, work, code_for)
    begin_again(li_na, "documents", code_for)
    work()
    clerk = at_the_desk(shop, Role.ADMIN_SALES)
    sales = links(clerk.get("/admin"), "/admin/sales/[0-9a-f-]+")
    assert len(sales) == 2
    pages = {page for sale in sales for page in links(clerk.get(sale), f"{sale}/pages/[0-9a-f-]+")}
    assert {clerk.client.get(f"{page}/stored").status_code for page in pages} == {200}
    li_na.get("/account/close")
    li_na.post({"understood": "yes"})
    work()
    looked = count(shop, "traceability_evidence_intake", "type = 'sale:viewed'")
    for path in (*sales, *pages, *(f"{page}/stored" for page in pages)):
        assert clerk.client.get(path).status_code in {403, 404}, path
    assert count(shop, "traceability_evidence_intake", "type = 'sale:viewed'") == looked
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    for sale in sales:
        officer.get(sale)
    told = {page: officer.client.get(f"{page}/stored").status_code for page in pages}
    assert set(told.values()) == {200, 404}, (
        "what the contract rests on is there, the other application's pages are not"
    )
    for sale in sales:
        assert "Restricted since" in words(officer.get(sale))

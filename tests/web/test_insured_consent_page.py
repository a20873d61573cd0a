"""Somebody insures their husband: he is asked by mail, sees what it is about in a browser of his own, and answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra.identity.demonstration import specimen_number
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.traceability import queries as trail
from marketplace.traceability.values import INSURED, EntryType
from sandbox.demo.visitor import Identity, Visitor, words
from tests.everything import every_row
from tests.web.conftest import NothingWritten, count, go_on, newest_link, step_of
from tests.web.desk_visits import ANSWERS

CodeFor = Callable[[str], str]
ZHOU = Identity("Zhou Min", date(1990, 1, 2), "zhou.min@example.com")
HUSBAND = "wang.jun@example.com"
PEOPLE = {
    "applicant_name": ZHOU.name, "applicant_birth_on": "1990-01-02", "relationship": "spouse",
    "insured_name": "Wang Jun", "insured_birth_on": "1992-03-05", "insured_email": HUSBAND,
}  # fmt: skip
CARD = {"kind": "resident_card", "name": "Wang Jun", "number": specimen_number(date(1992, 3, 5))}


@pytest.fixture
def applicant(shop: Flask, visitor: Visitor, code_for: CodeFor) -> Visitor:
    """In front of the page on which the consent is asked for."""
    visitor.get("/")
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    go_on(visitor, "people", ZHOU, code_for)
    visitor.post(PEOPLE)
    return go_on(visitor, "insured", ZHOU, code_for)


@pytest.fixture
def insured(shop: Flask, applicant: Visitor) -> Visitor:
    """The husband, who has opened the link in a browser of his own."""
    applicant.post({})
    other = Visitor(shop.test_client())
    other.get(newest_link(shop, HUSBAND, "insured_asked"))
    return other


@pytest.mark.requirement("T26-22")
def test_the_insured_sees_what_it_is_about_agrees_and_the_contract_is_concluded(
    shop: Flask, applicant: Visitor, insured: Visitor, work: Callable[[], list[str]]
) -> None:
    page = unescape(words(insured.text))
    for said in (
        "Zhou Min wants to insure Wang Jun", "Harbour", "1,000,000", "it also pays on your death",
        "Your heirs at law", "I agree to the sum insured shown on this page",
    ):  # fmt: skip
        assert said in page, said
    insured.post(CARD | {"agree": "yes"})
    assert "You have agreed." in words(insured.text)
    applicant.get(applicant.at.replace("/insured", ""))
    assert step_of(applicant.at) == "review"
    assert applicant.submit() == "pay"
    assert applicant.pay()
    work()
    with shop.app_context():
        (sale,) = (each for each in oversight.sales(SaleFilter()).sales if each.policy_id)
        entries = trail.journey_entries(sale.journey_id)
    assert sale.completeness is not None
    assert sale.completeness.gaps == ()
    own = [each.type for each in entries if each.actor == INSURED]
    assert own == [EntryType.PAGE_SHOWN, EntryType.IDENTITY_VERIFIED, EntryType.INSURED_CONSENTED]


@pytest.mark.requirement("T26-22")
def test_nothing_goes_on_while_the_answer_is_awaited(
    shop: Flask, applicant: Visitor, insured: Visitor, nothing_written: NothingWritten
) -> None:
    applicant.get(applicant.at)
    assert "Waiting for the consent of Wang Jun" in words(applicant.text)
    assert HUSBAND in applicant.text
    here = applicant.at
    applicant.get(here.replace("/insured", "/review"))
    assert applicant.at == here
    with nothing_written():
        applicant.post({"declare": "yes"}, here.replace("/insured", "/review"))
    assert applicant.status == 409
    assert count(shop, "application_application", "state <> 'started'") == 0


@pytest.mark.requirement("T26-22")
def test_whoever_does_not_agree_is_asked_nothing_more(shop: Flask, applicant: Visitor, insured: Visitor) -> None:
    link = insured.at
    insured.post({"refuse": "yes"})
    assert "You have not agreed" in words(insured.text)
    applicant.get(applicant.at)
    assert "Wang Jun has not agreed" in words(applicant.text)
    assert step_of(applicant.at) == "insured"
    insured.get(link)
    assert (insured.status, count(shop, "application_insured_consent", "state = 'given'")) == (404, 0)
    assert "This link does not work any more" in words(insured.text)


@pytest.mark.requirement("T26-22")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (CARD, "Please tick this box to go on."),
        ({"agree": "yes"}, "Please choose"),
        (CARD | {"agree": "yes", "name": "Zhou Min"}, "This is not the name you gave"),
        (CARD | {"agree": "yes", "number": specimen_number(ZHOU.born_on)}, "The date of birth in this number is not"),
    ],
)
def test_an_answer_that_proves_nothing_is_none(shop: Flask, insured: Visitor, typed: dict[str, str], said: str) -> None:
    insured.post(typed)
    assert insured.status == 422
    assert said in unescape(insured.text)
    assert count(shop, "application_insured_consent", "state <> 'asked'") == 0
    insured.post(CARD | {"agree": "yes"})
    assert count(shop, "application_insured_consent", "state = 'given'") == 1


@pytest.mark.requirement("T26-22")
def test_the_applicant_cannot_agree_in_the_same_browser(shop: Flask, applicant: Visitor, insured: Visitor) -> None:
    link = insured.at
    own = Visitor(applicant.client)
    own.get(link)
    own.post(CARD | {"agree": "yes"})
    assert own.status == 422
    assert "You are signed in as the applicant." in words(own.text)
    own.post({"refuse": "yes"})
    assert count(shop, "application_insured_consent", "state <> 'asked'") == 0


@pytest.mark.requirement("T26-22")
def test_nothing_is_paid_once_the_consent_is_gone(
    shop: Flask, applicant: Visitor, insured: Visitor, nothing_written: NothingWritten
) -> None:
    insured.post(CARD | {"agree": "yes"})
    applicant.get(applicant.at.replace("/insured", ""))
    assert applicant.submit() == "pay"
    with shop.app_context(), every_row() as owner:
        assert owner.execute(text("DELETE FROM application_insured_consent")).rowcount == 1
        owner.commit()
    with nothing_written():
        applicant.post({})
    assert applicant.status == 409
    assert count(shop, "payment_attempt") == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"insured_email": ""}, "Give the mail address of the person to be insured"),
        ({"insured_email": "nobody"}, "Please enter an e-mail address"),
        ({"insured_email": ZHOU.email}, "Give an address that is not yours"),
    ],
)
def test_the_people_page_asks_for_an_address_of_the_insureds_own(
    at_step: Callable[..., Visitor], changes: dict[str, str], said: str
) -> None:
    visitor = at_step("people", replace(ZHOU))
    visitor.post(PEOPLE | changes)
    assert (visitor.status, step_of(visitor.at)) == (422, "people")
    assert said in unescape(words(visitor.text))

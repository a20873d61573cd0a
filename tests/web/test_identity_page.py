"""The page on which applicants prove who they are: what it says of a refusal, what it keeps, and where it is asked."""

from collections.abc import Callable, Mapping
from datetime import date
from html import unescape
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.catalog.values import ProductContent, Profile
from marketplace.infra.db import db
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import CONFIRMED, Identity, Visitor, words
from tests.everything import every_row
from tests.factories.accounts import an_insurer
from tests.factories.quoting import INFORMATION, a_content, a_tariff, publish
from tests.web.conftest import NothingWritten, count, step_of
from tests.web.desk_visits import LI_NA

AtStep = Callable[..., Visitor]
CARD = {"kind": "resident_card", "name": LI_NA.name, "number": specimen_number(LI_NA.born_on)}
MOST_FIELDS = 14  # issue 7, "Done when": of a travel policy
MISTYPED = "110101199203059983"
LINE = "L898902C36UTO7408122F1204159ZE184226B<<<<<10"  # the specimen of ICAO Doc 9303
TRAVELLER = Identity("Zhou Min", date(1992, 3, 5), "zhou.min@example.com")


def attempts(shop: Flask, visitor: Visitor) -> list[tuple[EntryType, str | None]]:
    with shop.app_context():
        entries = trail.entries_of_application(UUID(visitor.at.split("/")[2]))
    return [(each.type, each.body["flaw"]) for each in entries if each.type.startswith("identity:")]


@pytest.mark.requirement("T26-27", "T26-28")
def test_the_page_proves_who_applies_and_the_review_says_so(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("identity")
    assert "You told us that you are <b>Li Na</b>, born on" in visitor.text
    assert specimen_number(LI_NA.born_on) in visitor.text, "a demonstration brings a number to try it with"
    assert "no register of documents is asked" in words(visitor.text)
    visitor.post(CARD)
    assert step_of(visitor.at) == "questions"
    assert attempts(shop, visitor) == [(EntryType.IDENTITY_VERIFIED, None)]
    visitor.answer(LI_NA)
    assert "Checked by the document ending in 9984" in words(visitor.text)
    assert CARD["number"] not in visitor.text


@pytest.mark.requirement("T26-27", "T26-28")
@pytest.mark.parametrize(
    ("changes", "flaw", "said"),
    [
        ({"number": "123"}, "number_malformed", "This is not the number of such a document."),
        ({"number": MISTYPED}, "check_digit", "its check digit does not fit"),
        ({"number": specimen_number(date(1992, 3, 6))}, "birth_differs", "The date of birth in this number is not"),
        ({"number": specimen_number(LI_NA.born_on, "male")}, "sex_differs", "you are of the other sex"),
        ({"name": "Li Nana"}, "name_differs", "This is not the name you gave for yourself."),
        ({"valid_until": "2020-01-01"}, "expired", "This document is not valid any more."),
        (
            {"kind": "passport", "number": "E12345678"},
            "validity_missing",
            "the last day on which the passport is valid",
        ),
        ({"kind": "passport", "number": LINE}, "birth_differs", "The date of birth in this number is not"),
    ],
)
def test_each_refusal_says_what_to_do_is_kept_and_loses_nothing(
    shop: Flask, at_step: AtStep, changes: dict[str, str], flaw: str, said: str
) -> None:
    visitor = at_step("identity")
    visitor.post(CARD | changes)
    assert (visitor.status, step_of(visitor.at)) == (422, "identity")
    assert said in unescape(words(visitor.text))
    for name, typed in (CARD | changes).items():
        shown = f'value="{typed}"' in unescape(visitor.text)
        assert shown, f"{name} was typed and is not shown again"
    assert attempts(shop, visitor) == [(EntryType.IDENTITY_REFUSED, flaw)]
    assert count(shop, "application_identity_check", "outcome = 'refused'") == 1
    assert count(shop, "application_identity_check", "outcome = 'verified'") == 0
    visitor.post(CARD)
    assert step_of(visitor.at) == "questions"


def test_what_is_left_empty_is_no_attempt(shop: Flask, at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("identity")
    with nothing_written():
        visitor.post({"kind": "", "name": "", "number": ""})
    assert visitor.status == 422
    assert attempts(shop, visitor) == []


@pytest.mark.requirement("T26-27")
def test_after_five_refusals_the_page_says_when_to_try_again(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("identity")
    for _ in range(5):
        visitor.post(CARD | {"number": MISTYPED})
    visitor.post(CARD)
    assert (visitor.status, step_of(visitor.at)) == (429, "identity")
    assert attempts(shop, visitor) == [(EntryType.IDENTITY_REFUSED, "check_digit")] * 5


@pytest.mark.requirement("T26-27")
def test_nothing_is_declared_before_it(at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("review")
    tab = Visitor(visitor.client)
    tab.get(visitor.at.replace("/review", "/people"))
    tab.post({"applicant_name": "Li Nana", "applicant_birth_on": "1992-03-05", "relationship": "self"})
    assert step_of(tab.at) == "identity"
    with nothing_written():
        visitor.post({"declare": "yes"})
    assert visitor.status == 409
    assert "Go on where you are" in words(visitor.text)


@pytest.mark.requirement("T26-27")
def test_nothing_is_paid_without_it(shop: Flask, at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("pay")
    with shop.app_context(), every_row() as owner:
        assert owner.execute(text("DELETE FROM application_identity_check")).rowcount == 1
        owner.commit()
    with nothing_written():
        visitor.post({})
    assert visitor.status == 409
    assert count(shop, "payment_attempt") == 0
    assert count(shop, "checkout_order", "paid_at IS NOT NULL") == 0


class Counting(Visitor):
    """Who counts what they type and choose; boxes and buttons are no fields."""

    typed = 0

    def post(self, fields: Mapping[str, str], path: str | None = None) -> str:
        self.typed += sum(name not in {"confirm", "declare", *CONFIRMED} for name in fields)
        return super().post(fields, path)


def at_people(shop: Flask, code_for: Callable[[str], str], content: ProductContent) -> Counting:
    """A traveller who is about to say who they are."""
    with shop.app_context():
        publish(an_insurer("trips"), content, a_tariff())
        db.session.commit()
    visitor = Counting(shop.test_client())
    (offer,) = visitor.compare("travel", {"zone": "europe", "days": "10", "age": "34", "sports": "no"})
    visitor.enter(offer)
    visitor.give_address(TRAVELLER.email)
    visitor.give_code(code_for(TRAVELLER.email))
    return visitor


def test_a_traveller_types_no_more_than_they_must(shop: Flask, code_for: Callable[[str], str]) -> None:
    visitor = at_people(shop, code_for, a_content("trip"))
    visitor.give_people(TRAVELLER)
    visitor.answer(TRAVELLER)
    assert visitor.submit() == "pay"
    assert count(shop, "application_identity_check") == 1
    assert visitor.typed == 13 < MOST_FIELDS, "a passport has one more: until when it is valid"


def test_where_the_law_asks_for_no_document_the_code_is_the_proof(shop: Flask, code_for: Callable[[str], str]) -> None:
    visitor = at_people(shop, code_for, a_content("trip", profile=Profile.EU_NONLIFE, information=INFORMATION))
    assert "Identity" not in words(visitor.text)
    visitor.give_people(TRAVELLER)
    assert step_of(visitor.at) == "documents"
    visitor.get(visitor.at.replace("documents/1", "identity"))
    assert step_of(visitor.at) == "documents"
    visitor.post({})
    assert count(shop, "application_identity_check") == 0

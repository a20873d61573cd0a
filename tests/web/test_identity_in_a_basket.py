"""Who applies for several contracts of one basket proves once who they are; for anybody and any time else, again."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.web.conftest import NothingWritten, step_of
from tests.web.test_basket import LI_NA, apply, basket, begin, market

__all__ = ["basket", "market"]
CodeFor = Callable[[str], str]
PEOPLE = {
    "applicant_name": LI_NA.name, "applicant_birth_on": LI_NA.born_on.isoformat(), "relationship": "self",
}  # fmt: skip


def proofs(shop: Flask, at: str) -> list[Entry]:
    with shop.app_context():
        found = trail.entries_of_application(UUID(at.split("/")[2]))
    return [each for each in found if each.type is EntryType.IDENTITY_VERIFIED]


def next_people(visitor: Visitor, offer: str) -> None:
    """In front of the page of people of another line."""
    visitor.get(offer)
    visitor.pass_entry()
    visitor.expect("/people$")


@pytest.fixture
def second(market: Flask, visitor: Visitor, basket: str, code_for: CodeFor) -> str:
    """The offer of the second line, after the first was applied for and proven."""
    first, second, _third = begin(visitor, basket)
    apply(visitor, first, code_for)
    return second


@pytest.mark.requirement("T26-27", "T26-28")
def test_it_is_asked_once_and_the_record_of_the_second_names_the_first(
    market: Flask, visitor: Visitor, second: str
) -> None:
    next_people(visitor, second)
    visitor.post(PEOPLE)
    assert step_of(visitor.at) != "identity"
    with market.app_context(), every_row() as owner:
        first = owner.execute(
            text("SELECT application_id FROM application_identity_check WHERE follows_id IS NULL")
        ).scalar_one()
    (proof,), (carried,) = proofs(market, f"/application/{first}"), proofs(market, visitor.at)
    assert carried.body["follows"] == proof.body["check_id"]
    assert (carried.body["reference"], carried.body["method"]) == (proof.body["reference"], proof.body["method"])
    assert "follows" not in proof.body
    assert carried.page_version_id is not None


@pytest.mark.requirement("T26-26", "T26-27")
@pytest.mark.parametrize("change", [{"applicant_name": "Li Nana"}, {"applicant_birth_on": "1992-03-04"}])
def test_of_anybody_else_it_is_asked_again(
    market: Flask, visitor: Visitor, second: str, change: dict[str, str]
) -> None:
    next_people(visitor, second)
    visitor.post(PEOPLE | change)
    assert step_of(visitor.at) == "identity"
    assert proofs(market, visitor.at) == []
    visitor.get(visitor.at.replace("/identity", "/people"))
    visitor.post(PEOPLE)
    assert step_of(visitor.at) != "identity"


@pytest.mark.requirement("T26-27")
def test_after_two_hours_it_is_asked_again(market: Flask, visitor: Visitor, second: str) -> None:
    next_people(visitor, second)
    with market.app_context(), every_row() as owner:
        owner.execute(text("UPDATE application_identity_check SET checked_at = checked_at - interval '121 minutes'"))
        owner.commit()
    visitor.post(PEOPLE)
    assert step_of(visitor.at) == "identity"


@pytest.mark.requirement("T26-27")
def test_outside_the_basket_it_is_asked_again(market: Flask, visitor: Visitor, second: str) -> None:
    next_people(visitor, second)
    with market.app_context(), every_row() as owner:
        owner.execute(
            text("UPDATE application_application SET basket_id = NULL, basket_line = NULL WHERE id = :id"),
            {"id": visitor.at.split("/")[2]},
        )
        owner.commit()
    visitor.post(PEOPLE)
    assert step_of(visitor.at) == "identity"


@pytest.mark.requirement("T26-27")
def test_told_before_the_proof_it_counts_by_a_button(
    market: Flask, visitor: Visitor, basket: str, code_for: CodeFor, nothing_written: NothingWritten
) -> None:
    first, second, _third = begin(visitor, basket)
    visitor.get(first)
    visitor.pass_entry()
    visitor.give_address(LI_NA.email)
    visitor.give_code(code_for(LI_NA.email))
    visitor.post(PEOPLE)
    waiting = visitor.at
    next_people(visitor, second)
    visitor.post(PEOPLE)
    assert step_of(visitor.at) == "identity"
    visitor.prove(LI_NA)
    proven = visitor.at
    visitor.get(waiting)
    assert "with another contract that you are applying for now" in words(visitor.text)
    assert proofs(market, waiting) == [], "looking is no act"
    visitor.post({})
    assert step_of(visitor.at) != "identity"
    (carried,), (proof,) = proofs(market, waiting), proofs(market, proven)
    assert carried.body["follows"] == proof.body["check_id"]

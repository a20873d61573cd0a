"""Whether an insurance suits, on a page of its own before who applies is told; going on against a warning; the
statement that is read before the contract and stands in it.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask

from marketplace.application import queries as applications
from marketplace.kernel.canonical import digest
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import SUITS, Visitor, hidden_fields, words
from tests.web.conftest import ANSWERS, LI_NA, NothingWritten, count, go_on, step_of

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
AGAINST = {"covered_already": "yes", "costs_too_much": "yes", "meant_for_me": "no"}


@pytest.fixture
def asked(visitor: Visitor, code_for: CodeFor) -> Visitor:
    """In front of the questions."""
    visitor.enter(visitor.compare("term_life", ANSWERS | {"needs-waiting_90": "yes"})[0])
    visitor.give_address(LI_NA.email)
    visitor.post({"code": code_for(LI_NA.email)})
    assert step_of(visitor.at) == "needs"
    return visitor


def id_of(visitor: Visitor) -> UUID:
    return UUID(visitor.at.split("/")[2])


def entries(shop: Flask, visitor: Visitor, type_: EntryType) -> list[Mapping[str, object]]:
    with shop.app_context():
        return [each.body for each in trail.entries_of_application(id_of(visitor)) if each.type is type_]


@pytest.mark.requirement("SCM-04", "O13-20", "T26-24")
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_it_is_asked_before_who_one_is_and_nothing_is_chosen_in_advance(asked: Visitor, locale: str) -> None:
    asked.locale = locale
    page = asked.get(asked.at)
    assert re.findall(r'type="radio" name="([^"]+)"', page) == [name for name in SUITS for _ in ("yes", "no")]
    assert " checked" not in page
    assert ("At most 90 days of waiting" if locale == "en" else "等待期不超过90天") in words(page)


@pytest.mark.requirement("SCM-04", "N108-07")
@pytest.mark.parametrize("left_open", SUITS)
def test_without_an_answer_nobody_goes_on(
    asked: Visitor, nothing_written: NothingWritten, left_open: str, shop: Flask
) -> None:
    with nothing_written():
        asked.post({name: answer for name, answer in SUITS.items() if name != left_open})
    assert asked.status == 422
    assert asked.text.count(" checked") == len(SUITS) - 1, "what was answered stays"
    asked.get(urlsplit(asked.at).path.replace("/needs", "/people"))
    assert step_of(asked.at) == "needs"
    assert entries(shop, asked, EntryType.NEEDS_STATED) == []


@pytest.mark.requirement("SCM-04", "EU-16", "O13-20")
@pytest.mark.parametrize(("name", "said"), [
    ("covered_already", "Both would pay."),
    ("costs_too_much", "more than 10 per cent"),
    ("meant_for_me", "not among those for whom this product is made"),
])  # fmt: skip
def test_each_warning_is_read_and_confirmed_by_one_box(
    shop: Flask, asked: Visitor, nothing_written: NothingWritten, name: str, said: str
) -> None:
    asked.post(SUITS | {name: AGAINST[name]})
    assert step_of(asked.at) == "needs"
    assert said in words(asked.text)
    (box,) = re.findall(r'<input type="checkbox"[^>]*>', asked.text)
    assert 'name="own_will"' in box
    assert "checked" not in box
    with nothing_written():
        asked.post({})
    assert asked.status == 422
    with nothing_written():
        asked.post({"own_will": "yes", "sha256": "0" * 64})
    assert asked.status == 409
    asked.get(f"/application/{id_of(asked)}/people")
    assert step_of(asked.at) == "needs", "nor can it be passed over"
    assert entries(shop, asked, EntryType.OWN_WILL_CONFIRMED) == []
    shown = hidden_fields(asked.text)["sha256"]
    asked.post({"own_will": "yes"})
    assert step_of(asked.at) == "people"
    (confirmed,) = entries(shop, asked, EntryType.OWN_WILL_CONFIRMED)
    assert confirmed["subject_sha256"] == shown
    assert said in str(confirmed["words"])


def test_where_nothing_speaks_against_it_nothing_is_confirmed(shop: Flask, asked: Visitor) -> None:
    asked.tell_needs()
    assert step_of(asked.at) == "people"
    assert count(shop, "application_confirmation", "kind = 'own_will'") == 0


def test_an_answer_can_be_changed_until_it_is_declared(shop: Flask, asked: Visitor, code_for: CodeFor) -> None:
    asked.tell_needs()
    go_on(asked, "review", LI_NA, code_for)
    review = asked.at
    asked.get(f"/application/{id_of(asked)}/needs?change=1")
    assert asked.text.count(" checked") == len(SUITS)
    asked.post(SUITS | {"covered_already": "yes"})
    assert step_of(asked.at) == "needs"
    asked.get(review)
    assert step_of(asked.at) == "needs", "the declaration waits for the confirmation"
    asked.post({"own_will": "yes"})
    assert asked.at == review
    assert len(entries(shop, asked, EntryType.NEEDS_STATED)) == 2


@pytest.mark.requirement("EU-07", "UK-03")
def test_the_statement_is_read_before_the_declaration_and_stands_in_the_policy(
    shop: Flask, asked: Visitor, work: Work, code_for: CodeFor
) -> None:
    asked.post(SUITS | {"covered_already": "yes"})
    asked.post({"own_will": "yes"})
    go_on(asked, "review", LI_NA, code_for)
    read = words(asked.text)
    for said in ("You said what it should do:", "You chose it yourself.", "You went on of your own will",
                 "We gave no personal recommendation."):  # fmt: skip
        assert said in read
    go_on(asked, "pay", LI_NA, code_for)
    assert asked.pay()
    work()
    with shop.app_context():
        policy = policies.policy_of_application(id_of(asked))
        statement = applications.application(policy.application_id).statement
        submitted = entries(shop, asked, EntryType.APPLICATION_SUBMITTED)[0]
        paper = policies.document_bytes(policy.id)
    assert statement is not None
    assert policy.body["needs"] == statement
    assert submitted["statement_sha256"] == digest(policy.body["needs"])
    for said in statement["paragraphs"]:
        assert said["en"] in read, "what was read is what was frozen"
    assert b"%PDF" in paper[:8]

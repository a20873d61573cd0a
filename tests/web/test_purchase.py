"""One purchase through the pages, without script, from the start page to the sealed policy."""

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from marketplace.correspondence import queries as correspondence
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Identity, Visitor
from tests.web.conftest import ANSWERS

LI_NA = Identity("Li Na", date(1992, 3, 5), "li.na@example.com")


@pytest.mark.requirement("T26-13")
def test_a_guest_buys_term_life(
    shop: Flask, visitor: Visitor, work: Callable[[], list[str]], code_for: Callable[[str], str]
) -> None:
    visitor.get("/")
    offers = visitor.compare("term_life", ANSWERS)
    assert len(offers) == 1
    visitor.enter(offers[0])
    visitor.give_address(LI_NA.email)
    visitor.give_code(code_for(LI_NA.email))
    visitor.give_people(LI_NA)
    visitor.answer(LI_NA)
    assert visitor.submit() == "pay"
    assert visitor.pay("4000000000000002") is False
    assert visitor.pay() is True
    work()
    visitor.get(visitor.at)
    assert "EF" in visitor.text
    with shop.app_context():
        mail = next(each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == "policy_issued")
        number = mail.attachments[0].name.removesuffix(".pdf")
        policy = policies.policy_by_number(number)
        assert policies.document_bytes(policy.id).startswith(b"%PDF-1.7")
        said = [entry.type for entry in trail.journey_entries(policy.journey_id)]
    for wanted in (EntryType.COMPARISON_SHOWN, EntryType.ENTRY_ACKNOWLEDGED, EntryType.EXCLUSIONS_CONFIRMED,
                   EntryType.PAYMENT_SUCCEEDED, EntryType.CONTRACT_CONCLUDED, EntryType.POLICY_MAILED):  # fmt: skip
        assert wanted in said

"""The trail in words: every kind of entry has a sentence, with what its body tells and never more."""

import pytest

from marketplace.oversight.queries.words import actor_words, entry_words, page_words
from marketplace.traceability.values import ActorRole, EntryType

SEALED = {"salt": "00", "sha256": "11"}
BODIES = {
    EntryType.COMPARISON_MADE: {"order": [{}, {}, {}], "line": "term_life", "ranking_rule": "ranking-1"},
    EntryType.FIELD_ENTERED: {"field": "applicant_name", "old": None, "new": SEALED},
    EntryType.ANSWER_GIVEN: {"question": "q3", "old": None, "new": SEALED},
    EntryType.UNDERWRITING_DECIDED: {"outcome": "accept"},
}


@pytest.mark.parametrize("kind", list(EntryType))
def test_every_kind_of_entry_has_a_sentence(kind: EntryType) -> None:
    words = entry_words(kind, BODIES.get(kind, {}))
    assert words
    assert "%(" not in words
    assert ":" not in words or ": " in words


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (
            EntryType.COMPARISON_MADE,
            BODIES[EntryType.COMPARISON_MADE],
            "Compared 3 offers, Term life, ranking rule ranking-1",
        ),
        (EntryType.FIELD_ENTERED, BODIES[EntryType.FIELD_ENTERED], "Entered: name of the applicant"),
        (EntryType.FIELD_ENTERED, {"field": "mobile", "old": SEALED, "new": SEALED}, "Changed: mobile number"),
        (EntryType.FIELD_ENTERED, {"field": "new_field", "old": None, "new": SEALED}, "Entered: new_field"),
        (EntryType.ANSWER_GIVEN, {"question": "q3", "old": SEALED}, "Changed the answer: q3"),
        (EntryType.DOCUMENT_OPENED, {"title": "Clauses 100% cover"}, "Document opened: Clauses 100% cover"),
        (EntryType.DOCUMENT_OPENED, {"document_id": "1"}, "Document opened"),
        (EntryType.UNDERWRITING_DECIDED, {"outcome": "refer"}, "Referred to the insurer"),
        (EntryType.PAYMENT_FAILED, {"reason": "generic_decline"}, "The card was declined"),
        (EntryType.PAYMENT_FAILED, {"reason": "insufficient_funds"}, "The card was declined: not enough money"),
        (EntryType.PAYMENT_FAILED, {"reason": "lost_card"}, "Payment failed (lost_card)"),
        (EntryType.PAYMENT_FAILED, {}, "Payment failed"),
        (EntryType.CONTRACT_CONCLUDED, {"number": "EF-1"}, "Contract EF-1 concluded"),
    ],
)
def test_what_the_body_says_is_put_in(kind: EntryType, body: dict, words: str) -> None:
    assert entry_words(kind, body) == words


def test_amounts_are_written_as_money() -> None:
    words = entry_words(EntryType.PAYMENT_SUCCEEDED, {"amount": 128_400, "currency": "CNY"})
    assert words.startswith("Paid ")
    assert words.endswith("1,284.00")


def test_every_actor_has_a_name_and_an_unknown_page_keeps_its_own() -> None:
    assert len({actor_words(role) for role in ActorRole}) == len(ActorRole)
    assert page_words("compare.comparison") == "Comparison"
    assert page_words("somewhere.else") == "somewhere.else"

"""What is held against the books after kills does not pass if one act of several was lost, doubled or never signed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marketplace.kernel.merkle import GrowingTree, leaf_hash
from marketplace.traceability.rules.notes import Checkpoint, NoteRefused, Signer
from tests.factories.log import ORIGIN
from tests.faults.house import CONCLUDED, hold_each_act_once, hold_one_tree
from tests.faults.people import Customer, told

HASHES = ["aa", "bb", "cc"]
PAGES = {
    "email": "",
    "people": '<input name="applicant_name"><input name="applicant_birth_on"><select name="relationship">',
    "identity": "",
    "questions": '<main><form><input name="notice"><input name="health_consent">'
    '<input type="hidden" name="consent_sha256" value="dd">'
    '<input type="radio" name="smoker"><input type="radio" name="smoker"><input type="radio" name="diabetes"></form>',
    **{f"documents {sha256}": f'<main><form><input type="hidden" name="sha256" value="{sha256}">' for sha256 in HASHES},
    "exclusions": '<main><form><input type="hidden" name="sha256" value="ee">',
    "review": '<main><form><input type="hidden" name="sha256" value="ff">',
    "pay": "",
}


def a_customer() -> Customer:
    """Who was answered at every step."""
    customer = Customer("http://localhost", Path("/nowhere"), 1, application="A", done=True)
    for step, page in PAGES.items():
        customer.acknowledged += told(step.split()[0], page)
    return customer


def books_of(customer: Customer) -> Any:
    acts = [[kind, about or "what the house says"] for kind, about in customer.acknowledged]
    after = (*CONCLUDED[1:], "policy:mailed")
    return {"applications": [{"id": "A", "acts": [*acts, *([kind, ""] for kind in after)]}]}


def test_what_was_answered_is_known_act_by_act() -> None:
    customer = a_customer()
    assert customer.acknowledged == [
        ("field:entered", "email"),
        ("field:entered", "applicant.name"), ("field:entered", "applicant.birth_on"), ("field:entered", "relationship"),
        ("identity:verified", None), ("health_notice:acknowledged", None), ("health_consent:given", "dd"),
        ("answer:given", "smoker"), ("answer:given", "diabetes"),
        *(("document:confirmed", sha256) for sha256 in HASHES),
        ("exclusions:confirmed", "ee"), ("application:submitted", None), ("payment:succeeded", None),
    ]  # fmt: skip
    assert hold_each_act_once(books_of(customer), [customer]) == len(customer.acknowledged)


@pytest.mark.parametrize("place", range(len(a_customer().acknowledged)))
def test_one_lost_act_of_several_is_missed(place: int) -> None:
    customer = a_customer()
    books = books_of(customer)
    del books["applications"][0]["acts"][place]
    with pytest.raises(AssertionError):
        hold_each_act_once(books, [customer])


def test_another_act_in_its_stead_is_none() -> None:
    customer = a_customer()
    books = books_of(customer)
    acts = books["applications"][0]["acts"]
    acts[acts.index(["answer:given", "diabetes"])] = ["answer:given", "another"]
    with pytest.raises(AssertionError):
        hold_each_act_once(books, [customer])


@pytest.mark.parametrize("place", range(1, len(a_customer().acknowledged)))
def test_an_act_that_is_there_twice_is_found_and_an_address_may_be(place: int) -> None:
    customer = a_customer()
    books = books_of(customer)
    acts = books["applications"][0]["acts"]
    acts.append(["field:entered", "email"])
    assert hold_each_act_once(books, [customer]) == len(customer.acknowledged)
    acts.append(acts[place])
    with pytest.raises(AssertionError):
        hold_each_act_once(books, [customer])


# --- checkpoints ------------------------------------------------------------------------------------------------------

LEAVES = [bytes([each]) for each in range(7)]
SIGNER, STRANGER = (Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32)) for each in (1, 2))


def signed(*sizes: int, leaves: list[bytes] = LEAVES, by: Signer = SIGNER) -> list[str]:
    tree, notes = GrowingTree(), []
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
        if tree.size in sizes:
            notes.append(by.note(Checkpoint(ORIGIN, tree.size, tree.root).text))
    return notes


def test_one_tree_that_only_grew_holds() -> None:
    assert hold_one_tree(LEAVES, signed(2, 3, 7), signed(3, 7), SIGNER.verifier) == 3


OTHERWISE = [b"other", *LEAVES[1:]]
BROKEN: dict[str, Callable[[], tuple[list[str], list[str]]]] = {
    "one in between is of another tree": lambda: (signed(2) + signed(3, leaves=OTHERWISE) + signed(7), signed(2)),
    "one is signed by a stranger": lambda: (signed(2) + signed(3, by=STRANGER) + signed(7), signed(2)),
    "what was shown was never committed": lambda: (signed(2, 7), signed(3)),
    "the newest is not of all leaves": lambda: (signed(2, 3), signed(2)),
    "nobody looked": lambda: (signed(2, 7), []),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_checkpoint_of_something_else_does_not(name: str) -> None:
    committed, shown = BROKEN[name]()
    with pytest.raises((AssertionError, NoteRefused)):
        hold_one_tree(LEAVES, committed, shown, SIGNER.verifier)

"""Each event that a traced contract has (regulation, section 6) is an entry of the one vocabulary, in its order."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from flask import Flask

from marketplace.kernel.canonical import canonical_bytes
from marketplace.kernel.merkle import leaf_hash
from marketplace.oversight.values import Sale
from marketplace.traceability import queries as trail
from marketplace.traceability.values import ActorRole, Entry, EntryType

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
CUSTOMER, SYSTEM, PROVIDER = ActorRole.CUSTOMER, ActorRole.SYSTEM, ActorRole.PROVIDER


class Event(NamedTuple):
    """What section 6 calls it, what it is here, and by whose act; `page` is the endpoint of a page that is shown."""

    name: str
    type: EntryType
    actor: ActorRole = CUSTOMER
    page: str | None = None


BEFORE = (
    Event("quote_view", EntryType.COMPARISON_SHOWN, ActorRole.VISITOR, "compare.comparison"),
    Event("product_view", EntryType.PRODUCT_SHOWN, ActorRole.VISITOR, "product.offer"),
    Event("enter_view", EntryType.ENTRY_SHOWN, ActorRole.VISITOR, "application.enter"),
    Event("entry_ack", EntryType.ENTRY_ACKNOWLEDGED, ActorRole.VISITOR),
    Event("privacy_ack", EntryType.PRIVACY_NOTICE_ACKNOWLEDGED, ActorRole.VISITOR),
    Event("client_notice_ack", EntryType.CLIENT_NOTICE_ACKNOWLEDGED, ActorRole.VISITOR),
)
DOCUMENTS = (
    Event("clauses_view, doc_opened", EntryType.DOCUMENT_OPENED, page="application.document"),
    Event("clauses_ack", EntryType.DOCUMENT_CONFIRMED),
    Event("exclusions_view", EntryType.PAGE_SHOWN, page="application.exclusions"),
    Event("exclusions_ack", EntryType.EXCLUSIONS_CONFIRMED),
)
HEALTH = (
    Event("health_view", EntryType.PAGE_SHOWN, page="application.questions"),
    Event("health_consequence_ack", EntryType.HEALTH_NOTICE_ACKNOWLEDGED),
    Event("answer", EntryType.ANSWER_GIVEN),
)
NEEDS = (
    Event("needs_submitted", EntryType.NEEDS_STATED),
    Event("suitability_result", EntryType.SUITABILITY_JUDGED, SYSTEM),
)
PERSONS = (
    Event("field_change", EntryType.FIELD_ENTERED),
    Event("identity_attempt, identity_verified", EntryType.IDENTITY_VERIFIED),  # one refused is IDENTITY_REFUSED
)
AFTER = (
    Event("review_view", EntryType.PAGE_SHOWN, page="application.review"),
    Event("application_submitted", EntryType.APPLICATION_SUBMITTED),
    Event("underwriting_result", EntryType.UNDERWRITING_DECIDED, SYSTEM),
    Event("pay_view", EntryType.PAGE_SHOWN, page="checkout.pay"),
    Event("pay_leave", EntryType.PAYMENT_LEFT),
    Event("pay_return", EntryType.PAYMENT_RETURNED),
    Event("webhook_paid", EntryType.PAYMENT_SUCCEEDED, PROVIDER),
    Event("policy_issued", EntryType.CONTRACT_CONCLUDED, SYSTEM),
    Event("policy_issued (signature)", EntryType.POLICY_SIGNED, SYSTEM),
    Event("policy_emailed", EntryType.POLICY_MAILED, SYSTEM),
)
# The road here asks for persons and health before it shows the papers: within each part the order is that of section 6.
ROAD = BEFORE, NEEDS, PERSONS, HEALTH, DOCUMENTS, AFTER
DONE = Event("done_view", EntryType.PAGE_SHOWN, page="checkout.done")  # whenever the customer comes back

OPEN = {
    "policy_delivered": 6,
    "policy_bounced": 6,
    "risk_ack": 7,
    "callback_result": 8,
    "endorsement": 8,
    "claim_*": 8,
    "complaint_*": 8,
    "withdrawal_*": 8,
    "surrender_*": 8,
    "ended": 8,
    "hold_*": 8,
}
"""What a later issue completes, by its number."""


@pytest.fixture
def recorded(shop: Flask, sale: Sale) -> tuple[Entry, ...]:
    """The journey of a whole bought sale, in the log."""
    with shop.app_context():
        (journey_id,) = {entry.journey_id for entry in trail.entries_of_application(sale.application_id)}
        return tuple(sorted(trail.journey_entries(journey_id), key=lambda entry: entry.number or 0))


def _of(event: Event, entries: tuple[Entry, ...]) -> list[Entry]:
    return [
        entry
        for entry in entries
        if (entry.type, entry.actor.role) == (event.type, event.actor)
        and event.page == (entry.body.get("endpoint") if entry.page_sha256 else None)
    ]


@pytest.mark.requirement("T26-01", "T26-06", "T26-31")
def test_a_whole_sale_has_each_event_in_its_order(recorded: tuple[Entry, ...]) -> None:
    firsts = []
    for event in (event for part in ROAD for event in part):
        found = _of(event, recorded)
        assert found, f"{event.name} did not happen"
        firsts.append(found[0].number)
        for entry in found:
            assert (entry.page_version_id is not None) or event in (*AFTER[2:], NEEDS[1]), event.name
            assert (entry.page_sha256 is not None) is (event.page is not None), event.name
    assert firsts == sorted(firsts)
    assert _of(DONE, recorded)


@pytest.mark.requirement("T26-31", "T26-41")
def test_its_entries_are_of_one_journey_without_gaps_each_tied_to_the_one_before(
    shop: Flask, recorded: tuple[Entry, ...]
) -> None:
    assert [entry.number for entry in recorded] == list(range(1, len(recorded) + 1))
    assert {entry.journey_id for entry in recorded} == {recorded[0].journey_id}
    times = [entry.recorded_at for entry in recorded]
    assert times == sorted(times)
    with shop.app_context():
        contract = next(entry.application_id for entry in recorded if entry.type is EntryType.CONTRACT_CONCLUDED)
        assert contract is not None
        logged = trail.extract(contract).entries
    hashes = [leaf_hash(canonical_bytes(each.leaf)).hex() for each in logged]
    assert [each.leaf["p"] for each in logged] == [None, *hashes[:-1]]
    assert [each.leaf["t"] for each in logged] == [entry.type.value for entry in recorded]


def test_no_event_is_both_here_and_open() -> None:
    here = {event.name for part in (*ROAD, (DONE,)) for event in part}
    assert not here & OPEN.keys()

"""The browser's word against the form's: what agrees says nothing, each difference is told."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.oversight.rules import disagreements
from marketplace.oversight.values import Disagreement, Mismatch
from marketplace.traceability.values import SYSTEM, VISITOR, Entry, EntryType

BEGUN = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
AT = int(BEGUN.timestamp() * 1000)
VERSION = "5e" * 32
VIEW = uuid4()
SENT = {"type": 5, "data": {"tag": "submit", "payload": {}}, "timestamp": AT + 9_000}
CONTROLS = {
    1: {"type": "checkbox", "name": "confirm", "value": "yes"},
    2: {"type": "text", "name": "applicant_name"},
    3: {"type": "radio", "name": "smoker", "value": "yes"},
    4: {"type": "radio", "name": "smoker", "value": "no"},
    5: {"type": "checkbox", "name": "notice", "value": "yes"},
}


def an_entry(type_: EntryType, seconds: float, body: Mapping[str, Any] | None = None, **changes: Any) -> Entry:
    parts: dict[str, Any] = {
        "id": uuid4(), "journey_id": uuid4(), "application_id": uuid4(), "insurer_id": None,
        "page_version_id": VERSION, "type": type_, "actor": VISITOR, "recorded_at": BEGUN + timedelta(seconds=seconds),
        "business_at": BEGUN, "body": body or {}, "body_sha256": "", "page_sha256": None, "log_index": None,
        "number": None,
    }  # fmt: skip
    return Entry(**(parts | changes))


VIEWED = an_entry(EntryType.DOCUMENT_OPENED, 0, id=VIEW, page_sha256="ab")
CONFIRMED = an_entry(EntryType.DOCUMENT_CONFIRMED, 9.1)


def sealed(value: Any) -> dict[str, str]:
    return {"salt": "00ff", "sha256": sha256_hex(b"\x00\xff" + canonical_bytes(value))}


def snapshot(controls: Mapping[int, Mapping[str, Any]] = CONTROLS) -> dict[str, Any]:
    nodes = [{"id": number, "tagName": "input", "attributes": each} for number, each in controls.items()]
    return {"type": 2, "data": {"node": {"childNodes": nodes}, "initialOffset": {}}, "timestamp": AT}


def put_in(number: int, text: str = "yes", *, checked: bool = False) -> dict[str, Any]:
    data = {"source": 5, "id": number, "text": text, "isChecked": checked}
    return {"type": 3, "data": data, "timestamp": AT + 5_000}


def recorded(*events: Any, **changes: Any) -> dict[UUID, dict[str, Any]]:
    told = {"clock_ahead": 0, "missing": [], "left": True, "cut": False, "events": [snapshot(), *events]}
    return {VIEW: told | changes}


def test_what_agrees_says_nothing() -> None:
    told = recorded(put_in(1, checked=True), put_in(2, " Li  Na "), put_in(4, "no", checked=True), SENT)
    entries = (
        VIEWED,
        an_entry(EntryType.FIELD_ENTERED, 9, {"field": "applicant.name", "new": sealed("Li Na")}),
        an_entry(EntryType.FIELD_ENTERED, 9, {"field": "applicant.sex", "new": sealed("female")}),
        an_entry(EntryType.ANSWER_GIVEN, 9, {"question": "smoker", "new": sealed(value=False)}),
        CONFIRMED,
    )
    assert disagreements(told, entries) == ()


def test_a_tick_that_the_form_did_not_carry() -> None:
    told = recorded(put_in(1, checked=True), put_in(5, checked=True), SENT)
    assert disagreements(told, (VIEWED, CONFIRMED)) == (Disagreement(Mismatch.TICK_NOT_CARRIED, VIEW, None, "notice"),)
    assert disagreements(told, (VIEWED,)) == (
        Disagreement(Mismatch.TICK_NOT_CARRIED, VIEW, None, "confirm"),
        Disagreement(Mismatch.TICK_NOT_CARRIED, VIEW, None, "notice"),
    )


def test_a_form_that_was_refused_carried_nothing_and_one_sent_twice_is_entered_once() -> None:
    told = recorded(put_in(1, checked=True), SENT)
    again = an_entry(EntryType.DOCUMENT_OPENED, 10, page_sha256="cd")
    assert disagreements(told, (VIEWED, again)) == ()
    assert disagreements(told, (CONFIRMED, VIEWED)) == ()


def test_a_tick_that_was_not_sent_is_nothing() -> None:
    assert disagreements(recorded(put_in(1, checked=True)), (VIEWED,)) == ()
    assert disagreements(recorded(put_in(1, checked=True), put_in(1), SENT), (VIEWED,)) == ()


def test_a_tick_that_the_browser_does_not_know() -> None:
    assert disagreements(recorded(SENT), (VIEWED, CONFIRMED)) == (
        Disagreement(Mismatch.TICK_NOT_REPORTED, VIEW, CONFIRMED.id, "confirm"),
    )


@pytest.mark.parametrize("lacks", [{"missing": [1]}, {"left": False}, {"cut": True}, {"events": [SENT]}])
def test_what_a_part_of_a_recording_does_not_say_is_nothing(lacks: dict[str, Any]) -> None:
    assert disagreements(recorded(SENT, **lacks), (VIEWED, CONFIRMED)) == ()


@pytest.mark.requirement("T26-24")
def test_a_box_that_came_ticked_is_not_the_customers_tick() -> None:
    controls = CONTROLS | {1: {**CONTROLS[1], "checked": True}}
    told = recorded(SENT, events=[snapshot(controls), SENT])
    beforehand = (Disagreement(Mismatch.TICKED_BEFOREHAND, VIEW, None, "confirm"),)
    assert disagreements(told, (VIEWED, CONFIRMED)) == beforehand
    away = recorded(events=[snapshot(controls), put_in(1), put_in(1, checked=True), SENT])
    assert disagreements(away, (VIEWED, CONFIRMED)) == beforehand


@pytest.mark.requirement("T26-24")
def test_a_page_shows_again_what_was_sent_or_entered() -> None:
    controls = CONTROLS | {1: {**CONTROLS[1], "checked": True}}
    told = recorded(events=[snapshot(controls), SENT])
    refused = replace(VIEWED, body={"status": 422})
    assert disagreements(told, (refused, CONFIRMED)) == ()
    assert disagreements(told, (CONFIRMED, VIEWED)) == ()
    ticked_since = recorded(put_in(1, checked=True), snapshot(controls), SENT)
    assert disagreements(ticked_since, (VIEWED, CONFIRMED)) == ()


def test_another_value_and_another_answer() -> None:
    told = recorded(put_in(2, "Li Nan"), put_in(3, checked=True), SENT)
    name = an_entry(EntryType.FIELD_ENTERED, 9, {"field": "applicant.name", "new": sealed("Li Na")})
    answer = an_entry(EntryType.ANSWER_GIVEN, 9, {"question": "smoker", "new": sealed(value=False)})
    assert disagreements(told, (VIEWED, name, answer)) == (
        Disagreement(Mismatch.VALUE_DIFFERS, VIEW, name.id, "applicant_name"),
        Disagreement(Mismatch.VALUE_DIFFERS, VIEW, answer.id, "smoker"),
    )


def test_what_was_masked_is_not_compared() -> None:
    name = an_entry(EntryType.FIELD_ENTERED, 9, {"field": "applicant.name", "new": sealed("Li Na")})
    assert disagreements(recorded(put_in(2, "*"), SENT), (VIEWED, name)) == ()


def test_an_act_without_sending() -> None:
    told = recorded(put_in(1, checked=True))
    assert disagreements(told, (VIEWED, CONFIRMED)) == (Disagreement(Mismatch.NOT_SENT, VIEW, CONFIRMED.id, ""),)


def test_times_are_compared_by_our_clock() -> None:
    sent = {**SENT, "timestamp": SENT["timestamp"] - 3_600_000}
    told = recorded(put_in(1, checked=True), sent, clock_ahead=3_600_000)
    assert disagreements(told, (VIEWED, CONFIRMED)) == ()
    told = recorded(put_in(1, checked=True), sent)
    assert disagreements(told, (VIEWED, CONFIRMED)) == (Disagreement(Mismatch.TIMES_APART, VIEW, CONFIRMED.id, ""),)


def test_acts_of_others_and_on_other_pages_are_not_the_forms() -> None:
    elsewhere = an_entry(EntryType.DOCUMENT_CONFIRMED, 9, page_version_id="00" * 32)
    ours = an_entry(EntryType.RECORDING_KEPT, 9, actor=SYSTEM)
    left = an_entry(EntryType.PAGE_LEFT, 9, actor=VISITOR)
    assert disagreements(recorded(), (VIEWED, elsewhere, ours, left)) == ()


def test_nonsense_of_a_browser_is_no_tick() -> None:
    nonsense = [
        {"type": 2, "data": {"node": {"childNodes": 7, "tagName": ["input"], "attributes": None}}, "timestamp": AT},
        {"type": 3, "data": {"source": 0, "adds": [None, {"node": 3}, {}]}, "timestamp": AT},
        {"type": 3, "data": {"source": 5, "id": {}, "text": [], "isChecked": "yes"}, "timestamp": AT},
        {"type": 2, "data": {"node": {"tagName": "input", "attributes": {"name": []}}}, "timestamp": AT},
    ]
    assert [each.kind for each in disagreements(recorded(events=nonsense), (VIEWED, CONFIRMED))] == [
        Mismatch.TICK_NOT_REPORTED,
        Mismatch.NOT_SENT,
    ]

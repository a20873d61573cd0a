"""The application's road: what each state allows and which step comes next."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import pytest

from marketplace.application.rules import (
    ORDER,
    TRANSITIONS,
    health_consent,
    is_reached,
    needs_health_consent,
    next_step,
    tidy_name,
)
from marketplace.application.values import Confirmation, ConfirmationKind, Event, HealthConsent, Progress, State, Step
from marketplace.catalog.values import Line
from marketplace.kernel.transitions import TransitionRefused
from tests.factories.quoting import a_content, a_question

DOCUMENT = UUID(int=1)
NOTHING_DONE = Progress(
    state=State.STARTED,
    entered=False,
    email_given=False,
    address_proven=False,
    suitability_open=True,
    people_given=False,
    identity_missing=True,
    notice_missing=True,
    consent_missing=True,
    unanswered=("heart", "lungs"),
    unconfirmed=(DOCUMENT,),
    exclusions_confirmed=False,
    insured_consent_missing=True,
)
ALL_DONE = Progress(
    state=State.STARTED,
    entered=True,
    email_given=True,
    address_proven=True,
    suitability_open=False,
    people_given=True,
    identity_missing=False,
    notice_missing=False,
    consent_missing=False,
    unanswered=(),
    unconfirmed=(),
    exclusions_confirmed=True,
    insured_consent_missing=False,
)

ALLOWED = {
    (State.STARTED, Event.SUBMIT): State.SUBMITTED,
    (State.STARTED, Event.LAPSE): State.LAPSED,
    (State.SUBMITTED, Event.ACCEPT): State.ACCEPTED,
    (State.SUBMITTED, Event.REFER): State.REFERRED,
    (State.SUBMITTED, Event.DECLINE): State.DECLINED,
    (State.SUBMITTED, Event.LAPSE): State.LAPSED,
    (State.ACCEPTED, Event.LAPSE): State.LAPSED,
    (State.ACCEPTED, Event.CONCLUDE): State.CONTRACTED,
    (State.REFERRED, Event.ACCEPT): State.ACCEPTED,
    (State.REFERRED, Event.DECLINE): State.DECLINED,
    (State.REFERRED, Event.LAPSE): State.LAPSED,
    (State.SUBMITTED, Event.COUNTER): State.COUNTERED,
    (State.SUBMITTED, Event.POSTPONE): State.POSTPONED,
    (State.REFERRED, Event.COUNTER): State.COUNTERED,
    (State.REFERRED, Event.POSTPONE): State.POSTPONED,
    (State.COUNTERED, Event.ACCEPT): State.ACCEPTED,
    (State.COUNTERED, Event.REFUSE): State.REFUSED,
    (State.COUNTERED, Event.LAPSE): State.LAPSED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_truth_table(state: State, event: Event) -> None:
    expected = ALLOWED.get((state, event))
    if expected is None:
        with pytest.raises(TransitionRefused) as refusal:
            TRANSITIONS.next(state, event)
        assert refusal.value.reason
    else:
        assert TRANSITIONS.next(state, event) is expected


@pytest.mark.requirement("T26-09")
def test_the_road_has_one_order() -> None:
    doing = {
        "entered": True,
        "email_given": True,
        "address_proven": True,
        "suitability_open": False,
        "people_given": True,
        "identity_missing": False,
        "notice_missing": False,
        "consent_missing": False,
        "unanswered": (),
        "unconfirmed": (),
        "exclusions_confirmed": True,
        "insured_consent_missing": False,
    }
    progress, seen = NOTHING_DONE, [next_step(NOTHING_DONE)]
    for name, value in doing.items():
        progress = replace(progress, **{name: value})
        seen.append(next_step(progress))
    assert seen == [
        Step.ENTRY,
        Step.EMAIL,
        Step.CODE,
        Step.NEEDS,
        Step.PEOPLE,
        Step.IDENTITY,
        Step.QUESTIONS,
        Step.QUESTIONS,
        Step.QUESTIONS,
        Step.DOCUMENTS,
        Step.EXCLUSIONS,
        Step.CONSENT,
        Step.REVIEW,
    ]


@pytest.mark.parametrize(
    ("change", "step"),
    [
        ({"entered": False}, Step.ENTRY),
        ({"email_given": False, "address_proven": False}, Step.EMAIL),
        ({"address_proven": False}, Step.CODE),
        ({"suitability_open": True}, Step.NEEDS),
        ({"people_given": False}, Step.PEOPLE),
        ({"identity_missing": True}, Step.IDENTITY),
        ({"notice_missing": True}, Step.QUESTIONS),
        ({"consent_missing": True}, Step.QUESTIONS),
        ({"unanswered": ("lungs",)}, Step.QUESTIONS),
        ({"unconfirmed": (DOCUMENT,)}, Step.DOCUMENTS),
        ({"exclusions_confirmed": False}, Step.EXCLUSIONS),
        ({"insured_consent_missing": True}, Step.CONSENT),
        ({}, Step.REVIEW),
        ({"email_given": False}, Step.REVIEW),
    ],
)
def test_one_missing_thing_leads_back_to_its_step(change: dict[str, object], step: Step) -> None:
    assert next_step(replace(ALL_DONE, **change)) is step


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (State.SUBMITTED, Step.REFERRED),
        (State.REFERRED, Step.REFERRED),
        (State.ACCEPTED, Step.PAY),
        (State.DECLINED, Step.DECLINED),
        (State.LAPSED, Step.LAPSED),
        (State.COUNTERED, Step.COUNTER_OFFER),
        (State.POSTPONED, Step.POSTPONED),
        (State.REFUSED, Step.REFUSED),
        (State.CONTRACTED, Step.DONE),
    ],
)
def test_after_submission_the_state_decides(state: State, step: Step) -> None:
    assert next_step(replace(NOTHING_DONE, state=state)) is step


def test_earlier_steps_may_be_done_again_and_later_ones_not_yet() -> None:
    for earlier, later in pairwise(ORDER):
        assert is_reached(earlier, later)
        assert is_reached(earlier, earlier)
        assert not is_reached(later, earlier)


def test_a_name_has_one_spelling() -> None:
    assert tidy_name("  Zoe\u0308  van \t Dam ") == "Zoë van Dam"
    assert tidy_name("王 小明") == "王 小明"


@pytest.mark.parametrize("line", [Line.TERM_LIFE, Line.HOSPITAL, Line.TRAVEL, Line.HOUSEHOLD])
def test_questions_that_may_touch_the_health_of_a_person_need_consent(line: Line) -> None:
    asked = a_content(line=line, questions=(a_question("heart"),))
    assert needs_health_consent(asked) is (line is not Line.HOUSEHOLD)
    assert not needs_health_consent(a_content(line=line))


def a_confirmation(kind: ConfirmationKind, day: int, sha256: str = "a") -> Confirmation:
    return Confirmation(kind, sha256 * 64, "0" * 64, datetime(2026, 11, day, tzinfo=UTC))


def test_the_latest_consent_holds_until_it_is_withdrawn() -> None:
    given, again, withdrawn = (
        a_confirmation(ConfirmationKind.HEALTH_CONSENT, 1),
        a_confirmation(ConfirmationKind.HEALTH_CONSENT, 3, "b"),
        a_confirmation(ConfirmationKind.HEALTH_WITHDRAWN, 5, "b"),
    )
    notice = a_confirmation(ConfirmationKind.HEALTH_NOTICE, 1)
    assert health_consent([]) is None
    assert health_consent([notice]) is None
    assert health_consent([notice, given]) == HealthConsent("a" * 64, given.confirmed_at, None)
    assert health_consent([again, given]) == HealthConsent("b" * 64, again.confirmed_at, None)
    assert health_consent([withdrawn, given, again]) == HealthConsent(
        "b" * 64, again.confirmed_at, withdrawn.confirmed_at
    )

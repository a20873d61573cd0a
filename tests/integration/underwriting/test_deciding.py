"""A decision is kept with its reasons and the hash of its guideline, and read back as it was made."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.catalog.values import Outcome
from marketplace.infra.db import db
from marketplace.kernel.ids import new_id
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import ActorRole, EntryType
from marketplace.underwriting.queries import assess_eligibility, decision_of
from marketplace.underwriting.services import decide_by_guideline
from marketplace.underwriting.values import AnswersIncomplete, AssessApplication, Eligible
from tests.factories.quoting import TRAVEL_RISK, a_content, a_question
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

GUIDELINE = a_content(questions=(a_question("heart", Outcome.DECLINE), a_question("back"))).guideline


def an_assessment(**answers: bool) -> AssessApplication:
    return AssessApplication(new_id(), a_journey(), new_id(), GUIDELINE, {"heart": False, "back": False} | answers)


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [({}, Outcome.ACCEPT), ({"back": True}, Outcome.REFER), ({"heart": True, "back": True}, Outcome.DECLINE)],
)
def test_what_was_decided_is_read_back(answers: dict[str, bool], outcome: Outcome) -> None:
    command = an_assessment(**answers)
    made = decide_by_guideline(command)
    db.session.commit()
    db.session.expire_all()
    assert decision_of(command.application_id) == made
    assert made.outcome is outcome
    assert (made.number, made.decided_by) == (1, "guideline")


def test_the_trail_names_outcome_and_rule_but_no_answer() -> None:
    command = an_assessment(heart=True)
    made = decide_by_guideline(command)
    db.session.commit()
    (entry,) = journey_entries(command.journey_id)
    assert (entry.type, entry.actor.role) == (EntryType.UNDERWRITING_DECIDED, ActorRole.SYSTEM)
    assert (entry.application_id, entry.insurer_id) == (command.application_id, command.insurer_id)
    assert entry.body == {
        "outcome": "decline",
        "rule_sha256": made.decision.rule_sha256,
        "decision_sha256": made.sha256,
        "questions": 2,
        "reasons": 1,
        "number": 1,
    }


def test_there_is_one_first_decision() -> None:
    command = an_assessment()
    decide_by_guideline(command)
    with pytest.raises(IntegrityError, match="uq_underwriting_decision_application_id"):
        decide_by_guideline(command)


def test_without_every_answer_nothing_is_decided_or_written() -> None:
    command = AssessApplication(new_id(), a_journey(), new_id(), GUIDELINE, {"heart": False})
    with pytest.raises(AnswersIncomplete):
        decide_by_guideline(command)
    db.session.commit()
    assert decision_of(command.application_id) is None
    assert journey_entries(command.journey_id) == ()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [("outcome = 'perhaps'", "outcome"), ("number = 0", "number")],
)
def test_the_database_refuses_what_cannot_be(change: str, constraint: str) -> None:
    column, value = change.split(" = ")
    values = {"outcome": "'accept'", "number": "1"} | {column: value}
    with pytest.raises(IntegrityError, match=f"ck_underwriting_decision_{constraint}"):
        db.session.execute(
            text(
                "INSERT INTO underwriting_decision (id, application_id, number, outcome, reasons, rule_sha256, "
                "decided_at, business_decided_at, decided_by) VALUES (gen_random_uuid(), gen_random_uuid(), "
                f"{values['number']}, {values['outcome']}, '[]', repeat('0', 64), now(), now(), 'test')"
            )
        )


def test_eligibility_asks_the_database_nothing() -> None:
    assert assess_eligibility(a_content(), TRAVEL_RISK) == Eligible()

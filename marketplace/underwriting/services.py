"""Decide and keep the decision."""

from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType
from marketplace.underwriting.models import DecisionRow
from marketplace.underwriting.rules import assess_answers
from marketplace.underwriting.values import AssessApplication, Decision, Reason, RecordedDecision

FIRST = 1
BY_GUIDELINE = "guideline"


def decide_by_guideline(command: AssessApplication) -> RecordedDecision:
    """The first decision about an application, stored with its reasons, the guideline's hash and its trail entry.

    Raises AnswersIncomplete. A second first decision breaks the unique constraint: the caller holds the application.
    """
    decision = assess_answers(command.guideline, command.answers)
    row = DecisionRow(
        id=ids.new_id(),
        application_id=command.application_id,
        number=FIRST,
        outcome=decision.outcome.value,
        reasons=[_reason_json(reason) for reason in decision.reasons],
        rule_sha256=decision.rule_sha256,
        decided_at=clock.now(),
        business_decided_at=clock.business_now(),
        decided_by=BY_GUIDELINE,
    )
    db.session.add(row)
    db.session.flush()
    _record(command, decision)
    return RecordedDecision(command.application_id, FIRST, decision, row.decided_at, BY_GUIDELINE)


def _reason_json(reason: Reason) -> dict[str, object]:
    return {
        "question_id": reason.question_id,
        "answer": reason.answer,
        "outcome": reason.outcome.value,
        "words": reason.words and reason.words.to_json(),
    }


def _record(command: AssessApplication, decision: Decision) -> None:
    """Which questions led to the outcome is in the decision itself, which few may read; the trail names the outcome."""
    record_act(
        Act(
            journey_id=command.journey_id,
            type=EntryType.UNDERWRITING_DECIDED,
            body={
                "outcome": decision.outcome,
                "rule_sha256": decision.rule_sha256,
                "questions": len(command.guideline),
                "reasons": len(decision.reasons),
                "number": FIRST,
            },
            actor=SYSTEM,
            application_id=command.application_id,
            insurer_id=command.insurer_id,
        )
    )

"""Decide, ask, and keep both. Whoever calls holds the application."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, Actor, EntryType
from marketplace.underwriting.models import DecisionRow, InquiryRow
from marketplace.underwriting.queries import decisions_of, inquiry, open_inquiry, recorded
from marketplace.underwriting.rules import assess_answers, decision_sha256, reasons_json, terms_json
from marketplace.underwriting.values import (
    BY_GUIDELINE,
    AssessApplication,
    DecideCase,
    DecidedMeanwhile,
    Decision,
    Inquiry,
    InquiryOpen,
    NoInquiry,
    RecordedDecision,
)

FIRST = 1
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class _About:
    """What a decision is about, who made it, and how many questions it rests on."""

    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    number: int
    questions: int
    actor: Actor

    @property
    def decided_by(self) -> str:
        return str(self.actor.account_id or BY_GUIDELINE)


def decide_by_guideline(command: AssessApplication) -> RecordedDecision:
    """The first decision about an application, stored with its reasons, the guideline's hash and its trail entry.

    Raises AnswersIncomplete. A second first decision breaks the unique constraint: the caller holds the application.
    """
    decision = assess_answers(command.guideline, command.answers, clock.today(ZONE))
    about = _About(
        command.application_id, command.journey_id, command.insurer_id, FIRST, len(command.guideline), SYSTEM
    )
    return _keep(about, decision)


def decide_case(command: DecideCase) -> RecordedDecision:
    """A person's decision, added to those before it, with its trail entry that says by whom.

    Raises DecidedMeanwhile where another was made since, or the applicant answered; InquiryOpen.
    """
    before = decisions_of(command.application_id)
    if not before or command.number != before[-1].number + 1:
        raise DecidedMeanwhile
    if open_inquiry(command.application_id) is not None:
        raise InquiryOpen
    guideline = before[0].decision
    decision = Decision(
        command.outcome, guideline.reasons, guideline.rule_sha256, command.terms, command.code, command.words
    )
    about = _About(
        command.application_id,
        command.journey_id,
        command.insurer_id,
        command.number,
        len(guideline.reasons),
        command.actor,
    )
    return _keep(about, decision)


def ask(application_id: UUID, question: str, actor: Actor) -> Inquiry:
    """A question to the applicant; the clock stands until it is answered. Raises InquiryOpen."""
    if open_inquiry(application_id) is not None:
        raise InquiryOpen
    asked = db.session.scalars(select(InquiryRow.number).where(InquiryRow.application_id == application_id)).all()
    row = InquiryRow(
        id=ids.new_id(),
        application_id=application_id,
        number=len(asked) + 1,
        question=question,
        asked_by=str(actor.account_id),
        asked_at=clock.now(),
        business_asked_at=clock.business_now(),
    )
    db.session.add(row)
    db.session.flush()
    return inquiry(row)


def answer(application_id: UUID, number: int, words: str) -> Inquiry:
    """The applicant's answer to the open question, given once. Raises NoInquiry."""
    row = db.session.scalars(
        select(InquiryRow)
        .where(InquiryRow.application_id == application_id, InquiryRow.number == number)
        .with_for_update()
    ).one_or_none()
    if row is None or row.answered_at is not None:
        raise NoInquiry
    row.answer, row.answered_at, row.business_answered_at = words, clock.now(), clock.business_now()
    db.session.flush()
    return inquiry(row)


def _keep(about: _About, decision: Decision) -> RecordedDecision:
    terms = terms_json(decision, secrets.token_hex(SALT_BYTES))
    row = DecisionRow(
        id=ids.new_id(),
        application_id=about.application_id,
        number=about.number,
        outcome=decision.outcome.value,
        reasons=reasons_json(decision),
        terms=terms,
        rule_sha256=decision.rule_sha256,
        sha256=decision_sha256(about.application_id, about.number, decision, terms, about.decided_by),
        decided_at=clock.now(),
        business_decided_at=clock.business_now(),
        decided_by=about.decided_by,
    )
    db.session.add(row)
    db.session.flush()
    _record(about, decision, row)
    return recorded(row)


def _record(about: _About, decision: Decision, row: DecisionRow) -> None:
    """Which questions led to the outcome is in the decision itself, which few may read; the trail names the outcome."""
    record_act(
        Act(
            journey_id=about.journey_id,
            type=EntryType.UNDERWRITING_DECIDED,
            body={
                "outcome": decision.outcome,
                "rule_sha256": decision.rule_sha256,
                "decision_sha256": row.sha256,
                "questions": about.questions,
                "reasons": len(decision.reasons),
                "number": about.number,
            },
            actor=about.actor,
            application_id=about.application_id,
            insurer_id=about.insurer_id,
        )
    )

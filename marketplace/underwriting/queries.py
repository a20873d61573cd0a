"""Tell who may be offered a product, what was decided and why, and what the applicant was asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import Loading, Outcome, ProductContent, Risk
from marketplace.infra import working_days
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting import rules
from marketplace.underwriting.models import DecisionRow, InquiryRow
from marketplace.underwriting.values import (
    Decision,
    Eligible,
    Ineligible,
    Inquiry,
    Reason,
    ReasonCode,
    RecordedDecision,
    Terms,
    Wait,
)

WORKING_DAYS = 2
"""Within which the insurer decides, as the applicant is told."""


def assess_eligibility(content: ProductContent, risk: Risk) -> Eligible | Ineligible:
    """Whether this product is offered for a complete risk of its line; no question is asked of the database."""
    return rules.assess_eligibility(content, risk)


def what_if(content: ProductContent, answers: Mapping[str, bool]) -> Decision:
    """What the guideline of this content would say today; nothing is kept. Raises AnswersIncomplete."""
    return rules.assess_answers(content.guideline, answers, clock.today(ZONE))


def decision_of(application_id: UUID) -> RecordedDecision | None:
    """The latest decision about an application; None while nothing is decided."""
    found = decisions_of(application_id)
    return found[-1] if found else None


def decisions_of(application_id: UUID) -> tuple[RecordedDecision, ...]:
    """Every decision about an application, the first first."""
    rows = db.session.scalars(
        select(DecisionRow).where(DecisionRow.application_id == application_id).order_by(DecisionRow.number)
    )
    return tuple(recorded(row) for row in rows)


def altered_decisions(application_id: UUID) -> tuple[int, ...]:
    """The numbers of decisions that say something else than their hash; those from before there was one are left out.
    For checks.
    """
    rows = db.session.scalars(
        select(DecisionRow)
        .where(DecisionRow.application_id == application_id, DecisionRow.sha256.is_not(None))
        .order_by(DecisionRow.number)
    )
    return tuple(
        row.number
        for row in rows
        if row.sha256
        != rules.decision_sha256(row.application_id, row.number, recorded(row).decision, row.terms, row.decided_by)
    )


def inquiries_of(application_id: UUID) -> tuple[Inquiry, ...]:
    """What the applicant was asked, the first first."""
    rows = db.session.scalars(
        select(InquiryRow).where(InquiryRow.application_id == application_id).order_by(InquiryRow.number)
    )
    return tuple(inquiry(row) for row in rows)


def open_inquiry(application_id: UUID) -> Inquiry | None:
    """The question that waits for the applicant's answer."""
    return next((each for each in inquiries_of(application_id) if each.business_answered_at is None), None)


def waits(application_ids: Collection[UUID]) -> dict[UUID, Wait]:
    """By referred application, how long it has waited for its insurer, those that waited longest first. Nothing of what
    was asked or answered is opened: three columns of instants for each.
    """
    now = clock.business_now()
    referred = db.session.execute(
        select(DecisionRow.application_id, DecisionRow.business_decided_at)
        .where(DecisionRow.application_id.in_(set(application_ids)), DecisionRow.number == 1)
        .order_by(DecisionRow.business_decided_at, DecisionRow.application_id)
    ).all()
    pauses = _pauses(application_ids)
    found = {}
    for row in referred:
        asked = pauses.get(row.application_id, [])
        paused = sum((until - since for since, until in ((a, b or now) for a, b in asked)), timedelta())
        due = working_days.working_days_after(row.business_decided_at, WORKING_DAYS, ZONE).at + paused
        waiting = any(until is None for _, until in asked)
        found[row.application_id] = Wait(row.business_decided_at, waiting, due, due <= now and not waiting)
    return found


def _pauses(application_ids: Collection[UUID]) -> dict[UUID, list[tuple[datetime, datetime | None]]]:
    rows = db.session.execute(
        select(InquiryRow.application_id, InquiryRow.business_asked_at, InquiryRow.business_answered_at)
        .where(InquiryRow.application_id.in_(set(application_ids)))
        .order_by(InquiryRow.application_id, InquiryRow.number)
    )
    return {
        application_id: [(row.business_asked_at, row.business_answered_at) for row in group]
        for application_id, group in groupby(rows, key=lambda row: row.application_id)
    }


def recorded(row: DecisionRow) -> RecordedDecision:
    """Of one that was erased its outcome, number and hashes are left."""
    terms = row.terms
    made = Decision(
        Outcome(row.outcome),
        tuple(_reason(each) for each in row.reasons),
        row.rule_sha256,
        _terms(terms),
        ReasonCode(terms["code"]) if terms.get("code") else None,
        terms.get("words"),
    )
    return RecordedDecision(
        row.application_id, row.number, made, row.decided_at, row.business_decided_at, row.decided_by, row.sha256
    )


def inquiry(row: InquiryRow) -> Inquiry:
    return Inquiry(
        row.application_id,
        row.number,
        row.question,
        row.asked_at,
        row.business_asked_at,
        row.answer,
        row.business_answered_at,
    )


def _reason(data: Mapping[str, Any]) -> Reason:
    words = data["words"]
    return Reason(
        data["question_id"],
        data["answer"],
        Outcome(data["outcome"]),
        words and LocalizedText.from_json(words),
        data.get("code"),
    )


def _terms(data: Mapping[str, Any]) -> Terms:
    until = data.get("until")
    return Terms(
        tuple(Loading.of(each) for each in data.get("loadings", ())),
        rules.exclusions_of(data.get("exclusions", ())),
        date.fromisoformat(until) if until else None,
    )

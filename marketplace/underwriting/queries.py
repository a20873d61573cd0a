"""Tell who may be offered a product, what was decided and why."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import Outcome, ProductContent, Risk
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting import rules
from marketplace.underwriting.models import DecisionRow
from marketplace.underwriting.values import Decision, Eligible, Ineligible, Reason, RecordedDecision


def assess_eligibility(content: ProductContent, risk: Risk) -> Eligible | Ineligible:
    """Whether this product is offered for a complete risk of its line; no question is asked of the database."""
    return rules.assess_eligibility(content, risk)


def decision_of(application_id: UUID) -> RecordedDecision | None:
    """The latest decision about an application; None while nothing is decided."""
    row = db.session.scalars(
        select(DecisionRow)
        .where(DecisionRow.application_id == application_id)
        .order_by(DecisionRow.number.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _recorded(row)


def decisions_of(application_ids: Iterable[UUID]) -> dict[UUID, RecordedDecision]:
    """The latest decision about each of several applications, in one question; undecided ones are left out."""
    rows = db.session.scalars(
        select(DecisionRow)
        .where(DecisionRow.application_id.in_(set(application_ids)))
        .order_by(DecisionRow.application_id, DecisionRow.number)
    ).all()
    vault.unlock(row.application_id for row in rows)
    return {row.application_id: _recorded(row) for row in rows}


def _recorded(row: DecisionRow) -> RecordedDecision:
    decision = Decision(Outcome(row.outcome), tuple(_reason(each) for each in row.reasons), row.rule_sha256)
    return RecordedDecision(row.application_id, row.number, decision, row.decided_at, row.decided_by)


def _reason(data: dict[str, Any]) -> Reason:
    words = data["words"]
    return Reason(
        data["question_id"], data["answer"], Outcome(data["outcome"]), words and LocalizedText.from_json(words)
    )

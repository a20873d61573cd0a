"""Tell who may be offered a product, what was decided and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import Outcome, ProductContent, Risk
from marketplace.infra.db import db
from marketplace.kernel.text import LocalizedText
from marketplace.underwriting import rules
from marketplace.underwriting.models import DecisionRow
from marketplace.underwriting.values import Decision, Eligible, Ineligible, Reason, RecordedDecision

if TYPE_CHECKING:
    from marketplace.catalog.values.columns import Columns, Mask


def assess_eligibility(content: ProductContent, risk: Risk) -> Eligible | Ineligible:
    """Whether this product is offered for a complete risk of its line; no question is asked of the database."""
    return rules.assess_eligibility(content, risk)


def eligible(content: ProductContent, columns: Columns) -> Mask:
    """Whether this product is offered, for each of many complete risks of its line. For jobs: NumPy comes with it."""
    return rules.eligible(content, columns)


def decision_of(application_id: UUID) -> RecordedDecision | None:
    """The latest decision about an application; None while nothing is decided."""
    row = db.session.scalars(
        select(DecisionRow)
        .where(DecisionRow.application_id == application_id)
        .order_by(DecisionRow.number.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _recorded(row)


def _recorded(row: DecisionRow) -> RecordedDecision:
    decision = Decision(Outcome(row.outcome), tuple(_reason(each) for each in row.reasons), row.rule_sha256)
    return RecordedDecision(row.application_id, row.number, decision, row.decided_at, row.decided_by)


def _reason(data: dict[str, Any]) -> Reason:
    words = data["words"]
    return Reason(
        data["question_id"], data["answer"], Outcome(data["outcome"]), words and LocalizedText.from_json(words)
    )

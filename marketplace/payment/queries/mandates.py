"""Ask about kept cards."""

from uuid import UUID

from sqlalchemy import select

from marketplace.infra.db import db
from marketplace.payment.models import MandateRow
from marketplace.payment.models.mandates import mandate_row
from marketplace.payment.values import Card, Mandate, MandateState

_STANDING = (MandateState.ASKED.value, MandateState.KEPT.value)


def mandate(mandate_id: UUID) -> Mandate:
    """Raises MandateNotFound."""
    return mandate_value(mandate_row(mandate_id))


def mandate_of(contract_id: UUID) -> Mandate | None:
    """The card that is kept for the contract, or is being given; None where there is none."""
    wanted = MandateRow.contract_id == contract_id, MandateRow.state.in_(_STANDING)
    row = db.session.scalar(select(MandateRow).where(*wanted).execution_options(populate_existing=True))
    return None if row is None else mandate_value(row)


def mandate_value(row: MandateRow) -> Mandate:
    return Mandate(
        id=row.id,
        contract_id=row.contract_id,
        state=MandateState(row.state),
        card=None if row.card is None else Card(**row.card),
        asked_at=row.asked_at,
        kept_at=row.kept_at,
        ended_at=row.ended_at,
    )

"""Forget who paid, once the contract that was paid for need not be kept. The books keep amounts, numbers and states."""

from uuid import UUID

from sqlalchemy import select

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.payment.models import AttemptRow
from marketplace.payment.values import Purpose


def forget_payer(purpose: Purpose, subject_id: UUID) -> None:
    """Destroy the keys of the attempts that were sealed for no application, because they pay for several; what the
    provider said of them goes with it. Repeating it changes nothing.
    """
    own = (
        AttemptRow.purpose == purpose.value,
        AttemptRow.subject_id == subject_id,
        AttemptRow.sealed_for == AttemptRow.id,
    )
    for attempt_id in db.session.scalars(select(AttemptRow.id).where(*own).order_by(AttemptRow.id)):
        vault.destroy(attempt_id)

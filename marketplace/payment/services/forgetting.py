"""Forget who paid, once the contract that was paid for need not be kept. The books keep amounts, numbers and states."""

from uuid import UUID

from sqlalchemy import select, update

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.payment.models import AttemptRow
from marketplace.payment.values import Purpose


def forget_payer(purpose: Purpose, subject_id: UUID) -> None:
    """Destroy the keys of the attempts that were sealed for no application, because they pay for several; what the
    provider said of them goes with it. Repeating it changes nothing.
    """
    of_subject = (AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
    db.session.execute(update(AttemptRow).where(*of_subject).values(payer_sealed=None, instrument=None))
    own = (
        *of_subject,
        AttemptRow.sealed_for == AttemptRow.id,
    )
    for attempt_id in db.session.scalars(select(AttemptRow.id).where(*own).order_by(AttemptRow.id)):
        vault.destroy(attempt_id)

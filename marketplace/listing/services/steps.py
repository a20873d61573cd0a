"""One step of an upload's road: lock, ask the table, write who took it."""

from uuid import UUID

from sqlalchemy import func, select

from marketplace.accounts import queries as accounts
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.listing import rules
from marketplace.listing.models import EventRow, UploadRow, locked_upload
from marketplace.listing.values import ReviewNotYours, UploadEvent, UploadNotFound, UploadState
from marketplace.traceability.values import Actor


def take(event: UploadEvent, upload_id: UUID, actor: Actor, reason: str = "") -> UploadRow:
    """The upload, locked, in the state after the step of a member of staff.

    Raises UploadNotFound, ReviewNotYours, SecondPersonNeeded, TransitionRefused.
    """
    row = locked_upload(upload_id)
    if row is None:
        raise UploadNotFound
    if actor.account_id is None:
        raise ReviewNotYours
    account = accounts.account(actor.account_id)
    rules.require_may_take(event, account, row.insurer_id, (row.received_by, row.submitted_by))
    move(row, event, actor, reason)
    return row


def move(row: UploadRow, event: UploadEvent, actor: Actor, reason: str = "") -> None:
    """The same for a row that is locked already. Raises TransitionRefused."""
    taken = select(func.count()).select_from(EventRow).where(EventRow.upload_id == row.id)
    number = db.session.execute(taken).scalar_one() + 1
    row.state = rules.LIFE.next(UploadState(row.state), event).value
    db.session.add(
        EventRow(
            upload_id=row.id,
            number=number,
            insurer_id=row.insurer_id,
            event=event.value,
            reason=reason,
            at=clock.now(),
            business_at=clock.business_now(),
            account_id=actor.account_id,
            actor=actor.label,
        )
    )

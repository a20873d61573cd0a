"""A copy of one's data: asked for, made by a job, kept sealed for seven days."""

import logging
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import queries as accounts
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.infra.db import db
from marketplace.infra.formatting import use_locale
from marketplace.infra.jobs import defer
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.privacy import rules
from marketplace.privacy.models import ExportRow, locked_asked_export, locked_export
from marketplace.privacy.queries import BEING_MADE, export_of
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import Export, ExportState

log = logging.getLogger(__name__)


def ask_export(account_id: UUID) -> Export:
    """Have a copy made; while one is being made, a second wish is the same wish. One that failed stands in nobody's
    way.
    """
    _note_failed(account_id)
    made = db.session.scalar(
        insert(ExportRow)
        .values(id=ids.new_id(), account_id=account_id, state=ExportState.ASKED.value, asked_at=clock.now())
        .on_conflict_do_nothing(index_elements=["account_id"], index_where=ExportRow.state == ExportState.ASKED.value)
        .returning(ExportRow.id)
    )
    if made is not None:
        defer("privacy.make_export", export_id=made)
    asked = (ExportRow.account_id == account_id, ExportRow.state == ExportState.ASKED.value)
    return export_of(db.session.scalars(select(ExportRow).where(*asked)).one(), being_made=True)


def _note_failed(account_id: UUID) -> None:
    """Note it of a copy that is asked for and that nobody makes any more: its job was refused or tried too often."""
    row = locked_asked_export(account_id)
    if row is not None and not db.session.scalar(select(BEING_MADE).where(ExportRow.id == row.id)):
        log.error("ALARM copy %s of somebody's data could not be made; it is asked for again", row.id)
        row.state = ExportState.FAILED.value
        db.session.flush()


def make_export(export_id: UUID) -> None:
    """Gather everything about the person, keep it sealed, and mail where it lies. Making it again changes nothing."""
    row = locked_export(export_id)
    account = accounts.account(row.account_id)
    if row.state != ExportState.ASKED or account.disabled:
        return
    now = clock.now()
    with use_locale(account.locale):
        data = copy_of(account, now)
    row.content, row.size, row.sha256 = data, len(data), sha256_hex(data)
    row.state, row.ready_at, row.expires_at = ExportState.READY.value, now, now + rules.EXPORT_KEPT
    db.session.flush()
    context = {"link": f"{letterhead().public_url}/account/data", "days": rules.EXPORT_KEPT.days}
    correspondence.queue(
        QueueMessage(MessageKind.DATA_EXPORT_READY, str(row.id), account.email, account.locale, context)
    )


def drop_expired_exports(account_id: UUID | None = None) -> int:
    """Drop the bytes of copies whose week is over, or all of one person's. Returns how many."""
    over = ExportRow.expires_at <= clock.now() if account_id is None else ExportRow.account_id == account_id
    kept = (ExportState.READY.value, ExportState.ASKED.value)
    rows = db.session.scalars(select(ExportRow).where(over, ExportRow.state.in_(kept)).with_for_update()).all()
    for row in rows:
        row.state, row.content_sealed = ExportState.EXPIRED.value, None
    db.session.flush()
    return len(rows)

"""Forget what was asked and answered: with its application, with its visit, with the account, or when nobody came back.

Numbers, instants, states and who of the insurer answered stay; words and whose they were do not. What is public holds
nothing about anybody, and ends with the consent it rests on.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select

from marketplace.consultation.models import ThreadRow, locked_thread, messages_of
from marketplace.consultation.services.asking import drop
from marketplace.consultation.services.consenting import end_consent
from marketplace.consultation.services.publishing import withdraw_of_thread
from marketplace.consultation.values import Asker, ThreadState, WithdrawalReason
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock

UNCONFIRMED_KEPT = timedelta(days=1)


def erase_of_application(application_id: UUID) -> int:
    """Of an application that is erased, with or without a contract: its key is gone. Returns how many threads."""
    return _erase_all(ThreadRow.application_id == application_id)


def erase_of_journey(journey_id: UUID) -> int:
    """Of a visit that is forgotten, what belongs to no application. Returns how many threads."""
    return _erase_all(ThreadRow.journey_id == journey_id, ThreadRow.application_id.is_(None))


def erase_of_account(account_id: UUID) -> int:
    """Of a customer who leaves, what belongs to no application; consents given end with the account in all of them.
    Returns how many threads were erased.
    """
    own = select(ThreadRow).where(ThreadRow.account_id == account_id).order_by(ThreadRow.id).with_for_update()
    for row in db.session.scalars(own.execution_options(populate_existing=True)).all():
        end_consent(row, Asker(row.journey_id, account_id))
    return _erase_all(ThreadRow.account_id == account_id, ThreadRow.application_id.is_(None))


def erase_thread(thread_id: UUID) -> None:
    """One, such as one that nobody wrote in for twelve months. Raises ThreadNotFound."""
    _erase(locked_thread(thread_id))


def forget_unconfirmed() -> int:
    """Drop questions whose asker never proved an address, a day later. Returns how many."""
    rows = db.session.scalars(
        select(ThreadRow)
        .where(ThreadRow.state == ThreadState.UNCONFIRMED.value, ThreadRow.created_at < clock.now() - UNCONFIRMED_KEPT)
        .order_by(ThreadRow.id)
        .with_for_update()
    ).all()
    for row in rows:
        drop(row)
    return len(rows)


def _erase_all(*conditions: ColumnElement[bool]) -> int:
    rows = db.session.scalars(
        select(ThreadRow).where(*conditions, ThreadRow.erased_at.is_(None)).order_by(ThreadRow.id).with_for_update()
    ).all()
    for row in rows:
        _erase(row)
    return len(rows)


def _erase(row: ThreadRow) -> None:
    """Nothing is opened for that. A question that still waits is not waited for any more."""
    if row.state == ThreadState.UNCONFIRMED:
        drop(row)
        return
    withdraw_of_thread(row.id, WithdrawalReason.CONSENT)
    for message in messages_of(row.id):
        message.words_sealed = None
    row.account_id = None
    row.state, row.waiting_since, row.due_at = ThreadState.ANSWERED.value, None, None
    row.erased_at = clock.now()
    db.session.flush()
    if row.sealed_for == row.id:
        vault.destroy(row.id)

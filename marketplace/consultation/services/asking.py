"""Ask an insurer, and write on. Nobody reads a question before its asker's mail address is proven."""

from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Role
from marketplace.consultation.models import ThreadRow, locked_thread, messages_of
from marketplace.consultation.queries.threads import thread_of
from marketplace.consultation.rules.states import THREADS
from marketplace.consultation.services import saying
from marketplace.consultation.values import (
    Asker,
    NewQuestion,
    NotACustomer,
    Side,
    Thread,
    ThreadEvent,
    ThreadNotFound,
    ThreadState,
)
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock, ids


def prepare_question(by: Asker, new: NewQuestion) -> Thread:
    """Keep a visitor's question, sealed and read by nobody, until the mail address is proven in the same browser.

    Raises Invalid(words).
    """
    row = _new_thread(by, new, None)
    saying.new_message(row, Side.CUSTOMER, saying.fitting(new.words, Side.CUSTOMER), page_version_id=by.page_version_id)
    return thread_of(row)


def confirm_question(thread_id: UUID, by: Asker, account: Account) -> Thread:
    """The address is proven: the question goes to the insurer, and the thread belongs to this account. Where the
    application has a thread by then, the question is written on in that.

    Raises ThreadNotFound (also for what was confirmed before, or in another journey), NotACustomer, TooManyTries.
    """
    row = locked_thread(thread_id)
    if row.state != ThreadState.UNCONFIRMED or row.journey_id != by.journey_id:
        raise ThreadNotFound
    _require_customer(account)
    proven = Asker(by.journey_id, account.id, by.page_version_id)
    (message,) = messages_of(row.id)
    first = _of_application(row.application_id)
    if first is not None:
        new = NewQuestion(
            row.insurer_id, row.product_version_id, message.words, row.locale, application_id=row.application_id
        )
        page = message.page_version_id
        drop(row)
        return _say(first, Asker(by.journey_id, account.id, page), new.words)
    row.account_id = account.id
    accounts.count_question(account.id)
    row.state = THREADS.next(ThreadState.UNCONFIRMED, ThreadEvent.CONFIRMED).value
    row.asked_at = message.written_at = clock.business_now()
    saying.start_clock(row)
    db.session.flush()
    saying.record_question(row, message, proven)
    return thread_of(row)


def ask_question(by: Asker, new: NewQuestion, account: Account) -> Thread:
    """A customer asks. In an application there is one thread, which goes on.

    Raises Invalid(words), NotACustomer, TooManyTries.
    """
    _require_customer(account)
    proven = Asker(by.journey_id, account.id, by.page_version_id)
    first = _of_application(new.application_id)
    if first is not None:
        return _say(first, proven, new.words)
    row = _new_thread(proven, new, account.id)
    return _say(row, proven, new.words)


def write_on(thread_id: UUID, by: Asker, words: str) -> Thread:
    """Another question in one's own thread. Raises ThreadNotFound for everybody else, Invalid(words), TooManyTries."""
    row = locked_thread(thread_id)
    if row.account_id is None or row.account_id != by.account_id or row.erased_at is not None:
        raise ThreadNotFound
    return _say(row, by, words)


def _say(row: ThreadRow, by: Asker, words: str) -> Thread:
    if by.account_id is None or row.account_id != by.account_id:
        raise ThreadNotFound
    said = saying.fitting(words, Side.CUSTOMER)
    accounts.count_question(by.account_id)
    row.state = THREADS.next(ThreadState(row.state), ThreadEvent.ASKED).value
    saying.start_clock(row)
    message = saying.new_message(row, Side.CUSTOMER, said, page_version_id=by.page_version_id)
    saying.record_question(row, message, by)
    return thread_of(row)


def _new_thread(by: Asker, new: NewQuestion, account_id: UUID | None) -> ThreadRow:
    thread_id = ids.new_id()
    row = ThreadRow(
        id=thread_id,
        reference=ids.reference("Q"),
        insurer_id=new.insurer_id,
        product_version_id=new.product_version_id,
        journey_id=by.journey_id,
        application_id=new.application_id,
        account_id=account_id,
        sealed_for=new.application_id or thread_id,
        locale=new.locale,
        state=(ThreadState.UNCONFIRMED if account_id is None else ThreadState.WAITING).value,
        created_at=clock.now(),
        asked_at=clock.business_now(),
    )
    if account_id is not None:
        saying.start_clock(row)
    db.session.add(row)
    db.session.flush()
    return row


def drop(row: ThreadRow) -> None:
    """A question that reached nobody is taken out with its key, where that is its own."""
    for message in messages_of(row.id):
        db.session.delete(message)
    db.session.flush()
    if row.sealed_for == row.id:
        vault.destroy(row.id)
    db.session.delete(row)
    db.session.flush()


def _of_application(application_id: UUID | None) -> ThreadRow | None:
    """The thread of an application, held; none where there is no application, or nothing was asked in it."""
    if application_id is None:
        return None
    wanted = ThreadRow.application_id == application_id, ThreadRow.state != ThreadState.UNCONFIRMED.value
    return db.session.scalars(
        select(ThreadRow).where(*wanted).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()


def _require_customer(account: Account) -> None:
    if account.role is not Role.CUSTOMER:
        raise NotACustomer

"""Ask an insurer, and write on. Nobody reads a question before its asker's mail address is proven."""

from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Role
from marketplace.application import services as applications
from marketplace.application.values import Acting, Application
from marketplace.consultation.models import ThreadRow, hold_asker, locked_thread, messages_of
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

    Raises ThreadNotFound (also for what was confirmed before, or in another journey), NotACustomer, TooManyTries, and
    of an application what `bind_account` does: ApplicationNotFound where it is another account's by now.
    """
    found = db.session.get(ThreadRow, thread_id)
    if found is None or found.state != ThreadState.UNCONFIRMED or found.journey_id != by.journey_id:
        raise ThreadNotFound
    _require_customer(account)
    if found.application_id is not None:
        (first_page,) = (each.page_version_id for each in messages_of(found.id))
        _bind(found.application_id, Asker(by.journey_id, account.id, first_page), account)
    row = locked_thread(thread_id)
    if row.state != ThreadState.UNCONFIRMED:
        raise ThreadNotFound
    (message,) = messages_of(row.id)
    proven = Asker(by.journey_id, account.id, message.page_version_id)
    accounts.count_question(account.id)
    first = _of_application(row.application_id)
    if first is not None:
        said = message.words
        drop(row)
        return _say(first, proven, said)
    row.account_id = account.id
    row.state = THREADS.next(ThreadState.UNCONFIRMED, ThreadEvent.CONFIRMED).value
    row.asked_at = message.written_at = clock.business_now()
    saying.start_clock(row)
    db.session.flush()
    saying.record_question(row, message, proven)
    return thread_of(row)


def ask_question(by: Asker, new: NewQuestion, account: Account) -> Thread:
    """A customer asks. In an application there is one thread, which goes on, and stands in the application's journey
    wherever it is asked; an application that is nobody's yet is this account's from now on. A form that was sent twice
    asks once.

    Raises Invalid(words), NotACustomer, TooManyTries, and of an application what `bind_account` does.
    """
    _require_customer(account)
    accounts.count_question(account.id)
    proven = Asker(by.journey_id, account.id, by.page_version_id)
    if new.application_id is not None:
        application = _bind(new.application_id, proven, account)
        proven = Asker(application.journey_id, account.id, by.page_version_id)
        first = _of_application(application.id)
    else:
        first = _asked_just_now(proven, new, account.id)
    return _say(first or _new_thread(proven, new, account.id), proven, new.words)


def write_on(thread_id: UUID, by: Asker, words: str) -> Thread:
    """Another question in one's own thread; one that waits with the same words is not asked once more.

    Raises ThreadNotFound for everybody else, Invalid(words), TooManyTries.
    """
    row = locked_thread(thread_id)
    if by.account_id is None or row.account_id != by.account_id or row.erased_at is not None:
        raise ThreadNotFound
    accounts.count_question(by.account_id)
    return _say(row, by, words)


def _bind(application_id: UUID, by: Asker, account: Account) -> Application:
    """The application of a question, held until the end of the transaction, and of the same account as its thread: who
    takes it over with another address would take over what was asked in it.
    """
    acting = Acting(by.journey_id, by.page_version_id or "", account.id)  # pages of applications are recorded
    return applications.bind_account(acting, application_id, account)


def _say(row: ThreadRow, by: Asker, words: str) -> Thread:
    if by.account_id is None or row.account_id != by.account_id:
        raise ThreadNotFound
    said = saying.fitting(words, Side.CUSTOMER)
    if saying.waits_with(row, said):
        return thread_of(row)
    row.state = THREADS.next(ThreadState(row.state), ThreadEvent.ASKED).value
    saying.start_clock(row)
    message = saying.new_message(row, Side.CUSTOMER, said, page_version_id=by.page_version_id)
    saying.record_question(row, message, by)
    return thread_of(row)


def _asked_just_now(by: Asker, new: NewQuestion, account_id: UUID) -> ThreadRow | None:
    """The thread in which these words wait for the same insurer already; whoever asks at the same time waits here."""
    hold_asker(account_id)
    same = (
        ThreadRow.account_id == account_id,
        ThreadRow.journey_id == by.journey_id,
        ThreadRow.product_version_id == new.product_version_id,
        ThreadRow.application_id.is_(None),
        ThreadRow.state == ThreadState.WAITING.value,
    )
    waiting = db.session.scalars(select(ThreadRow).where(*same).order_by(ThreadRow.id).with_for_update())
    return next((row for row in waiting if saying.waits_with(row, new.words.strip())), None)


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

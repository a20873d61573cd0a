"""Answer: staff of the insurer alone, by a valid certificate for the product's line of business (O13 articles 17, 35).

The marketplace answers nothing itself: it is no insurer, and in the `cn` profiles the law leaves advice on a product to
the practitioners of the institution that answers for it (decision 37).
"""

from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account
from marketplace.catalog import queries as catalog
from marketplace.consultation.models import MessageRow, locked_thread
from marketplace.consultation.queries.threads import thread_of
from marketplace.consultation.rules.states import THREADS
from marketplace.consultation.services import saying
from marketplace.consultation.values import (
    NothingToAnswer,
    QuestionAnswered,
    Side,
    Thread,
    ThreadEvent,
    ThreadNotFound,
    ThreadState,
)
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage, TrailOf
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.jobs import publish
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock


def answer_question(thread_id: UUID, by: Account, words: str) -> Thread:
    """Answer what waits. The customer is mailed after the commit.

    Raises ThreadNotFound (also for another insurer's and for whoever works for none), CertificateMissing,
    NothingToAnswer where no question waits or it was erased, Invalid(words).
    """
    row = locked_thread(thread_id)
    if by.insurer_id is None or row.insurer_id != by.insurer_id or row.state == ThreadState.UNCONFIRMED:
        raise ThreadNotFound
    line = catalog.product_version(row.product_version_id).line
    practitioner = accounts.answering(by.id, line.value, clock.today(ZONE))
    if row.erased_at is not None or row.waiting_since is None or row.due_at is None:
        raise NothingToAnswer
    said = saying.fitting(words, Side.INSURER)
    waited = {"waited_since": row.waiting_since, "due_at": row.due_at}
    message = saying.new_message(row, Side.INSURER, said, practitioner_id=practitioner.id, **waited)
    row.state = THREADS.next(ThreadState(row.state), ThreadEvent.ANSWERED).value
    row.waiting_since = row.due_at = None
    row.answered_at = message.written_at
    db.session.flush()
    saying.record_answer(row, message, by.id, practitioner.certificate_no)
    publish(QuestionAnswered(row.id, message.id))
    return thread_of(row)


def tell_answered(fact: QuestionAnswered) -> None:
    """Mail whoever asked that an answer is there; the words stay behind the sign-in. Nobody is mailed whose account is
    closed, or twice of one answer.
    """
    row, message = locked_thread(fact.thread_id), db.session.get(MessageRow, fact.message_id)
    if row.account_id is None or row.erased_at is not None or message is None:
        return
    account = accounts.account(row.account_id)
    if account.disabled:
        return
    context = {
        "reference": row.reference,
        "insurer_name": accounts.insurer(row.insurer_id).short_name.in_(row.locale),
        "link": f"{letterhead().public_url}/account/questions/{row.id}",
    }
    trail = TrailOf(row.journey_id, row.application_id, row.insurer_id) if row.application_id else None
    correspondence.queue(
        QueueMessage(
            MessageKind.CONSULTATION_ANSWERED,
            f"{row.id}/{message.number}",
            account.email,
            row.locale,
            context,
            trail=trail,
        )
    )

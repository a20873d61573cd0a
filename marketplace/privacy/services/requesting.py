"""What people ask about their data that a person must decide, and the answer."""

import logging
from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import queries as accounts
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.privacy import rules
from marketplace.privacy.models import RequestRow, locked_request
from marketplace.privacy.queries import contracts_of_account, request_of
from marketplace.privacy.services import holding
from marketplace.privacy.values import Outcome, Request, RequestAnswered, RequestKind
from marketplace.traceability.values import Actor

log = logging.getLogger(__name__)


def ask_request(account_id: UUID, kind: RequestKind, words: str) -> Request:
    """Take a request into the queue; it is due within a month (GDPR article 12(3), PIPL article 50)."""
    row = RequestRow(
        id=ids.new_id(),
        account_id=account_id,
        reference=ids.reference("D"),
        kind=kind.value,
        words=words,
        asked_at=clock.business_now(),
        due_on=rules.due_on(clock.today(ZONE)),
    )
    db.session.add(row)
    db.session.flush()
    return request_of(row)


def answer_request(request_id: UUID, by: Actor, outcome: Outcome, answer: str) -> Request:
    """Answer once, and mail the person that an answer is there (the words stay behind the sign-in).

    While a dispute about a contract of the person is open, erasure cannot be done as asked; that it was refused is
    entered in the contract's trail (T26-45). Raises RequestNotFound, RequestAnswered, ContractHeld.
    """
    row = locked_request(request_id)
    if row.answered_at is not None:
        raise RequestAnswered
    if row.kind == RequestKind.ERASURE:
        contracts = contracts_of_account(row.account_id)
        if outcome is Outcome.DONE:
            holding.refuse_held(contracts)
        holding.enter_refusal(contracts, by, asked="request", reference=row.reference)
    row.outcome, row.answer = outcome.value, answer
    row.answered_at, row.answered_by = clock.business_now(), by.account_id
    db.session.flush()
    asked_by = accounts.account(row.account_id)
    if not asked_by.disabled:
        context = {"reference": row.reference, "link": f"{letterhead().public_url}/account/data"}
        correspondence.queue(
            QueueMessage(MessageKind.DATA_REQUEST_ANSWERED, str(row.id), asked_by.email, asked_by.locale, context)
        )
    return request_of(row)


def withdraw_requests(account_id: UUID) -> None:
    """The person leaves: what waits for an answer waits no longer."""
    waiting = select(RequestRow).where(RequestRow.account_id == account_id, RequestRow.answered_at.is_(None))
    for row in db.session.scalars(waiting.order_by(RequestRow.id).with_for_update()):
        row.outcome, row.answer = Outcome.WITHDRAWN.value, ""
        row.answered_at, row.answered_by = clock.business_now(), account_id
    db.session.flush()


def warn_of_pressing() -> int:
    """Say in the log which requests wait for more than twenty days. Returns how many."""
    waiting = select(RequestRow).where(RequestRow.answered_at.is_(None)).order_by(RequestRow.due_on, RequestRow.id)
    pressing = [row for row in db.session.scalars(waiting) if rules.is_pressing(row.asked_at, clock.business_now())]
    for row in pressing:
        log.error("ALARM request %s about personal data is due on %s and not answered", row.reference, row.due_on)
    return len(pressing)

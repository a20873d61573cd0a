"""Send each insurer its share of a contract, once, when nobody can withdraw from the contract any more; and bring back
what it should not have (docs/decisions/0027-premiums-leave-when-nobody-can-withdraw.md).

As with payments and refunds our row comes first, with the key and the number of the call; before every call Stripe is
asked whether it was made before, by the id of our row or of the application in its metadata, and no lock is held while
it is asked.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import PayeeState
from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import NewTransfer, PaymentCallRefused, PaymentsUnavailable, ProviderTransfer
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import ReversalRow, TransferRow
from marketplace.payment.queries import standing_of
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.settling import is_stuck
from marketplace.payment.rules.transferring import (
    REVERSALS,
    TRANSFERS,
    ReversalEvent,
    TransferEvent,
    may_leave,
    rests,
)
from marketplace.payment.services import ledger
from marketplace.payment.services.failed_calls import note_failed_call
from marketplace.payment.services.rows import attempt_row, is_frozen, locked_attempt, reversal_row, transfer_row
from marketplace.payment.services.shares import defer_reversal, defer_transfer, key_of, settle_up
from marketplace.payment.values import LedgerEvent, ReversalState, TransferState

log = logging.getLogger(__name__)

NO_INTENT, REFUSED = "intent_missing", "refused"


def release_transfer(transfer_id: UUID) -> None:
    """Its day has come, its insurer can be paid, and no bank disputes the payment: note what Stripe is to send and have
    it asked. Whatever is not so is left as it is.
    """
    locked_attempt(transfer_row(transfer_id).attempt_id)
    row, now = transfer_row(transfer_id), clock.now()
    payee = accounts.payee(row.insurer_id)
    if row.state != TransferState.WAITING or payee is None or payee.state is not PayeeState.READY:
        return
    if is_frozen(row.attempt_id):
        return
    if not may_leave(row.due_at, clock.business_now()) or rests(row.asked_at, now):
        return
    owed = standing_of(row).owed
    row.state = TRANSFERS.next(TransferState.WAITING, TransferEvent.ASKED).value
    row.destination, row.amount_minor, row.asked_at, row.failure = payee.account_id, owed.minor, now, None
    _take_next_key(row)
    defer_transfer(row.id)
    reach(At.SHARE_RELEASED)


def send_transfer(transfer_id: UUID) -> None:
    """Have Stripe send what was noted, unless it did, or a bank disputes the payment meanwhile. Where it does not
    answer, reconciliation asks again.
    """
    row = transfer_row(transfer_id)
    if row.state != TransferState.ASKED:
        return
    try:
        found = _sent(row)
        if found is None and is_frozen(row.attempt_id):
            _withhold(transfer_id, row.number)
            return
        if found is None and is_stuck(row.failed_calls):
            _renew_transfer(transfer_id, row.number)
            return
        found = found or _send(row)
    except PaymentsUnavailable as problem:
        _note_silence(row, problem)
    except PaymentCallRefused as refusal:
        _note_refusal(transfer_id, refusal)
    else:
        _note_sent(transfer_id, found)


def send_reversal(reversal_id: UUID) -> None:
    """Have Stripe bring back what was noted, unless it did. Where it does not answer, or the insurer's account has too
    little, reconciliation asks again.
    """
    row = reversal_row(reversal_id)
    if row.state != ReversalState.ASKED:
        return
    transfer = transfer_row(row.transfer_id)
    try:
        found = _reversed(row, str(transfer.provider_id))
        if found is None and is_stuck(row.failed_calls):
            _renew_reversal(reversal_id, row.number)
            return
        found = found or _reverse(row, str(transfer.provider_id))
    except PaymentsUnavailable as problem:
        _note_silence(row, problem)
    except PaymentCallRefused as refusal:
        row = _locked_reversal(reversal_id)
        if row.state != ReversalState.ASKED:
            return
        row.state = REVERSALS.next(ReversalState(row.state), ReversalEvent.ASKED).value
        row.failure, row.asked_at = refusal.reason or REFUSED, clock.now()
        log.error("ALARM reversal %s was refused: %s", reversal_id, refusal.reason)  # noqa: TRY400  no fault of ours
        _take_next_key(row)
    else:
        _note_reversed(reversal_id, found)


def _renew_transfer(transfer_id: UUID, number: int) -> None:
    """The next key, unless another worker has taken it, or knows more, since its number was read."""
    row = _locked_transfer(transfer_id)
    if row.state == TransferState.ASKED and row.number == number and is_stuck(row.failed_calls):
        _take_next_key(row)
        defer_transfer(row.id)


def _withhold(transfer_id: UUID, number: int) -> None:
    """Nothing of it is at Stripe, and a bank disputes the payment: it waits again until that is decided."""
    row = _locked_transfer(transfer_id)
    if row.state == TransferState.ASKED and row.number == number and is_frozen(row.attempt_id):
        row.state, row.asked_at = TRANSFERS.next(TransferState.ASKED, TransferEvent.WITHHELD).value, None
        db.session.flush()
        settle_up(row)


def _renew_reversal(reversal_id: UUID, number: int) -> None:
    row = _locked_reversal(reversal_id)
    if row.state == ReversalState.ASKED and row.number == number and is_stuck(row.failed_calls):
        _take_next_key(row)
        defer_reversal(row.id)


def _locked_transfer(transfer_id: UUID) -> TransferRow:
    locked_attempt(transfer_row(transfer_id).attempt_id)
    return transfer_row(transfer_id)


def _locked_reversal(reversal_id: UUID) -> ReversalRow:
    locked_attempt(transfer_row(reversal_row(reversal_id).transfer_id).attempt_id)
    return reversal_row(reversal_id)


def _sent(row: TransferRow) -> ProviderTransfer | None:
    """Also where our row of then was lost with a database and the contract has been concluded again."""
    found = payment_gateway.gateway().list_transfers(str(row.attempt_id))
    return _named(found, "transfer_id", row.id) or _named(found, "application_id", row.application_id)


def _send(row: TransferRow) -> ProviderTransfer:
    attempt = attempt_row(row.attempt_id)
    if attempt.payment_intent_id is None:
        raise PaymentCallRefused("the payment has no intent", NO_INTENT)
    reach(At.TRANSFER_TO_SEND)
    sent = payment_gateway.gateway().create_transfer(
        NewTransfer(
            amount=Money(row.amount_minor or 0, row.currency),
            destination=str(row.destination),
            payment_intent_id=attempt.payment_intent_id,
            group=str(attempt.id),
            metadata={
                "transfer_id": str(row.id),
                "contract_id": str(row.contract_id),
                "application_id": str(row.application_id),
                "attempt_id": str(attempt.id),
                "reference": attempt.reference,
            },
            idempotency_key=str(row.idempotency_key),
        )
    )
    reach(At.TRANSFER_SENT)
    return sent


def _reversed(row: ReversalRow, provider_id: str) -> ProviderTransfer | None:
    return _named(payment_gateway.gateway().list_reversals(provider_id), "reversal_id", row.id)


def _reverse(row: ReversalRow, provider_id: str) -> ProviderTransfer:
    named = {"reversal_id": str(row.id), "transfer_id": str(row.transfer_id)}
    amount = Money(row.amount_minor, row.currency)
    reach(At.REVERSAL_TO_SEND)
    back = payment_gateway.gateway().reverse_transfer(provider_id, amount, named, row.idempotency_key)
    reach(At.REVERSAL_SENT)
    return back


def _named(found: Iterable[ProviderTransfer], name: str, wanted: UUID) -> ProviderTransfer | None:
    return next((each for each in found if each.metadata.get(name) == str(wanted)), None)


def _note_sent(transfer_id: UUID, found: ProviderTransfer) -> None:
    row = _locked_transfer(transfer_id)
    if row.state == TransferState.SENT:
        if row.provider_id != found.id:
            log.error("ALARM transfer %s was sent twice: %s and %s", transfer_id, row.provider_id, found.id)
        return
    row.state = TRANSFERS.next(TransferState(row.state), TransferEvent.SENT).value
    row.amount_minor, row.provider_id, row.sent_at, row.failure = found.amount.minor, found.id, clock.now(), None
    db.session.flush()
    _book_passed_on(LedgerEvent.TRANSFER_SENT, row, found.amount, row)
    settle_up(row)
    reach(At.TRANSFER_NOTED)


def _note_reversed(reversal_id: UUID, found: ProviderTransfer) -> None:
    row = _locked_reversal(reversal_id)
    if row.state == ReversalState.SENT:
        if row.provider_id != found.id:
            log.error("ALARM reversal %s was made twice: %s and %s", reversal_id, row.provider_id, found.id)
        return
    row.state = REVERSALS.next(ReversalState(row.state), ReversalEvent.SENT).value
    row.provider_id, row.sent_at, row.failure = found.id, clock.now(), None
    db.session.flush()
    _book_passed_on(LedgerEvent.TRANSFER_REVERSED, row, -found.amount, transfer_row(row.transfer_id))
    reach(At.REVERSAL_NOTED)


def _book_passed_on(event: LedgerEvent, row: TransferRow | ReversalRow, amount: Money, share: TransferRow) -> None:
    lines = bookkeeping.passed_on(share.insurer_id, amount)
    ledger.post(event, row.id, lines, attempt_id=share.attempt_id, provider_object=row.provider_id, at=row.sent_at)


def _note_refusal(transfer_id: UUID, refusal: PaymentCallRefused) -> None:
    """It waits again: mostly the account cannot take it just now, and how that stands Stripe is asked at once."""
    row = _locked_transfer(transfer_id)
    if row.state != TransferState.ASKED:
        return
    log.error("ALARM transfer %s was refused: %s", transfer_id, refusal.reason)
    row.state = TRANSFERS.next(TransferState.ASKED, TransferEvent.REFUSED).value
    row.failure, row.asked_at = refusal.reason or REFUSED, clock.now()
    db.session.flush()
    settle_up(row)
    payee = accounts.payee(row.insurer_id)
    if payee is not None:
        jobs.defer("accounts.refresh_payee", payee_id=payee.id)


def _note_silence(row: TransferRow | ReversalRow, problem: PaymentsUnavailable) -> None:
    """No answer changes nothing. A failure is counted: under a key that only replays it nothing would ever come."""
    log.warning("no answer about %s %s", type(row).__name__, row.id)
    note_failed_call(row, problem)


def _take_next_key(row: TransferRow | ReversalRow) -> None:
    """The next call is another one for Stripe: whatever it remembers of the last is not replayed."""
    row.number, row.failed_calls, row.failed_as = row.number + 1, 0, None
    kind = "transfer" if isinstance(row, TransferRow) else "reversal"
    row.idempotency_key = key_of(kind, row.id, row.number)
    db.session.flush()

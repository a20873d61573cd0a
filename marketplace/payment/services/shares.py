"""Insurers' shares of contracts: each from its conclusion on, and what of them goes back to customers."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import queries as accounts
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import ReturnRow, ReversalRow, TransferRow
from marketplace.payment.queries import standing_of
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.transferring import TRANSFERS, TransferEvent
from marketplace.payment.services import ledger
from marketplace.payment.services.rows import attempt_row
from marketplace.payment.values import ContractShare, LedgerEvent, ReversalState, Share, TransferState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Whose:
    """Which shares of an attempt are meant: of an insurer, of a contract; None is of all."""

    insurer_id: UUID | None = None
    contract_id: UUID | None = None

    def has(self, row: TransferRow) -> bool:
        return self.insurer_id in {None, row.insurer_id} and self.contract_id in {None, row.contract_id}


EVERYBODYS = Whose()


def share_of(insurer_id: UUID, line: str, premium: Money) -> Share:
    """What an insurer is owed of a premium of this line, and what of it the marketplace keeps as agreed today."""
    agreed = (each for each in accounts.terms_in_force(clock.today(ZONE)))
    term = next((each for each in agreed if (each.insurer_id, each.line) == (insurer_id, line)), None)
    if term is None:
        log.error("ALARM no commission is agreed with insurer %s for %s", insurer_id, line)
    return Share(insurer_id, premium, term.of(premium) if term else Money.zero(premium.currency))


def book_premiums(attempt_id: UUID, concluded: Sequence[ContractShare]) -> None:
    """What an attempt paid for counts, contracts that are concluded or a later premium of one: what was held for its
    customer is owed to the insurers, and each share waits for its day. Asked again it changes nothing.

    Raises AttemptNotFound.
    """
    attempt, at = attempt_row(attempt_id), clock.now()
    lines = bookkeeping.premiums([each.share for each in concluded])
    if ledger.post(LedgerEvent.PREMIUM, attempt.id, lines, attempt_id=attempt.id, at=at):
        db.session.add_all(_row(attempt_id, each, at) for each in concluded if each.share.premium)
        db.session.flush()


def shares_left(attempt_id: UUID, whose: Whose = EVERYBODYS) -> tuple[Share, ...]:
    """What has not gone back of the premiums that an attempt paid, by contract; nothing before the contracts are
    concluded.
    """
    return tuple(share for _, share in _left(attempt_id, whose))


def take_back(cause: object, attempt_id: UUID, amount: Money, whose: Whose, at: datetime) -> None:
    """`amount` of these contracts of a locked attempt is their customer's again, as `bookkeeping.returned` posts it
    with the cause: each insurer is owed so much less, and what it has already comes back from it. Raises ValueError.
    """
    left = _left(attempt_id, whose)
    for (row, _), part in zip(left, bookkeeping.parts(amount, [share for _, share in left]), strict=True):
        if not part.premium:
            continue
        returned = ReturnRow(
            cause=str(cause),
            transfer_id=row.id,
            insurer_id=row.insurer_id,
            premium_minor=part.premium.minor,
            commission_minor=part.commission.minor,
            currency=row.currency,
            returned_at=at,
        )
        db.session.add(returned)
        db.session.flush()
        settle_up(row)


def settle_up(row: TransferRow) -> None:
    """Of a share that changed: nothing more leaves where nothing is left, and what is too much comes back."""
    standing = standing_of(row)
    if not standing.owed:
        row.state = TRANSFERS.next(TransferState(row.state), TransferEvent.EMPTIED).value
        db.session.flush()
    if row.state != TransferState.SENT or standing.too_much.minor <= 0:
        return
    now, reversal_id = clock.now(), ids.new_id()
    reversal = ReversalRow(
        id=reversal_id,
        transfer_id=row.id,
        insurer_id=row.insurer_id,
        amount_minor=standing.too_much.minor,
        currency=row.currency,
        state=ReversalState.ASKED.value,
        number=1,
        idempotency_key=key_of("reversal", reversal_id, 1),
        booked_at=now,
        asked_at=now,
    )
    db.session.add(reversal)
    db.session.flush()
    defer_reversal(reversal.id)
    reach(At.REVERSAL_DEFERRED)


def defer_transfer(transfer_id: UUID) -> None:
    """Have Stripe asked by one worker at a time."""
    jobs.defer("payment.send_transfer", lock=f"transfer-{transfer_id}", transfer_id=transfer_id)


def defer_reversal(reversal_id: UUID) -> None:
    jobs.defer("payment.send_reversal", lock=f"reversal-{reversal_id}", reversal_id=reversal_id)


def key_of(kind: str, row_id: UUID, number: int) -> str:
    """By which Stripe knows a call again."""
    return f"{kind}-{row_id}-{number}"


def _left(attempt_id: UUID, whose: Whose) -> list[tuple[TransferRow, Share]]:
    query = select(TransferRow).where(TransferRow.attempt_id == attempt_id)
    order = TransferRow.insurer_id, TransferRow.contract_id
    rows = db.session.scalars(query.order_by(*order).execution_options(populate_existing=True)).all()
    found = [(row, standing_of(row)) for row in rows if whose.has(row)]
    shares = [
        (row, Share(row.insurer_id, each.premium - each.returned, each.commission - each.commission_returned))
        for row, each in found
    ]
    return [(row, share) for row, share in shares if share.premium]


def _row(attempt_id: UUID, concluded: ContractShare, at: datetime) -> TransferRow:
    share = concluded.share
    return TransferRow(
        id=ids.new_id(),
        attempt_id=attempt_id,
        insurer_id=share.insurer_id,
        contract_id=concluded.contract_id,
        application_id=concluded.application_id,
        premium_minor=share.premium.minor,
        commission_minor=share.commission.minor,
        currency=share.premium.currency,
        state=(TransferState.WAITING if share.premium > share.commission else TransferState.CLOSED).value,
        due_at=concluded.due_at,
        booked_at=at,
        number=0,
    )

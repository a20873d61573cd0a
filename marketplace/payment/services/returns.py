"""What goes back of the premiums of concluded contracts, whoever took it: a refund, or a bank for good. Each insurer is
owed so much less, and the marketplace its part of the commission; what an insurer has already comes back from it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import ReturnRow, ReversalRow, TransferRow
from marketplace.payment.queries import standing_of
from marketplace.payment.rules.bookkeeping import Part
from marketplace.payment.rules.transferring import TRANSFERS, TransferEvent, split
from marketplace.payment.values import NothingToRefund, ReversalState, TransferState


def take_back(
    attempt_id: UUID,
    cause: object,
    amount: Money,
    at: datetime,
    *,
    contract_id: UUID | None = None,
    insurer_id: UUID | None = None,
) -> tuple[Part, ...]:
    """Take `amount` out of the shares of a locked attempt: of one contract, of those of one insurer, or of all, of each
    in proportion to what is left of its premium. Raises NothingToRefund for more than is left.
    """
    rows = _shares(attempt_id, contract_id, insurer_id)
    standings = [standing_of(row) for row in rows]
    try:
        premiums = split(amount, [each.left for each in standings])
    except ValueError:
        raise NothingToRefund from None
    found = zip(rows, standings, premiums, strict=True)
    parts = [(row, Part(row.insurer_id, part, standing.commission_of(part))) for row, standing, part in found if part]
    for row, part in parts:
        db.session.add(_return(row, str(cause), part, at))
    db.session.flush()
    for row, _ in parts:
        settle_up(row)
    return tuple(part for _, part in parts)


def settle_up(row: TransferRow) -> None:
    """Of a share that changed: nothing more leaves where nothing is left, and what is too much comes back."""
    standing = standing_of(row)
    if not standing.owed:
        row.state = TRANSFERS.next(TransferState(row.state), TransferEvent.EMPTIED).value
        db.session.flush()
    if row.state != TransferState.SENT or standing.too_much.minor <= 0:
        return
    now = clock.now()
    reversal = ReversalRow(
        id=ids.new_id(),
        transfer_id=row.id,
        insurer_id=row.insurer_id,
        amount_minor=standing.too_much.minor,
        currency=row.currency,
        state=ReversalState.ASKED.value,
        booked_at=now,
        asked_at=now,
        number=0,
        failures=0,
    )
    take_next_key(reversal)
    db.session.add(reversal)
    db.session.flush()
    jobs.defer("payment.send_reversal", reversal_id=reversal.id)


def take_next_key(row: TransferRow | ReversalRow) -> None:
    row.number, row.failures = (row.number or 0) + 1, 0
    kind = "transfer" if isinstance(row, TransferRow) else "reversal"
    row.idempotency_key = f"{kind}-{row.id}-{row.number}"
    db.session.flush()


def _shares(attempt_id: UUID, contract_id: UUID | None, insurer_id: UUID | None) -> Sequence[TransferRow]:
    wanted = select(TransferRow).where(TransferRow.attempt_id == attempt_id).order_by(TransferRow.contract_id)
    if contract_id is not None:
        wanted = wanted.where(TransferRow.contract_id == contract_id)
    if insurer_id is not None:
        wanted = wanted.where(TransferRow.insurer_id == insurer_id)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).all()


def _return(row: TransferRow, cause: str, part: Part, at: datetime) -> ReturnRow:
    return ReturnRow(
        cause=cause,
        transfer_id=row.id,
        insurer_id=row.insurer_id,
        premium_minor=part.premium.minor,
        commission_minor=part.commission.minor,
        currency=row.currency,
        returned_at=at,
    )

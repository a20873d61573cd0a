"""What each event says in the ledger: pure, in double entry, one currency to an entry.

A line debits (positive) or credits (negative) an account; the lines of an entry add up to zero, which the database
holds too. A premium belongs to its insurer as a whole from the moment of the contract; what the insurer agreed to pay
the marketplace is taken from that openly, as a line of its own, and no premium is ever posted as the marketplace's
income (notice 2020-13, article 19: O13-24).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from marketplace.kernel.money import Money
from marketplace.payment.values import LedgerAccount, LedgerEvent, Share


@dataclass(frozen=True, slots=True)
class Line:
    """A debit (positive) or credit (negative) of an account; of `insurer_id` where it is one's."""

    account: LedgerAccount
    amount: Money
    insurer_id: UUID | None = None


MOVES: dict[LedgerEvent, tuple[LedgerAccount, LedgerAccount]] = {
    LedgerEvent.RECEIVED: (LedgerAccount.PROVIDER_BALANCE, LedgerAccount.CUSTOMER_HELD),
    LedgerEvent.REFUND_REQUESTED: (LedgerAccount.CUSTOMER_HELD, LedgerAccount.REFUNDS_PAYABLE),
    # The provider takes it from the balance when it is sent, not when it arrives.
    LedgerEvent.REFUND_SENT: (LedgerAccount.REFUNDS_PAYABLE, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.REFUND_RETURNED: (LedgerAccount.PROVIDER_BALANCE, LedgerAccount.REFUNDS_PAYABLE),
    LedgerEvent.PROVIDER_FEE: (LedgerAccount.PROVIDER_FEES, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.PAID_OUT: (LedgerAccount.BANK, LedgerAccount.PROVIDER_BALANCE),
}
"""What moves one amount from one account to another: event -> (debit, credit)."""


def move(event: LedgerEvent, amount: Money) -> tuple[Line, ...]:
    """The two lines of an event of `MOVES`; what is taken back is negative."""
    debit, credit = MOVES[event]
    return Line(debit, amount), Line(credit, -amount)


def premiums(shares: Sequence[Share]) -> tuple[Line, ...]:
    """The contracts of an order, all in its currency; one that costs nothing has no line."""
    return tuple(line for share in shares if share.premium for line in _premium(share))


def is_balanced(lines: Iterable[Line]) -> bool:
    """Whether debits and credits are the same, of one currency, each of something."""
    amounts = [line.amount for line in lines]
    currencies = {amount.currency for amount in amounts}
    return len(currencies) == 1 and all(amount.minor for amount in amounts) and not sum(a.minor for a in amounts)


def _premium(share: Share) -> Iterable[Line]:
    yield Line(LedgerAccount.CUSTOMER_HELD, share.premium)
    yield Line(LedgerAccount.INSURER_PAYABLE, -share.premium, share.insurer_id)
    if share.commission:
        yield Line(LedgerAccount.INSURER_PAYABLE, share.commission, share.insurer_id)
        yield Line(LedgerAccount.COMMISSION, -share.commission, share.insurer_id)

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


@dataclass(frozen=True, slots=True)
class Part:
    """What goes back of a contract's premium, and what of that the marketplace had kept."""

    insurer_id: UUID
    premium: Money
    commission: Money


MOVES: dict[LedgerEvent, tuple[LedgerAccount, LedgerAccount]] = {
    LedgerEvent.RECEIVED: (LedgerAccount.PROVIDER_BALANCE, LedgerAccount.CUSTOMER_HELD),
    LedgerEvent.REFUND_REQUESTED: (LedgerAccount.CUSTOMER_HELD, LedgerAccount.REFUNDS_PAYABLE),
    # The provider takes it from the balance when it is sent, not when it arrives.
    LedgerEvent.REFUND_SENT: (LedgerAccount.REFUNDS_PAYABLE, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.REFUND_RETURNED: (LedgerAccount.PROVIDER_BALANCE, LedgerAccount.REFUNDS_PAYABLE),
    LedgerEvent.PROVIDER_FEE: (LedgerAccount.PROVIDER_FEES, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.PAID_OUT: (LedgerAccount.BANK, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.DISPUTE_WITHDRAWN: (LedgerAccount.DISPUTED, LedgerAccount.PROVIDER_BALANCE),
    LedgerEvent.DISPUTE_REINSTATED: (LedgerAccount.PROVIDER_BALANCE, LedgerAccount.DISPUTED),
}
"""What moves one amount from one account to another: event -> (debit, credit)."""


def move(event: LedgerEvent, amount: Money) -> tuple[Line, ...]:
    """The two lines of an event of `MOVES`; what is taken back is negative."""
    debit, credit = MOVES[event]
    return Line(debit, amount), Line(credit, -amount)


def premiums(shares: Sequence[Share]) -> tuple[Line, ...]:
    """The contracts of an order, all in its currency; one that costs nothing has no line."""
    return tuple(line for share in shares if share.premium for line in _premium(share))


def passed_on(insurer_id: UUID, amount: Money) -> tuple[Line, ...]:
    """An insurer's share leaves for its account at the provider; what comes back from there is negative."""
    return (
        Line(LedgerAccount.INSURER_PAYABLE, amount, insurer_id),
        Line(LedgerAccount.PROVIDER_BALANCE, -amount),
    )


def returned(parts: Sequence[Part], to: LedgerAccount) -> tuple[Line, ...]:
    """What goes back of the premiums of concluded contracts: of each as much as of its insurer's share and of what was
    kept of it.
    """
    lines = [line for part in parts for line in _taken_back(part)]
    return (*lines, Line(to, -sum((part.premium for part in parts[1:]), parts[0].premium)))


def lost(amount: Money, overtaken: Money, held: Money, parts: Sequence[Part]) -> tuple[Line, ...]:
    """A bank took `amount` back for good: out of what was to go back all the same, then of what was still held for the
    customer, and the rest (`parts`) out of the contracts, as with everything that goes back.
    """
    taken = {LedgerAccount.REFUNDS_PAYABLE: overtaken, LedgerAccount.CUSTOMER_HELD: held}
    first = tuple(Line(account, part) for account, part in taken.items() if part)
    others = returned(parts, LedgerAccount.DISPUTED)[:-1] if parts else ()
    return (*first, *others, Line(LedgerAccount.DISPUTED, -amount))


def goodwill(amount: Money) -> tuple[Line, ...]:
    """What the marketplace gives of its own: no insurer bears it, and its commission stays."""
    return Line(LedgerAccount.GOODWILL, amount), Line(LedgerAccount.REFUNDS_PAYABLE, -amount)


def is_balanced(lines: Iterable[Line]) -> bool:
    """Whether debits and credits are the same, of one currency, each of something."""
    amounts = [line.amount for line in lines]
    currencies = {amount.currency for amount in amounts}
    return len(currencies) == 1 and all(amount.minor for amount in amounts) and not sum(a.minor for a in amounts)


def _taken_back(part: Part) -> Iterable[Line]:
    of_both = {LedgerAccount.INSURER_PAYABLE: part.premium - part.commission, LedgerAccount.COMMISSION: part.commission}
    for account, amount in of_both.items():
        if amount:
            yield Line(account, amount, part.insurer_id)


def _premium(share: Share) -> Iterable[Line]:
    yield Line(LedgerAccount.CUSTOMER_HELD, share.premium)
    yield Line(LedgerAccount.INSURER_PAYABLE, -share.premium, share.insurer_id)
    if share.commission:
        yield Line(LedgerAccount.INSURER_PAYABLE, share.commission, share.insurer_id)
        yield Line(LedgerAccount.COMMISSION, -share.commission, share.insurer_id)

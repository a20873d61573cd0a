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


def returned(amount: Money, left: Sequence[Share], to: LedgerAccount) -> tuple[Line, ...]:
    """Money of concluded contracts that goes back: out of what is left of each share in proportion to its premium, and
    of the commission as much as of the premium, so that all of it takes all of both. Raises ValueError for more than
    there is.
    """
    return (*(line for part in parts(amount, left) for line in _taken_back(part)), Line(to, -amount))


def withdrawn(amount: Money, left: Sequence[Share]) -> tuple[Line, ...]:
    """A contract that is withdrawn from: nothing is left of its shares. What is more than the `amount` that goes back
    was given back before out of the marketplace's own, which has it again. Raises ValueError for more than there is.
    """
    whole = sum((share.premium for share in left), Money.zero(amount.currency))
    *taken, _ = returned(whole, left, LedgerAccount.REFUNDS_PAYABLE)
    rest = whole - amount
    ours = (Line(LedgerAccount.GOODWILL, -rest),) if rest else ()
    return (*taken, Line(LedgerAccount.REFUNDS_PAYABLE, -amount), *ours)


def parts(amount: Money, left: Sequence[Share]) -> tuple[Share, ...]:
    """What of each share an amount is taken out of, in their order (see `returned`). Raises ValueError."""
    whole = sum(share.premium.minor for share in left)
    if not 0 < amount.minor <= whole:
        raise ValueError(f"{amount} is not to be had of {whole}")
    found: list[Share] = []
    taken = before = 0
    for share in left:
        before += share.premium.minor
        part = amount.minor * before // whole - taken  # what the one before it was cut down by, the next one gives
        taken += part
        found.append(_part(Money(part, amount.currency), share))
    return tuple(found)


def passed_on(insurer_id: UUID, amount: Money) -> tuple[Line, ...]:
    """An insurer's share leaves for its account at the provider; what comes back from there is negative."""
    return (
        Line(LedgerAccount.INSURER_PAYABLE, amount, insurer_id),
        Line(LedgerAccount.PROVIDER_BALANCE, -amount),
    )


def lost(amount: Money, overtaken: Money, held: Money, left: Sequence[Share]) -> tuple[Line, ...]:
    """A bank took `amount` back for good: out of what was to go back all the same, then of what was still held for the
    customer, and out of the contracts, as with everything that goes back. What they do not have any more, because it
    went back before or the bank took more than was paid, is our loss.
    """
    of_contracts = to_be_had(amount - overtaken - held, left)
    parts = {
        LedgerAccount.REFUNDS_PAYABLE: overtaken,
        LedgerAccount.CUSTOMER_HELD: held,
        LedgerAccount.DISPUTE_LOSSES: amount - overtaken - held - of_contracts,
    }
    first = tuple(Line(account, part) for account, part in parts.items() if part)
    others = returned(of_contracts, left, LedgerAccount.DISPUTED)[:-1] if of_contracts else ()
    return (*first, *others, Line(LedgerAccount.DISPUTED, -amount))


def to_be_had(amount: Money, left: Sequence[Share]) -> Money:
    """What of an amount is left of the shares."""
    return min(amount, sum((share.premium for share in left), Money.zero(amount.currency)))


def goodwill(amount: Money) -> tuple[Line, ...]:
    """What the marketplace gives of its own: no insurer bears it, and its commission stays."""
    return Line(LedgerAccount.GOODWILL, amount), Line(LedgerAccount.REFUNDS_PAYABLE, -amount)


def is_balanced(lines: Iterable[Line]) -> bool:
    """Whether debits and credits are the same, of one currency, each of something."""
    amounts = [line.amount for line in lines]
    currencies = {amount.currency for amount in amounts}
    return len(currencies) == 1 and all(amount.minor for amount in amounts) and not sum(a.minor for a in amounts)


def _part(part: Money, share: Share) -> Share:
    ours = (2 * part.minor * share.commission.minor + share.premium.minor) // (2 * share.premium.minor)  # nearest cent
    return Share(share.insurer_id, part, Money(ours, part.currency))


def _taken_back(part: Share) -> Iterable[Line]:
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

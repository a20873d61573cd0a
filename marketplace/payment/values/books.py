"""The ledger, and how it agrees with the provider."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.money import Money

ON_ITS_WAY = timedelta(hours=2)
"""So long money may stand in our ledger or in the provider's account alone."""


class LedgerAccount(StrEnum):
    """`provider_balance`, `bank`, `provider_fees`, `goodwill`, `disputed` and `dispute_losses` grow by debits, the
    others by credits.

    `disputed` is what banks took back of payments and have not decided on yet; `dispute_losses` what they took for good
    and neither the customer nor a contract had any more.
    """

    PROVIDER_BALANCE = "provider_balance"
    BANK = "bank"
    CUSTOMER_HELD = "customer_held"
    REFUNDS_PAYABLE = "refunds_payable"
    INSURER_PAYABLE = "insurer_payable"
    COMMISSION = "commission"
    PROVIDER_FEES = "provider_fees"
    GOODWILL = "goodwill"
    DISPUTED = "disputed"
    DISPUTE_LOSSES = "dispute_losses"


class LedgerEvent(StrEnum):
    """Why something is posted. Each is posted once for what caused it: an attempt, a refund, a transfer or a
    reversal, a provider's movement.
    """

    RECEIVED = "received"
    PREMIUM = "premium"
    TRANSFER_SENT = "transfer_sent"
    TRANSFER_REVERSED = "transfer_reversed"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SENT = "refund_sent"
    REFUND_RETURNED = "refund_returned"
    PROVIDER_FEE = "provider_fee"
    PAID_OUT = "paid_out"
    DISPUTE_WITHDRAWN = "dispute_withdrawn"
    DISPUTE_REINSTATED = "dispute_reinstated"
    DISPUTE_LOST = "dispute_lost"


class Holding(StrEnum):
    """What is with us, or may still come, of a subject's money. `moving`: a page can still be paid, or something is to
    go back and has not arrived, also where the provider could not send it. `held`: it is paid, and nothing goes back.
    """

    NOTHING = "nothing"
    MOVING = "moving"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """What an account of the ledger stands at: debits less credits."""

    account: LedgerAccount
    total: Money
    insurer_id: UUID | None


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """What the provider says that we have there, and what the ledger says, at one moment."""

    checked_at: datetime
    provider: Money
    ledger: Money


@dataclass(frozen=True, slots=True)
class Unexplained:
    """What the provider says that it moved less what the ledger says, of one payment, refund or movement (`moved`)."""

    moved: str
    difference: Money
    since: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether it should stand on both sides by now: the provider's account is taken over once an hour."""
        return self.since < now - ON_ITS_WAY

"""The public words of servicing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound
from marketplace.kernel.money import Money
from marketplace.traceability.values import Actor


class PremiumState(StrEnum):
    """How a later premium of a contract stands.

    `announced`: its customer was told. `due`: it is being collected. `overdue`: it is not paid, and its time of grace
    is over. `dropped`: the contract ended before it was paid, and nobody owes it any more.
    """

    PLANNED = "planned"
    ANNOUNCED = "announced"
    DUE = "due"
    OVERDUE = "overdue"
    PAID = "paid"
    DROPPED = "dropped"

    @property
    def is_payable(self) -> bool:
        return self in {PremiumState.ANNOUNCED, PremiumState.DUE, PremiumState.OVERDUE}


class Refusal(StrEnum):
    """Why a kept card was not charged, as far as it matters to its owner."""

    BANK_ASKS = "bank_asks"
    NO_MONEY = "no_money"
    CARD = "card"
    TECHNICAL = "technical"
    STOPPED = "stopped"


# docs.stripe.com/declines/codes; whatever is not here is the card's.
REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "authentication_required": Refusal.BANK_ASKS,
        "authentication_not_handled": Refusal.BANK_ASKS,
        "insufficient_funds": Refusal.NO_MONEY,
        "withdrawal_count_limit_exceeded": Refusal.NO_MONEY,
        "card_velocity_exceeded": Refusal.NO_MONEY,
        "processing_error": Refusal.TECHNICAL,
        "try_again_later": Refusal.TECHNICAL,
        "issuer_not_available": Refusal.TECHNICAL,
        "reenter_transaction": Refusal.TECHNICAL,
        "provider_unavailable": Refusal.TECHNICAL,
        "card_not_kept": Refusal.STOPPED,
    }
)


@dataclass(frozen=True, slots=True)
class Premium:
    """A premium after the first one. Days are those of the contract's zone: `due_on` as agreed, `collect_on` when it is
    collected, never less than a week after it was announced; `grace_until` the last day of grace. `why` says why the
    kept card was not charged, the last time.
    """

    id: UUID
    policy_id: UUID
    number: int
    due_on: date
    amount: Money
    state: PremiumState
    collect_on: date
    grace_until: date | None
    paid_at: datetime | None
    why: Refusal | None
    attempt_id: UUID | None


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What withdrawing from a contract means for its customer today: possible up to the end of `last_on`, a day where
    the contract is at home; `amount` goes back.
    """

    last_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class WithdrawContract:
    """A customer's withdrawal, as confirmed on the page of version `page_version_id`, in the journey of a visit."""

    policy_id: UUID
    visit_id: UUID
    page_version_id: str | None
    by: Actor


@dataclass(frozen=True, slots=True)
class PaidPremium:
    """A premium that was paid, for the days from `start_on` until before `end_on`."""

    start_on: date
    end_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class ValueLine:
    """How a part of a cash value is made: `percent` of `of`, and of that as many days as are `unused` of `days`; of a
    value that does not count days both are None.
    """

    of: Money
    percent: str
    value: Money
    unused: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class CashValue:
    """What a contract is worth to a customer who ends it on a day. `years`: whole years of cover that were over, where
    the value goes by them; `before_start`: everything, for cover had not begun; `last_year`: nothing, by its terms.
    """

    total: Money
    lines: tuple[ValueLine, ...] = ()
    years: int | None = None
    before_start: bool = False
    last_year: bool = False


@dataclass(frozen=True, slots=True)
class Surrender:
    """What ending a contract today means: cover lasts to the end of `ends_on`, where it has `begun`; `amount` goes
    back, which is its value or what has not gone back already.
    """

    ends_on: date
    value: CashValue
    amount: Money
    begun: bool


@dataclass(frozen=True, slots=True)
class SurrenderContract:
    """A customer's end of a contract, as confirmed on the page of version `page_version_id`, for the `amount` that was
    read there, in the journey of a visit.
    """

    policy_id: UUID
    amount: Money
    visit_id: UUID
    page_version_id: str | None
    by: Actor


class NotSurrenderable(Conflict):
    """This contract cannot be ended early here: it has ended, or one can still withdraw from it, or its terms say
    nothing of its value.
    """

    code = "servicing:not-surrenderable"


class ValueChanged(Conflict):
    """What goes back is another amount than the one that was read."""

    code = "servicing:value-changed"


class NotWithdrawable(Conflict):
    """The time in which one can withdraw from this contract is over, it has none, or the contract has ended."""

    code = "servicing:not-withdrawable"


class PremiumNotFound(NotFound):
    """There is no such premium."""

    code = "servicing:premium-not-found"


class PremiumNotPayable(Conflict):
    """This premium cannot be paid: it is paid, not due yet, or the contract has ended."""

    code = "servicing:premium-not-payable"

"""The public words of checkout."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.correspondence.values import Message, MessageState
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money


class OrderState(StrEnum):
    """`not_issuable`: paid, but no contract could be concluded; the money is on its way back."""

    OPEN = "open"
    PAID = "paid"
    ISSUED = "issued"
    NOT_ISSUABLE = "not_issuable"
    REFUNDED = "refunded"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One application to become one contract, at the premium of its offer."""

    number: int
    application_id: UUID
    offer_id: UUID
    insurer_id: UUID
    product_version_id: UUID
    premium: Money


@dataclass(frozen=True, slots=True)
class Order:
    """`expires_at` is business time: the first of its offers to expire. `reason` says why no contract was concluded."""

    id: UUID
    reference: str
    account_id: UUID
    state: OrderState
    locale: str
    total: Money
    journey_id: UUID
    lines: tuple[OrderLine, ...]
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class PaymentUrls:
    """Where the hosted payment page sends the customer: after paying, and when they turn back. Absolute."""

    success: str
    cancel: str


# Errors


class OrderNotFound(NotFound):
    """There is no such order, or it is not yours."""

    code = "checkout:order-not-found"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the paper of a contract stands on its way to its holder: `due_at` is business time, and may be too early
    where it is `presumed`. `message` is the latest mail with it.
    """

    policy_id: UUID
    due_at: datetime
    presumed: bool
    mailed_at: datetime | None
    fetched_at: datetime | None
    message: Message | None

    @property
    def failed(self) -> bool:
        """Whether the mail came back, or no mail server took it: somebody has to do something."""
        return self.message is not None and self.message.state in {MessageState.FAILED, MessageState.BOUNCED}


class NothingOrdered(Refused):
    """An order needs at least one application."""

    code = "checkout:nothing-ordered"


class MixedCurrencies(Refused):
    """What is paid together must have one currency. Please pay these separately."""

    code = "checkout:mixed-currencies"


class NoMethodInCommon(Refused):
    """What was ordered cannot be paid together: there is no method of payment that all of it takes."""

    code = "checkout:no-method-in-common"


class AlreadyOrdered(Conflict):
    """This has been paid already."""

    code = "checkout:already-ordered"


class OrderClosed(Conflict):
    """This order is closed and cannot be paid any more."""

    code = "checkout:order-closed"


class OfferReplaced(Conflict):
    """The application rests on another offer than the one that was paid."""

    code = "checkout:offer-replaced"


# Facts


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderIssued:
    """Every line of the order is a contract."""

    order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderNotIssuable:
    """The order was paid, no contract was concluded, and the money goes back."""

    order_id: UUID


@dataclass(frozen=True, slots=True)
class OrderLapsed:
    """Nobody paid while the offers were live."""

    order_id: UUID

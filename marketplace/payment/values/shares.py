"""Insurers' shares of what customers paid, and how they get there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.money import Money


class TransferState(StrEnum):
    """How far an insurer's share of a contract is. `asked`: Stripe is to send it, or has and we do not know yet.
    `closed`: nothing is left to be sent.
    """

    WAITING = "waiting"
    ASKED = "asked"
    SENT = "sent"
    CLOSED = "closed"


class ReversalState(StrEnum):
    """How far it is that what was sent too much comes back from an insurer."""

    ASKED = "asked"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Share:
    """What an insurer is owed for a contract, and what of it the marketplace keeps as agreed."""

    insurer_id: UUID
    premium: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class ContractShare:
    """The share of the contract of an application, and until when it stays here (business time): its customer may
    withdraw until then.
    """

    contract_id: UUID
    application_id: UUID
    share: Share
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Transfer:
    """An insurer's share of a contract on its way. `owed`: what it is now, after what went back; `amount`: what Stripe
    was asked to send. `failure` says why it was not sent when it was asked last.
    """

    id: UUID
    contract_id: UUID
    insurer_id: UUID
    state: TransferState
    owed: Money
    amount: Money | None
    due_at: datetime
    sent_at: datetime | None
    failure: str | None


class ShareEvent(StrEnum):
    """What happened to an insurer's share of a contract, as its bordereau tells it."""

    PREMIUM = "premium"
    PREMIUM_RETURNED = "premium_returned"
    TRANSFER_SENT = "transfer_sent"
    TRANSFER_REVERSED = "transfer_reversed"


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One line of an account with an insurer: by how much its premiums, our commission and what it has of it changed.
    `reference` is that of Stripe, where money moved.
    """

    event: ShareEvent
    at: datetime
    contract_id: UUID
    premium: Money
    commission: Money
    passed_on: Money
    reference: str | None

    @property
    def owed(self) -> Money:
        """By how much what the insurer is owed changed."""
        return self.premium - self.commission - self.passed_on


@dataclass(frozen=True, slots=True)
class Overdue:
    """What should have reached an insurer, or come back from it, a day ago and more; `why` by the words of Stripe, the
    last that was told.
    """

    insurer_id: UUID
    returning: bool
    number: int
    amount: Money
    since: datetime
    why: str | None

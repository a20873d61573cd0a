"""What is asked of a payment gateway and what it answers: frozen values, in the words of Stripe's documentation where
there are no words of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marketplace.kernel.errors import Refused, Unavailable
from marketplace.kernel.money import Money


class PaymentsUnavailable(Unavailable):
    """The payment service does not answer at the moment. `answer`: what it said where it failed itself (5xx), which it
    may say again for as long as it remembers the call's key.
    """

    code = "payment:unavailable"

    def __init__(self, message: str = "", answer: str | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class PaymentCallRefused(Refused):
    """The payment service refused the request. `reason` is Stripe's error code."""

    code = "payment:call-refused"

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class ForgedEvent(Refused):
    """The event does not carry a valid signature, is too old, or belongs to the other mode."""

    code = "payment:forged-event"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A hosted payment page to open. `expires_at` lies 30 minutes to 24 hours ahead; `locale` is one of ours.

    `methods` are Stripe's own words; the page offers those and no others.
    """

    amount: Money
    description: str
    email: str
    locale: str
    methods: tuple[str, ...]
    success_url: str
    cancel_url: str
    expires_at: datetime
    our_id: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout Session. `status`: open, complete, expired. `payment_status`: paid, unpaid, no_payment_required.

    `intent_status` is that of its PaymentIntent, and `method` by what it was paid, as Stripe names it; `payer` the name
    that the payer typed, `instrument` the fingerprint of the card or wallet, the same whoever pays with it. Known when
    the session was retrieved on its own.
    """

    id: str
    url: str | None
    status: str
    payment_status: str
    amount: Money | None
    payment_intent_id: str | None
    intent_status: str | None
    our_id: str | None
    expires_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    method: str | None = None
    payer: str | None = None
    instrument: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund. `status`: pending, requires_action, succeeded, failed, canceled."""

    id: str
    status: str
    amount: Money
    failure_reason: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """Money of a payment to be sent on to a connected account. `group` is the payment's own (`NewSession.our_id`)."""

    amount: Money
    destination: str
    payment_intent_id: str
    group: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderTransfer:
    """Money that was sent on to a connected account, or a part of it that came back."""

    id: str
    amount: Money
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of our balance (negative: money leaves) and the fee taken with it. `subject` is the payment of a
    charge, else the refund, payout or other object that moved it.
    """

    id: str
    type: str
    subject: str | None
    amount: Money
    fee: Money
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """The bank of a customer asks for a payment back. `movements`: what it took and gave again, each with its fee."""

    id: str
    status: str
    reason: str
    amount: Money
    payment_intent_id: str | None
    opened_at: datetime
    due_at: datetime | None
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account at Stripe to be opened for somebody whom the marketplace pays. `country` is ISO 3166, two letters."""

    name: str
    country: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A connected account. `due` names what Stripe asks for now (`external_account`, `person.verification.document` …),
    `disabled_reason` why it does not work (`requirements.past_due`, `rejected.fraud` …).
    """

    id: str
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    due: tuple[str, ...]
    disabled_reason: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment (PaymentIntent). `declined` is why the last try was declined, in Stripe's word; `status` one of
    requires_payment_method, requires_confirmation, requires_action, processing, succeeded, canceled; `received` what
    came in, and `method` by what, known when it was retrieved on its own.
    """

    id: str
    declined: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    received: Money | None = None
    method: str | None = None


@dataclass(frozen=True, slots=True)
class NewSetup:
    """A hosted page on which a customer gives a card to be kept; `locale` is one of ours."""

    customer_id: str
    locale: str
    success_url: str
    cancel_url: str
    expires_at: datetime
    our_id: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class KeptCard:
    """How such a page stands (`status`: open, complete, expired), and the card that is kept since; `method_id` is None
    where none is.
    """

    our_id: str | None
    session_id: str
    url: str | None
    status: str
    method_id: str | None
    customer_id: str | None = None
    brand: str | None = None
    last4: str | None = None
    month: int | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class NewCharge:
    """A kept card to be charged with nobody there. `group` as in `NewTransfer`."""

    amount: Money
    customer_id: str
    method_id: str
    description: str
    group: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified event. `subject` is the object it tells of, as it was then: never trusted, only looked up. A `thin`
    one only names it (docs.stripe.com/event-destinations#thin-payload).
    """

    id: str
    type: str
    livemode: bool
    subject: Mapping[str, Any]
    payload: Mapping[str, Any]
    thin: bool = False

    @property
    def subject_id(self) -> str | None:
        return self.subject.get("id")

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.subject.get("metadata") or {}

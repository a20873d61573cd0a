"""A payment: what is asked of the customer, how it stands, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values import PaymentMethod
from marketplace.kernel.money import Money
from marketplace.traceability.values import Actor


class Purpose(StrEnum):
    """What is paid for; decides who takes the fact of success up. Later purposes of a contract's life join here.

    `instalment`: a premium after the first one.
    """

    NEW_BUSINESS = "new_business"
    INSTALMENT = "instalment"


class AttemptState(StrEnum):
    """`processing`: the customer is done and the money is still on its way (delayed methods)."""

    CREATED = "created"
    OPEN = "open"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class StartPayment:
    """A wish to pay `amount` for `subject_id`, known to people as `reference`.

    `description` is the line on the payment page, in the customer's locale; `methods` are offered there and no others.
    `journey_id`, `application_id` and
    `insurer_id` are handed through to the trail; the last two are None where several are paid at once. With a
    `mandate_id` the kept card is charged, with nobody there, and no page is opened.
    """

    purpose: Purpose
    subject_id: UUID
    reference: str
    amount: Money
    description: str
    email: str
    locale: str
    methods: tuple[PaymentMethod, ...]
    success_url: str
    cancel_url: str
    journey_id: UUID
    actor: Actor
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    mandate_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay. `url` is the hosted page once it is open; `received` what the provider says came in, and
    `method` by what, None where it named none that we know.

    Once it is settled, nothing more can come from that page. `mandate_id` names the kept card that is charged, and
    `failure` is the provider's word for why that failed.
    """

    id: UUID
    purpose: Purpose
    subject_id: UUID
    reference: str
    number: int
    amount: Money
    state: AttemptState
    url: str | None
    journey_id: UUID
    created_at: datetime
    expires_at: datetime
    received: Money | None
    succeeded_at: datetime | None
    settled_at: datetime | None
    method: PaymentMethod | None = None
    mandate_id: UUID | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Payer:
    """Who paid: the name that was given, and the blind index of what was paid with, as far as the provider said."""

    name: str | None
    instrument: str | None


class Receipt(StrEnum):
    """What became of a delivered event: kept for later work, kept only, or known already."""

    QUEUED = "queued"
    KEPT = "kept"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class IdentityCheckMoved:
    """The provider says that a check of who somebody is has moved on; `reference` is its name there. What came out of
    it, it is asked itself.
    """

    event_id: str
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """The right amount came in, once for this subject."""

    attempt_id: UUID
    purpose: Purpose
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The provider could not collect the money."""

    attempt_id: UUID
    purpose: Purpose
    subject_id: UUID


@dataclass(frozen=True, slots=True)
class PaymentExpired:
    """Nobody paid while the page was open, or it was closed because the amount or the subject changed."""

    attempt_id: UUID
    purpose: Purpose
    subject_id: UUID

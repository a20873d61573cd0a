"""The public words of payment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values import PaymentMethod
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money
from marketplace.traceability.values import Actor

ON_ITS_WAY = timedelta(hours=2)
"""So long money may stand in our ledger or in the provider's account alone."""


class Purpose(StrEnum):
    """What is paid for; decides who takes the fact of success up. Later purposes of a contract's life join here."""

    NEW_BUSINESS = "new_business"


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


class RefundState(StrEnum):
    REQUESTED = "requested"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundReason(StrEnum):
    """Why money goes back. One refund per attempt and reason."""

    AMOUNT_MISMATCH = "amount_mismatch"
    LATE_PAYMENT = "late_payment"
    SECOND_PAYMENT = "second_payment"
    NOT_ISSUABLE = "not_issuable"


class LedgerAccount(StrEnum):
    """`provider_balance`, `bank` and `provider_fees` grow by debits, the others by credits."""

    PROVIDER_BALANCE = "provider_balance"
    BANK = "bank"
    CUSTOMER_HELD = "customer_held"
    REFUNDS_PAYABLE = "refunds_payable"
    INSURER_PAYABLE = "insurer_payable"
    COMMISSION = "commission"
    PROVIDER_FEES = "provider_fees"


class LedgerEvent(StrEnum):
    """Why something is posted. Each is posted once for what caused it: an attempt, a refund, a provider's movement."""

    RECEIVED = "received"
    PREMIUM = "premium"
    REFUND_REQUESTED = "refund_requested"
    REFUND_SENT = "refund_sent"
    REFUND_RETURNED = "refund_returned"
    PROVIDER_FEE = "provider_fee"
    PAID_OUT = "paid_out"


class Holding(StrEnum):
    """What is with us, or may still come, of a subject's money. `moving`: a page can still be paid, or something is to
    go back and has not arrived, also where the provider could not send it. `held`: it is paid, and nothing goes back.
    """

    NOTHING = "nothing"
    MOVING = "moving"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class StartPayment:
    """A wish to pay `amount` for `subject_id`, known to people as `reference`.

    `description` is the line on the payment page, in the customer's locale; `methods` are offered there and no others.
    `journey_id`, `application_id` and
    `insurer_id` are handed through to the trail; the last two are None where several are paid at once.
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay. `url` is the hosted page once it is open; `received` what the provider says came in, and
    `method` by what, None where it named none that we know.

    Once it is settled, nothing more can come from that page.
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


@dataclass(frozen=True, slots=True)
class Refund:
    id: UUID
    attempt_id: UUID
    amount: Money
    reason: RefundReason
    state: RefundState
    requested_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """What an insurer is owed for a contract, and what of it the marketplace keeps as agreed."""

    insurer_id: UUID
    premium: Money
    commission: Money


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


class Receipt(StrEnum):
    """What became of a delivered event: kept for later work, kept only, or known already."""

    QUEUED = "queued"
    KEPT = "kept"
    DUPLICATE = "duplicate"


# Errors


class AttemptNotFound(NotFound):
    """There is no such payment."""

    code = "payment:attempt-not-found"


class AttemptNotCommitted(NotFound):
    """The payment has to be committed before its page is opened."""

    code = "payment:attempt-not-committed"


class RefundNotFound(NotFound):
    """There is no such refund."""

    code = "payment:refund-not-found"


class AlreadyPaid(Conflict):
    """This has been paid already."""

    code = "payment:already-paid"


class PaymentInProgress(Conflict):
    """A payment for this is on its way; please wait for its outcome."""

    code = "payment:in-progress"


class PageClosed(Conflict):
    """This payment page is closed. Please start the payment again."""

    code = "payment:page-closed"


class SessionMismatch(Refused):
    """The provider's page belongs to another payment."""

    code = "payment:session-mismatch"


class NothingToRefund(Refused):
    """More would go back than came in."""

    code = "payment:nothing-to-refund"


# Facts


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


@dataclass(frozen=True, slots=True)
class RefundSucceeded:
    """The money of this refund is on its way back to where it came from."""

    refund_id: UUID
    attempt_id: UUID
    purpose: Purpose
    subject_id: UUID
    reason: RefundReason
    amount: Money

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
    """`overtaken`: before it could be sent, the bank of the customer took the money back for good."""

    REQUESTED = "requested"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OVERTAKEN = "overtaken"

    @property
    def is_back(self) -> bool:
        """Whether the customer has the money."""
        return self in {self.SUCCEEDED, self.OVERTAKEN}


class RefundReason(StrEnum):
    """Why money goes back: by itself once per attempt and reason, for those of `WISHED` as often as staff ask."""

    AMOUNT_MISMATCH = "amount_mismatch"
    LATE_PAYMENT = "late_payment"
    SECOND_PAYMENT = "second_payment"
    NOT_ISSUABLE = "not_issuable"
    CONTRACT_ENDED = "contract_ended"
    OVERCHARGED = "overcharged"
    GOODWILL = "goodwill"


WISHED = (RefundReason.CONTRACT_ENDED, RefundReason.OVERCHARGED, RefundReason.GOODWILL)
"""For what staff give money back. Goodwill is at the marketplace's own cost, the others are not."""


class WishState(StrEnum):
    """Of what staff ask to give back. Above the limit it waits for another person; below it is approved at once."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class DisputeStatus(StrEnum):
    """The provider's words (docs.stripe.com/api/disputes/object). `warning_…` asks first; the money is still here."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    PREVENTED = "prevented"

    @property
    def is_open(self) -> bool:
        """Whether the bank of the customer has not decided yet."""
        return self not in {self.WARNING_CLOSED, self.WON, self.LOST, self.PREVENTED}

    @property
    def needs_answer(self) -> bool:
        """Whether our evidence is waited for."""
        return self in {self.WARNING_NEEDS_RESPONSE, self.NEEDS_RESPONSE}

    @property
    def freezes(self) -> bool:
        """Whether nothing is sent back meanwhile. A bank that asks first took nothing, and what goes back ends it."""
        return self in {self.NEEDS_RESPONSE, self.UNDER_REVIEW}


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


class LedgerAccount(StrEnum):
    """`provider_balance`, `bank`, `provider_fees`, `goodwill` and `disputed` grow by debits, the others by credits.

    `disputed` is what banks took back of payments and have not decided on yet.
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
    """`number` counts how often it was asked for; `failure` is why it did not arrive, in the provider's word."""

    id: UUID
    attempt_id: UUID
    amount: Money
    reason: RefundReason
    state: RefundState
    requested_at: datetime
    settled_at: datetime | None
    number: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class AskRefund:
    """A wish of staff to give `amount` of a payment back, with a sentence on why. `id` was made for the form: sent
    twice it is one wish. `insurer_id`: of whose contract, where one of several; else of all in proportion.
    """

    id: UUID
    attempt_id: UUID
    amount: Money
    reason: RefundReason
    words: str
    by: Actor
    insurer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """`words` and `refusal` are empty once the customer's data were erased."""

    id: UUID
    attempt_id: UUID
    amount: Money
    reason: RefundReason
    words: str
    insurer_id: UUID | None
    state: WishState
    asked_by: UUID
    asked_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    refusal: str


class DeskState(StrEnum):
    """How a refund stands, for its desk: a wish until it is agreed to, then the refund itself."""

    WAITING = "waiting"
    REFUSED = "refused"
    UNDER_WAY = "under_way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class DeskRow:
    """One line of the refund desk: a wish, the refund that it became, or a refund that goes back by itself. `reference`
    is that of the payment; `disputed`: the customer's bank has not decided on the payment yet, so nothing is sent.
    """

    state: DeskState
    at: datetime
    amount: Money
    reason: RefundReason
    attempt_id: UUID
    reference: str
    wish: Wish | None
    refund: Refund | None
    disputed: bool


@dataclass(frozen=True, slots=True)
class DeskPage:
    rows: tuple[DeskRow, ...]
    total: int
    number: int
    pages: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """The bank of a customer asks for money back. `due_at`: until when it takes our evidence; `seen_at`: when somebody
    of ours has taken note of how it ended.
    """

    id: str
    attempt_id: UUID
    reference: str
    subject_id: UUID
    amount: Money
    reason: str
    status: DisputeStatus
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """What an insurer is owed for a contract, and what of it the marketplace keeps as agreed."""

    insurer_id: UUID
    premium: Money
    commission: Money


@dataclass(frozen=True, slots=True)
class ContractShare:
    """The share of a contract, and until when it stays here (business time): its customer may withdraw until then."""

    contract_id: UUID
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


class TransferNotFound(NotFound):
    """There is no such share of an insurer."""

    code = "payment:transfer-not-found"


class ReversalNotFound(NotFound):
    """There is no such reversal."""

    code = "payment:reversal-not-found"


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


class NotConcluded(Refused):
    """No contract stands on this payment: where money is to go back, it does so by itself."""

    code = "payment:not-concluded"


class SecondPersonNeeded(Refused):
    """Whoever asked for a refund cannot agree to it or refuse it. Another person has to."""

    code = "payment:second-person-needed"


class WishDecided(Conflict):
    """This was decided on already."""

    code = "payment:wish-decided"


class WishNotFound(NotFound):
    """Nobody asked for such a refund."""

    code = "payment:wish-not-found"


class PaymentDisputed(Conflict):
    """The bank of the customer has not decided on this payment yet. Until then nothing is sent back."""

    code = "payment:disputed"


class RefundNotFailed(Conflict):
    """This refund has not failed; it is not asked for again."""

    code = "payment:refund-not-failed"


class DisputeNotFound(NotFound):
    """There is no such dispute."""

    code = "payment:dispute-not-found"


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

"""Money going back: by itself, at the refund desk, or because a bank takes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.money import Money
from marketplace.payment.values.attempts import Purpose
from marketplace.traceability.values import Actor


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
    """Why money goes back: by itself once per attempt and reason, because its customer withdrew or ended the contract
    early once per contract too; for those of `WISHED` as often as staff ask.
    """

    AMOUNT_MISMATCH = "amount_mismatch"
    LATE_PAYMENT = "late_payment"
    SECOND_PAYMENT = "second_payment"
    NOT_ISSUABLE = "not_issuable"
    WITHDRAWN = "withdrawn"
    SURRENDERED = "surrendered"
    CONTRACT_ENDED = "contract_ended"
    OVERCHARGED = "overcharged"
    GOODWILL = "goodwill"


WISHED = (RefundReason.CONTRACT_ENDED, RefundReason.OVERCHARGED, RefundReason.GOODWILL)
"""For what staff give money back. Goodwill is at the marketplace's own cost, the others are not."""

ENDED_BY_CUSTOMERS = (RefundReason.WITHDRAWN, RefundReason.SURRENDERED)

OF_CONTRACTS = (*WISHED, *ENDED_BY_CUSTOMERS)
"""What goes back of contracts that were concluded; the other reasons give a whole payment back."""


DECIDED_WITHIN = timedelta(days=1)
"""So long a wish may wait for a second person before somebody is called."""


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


@dataclass(frozen=True, slots=True)
class Refund:
    """`number` counts how often it was asked for; `failure` is why it did not arrive, in the provider's word.
    `contract_id` is set where it is of one contract whose customer withdrew.
    """

    id: UUID
    attempt_id: UUID
    amount: Money
    reason: RefundReason
    state: RefundState
    requested_at: datetime
    settled_at: datetime | None
    number: int
    failure: str | None
    contract_id: UUID | None = None


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
class Unfinished:
    """What waits at the desk for a person: a refund that did not arrive, and why in the provider's word; or, without a
    why, a wish on which nobody decided. `reference` is that of the payment.
    """

    id: UUID
    reference: str
    since: datetime
    why: str | None


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
class RefundSucceeded:
    """The money of this refund is on its way back to where it came from."""

    refund_id: UUID
    attempt_id: UUID
    purpose: Purpose
    subject_id: UUID
    reason: RefundReason
    amount: Money

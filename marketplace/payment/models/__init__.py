"""Tables of payment. The partial unique indexes are the last guard of "one page open" and "paid once"."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson
from marketplace.kernel.money import Money
from marketplace.payment.models.asking import Asking
from marketplace.payment.models.mandates import MandateRow
from marketplace.payment.values import DisputeStatus, WishState

__all__ = [
    "Asking", "AttemptRow", "BalanceCheckRow", "DisputeRow", "LedgerEntryRow", "LedgerLineRow", "MandateRow",
    "MovementRow", "ProviderEventRow", "RefundRow", "ReturnRow", "ReversalRow", "TransferRow", "WishRow", "frozen",
    "lost_of", "refunds_of", "waiting_wishes",
]  # fmt: skip

_IN_USE = text("state IN ('created', 'open', 'processing')")


class AttemptRow(Asking, Base):
    """One attempt to pay for a subject. Everything the call to the provider needs is here before the call is made.

    `payer` is the name the payer gave, `instrument` the blind index of the card or wallet: by it others paid with the
    same are found (O13-44), and nothing else.

    `sealed_for` is the application it pays for, or else the attempt itself. One that charges a kept card names its
    `mandate_id` and has no page; `failure` is the provider's word for why it did not.
    """

    __tablename__ = "payment_attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[UUID]
    reference: Mapped[str] = mapped_column(String(32))
    number: Mapped[int]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(32))
    description: Mapped[str]
    sealed_for: Mapped[UUID]
    email_sealed: Mapped[bytes] = mapped_column("email")
    locale: Mapped[str] = mapped_column(String(16))
    methods: Mapped[list[Any]]
    success_url: Mapped[str]
    cancel_url: Mapped[str]
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID | None]
    insurer_id: Mapped[UUID | None]
    mandate_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_mandate.id"))
    failure: Mapped[str | None] = mapped_column(String(64))
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    payment_intent_id: Mapped[str | None] = mapped_column(String(255))
    url: Mapped[str | None]
    received_minor: Mapped[int | None] = mapped_column(BigInteger)
    received_currency: Mapped[str | None] = mapped_column(String(3))
    method: Mapped[str | None] = mapped_column(String(32))
    payer_sealed: Mapped[bytes | None] = mapped_column("payer")
    instrument: Mapped[str | None] = mapped_column(CHAR(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    succeeded_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]

    email = SealedJson[str]("email_sealed", subject="sealed_for")
    payer = SealedJson[str | None]("payer_sealed", subject="sealed_for", missing=lambda: None)

    __table_args__ = (
        UniqueConstraint("purpose", "subject_id", "number", name="uq_payment_attempt_number"),
        Index("uq_payment_attempt_in_use", "purpose", "subject_id", unique=True, postgresql_where=_IN_USE),
        Index(
            "uq_payment_attempt_paid_once",
            "purpose",
            "subject_id",
            unique=True,
            postgresql_where=text("succeeded_at IS NOT NULL"),
        ),
        Index("ix_payment_attempt_unsettled", "created_at", postgresql_where=text("settled_at IS NULL")),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(received_minor IS NULL) = (received_currency IS NULL)", name="received_whole"),
    )


class ProviderEventRow(Base):
    """The inbox: each event of the provider once, whatever it is about.

    The payload names the customer. It is sealed for what the attempt it speaks of is sealed for, or else for itself; of
    somebody who was erased before the event came it is not kept, nor of an insurer's account, which names its bank.
    """

    __tablename__ = "payment_provider_event"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(128))
    livemode: Mapped[bool]
    sealed_for: Mapped[UUID]
    payload_sealed: Mapped[bytes | None] = mapped_column("payload")
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(32))

    payload = SealedJson[dict[str, Any] | None]("payload_sealed", subject="sealed_for", missing=lambda: None)


class WishRow(Base):
    """What staff ask to give back, sealed for the payer as the payment is. Nobody decides on what they asked for."""

    __tablename__ = "payment_refund_wish"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(32))
    sealed_for: Mapped[UUID]
    words_sealed: Mapped[bytes] = mapped_column("words")
    state: Mapped[str] = mapped_column(String(16))
    needs_second: Mapped[bool]
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    asked_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    decided_at: Mapped[datetime | None]
    refusal_sealed: Mapped[bytes | None] = mapped_column("refusal")

    words = SealedJson[str]("words_sealed", subject="sealed_for", missing=str)
    refusal = SealedJson[str]("refusal_sealed", subject="sealed_for", missing=str)

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("decided_by <> asked_by", name="another_person"),
        CheckConstraint(
            "CASE state WHEN 'waiting' THEN needs_second AND decided_by IS NULL AND refusal IS NULL "
            "WHEN 'approved' THEN (decided_by IS NOT NULL) = needs_second AND refusal IS NULL "
            "WHEN 'refused' THEN needs_second AND decided_by IS NOT NULL AND refusal IS NOT NULL ELSE false END",
            name="decided_by_another",
        ),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_whole"),
        Index("ix_payment_refund_wish_waiting", "asked_at", postgresql_where=text("state = 'waiting'")),
    )


class RefundRow(Asking, Base):
    """Money going back: by itself once per attempt and reason, or because staff wished it; `contract_id` is set where
    it is of one contract whose customer withdrew, once for each of an attempt. `provider_id` is its id at
    the provider. It may be asked for again once it failed: `number` counts, `asked_at` is when it was last.
    `overtaken_minor` of it the customer has from the bank instead. `looked_at` is when the provider last said how it
    stands.
    """

    __tablename__ = "payment_refund"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(32))
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    failure: Mapped[str | None]
    requested_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    wish_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_refund_wish.id"), unique=True)
    number: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    asked_at: Mapped[datetime | None]
    overtaken_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    looked_at: Mapped[datetime | None]
    contract_id: Mapped[UUID | None]

    @property
    def to_send(self) -> Money:
        """What of it the provider is to send."""
        return Money(self.amount_minor - self.overtaken_minor, self.currency)

    __table_args__ = (
        Index(
            "uq_payment_refund_reason",
            "attempt_id",
            "reason",
            "contract_id",
            unique=True,
            postgresql_where=text("wish_id IS NULL"),
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("overtaken_minor BETWEEN 0 AND amount_minor", name="overtaken_of_it"),
        CheckConstraint("(state = 'overtaken') = (overtaken_minor = amount_minor)", name="overtaken_whole"),
        Index("ix_payment_refund_unsettled", "requested_at", postgresql_where=text("settled_at IS NULL")),
    )


class DisputeRow(Base):
    """The bank of a customer asks for the money of a payment back, as the provider says it stands."""

    __tablename__ = "payment_dispute"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    reason: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(32))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    seen_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    seen_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(seen_by IS NULL) = (seen_at IS NULL)", name="seen_whole"),
    )


class TransferRow(Asking, Base):
    """An insurer's share of a premium of a contract, from when it is owed on, and how it gets to its account at the
    provider. The application outlives a contract that is lost with a database and concluded again.

    `destination`, `amount_minor`, `number` and `idempotency_key` are those of the call, stored before it is made.
    """

    __tablename__ = "payment_transfer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt_id: Mapped[UUID] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    contract_id: Mapped[UUID]
    application_id: Mapped[UUID]
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    commission_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(32))
    due_at: Mapped[datetime]
    booked_at: Mapped[datetime]
    destination: Mapped[str | None] = mapped_column(String(255))
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    number: Mapped[int] = mapped_column(server_default=text("0"))
    idempotency_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    asked_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("contract_id", "attempt_id"),
        CheckConstraint("premium_minor > 0", name="premium_positive"),
        CheckConstraint("commission_minor BETWEEN 0 AND premium_minor", name="commission_of_the_premium"),
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'sent') = (provider_id IS NOT NULL AND sent_at IS NOT NULL)", name="sent_whole"),
        CheckConstraint(
            "state NOT IN ('asked', 'sent') OR destination IS NOT NULL AND amount_minor IS NOT NULL "
            "AND idempotency_key IS NOT NULL AND asked_at IS NOT NULL",
            name="asked_whole",
        ),
        Index("ix_payment_transfer_due", "due_at", postgresql_where=text("state IN ('waiting', 'asked')")),
        Index("ix_payment_transfer_insurer", "insurer_id", "booked_at"),
    )


class ReturnRow(Base):
    """What of an insurer's share is the customer's again, and the commission of that: by a refund, or by a lost dispute
    (`cause`, as in the ledger).
    """

    __tablename__ = "payment_premium_return"

    cause: Mapped[str] = mapped_column(String(255), primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("payment_transfer.id"), primary_key=True, index=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    commission_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    returned_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("premium_minor >= 0 AND commission_minor >= 0", name="parts_not_negative"),
        Index("ix_payment_premium_return_insurer", "insurer_id", "returned_at"),
    )


class ReversalRow(Asking, Base):
    """What was sent too much comes back from the insurer's account at the provider."""

    __tablename__ = "payment_transfer_reversal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("payment_transfer.id"), index=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[str] = mapped_column(String(32))
    number: Mapped[int]
    idempotency_key: Mapped[str] = mapped_column(String(255), unique=True)
    booked_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    failure: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount_positive"),
        CheckConstraint("(state = 'sent') = (provider_id IS NOT NULL AND sent_at IS NOT NULL)", name="sent_whole"),
        Index("ix_payment_transfer_reversal_asked", "asked_at", postgresql_where=text("state = 'asked'")),
        Index("ix_payment_transfer_reversal_insurer", "insurer_id", "sent_at"),
    )


class LedgerEntryRow(Base):
    """One event of the books, posted once for its cause, never changed. Its lines add up to zero (migration 0047).

    `provider_object` is what the provider's own movement of this money is of: a payment, a refund, the movement itself.
    """

    __tablename__ = "payment_ledger_entry"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(32))
    cause: Mapped[str] = mapped_column(String(255))
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_attempt.id"), index=True)
    provider_object: Mapped[str | None] = mapped_column(String(255), index=True)
    posted_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("event", "cause", name="uq_payment_ledger_entry_once"),)


class LedgerLineRow(Base):
    """A debit (positive) or a credit (negative)."""

    __tablename__ = "payment_ledger_line"

    entry_id: Mapped[UUID] = mapped_column(ForeignKey("payment_ledger_entry.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(32))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))

    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
        CheckConstraint("(account IN ('insurer_payable', 'commission')) = (insurer_id IS NOT NULL)", name="whose"),
        Index("ix_payment_ledger_line_account", "account", "currency", "insurer_id"),
    )


class MovementRow(Base):
    """A movement of the marketplace's balance as the provider keeps it (docs.stripe.com/api/balance_transactions).

    `subject` is what moved it: a payment (`pi_…`), a refund (`re_…`), a payout (`po_…`). The balance changes by the
    amount less the fee.
    """

    __tablename__ = "payment_provider_movement"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(255))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fee_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    moved_at: Mapped[datetime]

    __table_args__ = (Index("ix_payment_provider_movement_moved", "moved_at"),)


class BalanceCheckRow(Base):
    """What the provider said that we have there, and what the ledger said, at one moment, in one currency."""

    __tablename__ = "payment_balance_check"

    checked_at: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    provider_minor: Mapped[int] = mapped_column(BigInteger)
    ledger_minor: Mapped[int] = mapped_column(BigInteger)


def frozen(attempt_id: UUID | InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """Inside a question: whether a bank has taken the money of the payment back and not decided yet. Nothing of it is
    sent meanwhile: it would be given back twice.
    """
    freezing = [status.value for status in DisputeStatus if status.freezes]
    return exists().where(DisputeRow.attempt_id == attempt_id, DisputeRow.status.in_(freezing))


def lost_of(attempt_id: UUID, currency: str) -> Money:
    """What banks took back of the payment for good."""
    lost = DisputeRow.attempt_id == attempt_id, DisputeRow.status == DisputeStatus.LOST.value
    total = db.session.scalar(select(func.sum(DisputeRow.amount_minor)).where(*lost, DisputeRow.currency == currency))
    return Money(int(total or 0), currency)


def waiting_wishes(attempt_id: UUID) -> list[WishRow]:
    """What waits for a second person to be given back of an attempt, as it is now."""
    query = (
        select(WishRow)
        .where(WishRow.attempt_id == attempt_id, WishRow.state == WishState.WAITING.value)
        .order_by(WishRow.id)
    )
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def refunds_of(attempt_id: UUID) -> list[RefundRow]:
    """Refunds of an attempt, oldest first, as they are now."""
    query = select(RefundRow).where(RefundRow.attempt_id == attempt_id).order_by(RefundRow.requested_at, RefundRow.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))

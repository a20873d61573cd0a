"""Tables of checkout. The partial unique index is the last guard of "one live order per application"."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.checkout.values import OrderNotFound
from marketplace.infra.db import Base, db


class OrderRow(Base):
    __tablename__ = "checkout_order"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    state: Mapped[str] = mapped_column(String(32))
    locale: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_attempt.id"))
    reason: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        CheckConstraint("total_minor > 0", name="total_positive"),
        CheckConstraint("(paid_at IS NULL) = (attempt_id IS NULL)", name="paid_by_an_attempt"),
        Index("ix_checkout_order_account", "account_id", "created_at"),
        Index("ix_checkout_order_unfinished", "created_at", postgresql_where=text("state IN ('open', 'paid')")),
    )


class OrderLineRow(Base):
    __tablename__ = "checkout_order_line"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("checkout_order.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application_application.id"), index=True)
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("quoting_offer.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    live: Mapped[bool]

    __table_args__ = (
        Index("uq_checkout_order_line_live", "application_id", unique=True, postgresql_where=text("live")),
    )


class DeliveryRow(Base):
    """By when the paper of a contract has to be mailed (N108-03): the instants are the business clock's.

    `presumed`: the calendar was not known, so that `due_at` may be too early. `copies`: how often it was asked for
    again. `mailed_at`: when a mail server took it; None again when it came back. `fetched_at`: when the holder took it
    from the account instead. `warned_at` and `overdue_at`: when
    somebody was told that it is half past its time, and past it.
    """

    __tablename__ = "checkout_delivery"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"), primary_key=True)
    warn_at: Mapped[datetime]
    due_at: Mapped[datetime]
    presumed: Mapped[bool]
    copies: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    mailed_at: Mapped[datetime | None]
    fetched_at: Mapped[datetime | None]
    warned_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("warn_at < due_at", name="warned_before"),
        CheckConstraint("copies >= 0", name="copies_counted"),
        Index("ix_checkout_delivery_waiting", "warn_at", postgresql_where=text("mailed_at IS NULL")),
    )


def lock_customer(account_id: UUID) -> None:
    """One order at a time is placed for a customer; others wait until this transaction ends."""
    key = func.hashtextextended(f"checkout:{account_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))


def locked(order_id: UUID) -> OrderRow:
    """The order as it is now; whoever else moves it waits. Whoever may come to move its money too takes
    `ordering.held` instead. Raises OrderNotFound.
    """
    row = db.session.get(OrderRow, order_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise OrderNotFound
    return row


def locked_delivery(policy_id: UUID) -> DeliveryRow | None:
    """The clock of a contract's delivery; whoever else moves it waits."""
    return db.session.get(DeliveryRow, policy_id, with_for_update=True, populate_existing=True)


def lines_of(order_id: UUID) -> list[OrderLineRow]:
    query = select(OrderLineRow).where(OrderLineRow.order_id == order_id).order_by(OrderLineRow.number)
    return list(db.session.scalars(query))

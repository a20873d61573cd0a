"""The table of later premiums, and the one way to hold them."""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, String, cast, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.kernel import clock
from marketplace.servicing.values import PremiumNotFound, PremiumState


class PremiumRow(Base):
    """How a later premium of a contract stands; day and amount as agreed are the contract's own. `act_on` is the day of
    the contract on which something is to be done next, None where nothing is. `failed_id` is the attempt that failed
    last, `first_failed_on` when the first one did.
    """

    __tablename__ = "servicing_premium"

    id: Mapped[UUID] = mapped_column(ForeignKey("policy_instalment.id"), primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"))
    zone: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    act_on: Mapped[date | None]
    collect_on: Mapped[date]
    grace_until: Mapped[date | None]
    tries: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    first_failed_on: Mapped[date | None]
    failure: Mapped[str | None] = mapped_column(String(64))
    failed_id: Mapped[UUID | None]
    attempt_id: Mapped[UUID | None] = mapped_column(ForeignKey("payment_attempt.id"))
    paid_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('planned', 'announced', 'due', 'overdue', 'paid', 'dropped')", name="state"),
        CheckConstraint(
            "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (attempt_id IS NOT NULL)",
            name="paid_whole",
        ),
        CheckConstraint("state NOT IN ('due', 'overdue') OR grace_until IS NOT NULL", name="due_whole"),
        Index("ix_servicing_premium_policy", "policy_id"),
        Index("ix_servicing_premium_act", "act_on", postgresql_where=text("act_on IS NOT NULL")),
        Index("ix_servicing_premium_overdue", "policy_id", postgresql_where=text("state = 'overdue'")),
    )


def premium_row(premium_id: UUID) -> PremiumRow:
    """As it is now, held until the end of the transaction. Whoever moves its money too takes this first. Raises
    PremiumNotFound.
    """
    row = db.session.get(PremiumRow, premium_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PremiumNotFound
    return row


def to_be_done(limit: int, without: Collection[UUID]) -> list[PremiumRow]:
    """Premiums of which something is to be done today where their contract is at home, the longest waiting first; held,
    and those that another worker holds are left to it.
    """
    now = clock.business_now()
    today = cast(func.timezone(PremiumRow.zone, now), Date)
    wanted = select(PremiumRow).where(PremiumRow.act_on <= today, PremiumRow.id.not_in(without))
    order = wanted.order_by(PremiumRow.act_on, PremiumRow.id).limit(limit)
    return list(db.session.scalars(order.with_for_update(skip_locked=True).execution_options(populate_existing=True)))


def unpaid(policy_id: UUID) -> list[PremiumRow]:
    """The premiums of a contract that somebody may still pay; held."""
    standing = PremiumRow.state.not_in([PremiumState.PAID.value, PremiumState.DROPPED.value])
    wanted = select(PremiumRow).where(PremiumRow.policy_id == policy_id, standing).order_by(PremiumRow.id)
    return list(db.session.scalars(wanted.with_for_update().execution_options(populate_existing=True)))

"""Find orders that stand still: unpaid past their time, or paid and waiting."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import not_, select

from marketplace.checkout.models import OrderLineRow, OrderRow
from marketplace.checkout.rules import PAYING_GRACE
from marketplace.checkout.values import OrderState
from marketplace.infra.db import db
from marketplace.infra.jobs import defer, is_due
from marketplace.kernel import clock

BATCH = 200
# The job that was deferred with the payment is trying; this one only makes sure that somebody is.
PAID_SINCE = timedelta(minutes=10)


def sweep() -> int:
    """Defer the lapsing of overdue orders and the issuing of paid ones; at most a batch each. Returns how many."""
    overdue = db.session.scalars(
        select(OrderRow.id)
        .where(OrderRow.state == OrderState.OPEN.value, OrderRow.expires_at < clock.business_now() - PAYING_GRACE)
        .where(not_(is_due("checkout.lapse_order", order_id=OrderRow.id)))
        .order_by(OrderRow.created_at)
        .limit(BATCH)
    ).all()
    waiting = db.session.scalars(
        select(OrderRow.id)
        .where(OrderRow.state == OrderState.PAID.value, OrderRow.paid_at < clock.now() - PAID_SINCE)
        .where(not_(is_due("checkout.issue_overdue", order_id=OrderRow.id)))
        .order_by(OrderRow.created_at)
        .limit(BATCH)
    ).all()
    for order_id in overdue:
        defer("checkout.lapse_order", order_id=order_id)
    for order_id in waiting:
        defer("checkout.issue_overdue", order_id=order_id)
    return len(overdue) + len(waiting)


def close_orders(insurer_id: UUID) -> int:
    """Defer the lapsing of every order with this insurer that nobody has paid; each closes its payment page. Returns
    how many.
    """
    with_insurer = select(OrderLineRow.order_id).where(OrderLineRow.insurer_id == insurer_id)
    unpaid = db.session.scalars(
        select(OrderRow.id)
        .where(OrderRow.state == OrderState.OPEN.value, OrderRow.id.in_(with_insurer))
        .order_by(OrderRow.created_at)
    ).all()
    for order_id in unpaid:
        defer("checkout.lapse_order", order_id=order_id)
    return len(unpaid)

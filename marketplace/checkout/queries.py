"""Ask about orders."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, Row, or_, select

from marketplace.checkout.models import DeliveryRow, OrderLineRow, OrderRow
from marketplace.checkout.rules import is_finished, key_of_copy
from marketplace.checkout.values import Delivery, Order, OrderLine, OrderNotFound, OrderState
from marketplace.correspondence import queries as messages
from marketplace.correspondence.values import MessageKind
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment.values import AttemptState, Purpose
from marketplace.policy import queries as policies


def order(order_id: UUID) -> Order:
    """The order, or OrderNotFound. For callers that have checked who asks."""
    row = db.session.get(OrderRow, order_id)
    if row is None:
        raise OrderNotFound
    return orders_from([row])[0]


def own_order(order_id: UUID, account_id: UUID) -> Order:
    """The order if it is this customer's; OrderNotFound for strangers."""
    found = order(order_id)
    if found.account_id != account_id:
        raise OrderNotFound
    return found


def orders_called(text: str) -> tuple[Order, ...]:
    """The orders that a policy number, their own reference, or the provider's name of their payment (`pi_…`, `cs_…`)
    speaks of; newest first.
    """
    called = {policies.order_of_number(text)} | payments.subjects_paid_as(Purpose.NEW_BUSINESS, [text])
    wanted = or_(OrderRow.id.in_(called - {None}), OrderRow.reference == text.upper())
    return orders_from(db.session.scalars(select(OrderRow).where(wanted).order_by(OrderRow.created_at.desc())).all())


def order_of_application(application_id: UUID) -> Order | None:
    """The latest order of which the application is a line; None when it was never ordered."""
    row = db.session.scalars(
        select(OrderRow)
        .join(OrderLineRow, OrderLineRow.order_id == OrderRow.id)
        .where(OrderLineRow.application_id == application_id)
        .order_by(OrderRow.created_at.desc(), OrderRow.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else orders_from([row])[0]


def lines_beside(application_id: UUID) -> dict[UUID, frozenset[UUID]]:
    """Every order of which the application is a line, with the applications of all its lines."""
    own = select(OrderLineRow.order_id).where(OrderLineRow.application_id == application_id)
    lines = select(OrderLineRow.order_id, OrderLineRow.application_id).where(OrderLineRow.order_id.in_(own))
    found: dict[UUID, set[UUID]] = {}
    for order_id, beside in db.session.execute(lines.order_by(OrderLineRow.order_id, OrderLineRow.number)):
        found.setdefault(order_id, set()).add(beside)
    return {order_id: frozenset(beside) for order_id, beside in found.items()}


def payment_under_way(order_id: UUID) -> bool:
    """Whether the payment service has taken on a payment of the order whose money has not come yet."""
    attempts = payments.attempts_of(Purpose.NEW_BUSINESS, order_id)
    return any(attempt.state is AttemptState.PROCESSING for attempt in attempts)


def payment_unsettled(order_id: UUID) -> bool:
    """Whether something may still come of the latest attempt to pay the order."""
    attempts = payments.attempts_of(Purpose.NEW_BUSINESS, order_id)
    return bool(attempts) and attempts[-1].settled_at is None


def delivery_of(policy_id: UUID) -> Delivery | None:
    """How far the paper of the contract is on its way; None for a contract that was not concluded here."""
    row = db.session.get(DeliveryRow, policy_id)
    return None if row is None else _deliveries([row])[0]


def late_deliveries(limit: int = 50) -> tuple[Delivery, ...]:
    """The contracts whose paper has not reached its holder though half of its time is over, the latest first."""
    waiting = DeliveryRow.mailed_at.is_(None), DeliveryRow.fetched_at.is_(None)
    late = select(DeliveryRow).where(*waiting, DeliveryRow.warn_at <= clock.business_now())
    return _deliveries(db.session.scalars(late.order_by(DeliveryRow.due_at).limit(limit)).all())


def _deliveries(rows: Sequence[DeliveryRow]) -> tuple[Delivery, ...]:
    """Each with the latest mail of its policy, in one further question."""
    keys = [key_of_copy(row.policy_id, row.copies) for row in rows]
    mails = {each.subject_key: each for each in messages.messages_about(MessageKind.POLICY_ISSUED, keys)}
    return tuple(
        Delivery(row.policy_id, row.due_at, row.presumed, row.mailed_at, row.fetched_at, mails.get(key))
        for row, key in zip(rows, keys, strict=True)
    )


def orders_of_account(account_id: UUID) -> tuple[Order, ...]:
    """The customer's orders, newest first."""
    rows = db.session.scalars(
        select(OrderRow).where(OrderRow.account_id == account_id).order_by(OrderRow.created_at.desc(), OrderRow.id)
    ).all()
    return orders_from(rows)


def unfinished_orders(account_id: UUID) -> tuple[str, ...]:
    """References of the customer's orders that still owe a contract or money, or can still be paid; newest first."""
    return tuple(row.reference for row in _unfinished(OrderRow.account_id == account_id))


def unfinished_journeys(journey_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the journeys in which such an order was placed."""
    return frozenset(row.journey_id for row in _unfinished(OrderRow.journey_id.in_(list(journey_ids))))


def _unfinished(which: ColumnElement[bool]) -> Iterator[Row[UUID, str, UUID, str]]:
    """By columns: what this session has read before and keeps as it was is not asked."""
    columns = (OrderRow.id, OrderRow.reference, OrderRow.journey_id, OrderRow.state)
    rows = db.session.execute(select(*columns).where(which).order_by(OrderRow.created_at.desc(), OrderRow.id)).all()
    standing = payments.holdings(Purpose.NEW_BUSINESS, [row.id for row in rows])
    return (row for row in rows if not is_finished(OrderState(row.state), standing[row.id]))


def orders_from(rows: Sequence[OrderRow]) -> tuple[Order, ...]:
    """The orders of these rows with all their lines, in one further question."""
    found = db.session.scalars(
        select(OrderLineRow)
        .where(OrderLineRow.order_id.in_([row.id for row in rows]))
        .order_by(OrderLineRow.order_id, OrderLineRow.number)
    )
    lines = {order_id: tuple(group) for order_id, group in groupby(found, key=lambda line: line.order_id)}
    return tuple(_order(row, lines[row.id]) for row in rows)


def _order(row: OrderRow, lines: Sequence[OrderLineRow]) -> Order:
    return Order(
        id=row.id,
        reference=row.reference,
        account_id=row.account_id,
        state=OrderState(row.state),
        locale=row.locale,
        total=Money(row.total_minor, row.currency),
        journey_id=row.journey_id,
        lines=tuple(_line(line) for line in lines),
        created_at=row.created_at,
        expires_at=row.expires_at,
        paid_at=row.paid_at,
        reason=row.reason,
    )


def _line(row: OrderLineRow) -> OrderLine:
    return OrderLine(
        number=row.number,
        application_id=row.application_id,
        offer_id=row.offer_id,
        insurer_id=row.insurer_id,
        product_version_id=row.product_version_id,
        premium=Money(row.premium_minor, row.currency),
    )

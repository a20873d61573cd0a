"""Place an order and pay it."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import services as accounts
from marketplace.application import queries as applications
from marketplace.application.values import Application
from marketplace.checkout.models import OrderLineRow, OrderRow, lines_of, lock_customer, locked
from marketplace.checkout.queries import orders_from
from marketplace.checkout.rules import ORDERS, OrderEvent, methods_of, total_of
from marketplace.checkout.values import (
    AlreadyOrdered,
    Order,
    OrderClosed,
    OrderLapsed,
    OrderPlaced,
    OrderState,
    PaymentUrls,
)
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.payment import services as payment
from marketplace.payment.values import AlreadyPaid, Attempt, PaymentInProgress, Purpose, StartPayment
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import Actor, ActorRole

PURPOSE = Purpose.NEW_BUSINESS

Payable = tuple[Application, OfferView]


def place_order(application_ids: Iterable[UUID], account_id: UUID) -> Order:
    """An order for accepted applications of this customer, at the premiums of their live offers.

    A repeat gives the same open order; where an application came to another offer or another order meanwhile, the open
    order lapses and a new one takes its place. Raises what `applications.payable` raises, NothingOrdered,
    MixedCurrencies, AlreadyOrdered (paid or concluded already), PaymentInProgress.
    """
    lock_customer(account_id)
    wanted = tuple(dict.fromkeys(application_ids))
    live = _live_orders(wanted, account_id)
    if any(OrderState(standing.state) is not OrderState.OPEN for standing in live):
        raise AlreadyOrdered
    payables = [applications.payable(application_id, account_id) for application_id in wanted]
    total = total_of([offer.premium for _, offer in payables])
    for standing in live:
        if _same_lines(standing, payables):
            return orders_from([standing])[0]
        _lapse(held(standing.id))
    row = OrderRow(
        id=ids.new_id(),
        reference=ids.reference("O"),
        account_id=account_id,
        state=OrderState.OPEN.value,
        locale=payables[0][0].locale,
        currency=total.currency,
        total_minor=total.minor,
        journey_id=payables[0][0].journey_id,
        created_at=clock.now(),
        expires_at=min(offer.expires_at for _, offer in payables),
    )
    db.session.add(row)
    db.session.flush()
    db.session.add_all(_lines(row.id, payables))
    db.session.flush()
    reach(At.ORDER_WRITTEN)
    publish(OrderPlaced(row.id))
    return orders_from([row])[0]


def pay(order_id: UUID, urls: PaymentUrls) -> Attempt:
    """Start paying the order: the attempt to be committed before `payment.services.open_session` is called.

    The account is held until that commit: it is closed before, or waits for this payment. Raises OrderClosed, the
    refusals of `live_offer`, NoMethodInCommon, AlreadyPaid, PaymentInProgress, AccountNotFound once the customer closed
    the account.
    """
    row = held(order_id)
    customer = accounts.held_account(row.account_id)
    if OrderState(row.state) is not OrderState.OPEN:
        raise OrderClosed
    placed = orders_from([row])[0]
    offers = [quoting.live_offer(line.offer_id) for line in placed.lines]
    only = placed.lines[0] if len(placed.lines) == 1 else None
    return payment.start_attempt(
        StartPayment(
            purpose=PURPOSE,
            subject_id=row.id,
            reference=row.reference,
            amount=placed.total,
            description=", ".join(offer.version.content.name.in_(row.locale) for offer in offers),
            email=customer.email,
            locale=row.locale,
            methods=methods_of([offer.version.content.payment for offer in offers]),
            success_url=urls.success,
            cancel_url=urls.cancel,
            journey_id=row.journey_id,
            actor=Actor(ActorRole.CUSTOMER, row.account_id, "customer"),
            application_id=None if only is None else only.application_id,
            insurer_id=None if only is None else only.insurer_id,
        )
    )


def lapse_order(order_id: UUID) -> None:
    """Close an order that nobody paid in time; asks the provider first, so that a lost webhook costs nobody a contract.

    Raises Unavailable; an order whose money came in or is on its way is left alone.
    """
    payment.settle_latest(PURPOSE, order_id)
    row = held(order_id)
    if OrderState(row.state) is not OrderState.OPEN:
        return
    try:
        _lapse(row)
    except (AlreadyPaid, PaymentInProgress):
        return


def held(order_id: UUID) -> OrderRow:
    """The order as it is now, and its payment: whoever else moves either waits. Everybody takes the payment first, as
    it is taken where the provider's word about it is noted. Raises OrderNotFound.
    """
    payment.hold_subject(PURPOSE, order_id)
    return locked(order_id)


def _lapse(row: OrderRow) -> None:
    payment.close_subject(PURPOSE, row.id)
    row.state = ORDERS.next(OrderState(row.state), OrderEvent.LAPSED).value
    release(row.id)
    publish(OrderLapsed(row.id))


def release(order_id: UUID) -> None:
    """Its applications may be ordered again."""
    for line in lines_of(order_id):
        line.live = False
    db.session.flush()


def _live_orders(application_ids: Sequence[UUID], account_id: UUID) -> list[OrderRow]:
    """The customer's orders in which one of the applications is spoken for."""
    spoken_for = select(OrderLineRow.order_id).where(
        OrderLineRow.application_id.in_(application_ids), OrderLineRow.live
    )
    query = select(OrderRow).where(OrderRow.id.in_(spoken_for), OrderRow.account_id == account_id)
    return list(db.session.scalars(query.order_by(OrderRow.created_at).execution_options(populate_existing=True)))


def _same_lines(row: OrderRow, payables: Sequence[Payable]) -> bool:
    standing = {(line.application_id, line.offer_id) for line in lines_of(row.id)}
    return standing == {(application.id, offer.id) for application, offer in payables}


def _lines(order_id: UUID, payables: Sequence[Payable]) -> list[OrderLineRow]:
    return [
        OrderLineRow(
            order_id=order_id,
            number=number,
            application_id=application.id,
            offer_id=offer.id,
            insurer_id=offer.insurer_id,
            product_version_id=offer.version.id,
            premium_minor=offer.premium.minor,
            currency=offer.premium.currency,
            live=True,
        )
        for number, (application, offer) in enumerate(payables, start=1)
    ]

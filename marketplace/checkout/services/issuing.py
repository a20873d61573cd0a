"""From paid to concluded, or to money on its way back: one of the two, once, whatever dies in between."""

import logging
from collections.abc import Iterable
from uuid import UUID

from marketplace.application import services as applications
from marketplace.application.queries import agreed_exclusions
from marketplace.checkout.models import OrderLineRow, OrderRow, lines_of, locked
from marketplace.checkout.queries import order
from marketplace.checkout.rules import ORDERS, OrderEvent, is_overdue, persons_of, require_standing
from marketplace.checkout.services.delivering import start_clock
from marketplace.checkout.services.ordering import PURPOSE, held, release
from marketplace.checkout.services.papers import order_refund_letter
from marketplace.checkout.services.telling import tell_not_issuable, tell_refunded
from marketplace.checkout.values import OfferReplaced, Order, OrderIssued, OrderNotIssuable, OrderState
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import defer, publish
from marketplace.kernel import clock
from marketplace.kernel.errors import MarketplaceError, Unavailable
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import AttemptState, ContractShare, RefundReason, RefundState
from marketplace.policy import queries as contracts
from marketplace.policy import services as policies
from marketplace.policy.values import IssuePolicy, Policy, PremiumLine
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView

log = logging.getLogger(__name__)

TOO_LATE = "checkout:too-late"


def check_payment(order_id: UUID) -> Order:
    """For the page the customer returns to: ask the provider now instead of waiting for its word or for a job.

    Where it does not answer, the question is deferred and the order is given as it stands.
    """
    try:
        attempt = payment.settle_latest(PURPOSE, order_id)
    except Unavailable:
        defer("payment.settle", attempt_id=payments.attempts_of(PURPOSE, order_id)[-1].id)
        attempt = None
    if attempt is not None and attempt.state is AttemptState.SUCCEEDED:
        take_payment(order_id, attempt.id)
    return order(order_id)


def take_payment(order_id: UUID, attempt_id: UUID) -> None:
    """The order is paid: note it and have its contracts concluded. Money for a lapsed order goes back."""
    row = held(order_id)
    before = OrderState(row.state)
    after = ORDERS.next(before, OrderEvent.PAID)
    if after is before:
        return
    row.paid_at, row.attempt_id = clock.now(), attempt_id
    if after is OrderState.NOT_ISSUABLE:
        _give_back(row, after, TOO_LATE)
        return
    row.state = after.value
    db.session.flush()
    reach(At.ORDER_PAID)
    defer("checkout.issue_contracts", order_id=order_id)


def issue_contracts(order_id: UUID) -> None:
    """Conclude the contract of every line of a paid order, all of them or none.

    Where the rules refuse one, or a day has passed, the whole amount goes back. Raises Unavailable, and whatever nobody
    foresaw: the job is then tried again, and the order stays paid.
    """
    row = held(order_id)
    if OrderState(row.state) is not OrderState.PAID:
        return
    if row.paid_at is not None and is_overdue(row.paid_at, clock.now()):
        _cannot_issue(row, TOO_LATE)
        return
    try:
        with db.session.begin_nested():
            # In the order in which policy locks the number ranges of insurers.
            lines = sorted(lines_of(order_id), key=lambda line: (str(line.insurer_id), line.number))
            concluded = [_issue(row, line) for line in lines]
    except Unavailable:
        raise
    except MarketplaceError as refusal:
        _cannot_issue(row, refusal.code)
        return
    reach(At.CONTRACTS_CONCLUDED)
    row.state = ORDERS.next(OrderState.PAID, OrderEvent.ISSUED).value
    db.session.flush()
    _book(row, concluded)
    reach(At.PREMIUMS_BOOKED)
    publish(OrderIssued(order_id))


def conclude_at_once(order_id: UUID) -> None:
    """For the page the customer returns to: conclude what is paid instead of waiting for the job, which then finds it
    done. Whatever stands in the way is the job's to deal with; the payment is committed before this.
    """
    try:
        with db.session.begin_nested():
            issue_contracts(order_id)
    except Exception:
        log.warning("order %s is left to the job that concludes it", order_id, exc_info=True)


def _book(row: OrderRow, concluded: Iterable[tuple[Policy, OfferView]]) -> None:
    """The premiums are the insurers' from now on, less what each has agreed to pay the marketplace. They stay here as
    long as the customer may withdraw.
    """
    shares = []
    for policy, offer in concluded:
        share = payment.share_of(offer.insurer_id, offer.need.line.value, offer.premium)
        shares.append(ContractShare(policy.id, policy.application_id, share, contracts.withdrawable_until(policy)))
    if row.attempt_id is not None:
        payment.book_premiums(row.attempt_id, shares)


def note_refund(order_id: UUID, refund_id: UUID) -> None:
    """The customer has the money of a refund: close the order if it was its own, and have the letter made with which
    the customer is told that we sent it. What a bank took instead, the bank tells of (decision 4); what came back
    meanwhile is told of when it is sent again.
    """
    row, refund = locked(order_id), payments.refund(refund_id)
    if refund.reason is RefundReason.NOT_ISSUABLE:
        row.state = ORDERS.next(OrderState(row.state), OrderEvent.REFUNDED).value
        db.session.flush()
    if refund.state is RefundState.SUCCEEDED and not order_refund_letter(order_id, refund):
        tell_refunded(row, refund)
    reach(At.REFUND_TOLD)


def _issue(row: OrderRow, line: OrderLineRow) -> tuple[Policy, OfferView]:
    """Conclude the contract of a line; that, and the offer that it was concluded on."""
    application = applications.conclude(line.application_id)
    offer = quoting.offer(line.offer_id)
    if application.offer_id != line.offer_id or application.people is None:
        raise OfferReplaced
    require_standing(offer)
    policy = policies.issue(
        IssuePolicy(
            application_id=application.id,
            order_id=row.id,
            journey_id=application.journey_id,
            account_id=row.account_id,
            insurer_id=line.insurer_id,
            product_version_id=line.product_version_id,
            locale=application.locale,
            risk=offer.need.risk,
            start_on=offer.need.start_on,
            persons=persons_of(application.people),
            premium_lines=_premium_lines(offer),
            premium=offer.premium,
            added_exclusions=agreed_exclusions(application.id),
            statement=application.statement,
        )
    )
    start_clock(policy)
    return policy, offer


def _premium_lines(offer: OfferView) -> tuple[PremiumLine, ...]:
    return tuple(PremiumLine(line.label, line.kind.value, line.amount) for line in offer.breakdown.lines)


def _cannot_issue(row: OrderRow, reason: str) -> None:
    _give_back(row, ORDERS.next(OrderState(row.state), OrderEvent.CANNOT_ISSUE), reason)


def _give_back(row: OrderRow, after: OrderState, reason: str) -> None:
    log.warning("order %s is paid and not issuable: %s", row.reference, reason)
    row.state, row.reason = after.value, reason
    release(row.id)
    if row.attempt_id is not None:
        payment.request_refund(row.attempt_id, Money(row.total_minor, row.currency), RefundReason.NOT_ISSUABLE)
    tell_not_issuable(row)
    reach(At.ORDER_GIVEN_BACK)
    publish(OrderNotIssuable(row.id))

"""From our own payment page to the page of Stripe, and what the trail of each contract says of it."""

from flask import redirect
from flask.typing import ResponseReturnValue

from marketplace.checkout import services
from marketplace.checkout.values import Order, PaymentUrls
from marketplace.payment import services as payment
from marketplace.payment.values import AlreadyPaid, PaymentInProgress
from marketplace.policy import queries as policies
from marketplace.policy.values import Instalment
from marketplace.quoting.values import OfferView
from marketplace.traceability import services as traceability
from marketplace.traceability.values import Act, EntryType
from marketplace.web import access
from marketplace.web.tracing import seen_page_version
from marketplace.web.transaction import commit_now


def later_of(offer: OfferView) -> tuple[Instalment, ...]:
    """The premiums after the first one, as the contract will have them."""
    return policies.instalments_ahead(offer.need.start_on, offer.frequency, offer.payments, offer.premium)


def to_stripe(order: Order, urls: PaymentUrls, done: str) -> ResponseReturnValue:
    """Start paying the order on the page that was seen. Raises what `checkout.services.pay` raises but these: what is
    paid in another tab leads back, what is under way to `done`; nobody pays twice.
    """
    seen_page_version()
    try:
        attempt = services.pay(order.id, urls)
    except AlreadyPaid:
        return redirect(urls.success, 303)
    except PaymentInProgress:
        return redirect(done, 303)
    commit_now()
    address = payment.open_session(attempt.id)
    record(order, EntryType.PAYMENT_LEFT)
    return redirect(address, 303)


def record(order: Order, what: EntryType) -> None:
    """An entry in the trail of every contract that the order is about."""
    for line in order.lines:
        traceability.record_act(
            Act(order.journey_id, what, {"order_id": order.id}, access.actor(), line.application_id, line.insurer_id)
        )

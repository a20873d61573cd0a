"""A scheme that is applied for: where each of its applications stands, and one payment for all that were accepted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.application import queries as applications
from marketplace.application.values import Application, State, Step, StepNotReached
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.checkout.values import AlreadyOrdered, Order, OrderState, PaymentUrls
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.needs import services as needs
from marketplace.needs.values import Basket, BasketLine, BasketNotFound
from marketplace.payment.values import AlreadyPaid, PaymentInProgress
from marketplace.policy.values import Instalment
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import EntryType
from marketplace.web import access, announced
from marketplace.web.customer import paying
from marketplace.web.customer.forms.application import EnterForm
from marketplace.web.mails import absolute
from marketplace.web.tracing import Traced, current_journey, render_traced

blueprint = Blueprint("basket", __name__)

BY_PRICE = frozenset({None, State.STARTED, State.COUNTERED, State.ACCEPTED})
UNDER_WAY = frozenset({State.STARTED, State.SUBMITTED, State.REFERRED, State.COUNTERED})


@dataclass(frozen=True, slots=True)
class Shown:
    """A line with its offer as it stands by now, and the application begun for it."""

    line: BasketLine
    offer: OfferView
    insurer: Insurer
    application: Application | None

    @property
    def state(self) -> State | None:
        return None if self.application is None else self.application.state

    @property
    def later(self) -> tuple[Instalment, ...]:
        """The premiums after the first one."""
        return paying.later_of(self.offer)

    @property
    def expired(self) -> bool:
        """Whether it was not paid while its price held. While the insurer looks at it, no price runs out."""
        return self.state in BY_PRICE and self.offer.expires_at <= clock.business_now()

    @property
    def waiting(self) -> bool:
        """Whether nobody knows yet whether it will be paid."""
        return self.expired or self.state is None or self.state in UNDER_WAY


class Money(StrEnum):
    """How the payment for the basket stands, where that decides what may be done."""

    CONFIRMING = "confirming"
    SENT_BACK = "sent_back"


@blueprint.get("/basket/<uuid:basket_id>")
def basket(basket_id: UUID) -> ResponseReturnValue:
    """Where each application of the basket stands, and what is to be done next. Raises BasketNotFound."""
    found, own = _own(basket_id)
    lines = _shown(found.wanted, own)
    return render_template(
        "customer/basket/basket.html",
        basket=found,
        lines=lines,
        left_out=_shown([line for line in found.lines if line.taken_out], own),
        waiting=[each for each in lines if each.waiting],
        accepted=[each for each in lines if each.state is State.ACCEPTED],
        money=_money(own.values()),
        form=EnterForm(),
    )


@blueprint.post("/basket/<uuid:basket_id>/lines/<int:number>/out")
def take_out(basket_id: UUID, number: int) -> ResponseReturnValue:
    """Go on without this line. What is being paid is not taken out, and a payment that was begun for it is closed
    first. Raises BasketNotFound.
    """
    found, own = _own(basket_id)
    application = own.get(number)
    begun_by_another = application is None and number in applications.applications_of_basket(found.id)
    if begun_by_another or (application is not None and application.state is State.CONTRACTED):
        raise BasketNotFound
    if EnterForm().validate_on_submit() and (application is None or _is_free(application)):
        needs.take_out(found.id, number)
    return redirect(url_for(".basket", basket_id=basket_id), 303)


@blueprint.post("/basket/<uuid:basket_id>/lines/<int:number>/back")
def put_back(basket_id: UUID, number: int) -> ResponseReturnValue:
    """Go on with a line that was taken out. Raises BasketNotFound."""
    found, _own_lines = _own(basket_id)
    if EnterForm().validate_on_submit():
        needs.put_back(found.id, number)
    return redirect(url_for(".basket", basket_id=basket_id), 303)


def _is_free(application: Application) -> bool:
    """Whether no payment can take it any more: an open one is closed, unless the money is on its way."""
    order = orders.order_of_application(application.id)
    if order is None or order.state is not OrderState.OPEN:
        return order is None or order.state is OrderState.LAPSED
    checkout.lapse_order(order.id)
    if orders.order(order.id).state is OrderState.LAPSED:
        return True
    flash(_("Your payment is on its way, so nothing can be left out now."))
    return False


@blueprint.route("/basket/<uuid:basket_id>/pay", methods=["GET", "POST"])
def pay(basket_id: UUID) -> ResponseReturnValue:
    """Payee, products, amounts and the sum on our own recorded page; then the hosted page of Stripe (T26-13). Raises
    StepNotReached while something is open.
    """
    found, own = _own(basket_id)
    customer = access.customer()
    lines = _shown(found.wanted, own)
    accepted = [each.application for each in lines if each.application and each.state is State.ACCEPTED]
    back = url_for(".basket", basket_id=basket_id)
    if customer is None or any(each.waiting for each in lines):
        raise StepNotReached(Step.PAY)
    if not accepted:
        return redirect(back)
    announced.require_open()
    try:
        order = checkout.place_order([each.id for each in accepted], customer.id)
    except (AlreadyOrdered, AlreadyPaid, PaymentInProgress):
        return redirect(back, 303)
    form = EnterForm()
    if form.validate_on_submit():
        urls = PaymentUrls(
            success=absolute(url_for("checkout.returned", application_id=accepted[0].id)),
            cancel=absolute(url_for(".pay", basket_id=basket_id, cancelled=1)),
        )
        return paying.to_stripe(order, urls, back)
    return _pay_page(found, [each for each in lines if each.application in accepted], order, form)


def _money(own: Iterable[Application]) -> Money | None:
    """Of the orders in which the accepted applications stand."""
    accepted = (orders.order_of_application(each.id) for each in own if each.state is State.ACCEPTED)
    found = {order.id: order for order in accepted if order is not None}.values()
    if any(order.state is OrderState.PAID or orders.payment_under_way(order.id) for order in found):
        return Money.CONFIRMING
    if any(order.state in {OrderState.NOT_ISSUABLE, OrderState.REFUNDED} for order in found):
        return Money.SENT_BACK
    return None


def _pay_page(found: Basket, lines: list[Shown], order: Order, form: EnterForm) -> ResponseReturnValue:
    cancelled = _("Nothing was charged. You can try again whenever you like.") if "cancelled" in request.args else ""
    return render_traced(
        "customer/basket/pay.html",
        Traced(
            EntryType.PAGE_SHOWN,
            body={"order_id": order.id, "total_minor": order.total.minor, "currency": order.total.currency},
        ),
        journey_id=order.journey_id,
        basket=found,
        lines=lines,
        order=order,
        form=form,
        notice=cancelled,
    )


def _own(basket_id: UUID) -> tuple[Basket, dict[int, Application]]:
    customer = access.customer()
    return applications.own_basket(basket_id, current_journey(), customer.id if customer else None)


def _shown(wanted: Sequence[BasketLine], own: Mapping[int, Application]) -> list[Shown]:
    """Lines with their offers: those of the applications, which may have come to newer ones."""
    begun = {line.number: own.get(line.number) for line in wanted}
    offers = {
        line.number: quoting.offer(each.offer_id if (each := begun[line.number]) else line.offer_id) for line in wanted
    }
    insurers = accounts.insurers({offer.insurer_id for offer in offers.values()})
    return [
        Shown(line, offers[line.number], insurers[offers[line.number].insurer_id], begun[line.number])
        for line in wanted
    ]

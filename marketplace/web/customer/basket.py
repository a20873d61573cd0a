"""A scheme that is applied for: where each of its applications stands, and one payment for all that were accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.application import queries as applications
from marketplace.application.values import Application, State
from marketplace.checkout import services as checkout
from marketplace.checkout.values import AlreadyOrdered, Order, PaymentUrls
from marketplace.infra.formatting import gettext as _
from marketplace.needs import services as needs
from marketplace.needs.values import Basket, BasketLine
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import EntryType
from marketplace.web import access
from marketplace.web.customer import paying
from marketplace.web.customer.forms.application import EnterForm
from marketplace.web.mails import absolute
from marketplace.web.tracing import Traced, current_journey, render_traced

blueprint = Blueprint("basket", __name__)

UNDER_WAY = frozenset({State.STARTED, State.SUBMITTED, State.REFERRED})


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


@blueprint.get("/basket/<uuid:basket_id>")
def basket(basket_id: UUID) -> ResponseReturnValue:
    """Where each application of the basket stands, and what is to be done next. Raises BasketNotFound."""
    found, own = _own(basket_id)
    lines = _shown(found, own)
    return render_template(
        "customer/basket/basket.html",
        basket=found,
        lines=lines,
        waiting=_waiting(lines),
        accepted=[each for each in lines if each.state is State.ACCEPTED],
        form=EnterForm(),
    )


@blueprint.post("/basket/<uuid:basket_id>/lines/<int:number>/out")
def take_out(basket_id: UUID, number: int) -> ResponseReturnValue:
    """Go on without this line. Raises BasketNotFound."""
    found, own = _own(basket_id)
    if EnterForm().validate_on_submit() and _state(own, number) is not State.CONTRACTED:
        needs.take_out(found.id, number)
    return redirect(url_for(".basket", basket_id=basket_id), 303)


@blueprint.route("/basket/<uuid:basket_id>/pay", methods=["GET", "POST"])
def pay(basket_id: UUID) -> ResponseReturnValue:
    """Payee, products, amounts and the sum on our own recorded page; then the hosted page of Stripe (T26-13)."""
    found, own = _own(basket_id)
    customer = access.customer()
    lines = _shown(found, own)
    accepted = [each.application for each in lines if each.application and each.state is State.ACCEPTED]
    if customer is None or _waiting(lines) or not accepted:
        return redirect(url_for(".basket", basket_id=basket_id))
    try:
        order = checkout.place_order([each.id for each in accepted], customer.id)
    except AlreadyOrdered:
        return redirect(url_for(".basket", basket_id=basket_id), 303)
    form = EnterForm()
    if form.validate_on_submit():
        urls = PaymentUrls(
            success=absolute(url_for("checkout.returned", application_id=accepted[0].id)),
            cancel=absolute(url_for(".pay", basket_id=basket_id, cancelled=1)),
        )
        return paying.to_stripe(order, urls, url_for(".basket", basket_id=basket_id))
    return _pay_page(found, [each for each in lines if each.application in accepted], order, form)


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


def _shown(found: Basket, own: Mapping[int, Application]) -> list[Shown]:
    """The lines that were not taken out; the offer is that of the application, which may have come to a newer one."""
    begun = {line.number: own.get(line.number) for line in found.wanted}
    offers = {
        line.number: quoting.offer(each.offer_id if (each := begun[line.number]) else line.offer_id)
        for line in found.wanted
    }
    insurers = accounts.insurers({offer.insurer_id for offer in offers.values()})
    return [
        Shown(line, offers[line.number], insurers[offers[line.number].insurer_id], begun[line.number])
        for line in found.wanted
    ]


def _waiting(lines: list[Shown]) -> list[Shown]:
    """Those of which nobody knows yet whether they will be paid."""
    return [each for each in lines if each.state is None or each.state in UNDER_WAY]


def _state(own: Mapping[int, Application], number: int) -> State | None:
    found = own.get(number)
    return None if found is None else found.state

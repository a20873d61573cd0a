"""Our own payment page, the way to Stripe and back, and the end of the purchase."""

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.application.values import ApplicationNotFound, ApplicationView, State, Step, StepNotReached
from marketplace.checkout import queries, services
from marketplace.checkout.values import AlreadyOrdered, Order, OrderState, PaymentUrls
from marketplace.infra.formatting import gettext as _
from marketplace.needs import queries as needs
from marketplace.policy import queries as policies
from marketplace.policy.values import Paper
from marketplace.traceability.values import EntryType
from marketplace.web import access, announced
from marketplace.web.customer import paying
from marketplace.web.customer.forms.application import EnterForm
from marketplace.web.customer.road import address_of, own_view, page
from marketplace.web.mails import absolute
from marketplace.web.papers import asked_paper, beside_policy, paper_pdf
from marketplace.web.tracing import Traced
from marketplace.web.transaction import commit_now

blueprint = Blueprint("checkout", __name__)

GONE_BACK = {OrderState.NOT_ISSUABLE, OrderState.REFUNDED}


@blueprint.route("/application/<uuid:application_id>/pay", methods=["GET", "POST"])
def pay(application_id: UUID) -> ResponseReturnValue:
    """Payee, product, amount and frequency on our own recorded page; then the hosted page of Stripe (T26-13). Raises
    StepNotReached before it is accepted, and for a part of a basket, which is paid with the others.
    """
    view = own_view(application_id)
    account, state = access.customer(), view.application.state
    if state is State.CONTRACTED:
        return redirect(address_of(view))
    if account is None or state is not State.ACCEPTED:
        raise StepNotReached(view.next_step)
    basket_id = view.application.basket_id
    if basket_id is not None and needs.is_wanted(basket_id, view.application.basket_line):
        if request.method == "POST":
            raise StepNotReached(view.next_step)
        return redirect(url_for("basket.basket", basket_id=basket_id))
    announced.require_open()
    try:
        order = services.place_order([application_id], account.id)
    except AlreadyOrdered:
        return redirect(url_for(".done", application_id=application_id), 303)
    form = EnterForm()
    if form.validate_on_submit():
        urls = PaymentUrls(
            success=absolute(url_for(".returned", application_id=application_id)),
            cancel=absolute(url_for(".pay", application_id=application_id, cancelled=1)),
        )
        return paying.to_stripe(order, urls, url_for(".done", application_id=application_id))
    body = {"order_id": order.id, "total_minor": order.total.minor, "currency": order.total.currency}
    cancelled = _("Nothing was charged. You can try again whenever you like.") if "cancelled" in request.args else ""
    return page(
        view, Step.PAY, "pay", form=form, order=order, notice=cancelled, later=paying.later_of(view.offer),
        traced=Traced(body=body),
    )  # fmt: skip


@blueprint.get("/application/<uuid:application_id>/return")
def returned(application_id: UUID) -> ResponseReturnValue:
    """Back from Stripe: ask it now instead of waiting for its word, conclude what is paid, then show how it stands.

    Once the payment is settled, coming back is no act and nobody is asked, however often.
    """
    view, order = _ordered(application_id)
    if queries.payment_unsettled(order.id):
        paying.record(order, EntryType.PAYMENT_RETURNED)
        order = services.check_payment(order.id)
    if order.state is OrderState.PAID:
        commit_now()
        services.conclude_at_once(order.id)
    if len(order.lines) > 1:
        return redirect(url_for("basket.basket", basket_id=view.application.basket_id), 303)
    return redirect(url_for(".done", application_id=application_id), 303)


@blueprint.get("/application/<uuid:application_id>/done")
def done(application_id: UUID) -> ResponseReturnValue:
    """The policy number, as soon as there is one; nothing more is sold here (PER-02)."""
    view, order = _ordered(application_id)
    policy = policies.policy_of_application(application_id)
    if order.state is OrderState.OPEN and policy is None:
        order = services.check_payment(order.id)
        if order.state is OrderState.OPEN and not queries.payment_under_way(order.id):
            return redirect(url_for(".pay", application_id=application_id))
    return page(
        view, Step.DONE, "done", policy=policy, order=order, refunded=order.state in GONE_BACK,
        papers=beside_policy(_papers(application_id, order)),
        traced=Traced(body={"order_id": order.id, "policy_id": policy.id if policy else None}),
    )  # fmt: skip


@blueprint.get("/application/<uuid:application_id>/policy.pdf")
@blueprint.get("/application/<uuid:application_id>/papers/<uuid:paper_id>.pdf")
def policy_document(application_id: UUID, paper_id: UUID | None = None) -> ResponseReturnValue:
    """The policy, its certificate, or a paper about the money of the order."""
    _view, order = _ordered(application_id)
    return paper_pdf(asked_paper(_papers(application_id, order), paper_id))


def _papers(application_id: UUID, order: Order) -> tuple[Paper, ...]:
    policy = policies.frame_of_application(application_id)
    return policies.papers_of_sale(None if policy is None or policy.erased else policy.id, order.id)


def _ordered(application_id: UUID) -> tuple[ApplicationView, Order]:
    view = own_view(application_id)
    order = queries.order_of_application(application_id)
    if order is None:
        raise ApplicationNotFound
    return view, order

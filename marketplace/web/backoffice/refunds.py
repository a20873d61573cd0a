"""The refund desk: what staff send back, who agrees to it, and what did not arrive (O13-43)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.checkout import queries as checkout
from marketplace.checkout.values import Order
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.errors import Unavailable
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.payment import queries, services
from marketplace.payment.values import (
    AskRefund,
    Attempt,
    DeskRow,
    DeskState,
    NothingToRefund,
    Purpose,
    RefundReason,
    WishState,
)
from marketplace.policy import queries as policies
from marketplace.servicing import queries as servicing
from marketplace.web import access, desks
from marketplace.web.backoffice.forms.refunds import (
    REASONS,
    STATES,
    STATUSES,
    WHY_DISPUTED,
    RefusalForm,
    ask_form,
    desk_form,
)

blueprint = Blueprint("refund_desk", __name__, url_prefix="/admin/refunds")

AT_ONCE = 100
"""So many of what waits or failed stand above the list; more is found by the filter."""
WHAT_TO_DO: dict[str, str] = {
    "charge_disputed": _l("The customer’s bank has taken the money back itself. Nothing more may be sent."),
    "expired_or_canceled_card": _l(
        "The card is no longer valid. Ask the customer for the bank’s help, then try again."
    ),
    "lost_or_stolen_card": _l("The card is blocked. Ask the customer for the bank’s help, then try again."),
    "insufficient_funds": _l("Our account at Stripe had too little money. Top it up, then try again."),
}
"""By the provider's word for why it did not arrive (docs.stripe.com/refunds, "Failed refunds")."""
ELSE_TO_DO = _l("Look at the refund in Stripe’s dashboard, mend what it says there, and try again.")


@blueprint.get("")
def desk() -> ResponseReturnValue:
    return _desk()


def _desk(refused: UUID | None = None, refusal: RefusalForm | None = None) -> ResponseReturnValue:
    """The desk; with what was typed about the wish `refused`, where that will not do."""
    form = desk_form(request.args if refused is None else None)
    state = DeskState(form.state.data) if form.validate() and form.state.data else None
    text = str(form.text.data or "") if not form.errors else ""
    waiting, failed = (queries.desk(each, size=AT_ONCE).rows for each in (DeskState.WAITING, DeskState.FAILED))
    found = queries.desk(state, page=desks.page_number(), size=desks.PAGE_SIZE)
    wrong = refusal is not None or bool(form.errors)
    page = render_template(
        "backoffice/refunds/desk.html",
        form=form,
        payments=[each for order in checkout.orders_called(text) for each in _payments_of(order)] if text else [],
        text=text,
        waiting=waiting,
        failed=[(row, WHAT_TO_DO.get((row.refund and row.refund.failure) or "", ELSE_TO_DO)) for row in failed],
        found=found,
        names=_names((*waiting, *failed, *found.rows)),
        me=access.here(),
        reasons=REASONS,
        states=STATES,
        disputes=(disputes := queries.disputes()),
        statuses=STATUSES,
        why_disputed=WHY_DISPUTED,
        sales=oversight.sales_of_orders(each.subject_id for each in disputes),
        refused=refused,
        refusal=refusal or RefusalForm(None),
    )
    return page, 422 if wrong else 200


def _payments_of(order: Order) -> Iterator[tuple[str, UUID | None, Money]]:
    """How it is called, the payment that counts, and how much: of the order, and of each later premium that is paid."""
    attempts = queries.attempts_of(Purpose.NEW_BUSINESS, order.id)
    yield order.reference, next((each.id for each in attempts if each.succeeded_at), None), order.total
    for contract in policies.frames_of_order(order.id):
        for each in servicing.premiums_of(contract.id):
            if each.attempt_id is not None:
                called = _("%(policy)s, premium %(number)s", policy=contract.number, number=each.number)
                yield called, each.attempt_id, each.amount


def _order_of(attempt: Attempt) -> Order:
    """The order that it paid, or that the contract of a later premium was concluded under."""
    if attempt.purpose is Purpose.NEW_BUSINESS:
        return checkout.order(attempt.subject_id)
    return checkout.order(policies.policy(servicing.contract_of(attempt.subject_id)).order_id)


@blueprint.get("/payments/<uuid:attempt_id>")
def payment(attempt_id: UUID) -> ResponseReturnValue:
    return _payment(attempt_id)


@blueprint.post("/payments/<uuid:attempt_id>/ask")
def ask(attempt_id: UUID) -> ResponseReturnValue:
    """The first of two people, or below the limit the only one."""
    attempt = queries.attempt(attempt_id)
    lines = _order_of(attempt).lines
    form = ask_form(attempt, accounts.insurers(line.insurer_id for line in lines).values(), sent=True)
    if not form.validate_on_submit():
        return _payment(attempt_id, form)
    wanted = form.to_value(attempt_id, access.actor())
    try:
        wish = services.ask_refund(wanted)
    except NothingToRefund:
        form.refuse_amount(queries.refundable(attempt_id), _left_of_insurer(wanted))
        return _payment(attempt_id, form)
    waits = wish.state is WishState.WAITING
    return _done(_("It waits for a second person.") if waits else _("It is on its way back."), attempt_id)


def _left_of_insurer(wanted: AskRefund) -> Money | None:
    """What is left of the contracts of the insurer that was named, where they are to bear it."""
    if wanted.insurer_id is None or wanted.reason is RefundReason.GOODWILL:
        return None
    return queries.premium_left(wanted.attempt_id, wanted.insurer_id, wanted.amount.currency)


def _payment(attempt_id: UUID, typed: Any = None) -> ResponseReturnValue:
    attempt = queries.attempt(attempt_id)
    order = _order_of(attempt)
    insurers = accounts.insurers(line.insurer_id for line in order.lines)
    found = queries.desk(attempt_id=attempt_id, size=AT_ONCE)
    currency = (attempt.received or attempt.amount).currency
    page = render_template(
        "backoffice/refunds/payment.html",
        attempt=attempt,
        order=order,
        numbers={frame.application_id: frame.number for frame in policies.frames_of_order(order.id)},
        insurers=insurers,
        left=queries.refundable(attempt_id),
        limit=services.limit_of(currency),
        found=found,
        names=_names(found.rows),
        reasons=REASONS,
        states=STATES,
        form=typed or ask_form(attempt, insurers.values()),
    )
    return page, 422 if typed else 200


@blueprint.post("/wishes/<uuid:wish_id>/approve")
def approve(wish_id: UUID) -> ResponseReturnValue:
    """The second of two people."""
    services.approve_wish(wish_id, access.actor())
    return _done(_("Agreed. It is on its way back."))


@blueprint.post("/wishes/<uuid:wish_id>/refuse")
def refuse(wish_id: UUID) -> ResponseReturnValue:
    """The second of two people does not agree."""
    queries.wish(wish_id)
    form = RefusalForm()
    if not form.validate_on_submit():
        return _desk(wish_id, form)
    services.refuse_wish(wish_id, str(form.reason.data), access.actor())
    return _done(_("Not agreed to. Nothing is sent back."))


@blueprint.post("/disputes/<dispute_id>/seen")
def see_dispute(dispute_id: str) -> ResponseReturnValue:
    """Somebody has seen to what becomes of the contract."""
    services.see_dispute(dispute_id, access.here().id)
    return _done(_("Noted."))


@blueprint.post("/<uuid:refund_id>/again")
def again(refund_id: UUID) -> ResponseReturnValue:
    """Once what stood in its way was mended."""
    try:
        services.ask_again(refund_id, access.actor())
    except Unavailable:
        return _done(_("Stripe does not answer at the moment. Nothing was done; please try again later."))
    return _done(_("Asked for again."))


def _done(said: str, attempt_id: UUID | None = None) -> ResponseReturnValue:
    flash(said)
    where = url_for(".payment", attempt_id=attempt_id) if attempt_id else url_for(".desk")
    return redirect(where, 303)


def _names(rows: tuple[DeskRow, ...]) -> dict[UUID, str]:
    """Of those who asked and who decided."""
    wishes = [row.wish for row in rows if row.wish]
    return accounts.names_of({who for each in wishes for who in (each.asked_by, each.decided_by) if who})

"""Withdraw from a contract: the function on its page, then a statement that is confirmed (CRD art. 11a). No reason is
asked, and nothing has to be proven again: it is easier than buying.
"""

from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import format_money
from marketplace.infra.formatting import gettext as _
from marketplace.policy.values import Policy
from marketplace.servicing import queries, services
from marketplace.servicing.values import NotWithdrawable, WithdrawContract
from marketplace.web import access, audit
from marketplace.web.customer.premiums import own_policy, traced_of
from marketplace.web.fields import Form
from marketplace.web.tracing import render_traced, seen_page_version, visit_of

blueprint = Blueprint("withdrawal", __name__)


@blueprint.route("/policies/<uuid:policy_id>/withdraw", methods=["GET", "POST"])
def withdraw(policy_id: UUID) -> ResponseReturnValue:
    policy, form = own_policy(policy_id), Form()
    found = queries.withdrawal_of(policy)
    if found is None:
        return _back(policy, _("One cannot withdraw from this contract any more."))
    if form.validate_on_submit():
        return _confirmed(policy)
    return render_traced(
        "customer/account/withdraw.html",
        traced_of(policy),
        journey_id=visit_of(policy),
        status=audit.form_status(form.errors),
        policy=policy,
        form=form,
        withdrawal=found,
        holder=accounts.account(policy.account_id),
    )


def _confirmed(policy: Policy) -> ResponseReturnValue:
    command = WithdrawContract(policy.id, visit_of(policy), seen_page_version(), access.actor())
    try:
        amount = services.withdraw(command)
    except NotWithdrawable:
        return _back(policy, _("One cannot withdraw from this contract any more."))
    return _back(
        policy,
        _(
            "You have withdrawn from this contract, and %(amount)s goes back to you. We confirm it by mail.",
            amount=format_money(amount),
        ),
    )


def _back(policy: Policy, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("policy.policy", policy_id=policy.id), 303)

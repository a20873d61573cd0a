"""End a contract early, after its cooling-off period: what it means and how the amount is made, then one button. No
reason is asked (regulation O13-35).
"""

import re
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import format_money
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money
from marketplace.policy.values import Policy
from marketplace.servicing import queries, services
from marketplace.servicing.values import NotSurrenderable, Surrender, SurrenderContract, ValueChanged
from marketplace.web import access, audit
from marketplace.web.customer.forms.surrender import SurrenderForm
from marketplace.web.customer.premiums import own_policy, traced_of
from marketplace.web.tracing import render_traced, seen_page_version, visit_of

blueprint = Blueprint("surrender", __name__)

_AMOUNT = re.compile(r"[0-9]{1,16}")


@blueprint.route("/policies/<uuid:policy_id>/end", methods=["GET", "POST"])
def surrender(policy_id: UUID) -> ResponseReturnValue:
    policy = own_policy(policy_id)
    found = queries.surrender_of(policy)
    if found is None:
        return _back(policy, _("This contract cannot be ended early here."))
    form = SurrenderForm()
    if form.validate_on_submit():
        return _confirmed(policy, form, found)
    return render_traced(
        "customer/account/surrender.html",
        traced_of(policy),
        journey_id=visit_of(policy),
        status=audit.form_status(form.errors),
        policy=policy,
        form=form,
        surrender=found,
        terms=catalog.product_version(policy.product_version_id).content.key_facts.surrender,
        holder=accounts.account(policy.account_id),
    )


def _confirmed(policy: Policy, form: SurrenderForm, found: Surrender) -> ResponseReturnValue:
    read = form.amount.data or ""
    amount = Money(int(read) if _AMOUNT.fullmatch(read) else -1, found.amount.currency)
    command = SurrenderContract(policy.id, amount, visit_of(policy), seen_page_version(), access.actor())
    try:
        returned = services.surrender(command)
    except NotSurrenderable:
        return _back(policy, _("This contract cannot be ended early here."))
    except ValueChanged:
        flash(_("Another amount goes back to you than the one you read. Nothing has happened; please look again."))
        return redirect(url_for(".surrender", policy_id=policy.id), 303)
    said = _("You have ended this contract. We confirm it by mail, with the last day of cover.")
    if returned:
        said = _(
            "You have ended this contract, and %(amount)s goes back to you. We confirm it by mail, with the last day of cover.",  # noqa: E501
            amount=format_money(returned),
        )
    return _back(policy, said)


def _back(policy: Policy, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("policy.policy", policy_id=policy.id), 303)

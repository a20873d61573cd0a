"""A customer's later premiums: pay one, keep a card for them, stop that."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog.values import Frequency
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import (
    AlreadyPaid,
    AskMandate,
    CardKeptAlready,
    MandateState,
    PaymentInProgress,
    Purpose,
)
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy, PolicyNotFound
from marketplace.servicing import queries, services
from marketplace.servicing.values import Premium, PremiumNotPayable, PremiumState
from marketplace.web import access, audit
from marketplace.web.customer.forms.premiums import KeepCardForm
from marketplace.web.customer.road import wordings
from marketplace.web.mails import absolute
from marketplace.web.premium_words import STATES
from marketplace.web.tracing import Traced, render_traced, seen_page_version, visit_of
from marketplace.web.transaction import commit_now

blueprint = Blueprint("premiums", __name__)

AHEAD = 3
SETTLED = frozenset({PremiumState.PAID, PremiumState.DROPPED})


def own_policy(policy_id: UUID) -> Policy:
    """Another customer's does not exist here. Raises PolicyNotFound."""
    found = policies.policy(policy_id)
    if found.account_id != access.here().id or found.erased:
        raise PolicyNotFound
    return found


def traced_of(policy: Policy, wordings: Mapping[str, str] | None = None) -> Traced:
    """What the record says of a page about a contract that asks its customer for something."""
    return Traced(
        product_version_id=policy.product_version_id,
        application_id=policy.application_id,
        insurer_id=policy.insurer_id,
        wordings=wordings or {},
        body={"policy_id": policy.id},
    )


def shown(policy: Policy) -> dict[str, Any]:
    """What the page of a contract says of its later premiums: all that are not simply to come, and the next few."""
    every = queries.premiums_of(policy.id)
    begun = [each for each in every if each.state is not PremiumState.PLANNED]
    to_come = [each for each in every if each.state is PremiumState.PLANNED]
    mandate = payments.mandate_of(policy.id) if every else None
    return {
        "premiums": [*begun, *to_come[:AHEAD]],
        "premium_states": STATES,
        "card": mandate if mandate is not None and mandate.state is MandateState.KEPT else None,
        "may_keep": policy.ended_on is None and any(each.state not in SETTLED for each in every),
    }


@blueprint.post("/policies/<uuid:policy_id>/premiums/<uuid:premium_id>/pay")
def pay(policy_id: UUID, premium_id: UUID) -> ResponseReturnValue:
    """To the page of Stripe for one premium."""
    policy, premium = _own_premium(policy_id, premium_id)
    back = _page_of(policy)
    success = absolute(url_for(".returned", policy_id=policy.id, premium_id=premium.id))
    try:
        attempt = services.pay(premium, policy.account_id, success, absolute(back))
    except (AlreadyPaid, PremiumNotPayable):
        flash(_("There is nothing to be paid for this premium."))
        return redirect(back, 303)
    except PaymentInProgress:
        flash(_("A payment for this premium is on its way; please wait for its outcome."))
        return redirect(back, 303)
    commit_now()
    return redirect(payment.open_session(attempt.id), 303)


@blueprint.get("/policies/<uuid:policy_id>/premiums/<uuid:premium_id>/return")
def returned(policy_id: UUID, premium_id: UUID) -> ResponseReturnValue:
    """Back from Stripe, which is asked how it stands; coming back proves nothing."""
    policy, premium = _own_premium(policy_id, premium_id)
    attempt = payment.settle_latest(Purpose.INSTALMENT, premium.id)
    if attempt is not None and attempt.succeeded_at is not None:
        commit_now()
        services.take_payment(premium.id, attempt.id)
        counted = queries.premium(premium.id, policy.id).state is PremiumState.PAID
        thanks = _("Thank you, we have received this premium.")
        flash(thanks if counted else _("The contract has ended, so what you have just paid goes back to you."))
    else:
        flash(_("This premium is not paid yet. Once a payment is confirmed, it stands here."))
    return redirect(_page_of(policy), 303)


@blueprint.route("/policies/<uuid:policy_id>/card", methods=["GET", "POST"])
def card(policy_id: UUID) -> ResponseReturnValue:
    """The wording by which a card is kept, agreed to by an explicit choice; then the page of Stripe (PER-03)."""
    policy = own_policy(policy_id)
    told = shown(policy)
    if told["card"] is not None or not told["may_keep"]:
        return redirect(_page_of(policy), 303)
    form, (texts, hashes) = KeepCardForm(), wordings(WordingKey.PREMIUM_CARD)
    wording = texts["premium_card"]
    if form.validate_on_submit() and form.sha256.data == wording.sha256:
        return _to_the_page_for_the_card(policy, wording.sha256)
    return render_traced(
        "customer/account/card.html",
        traced_of(policy, hashes),
        journey_id=visit_of(policy),
        status=audit.form_status(form.errors),
        policy=policy,
        form=form,
        wording=wording,
        later=[each for each in queries.premiums_of(policy.id) if each.state not in SETTLED],
        often=Frequency(policy.body["premium"]["frequency"]),
    )


def _to_the_page_for_the_card(policy: Policy, wording_sha256: str) -> ResponseReturnValue:
    asked = AskMandate(
        contract_id=policy.id,
        wording_sha256=wording_sha256,
        email=accounts.account(policy.account_id).email,
        locale=current_locale(),
        success_url=absolute(url_for(".kept", policy_id=policy.id)),
        cancel_url=absolute(_page_of(policy)),
        journey_id=policy.journey_id,
        application_id=policy.application_id,
        insurer_id=policy.insurer_id,
        actor=access.actor(),
        page_version_id=seen_page_version(),
        visit_id=visit_of(policy),
    )
    try:
        mandate = payment.ask_mandate(asked)
    except CardKeptAlready:
        return redirect(_page_of(policy), 303)
    commit_now()
    return redirect(payment.open_setup(mandate.id), 303)


@blueprint.get("/policies/<uuid:policy_id>/card/return")
def kept(policy_id: UUID) -> ResponseReturnValue:
    """Back from the page of the card: the provider is asked whether it is kept; coming back proves nothing."""
    policy = own_policy(policy_id)
    mandate = payments.mandate_of(policy.id)
    if mandate is not None and payment.settle_mandate(mandate.id).state is MandateState.KEPT:
        flash(_("The card is kept. We write to you a week before each charge."))
    else:
        flash(_("No card is kept."))
    return redirect(_page_of(policy), 303)


@blueprint.post("/policies/<uuid:policy_id>/card/stop")
def stop(policy_id: UUID) -> ResponseReturnValue:
    """Charge it no more, without asking why (O13-23)."""
    policy = own_policy(policy_id)
    payment.stop_mandates(policy.id, access.actor(), visit_of(policy))
    flash(_("The card is kept no more, and nothing is charged to it. You pay each premium by a link."))
    return redirect(_page_of(policy), 303)


def _own_premium(policy_id: UUID, premium_id: UUID) -> tuple[Policy, Premium]:
    policy = own_policy(policy_id)
    return policy, queries.premium(premium_id, policy.id)


def _page_of(policy: Policy) -> str:
    return url_for("policy.policy", policy_id=policy.id, _anchor="premiums")

"""The evidence of a customer's own contract. Another's does not exist here."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.infra.formatting import gettext as _
from marketplace.oversight import queries
from marketplace.policy import queries as policies
from marketplace.policy.values import PolicyNotFound
from marketplace.web import access, evidence_file
from marketplace.web.customer.premiums import own_policy
from marketplace.web.fields import Form

blueprint = Blueprint("policy_evidence", __name__, url_prefix="/policies")


class OwnEvidenceForm(Form):
    """One button: whoever asks for the evidence of an own contract needs no reason."""


@blueprint.route("/<uuid:policy_id>/evidence", methods=["GET", "POST"])
def ask(policy_id: UUID) -> ResponseReturnValue:
    policy, form = own_policy(policy_id), OwnEvidenceForm()
    if form.validate_on_submit():
        bundle_id = evidence_file.ask_for(policy.application_id, _("The holder of the policy asked for it"))
        return redirect(url_for(".bundle", bundle_id=bundle_id), 303)
    return render_template(
        "customer/evidence/ask.html",
        form=form,
        policy=policy,
        contract=policy.number,
        bundles=queries.bundles_of(policy.application_id, access.here().id),
    )


@blueprint.get("/evidence/<uuid:bundle_id>")
def bundle(bundle_id: UUID) -> ResponseReturnValue:
    found = evidence_file.look(bundle_id)
    policy = policies.policy_of_application(found.application_id)
    if policy is None:
        raise PolicyNotFound
    return render_template("customer/evidence/bundle.html", bundle=found, policy=policy, contract=policy.number)


@blueprint.get("/evidence/<uuid:bundle_id>/evidence.zip")
def download(bundle_id: UUID) -> ResponseReturnValue:
    return evidence_file.taken(bundle_id)

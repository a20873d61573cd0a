"""A customer's own policies and their documents. Another's policy does not exist here."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.services import count_copy
from marketplace.accounts.values import TooManyTries
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Frequency
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.policy import queries
from marketplace.policy.values import PaperKind, Policy
from marketplace.servicing import queries as servicing
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, EntryType
from marketplace.web import access, mail_words
from marketplace.web.customer import premiums
from marketplace.web.customer.account import too_many
from marketplace.web.customer.premiums import own_policy
from marketplace.web.papers import asked_paper, beside_policy, paper_pdf
from marketplace.web.tracing import Traced, render_traced, visit_of

blueprint = Blueprint("policy", __name__)

UNDER_WAY = {State.STARTED, State.ACCEPTED, State.REFERRED, State.COUNTERED}


@blueprint.get("/account")
def policies() -> ResponseReturnValue:
    account = access.here()
    waiting = [each for each in applications.applications_of_account(account.id) if each.state in UNDER_WAY]
    names = catalog.product_versions({each.product_version_id for each in waiting})
    return render_template(
        "customer/account/policies.html",
        account=account,
        policies=queries.policies_of_account(account.id),
        applications=[(each, names[each.product_version_id].content.name) for each in waiting],
    )


@blueprint.get("/policies/<uuid:policy_id>")
def policy(policy_id: UUID) -> ResponseReturnValue:
    found = own_policy(policy_id)
    version = catalog.product_version(found.product_version_id)
    return render_traced(
        "customer/account/policy.html",
        Traced(
            EntryType.POLICY_VIEWED,
            product_version_id=version.id,
            application_id=found.application_id,
            insurer_id=found.insurer_id,
            body={"policy_id": found.id},
        ),
        journey_id=visit_of(found),
        policy=found,
        facts=queries.facts_of_contract(found, current_locale()),
        content=version.content,
        documents=catalog.documents_of(version.id),
        insurer=accounts.insurer(found.insurer_id),
        undelivered=_undelivered(found),
        papers=beside_policy(queries.papers_of_sale(found.id, found.order_id)),
        later=queries.instalments_of(found.id),
        often=Frequency(found.body["premium"]["frequency"]),
        withdrawal=servicing.withdrawal_of(found),
        surrender=servicing.surrender_of(found),
        **premiums.shown(found),
    )


@blueprint.post("/policies/<uuid:policy_id>/mail")
def mail_again(policy_id: UUID) -> ResponseReturnValue:
    """The same paper in another mail, to the address that the account has now."""
    found = own_policy(policy_id)
    try:
        count_copy(found.id)
    except TooManyTries as error:
        flash(too_many(error))
    else:
        checkout.send_again(found.id)
        flash(_("We mail you the policy again. It usually arrives within minutes."))
    return redirect(url_for(".policy", policy_id=found.id), 303)


def _undelivered(policy: Policy) -> str | None:
    """Why the mail with the policy did not arrive, in words; None where it did, or is on its way."""
    delivery = orders.delivery_of(policy.id)
    if delivery is None or delivery.message is None or not delivery.failed:
        return None
    return mail_words.reason(delivery.message)


@blueprint.get("/policies/<uuid:policy_id>/document.pdf")
@blueprint.get("/policies/<uuid:policy_id>/papers/<uuid:paper_id>.pdf")
def document(policy_id: UUID, paper_id: UUID | None = None) -> ResponseReturnValue:
    """Opened is what there is: where it is not sealed yet, nothing is entered."""
    found = own_policy(policy_id)
    paper = asked_paper(queries.papers_of_sale(found.id, found.order_id), paper_id)
    answer = paper_pdf(paper)
    said = {"policy_id": found.id, "sha256": paper.sha256, "title": paper.number}
    opened = EntryType.DOCUMENT_OPENED
    record_act(Act(visit_of(found), opened, said, access.actor(), found.application_id, found.insurer_id))
    if paper.kind is PaperKind.POLICY:
        checkout.note_fetched(found.id)
    return answer

"""The road of an application: which step may be done, by whom, and the frame every page of it stands in."""

from collections.abc import Container
from typing import Any
from uuid import UUID

from flask import Response, request, url_for

from marketplace.accounts import queries as account_queries
from marketplace.application import queries
from marketplace.application.values import Acting, ApplicationView, State, Step, StepNotReached
from marketplace.catalog.values import DEMANDS_REAL_NAME, ProductContent
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.web import access
from marketplace.web.tracing import Traced, current_journey, render_traced, seen_page_version

ENDPOINTS = {
    Step.EMAIL: "application.email",
    Step.CODE: "application.code",
    Step.NEEDS: "suitability.tell",
    Step.PEOPLE: "application.people",
    Step.IDENTITY: "identity.prove",
    Step.QUESTIONS: "application.questions",
    Step.DOCUMENTS: "application.document",
    Step.EXCLUSIONS: "application.exclusions",
    Step.CONSENT: "insured.ask",
    Step.REVIEW: "application.review",
    Step.COUNTER_OFFER: "referral.offer",
    Step.PAY: "checkout.pay",
    Step.DONE: "checkout.done",
}
RECORDED = frozenset({
    "application.email", "application.code", "suitability.tell", "application.people", "identity.prove",
    "application.questions",
    "application.consent", "application.document", "application.exclusions", "insured.ask", "application.review",
    "consultation.of_application",
    "referral.question", "referral.offer",
})  # fmt: skip
"""Where browsers record what is done: on the road behind the entry page, which told of it, and before paying."""

ROAD = (
    Step.EMAIL, Step.NEEDS, Step.PEOPLE, Step.IDENTITY, Step.QUESTIONS, Step.DOCUMENTS, Step.EXCLUSIONS,
    Step.CONSENT, Step.REVIEW, Step.PAY,
)  # fmt: skip


def address_of(view: ApplicationView) -> str:
    """Where this application goes on."""
    if view.next_step is Step.ENTRY:
        return url_for("application.enter", offer_id=view.offer.id)
    endpoint = ENDPOINTS.get(view.next_step, "application.ended")
    return url_for(endpoint, application_id=view.application.id)


def acting() -> Acting:
    """Who posts this form, in which journey, looking at which version of the page."""
    customer = access.customer()
    return Acting(current_journey(), seen_page_version(), customer.id if customer else None)


def own_view(application_id: UUID) -> ApplicationView:
    customer = access.customer()
    return queries.own_application_view(application_id, current_journey(), customer.id if customer else None)


def at_step(application_id: UUID, step: Step) -> ApplicationView:
    """The application, if this step may be done now. Raises StepNotReached naming the one that may."""
    view = own_view(application_id)
    open_now = view.application.state is State.STARTED and view.next_step is not Step.ENTRY
    if not open_now or ROAD.index(_on_road(view.next_step)) < ROAD.index(step):
        raise StepNotReached(view.next_step)
    return view


def _on_road(step: Step) -> Step:
    return Step.EMAIL if step is Step.CODE else step


def page(view: ApplicationView, step: Step, template: str, *, status: int = 200, **context: Any) -> Response:
    """A page of the application, traced, with the steps on top and the choice beside."""
    offer = view.offer
    traced = context.pop("traced", Traced())
    content = offer.version.content
    return render_traced(
        f"customer/application/{template}.html",
        Traced(
            type=traced.type,
            product_version_id=offer.version.id,
            application_id=view.application.id,
            insurer_id=offer.insurer_id,
            documents=traced.documents,
            wordings=traced.wordings,
            body=traced.body,
        ),
        journey_id=view.application.journey_id,
        status=status,
        recorded=request.endpoint in RECORDED,
        steps=steps(step, left_out=left_out(content, consent=bool(view.insured_consent_sha256), needs=_suits(view))),
        offer=offer,
        content=content,
        application=view.application,
        may_withdraw=view.health_consent is not None and view.health_consent.withdrawn_at is None,
        insurer=account_queries.insurer(offer.insurer_id),
        **context,
    )


def _suits(view: ApplicationView) -> bool:
    """Whether something is asked of whether it suits, or speaks against it."""
    return bool(view.circumstances_asked or view.misfits)


def left_out(content: ProductContent, *, needs: bool, consent: bool = False) -> set[Step]:
    """The steps that this application does not have: `needs` says whether it comes up whether the insurance suits,
    `consent` whether the insured is somebody who has to agree.
    """
    asked = {
        Step.NEEDS: needs,
        Step.IDENTITY: content.profile in DEMANDS_REAL_NAME,
        Step.QUESTIONS: bool(content.questions),
        Step.CONSENT: consent,
    }
    return {step for step, is_asked in asked.items() if not is_asked}


def steps(now: Step, *, left_out: Container[Step]) -> list[tuple[str, str, str]]:
    """Name, words and state (done, now or empty) of each step on top of the page."""
    words = {
        Step.EMAIL: _("Start"),
        Step.NEEDS: _("Needs"),
        Step.PEOPLE: _("People"),
        Step.IDENTITY: _("Identity"),
        Step.QUESTIONS: _("Questions"),
        Step.DOCUMENTS: _("Terms"),
        Step.EXCLUSIONS: _("Not covered"),
        Step.CONSENT: _("Consent"),
        Step.REVIEW: _("Review"),
        Step.PAY: _("Pay"),
    }
    road = [step for step in ROAD if step not in left_out]
    at = road.index(now) if now in road else len(road)
    return [
        (step.value, words[step], "done" if place < at else "now" if place == at else "")
        for place, step in enumerate(road)
    ]


def wordings(*keys: WordingKey) -> tuple[dict[str, Any], dict[str, str]]:
    """Our texts for a template by their key, and their hashes for the page's version."""
    found = {key.value: wording for key, wording in disclosure.wordings(keys, current_locale()).items()}
    return dict(found), {key: wording.sha256 for key, wording in found.items()}

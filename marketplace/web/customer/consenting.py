"""The consent of an insured person who is not the applicant: the question, and the answer by a link (T26-22)."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as account_queries
from marketplace.accounts.values import TooManyTries
from marketplace.application import services
from marketplace.application.values import Acting, ApplicationView, ConsentState, Step, Whose
from marketplace.disclosure.values import WordingKey
from marketplace.infra import identity
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.identity import Claim
from marketplace.traceability.values import INSURED
from marketplace.web import access, audit
from marketplace.web.customer.account import too_many
from marketplace.web.customer.forms.application import EnterForm
from marketplace.web.customer.forms.identity import AgreeForm, ProveForm, ProvenAgreeForm, document_of
from marketplace.web.customer.identity import ask_now, specimen, standing, words_of_flaw
from marketplace.web.customer.road import acting, address_of, at_step, page, wordings
from marketplace.web.fields import risk_words
from marketplace.web.mails import absolute
from marketplace.web.tracing import Traced, current_journey, render_traced, seen_page_version
from marketplace.web.transaction import commit_now

blueprint = Blueprint("insured", __name__)

_ASKED_BY = "insured_link"


@blueprint.route("/application/<uuid:application_id>/insured", methods=["GET", "POST"])
def ask(application_id: UUID) -> ResponseReturnValue:
    """The applicant has the insured asked, waits for the answer, has it asked again."""
    view = at_step(application_id, Step.CONSENT)
    if not view.insured_consent_missing:
        return redirect(address_of(view), 303)
    form = EnterForm()
    if form.validate_on_submit():
        try:
            services.ask_insured(acting(), application_id)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            flash(_("We have sent the link. You need not wait here: we write to you once there is an answer."))
            return redirect(url_for(".ask", application_id=application_id), 303)
    return page(
        view, Step.CONSENT, "insured_ask", form=form, consent=view.insured_consent,
        refused=view.insured_consent is not None and view.insured_consent.state is ConsentState.REFUSED,
        status=audit.form_status(form.errors),
    )  # fmt: skip


@blueprint.route("/consent/<token>", methods=["GET", "POST"])
def answer(token: str) -> ResponseReturnValue:
    """What the insured is asked to agree to; the document, where the law asks for one, and one declaration."""
    view = services.asked_by(token)
    if view.insured_unproven and identity.is_hosted():
        return _prove_elsewhere(view, token)
    form = ProvenAgreeForm() if view.insured_unproven else AgreeForm()
    if form.is_submitted() and form.refuse.data:
        services.refuse_as_insured(_as_insured(), token)
        return render_template("customer/application/insured_done.html", agreed=False)
    if form.validate_on_submit():
        try:
            if _agree(view, form, token):
                return render_template("customer/application/insured_done.html", agreed=True)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    return _asked(view, form)


@blueprint.get("/consent-returned")
def returned() -> ResponseReturnValue:
    """Back from the verifier's page, whose address says nothing of the link; in another browser it is not known."""
    token = session.get(_ASKED_BY)
    if token is None:
        return render_template("customer/application/insured_back.html")
    return redirect(url_for(".answer", token=token), 303)


def _prove_elsewhere(view: ApplicationView, token: str) -> ResponseReturnValue:
    form, application_id = ProveForm(), view.application.id
    if form.is_submitted() and form.refuse.data:
        services.refuse_as_insured(_as_insured(), token)
        return render_template("customer/application/insured_done.html", agreed=False)
    if form.validate_on_submit():
        try:
            begun = services.begin_insured_identity(_as_insured(), token)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            commit_now()
            session[_ASKED_BY] = token
            here = url_for(".answer", token=token)
            return redirect(services.lead_to_verifier(begun.id, absolute(url_for(".returned"))) or here, 303)
    elif request.method == "GET" and ask_now(application_id, Whose.INSURED):
        return redirect(url_for(".answer", token=token), 303)
    people = view.application.people
    assert people is not None  # noqa: S101  `asked_by` gives none without
    return render_traced(
        "customer/application/insured_prove.html",
        _traced(view),
        journey_id=view.application.journey_id,
        status=audit.form_status(form.errors),
        form=form,
        people=people,
        insured=people.insured_person,
        content=view.offer.version.content,
        insurer=account_queries.insurer(view.offer.insurer_id),
        **standing(application_id, Whose.INSURED),
    )


def _traced(view: ApplicationView, hashes: Mapping[str, str] | None = None) -> Traced:
    return Traced(
        product_version_id=view.offer.version.id,
        application_id=view.application.id,
        insurer_id=view.offer.insurer_id,
        wordings=dict(hashes or {}),
        actor=INSURED,
    )


def _agree(view: ApplicationView, form: AgreeForm, token: str) -> bool:
    """Whether the document, where one is asked, was proven and so the consent given. The attempt is kept either way."""
    by = _as_insured()
    if isinstance(form, ProvenAgreeForm) and view.insured_unproven:
        check = services.prove_insured(by, token, document_of(form))
        commit_now()
        if check.flaw is not None:
            form.take_errors(words_of_flaw(check.flaw))
            return False
    services.consent_as_insured(by, token, str(form.sha256.data), str(form.wording_sha256.data))
    return True


def _as_insured() -> Acting:
    """Whoever has the link, looking at which version of the page; the account of this browser is not the insured's."""
    customer = access.customer()
    return Acting(current_journey(), seen_page_version(), customer.id if customer else None, as_insured=True)


def _asked(view: ApplicationView, form: AgreeForm) -> Response:
    offer, content, need = view.offer, view.offer.version.content, view.offer.need
    people = view.application.people
    assert people is not None  # noqa: S101  `asked_by` gives none without
    insured = people.insured_person
    texts, hashes = wordings(WordingKey.INSURED_CONSENT)
    definition = content.definition
    return render_traced(
        "customer/application/insured_answer.html",
        _traced(view, hashes),
        journey_id=view.application.journey_id,
        status=audit.form_status(form.errors),
        form=form,
        people=people,
        insured=insured,
        offer=offer,
        content=content,
        insurer=account_queries.insurer(offer.insurer_id),
        subject_sha256=view.insured_consent_sha256,
        specimen=specimen(Claim(insured.name, insured.birth_on, insured.sex)) if view.insured_unproven else None,
        chips=[told for told in risk_words(definition, need.risk) if told[0].name != definition.frequency_factor],
        last_day_of_cover=content.term.end_of(need.start_on, need.risk) - timedelta(days=1),
        **texts,
    )

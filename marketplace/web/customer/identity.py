"""Who the applicant is, proven on a page of its own (T26-27, T26-28): by what stands in a document, or where the
verifier has a page of its own, there.
"""

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import TooManyTries
from marketplace.application import services
from marketplace.application.queries import proofs
from marketplace.application.values import (
    ApplicationView,
    IdentityCheck,
    IdentityOutcome,
    IdentitySession,
    People,
    SessionState,
    Step,
    Whose,
)
from marketplace.infra import identity
from marketplace.infra.formatting import gettext as _
from marketplace.infra.identity import IdentityUnavailable
from marketplace.kernel.identity import Claim, Flaw
from marketplace.web import audit
from marketplace.web.customer.account import too_many
from marketplace.web.customer.forms.application import EnterForm
from marketplace.web.customer.forms.identity import IdentityForm, document_of
from marketplace.web.customer.road import acting, address_of, at_step, page
from marketplace.web.mails import absolute
from marketplace.web.transaction import commit_now

blueprint = Blueprint("identity", __name__)

UNDER_WAY = {SessionState.WAITING, SessionState.PROCESSING}


@blueprint.route("/application/<uuid:application_id>/identity", methods=["GET", "POST"])
def prove(application_id: UUID) -> ResponseReturnValue:
    """The document of the applicant. An attempt that is refused is kept as well, whatever the page answers."""
    view = at_step(application_id, Step.IDENTITY)
    if not view.identity_missing:
        return redirect(address_of(view), 303)
    if (beside := proofs.proof_beside(view.application)) is not None:
        return _carry(view, beside)
    if identity.is_hosted():
        return _prove_elsewhere(view)
    form = IdentityForm()
    if form.validate_on_submit():
        try:
            check = services.prove_identity(acting(), application_id, document_of(form))
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            commit_now()
            if check.flaw is None:
                return redirect(url_for("application.resume", application_id=application_id), 303)
            form.take_errors(words_of_flaw(check.flaw))
    return page(
        view, Step.IDENTITY, "identity", form=form, specimen=_specimen_of(view.application.people),
        status=audit.form_status(form.errors),
    )  # fmt: skip


def _carry(view: ApplicationView, beside: IdentityCheck) -> ResponseReturnValue:
    """It was proven a short while ago in another application of the basket, after the people were told here."""
    form = EnterForm()
    if form.validate_on_submit():
        services.carry_identity(acting(), view.application.id)
        return redirect(url_for("application.resume", application_id=view.application.id), 303)
    return page(view, Step.IDENTITY, "identity_beside", form=form, beside=beside)


def _prove_elsewhere(view: ApplicationView) -> ResponseReturnValue:
    """On the verifier's page and back. That somebody comes back says nothing: the verifier is asked itself."""
    application_id, form = view.application.id, EnterForm()
    here = url_for(".prove", application_id=application_id)
    if form.validate_on_submit():
        try:
            begun = services.begin_identity(acting(), application_id)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            commit_now()
            return redirect(services.lead_to_verifier(begun.id, absolute(here)) or here, 303)
    elif request.method == "GET" and ask_now(application_id, Whose.APPLICANT):
        return redirect(url_for("application.resume", application_id=application_id), 303)
    return page(
        view, Step.IDENTITY, "identity_elsewhere", form=form, status=audit.form_status(form.errors),
        **standing(application_id, Whose.APPLICANT),
    )  # fmt: skip


def ask_now(application_id: UUID, whose: Whose) -> bool:
    """Ask the verifier how the newest check stands, if one is under way, instead of waiting for its word. True where it
    proved the person. Whether it answers or not, nothing is lost.
    """
    session = proofs.latest_session(application_id, whose)
    if session is None or session.reference is None or session.state not in UNDER_WAY:
        return False
    try:
        services.settle_identity(session.reference)
    except IdentityUnavailable:
        return False
    now = proofs.latest_session(application_id, whose)
    return now is not None and now.state is SessionState.VERIFIED


def standing(application_id: UUID, whose: Whose) -> dict[str, object]:
    """For a template: whether a document is being looked at, and in words why the last one was not enough."""
    session = proofs.latest_session(application_id, whose)
    return {
        "processing": session is not None and session.state is SessionState.PROCESSING,
        "refused": "" if session is None else _last_refusal(session),
    }


def _last_refusal(session: IdentitySession) -> str:
    """Of what was shown since this check was begun."""
    checks = [each for each in proofs.identity_checks(session.application_id) if each.whose is session.whose]
    last = checks[-1] if checks and checks[-1].checked_at >= session.opened_at else None
    if last is None or last.outcome is not IdentityOutcome.REFUSED or last.flaw is None:
        return ""
    return words_elsewhere(last.flaw)


def specimen(claim: Claim) -> str | None:
    """A number to try a demonstration with; None where a register is asked. Raises IdentityUnavailable."""
    return None if identity.is_hosted() else identity.verifier().specimen(claim)


def _specimen_of(people: People | None) -> str | None:
    told = None if people is None else people.applicant
    return None if told is None else specimen(Claim(told.name, told.birth_on, told.sex))


def words_of_flaw(flaw: Flaw) -> dict[str, str]:
    """The field that an attempt failed at, and what to do about it."""
    field, words = {
        Flaw.NUMBER_MALFORMED: (
            "number",
            _("This is not the number of such a document. That of a resident identity card has 18 characters, the last "
              "a digit or X. Of a passport type its number, or the whole lower line below the photograph."),
        ),
        Flaw.REGION_UNKNOWN: (
            "number",
            _("The first six digits of this number stand for a place, and there was none with these when you were "
              "born. Please compare them with the card."),
        ),
        Flaw.CHECK_DIGIT: (
            "number",
            _("Something in this number is mistyped: its check digit does not fit. Please compare it with the "
              "document, character by character."),
        ),
        Flaw.BIRTH_DIFFERS: (
            "number",
            _("The date of birth in this number is not the one you gave. Please check the number, or change the date "
              "of birth that you gave."),
        ),
        Flaw.SEX_DIFFERS: (
            "number",
            _("By this number you are of the other sex than the price was calculated for. Please check the number, or "
              "compare again with the right answer."),
        ),
        Flaw.NAME_DIFFERS: (
            "name",
            _("This is not the name you gave for yourself. Please check it, or change the name that you gave to the "
              "one in the document."),
        ),
        Flaw.VALIDITY_MISSING: (
            "valid_until",
            _("Please give the last day on which the passport is valid; it stands beside the photograph."),
        ),
        Flaw.VALIDITY_DIFFERS: (
            "valid_until",
            _("The lower line of the passport says another day. Please compare both."),
        ),
        Flaw.EXPIRED: (
            "valid_until",
            _("This document is not valid any more. Please use another one that is."),
        ),
        Flaw.NOT_ADULT: ("number", _("Only a person of 18 years or more can apply.")),
    }.get(flaw, ("number", words_elsewhere(flaw)))  # fmt: skip
    return {field: words}


def words_elsewhere(flaw: Flaw) -> str:
    """Why a document that was shown on the verifier's page was not enough, and what to do about it."""
    words = {
        Flaw.NAME_DIFFERS: _(
            "The document names somebody else than you did. Only a document of your own counts; if your name is "
            "spelled otherwise in it, change the name that you gave to that."
        ),
        Flaw.BIRTH_DIFFERS: _(
            "The date of birth in the document is not the one you gave. Please change the one that you gave, or show "
            "your own document."
        ),
        Flaw.EXPIRED: _("This document is not valid any more. Please use another one that is."),
        Flaw.NOT_ADULT: _("Only a person of 18 years or more can apply."),
        Flaw.ABANDONED: _("The check was left before it was finished. Nothing is lost; you can begin again."),
        Flaw.CANCELED: _("The check was ended before it was finished. Nothing is lost; you can begin again."),
        Flaw.CONSENT_DECLINED: _(
            "You did not agree to be checked by Stripe. Without a check the law does not let us sell this here; the "
            "insurer itself may know another way."
        ),
        Flaw.COUNTRY_UNKNOWN: _again(_("Documents of this country cannot be checked here.")),
        Flaw.KIND_UNKNOWN: _("This kind of document cannot be checked here: a passport or an identity card can be."),
        Flaw.NO_CAMERA: _("The check needs a camera. Please go on with a telephone, by the code on that page."),
        Flaw.FACE_DIFFERS: _again(_("The face before the camera was not found to be the one in the document.")),
        Flaw.FACE_UNREADABLE: _again(_("The pictures of the face were not good enough to be compared.")),
        Flaw.UNREADABLE: _again(_("The pictures of the document could not be read, or it was not found genuine.")),
    }
    return words.get(flaw) or _again(_("The check did not prove who you are."))


def _again(why: str) -> str:
    return _("%(why)s Please show another one, or try again.", why=why)

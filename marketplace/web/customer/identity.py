"""Who the applicant is, proven on a page of its own (T26-27, T26-28)."""

from uuid import UUID

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import TooManyTries
from marketplace.application import services
from marketplace.application.values import People, Step
from marketplace.infra import identity
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.identity import Claim, Flaw
from marketplace.web import audit
from marketplace.web.customer.account import too_many
from marketplace.web.customer.forms.identity import IdentityForm, document_of
from marketplace.web.customer.road import acting, address_of, at_step, page
from marketplace.web.transaction import commit_now

blueprint = Blueprint("identity", __name__)


@blueprint.route("/application/<uuid:application_id>/identity", methods=["GET", "POST"])
def prove(application_id: UUID) -> ResponseReturnValue:
    """The document of the applicant. An attempt that is refused is kept as well, whatever the page answers."""
    view = at_step(application_id, Step.IDENTITY)
    if not view.identity_missing:
        return redirect(address_of(view), 303)
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


def specimen(claim: Claim) -> str | None:
    """A number to try a demonstration with; None where a register is asked. Raises IdentityUnavailable."""
    return identity.verifier().specimen(claim)


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
    }[flaw]  # fmt: skip
    return {field: words}

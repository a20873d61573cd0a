"""The marketplace's desk for insurers: what is known of each, and whether it may sell."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import Insurer, Suspension
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import access, parties
from marketplace.web.backoffice.forms.insurers import (
    FactForm,
    LiftingForm,
    SuspensionForm,
    term_form,
)
from marketplace.web.invitations import InvitationForm
from marketplace.web.role_words import AT_THE_DESK

blueprint = Blueprint("party_desk", __name__, url_prefix="/admin/insurers")


@blueprint.get("")
def insurers() -> ResponseReturnValue:
    found = accounts.list_insurers()
    return render_template("backoffice/insurers/list.html", insurers=found, payees=accounts.payees())


@blueprint.get("/<uuid:insurer_id>")
def insurer(insurer_id: UUID) -> ResponseReturnValue:
    return _page(accounts.insurer(insurer_id))


@blueprint.post("/<uuid:insurer_id>/facts")
def enter_fact(insurer_id: UUID) -> ResponseReturnValue:
    """Something that is known of the insurer, or known no more, with its source and its day."""
    found, form = accounts.insurer(insurer_id), FactForm()
    if form.validate_on_submit():
        try:
            services.record_fact(form.to_value(insurer_id), access.here().id)
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            return _done(insurer_id, _("Entered. It is on the public page of the insurer now."))
    return _page(found, fact=form)


@blueprint.post("/<uuid:insurer_id>/suspend")
def suspend(insurer_id: UUID) -> ResponseReturnValue:
    """Stop the insurer's sales at once."""
    found, form = accounts.insurer(insurer_id), SuspensionForm()
    if not form.validate_on_submit():
        return _page(found, suspending=form)
    services.suspend_insurer(insurer_id, str(form.reason.data), access.here())
    return _done(insurer_id, _("Its sales are stopped."))


@blueprint.post("/<uuid:insurer_id>/ask-to-lift")
def ask_to_lift(insurer_id: UUID) -> ResponseReturnValue:
    """The first of two people."""
    found, form = accounts.insurer(insurer_id), LiftingForm()
    if not form.validate_on_submit():
        return _page(found, lifting=form)
    services.ask_to_lift(insurer_id, str(form.reason.data), access.here())
    return _done(insurer_id, _("Asked. Another person has to agree before it sells."))


@blueprint.post("/<uuid:insurer_id>/lift")
def lift(insurer_id: UUID) -> ResponseReturnValue:
    """The second of two people."""
    services.lift_suspension(insurer_id, access.here())
    return _done(insurer_id, _("It sells from now on."))


@blueprint.post("/<uuid:insurer_id>/refuse-lifting")
def refuse_lifting(insurer_id: UUID) -> ResponseReturnValue:
    services.refuse_lifting(insurer_id, access.here())
    return _done(insurer_id, _("Its sales stay stopped."))


@blueprint.post("/<uuid:insurer_id>/terms")
def propose_terms(insurer_id: UUID) -> ResponseReturnValue:
    """Commission terms for the insurer to accept."""
    found, form = accounts.insurer(insurer_id), term_form(sent=True)
    if form.validate_on_submit():
        try:
            services.propose_terms(form.to_value(insurer_id), access.here())
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            return _done(insurer_id, _("Proposed. The insurer accepts them at its desk."))
    return _page(found, term=form)


@blueprint.post("/<uuid:insurer_id>/invite")
def invite(insurer_id: UUID) -> ResponseReturnValue:
    """Somebody is to work at the insurer's desk."""
    found, form = accounts.insurer(insurer_id), InvitationForm()
    if form.validate_on_submit():
        try:
            services.invite_staff(form.to_value(insurer_id), access.here())
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            return _done(insurer_id, _("The invitation is on its way."))
    return _page(found, invitation=form)


def _done(insurer_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".insurer", insurer_id=insurer_id), 303)


def _page(found: Insurer, **typed: Any) -> ResponseReturnValue:
    """The insurer's page with what was typed, where something of it will not do."""
    history = accounts.fact_history(found.id)
    suspensions = accounts.suspensions(found.id)
    forms: dict[str, Any] = {
        "fact": FactForm(None),
        "suspending": SuspensionForm(None),
        "lifting": LiftingForm(None),
        "invitation": InvitationForm(None),
        "term": term_form(),
    }
    payee = accounts.payee(found.id)
    page = render_template(
        "backoffice/insurers/insurer.html",
        insurer=found,
        me=access.here(),
        facts=[(parties.KINDS[fact.kind], parties.said(fact), fact) for fact in history],
        suspensions=suspensions,
        terms=accounts.terms(found.id),
        payee=payee,
        colleagues=accounts.staff_of(found.id),
        invitations=accounts.invitations(found.id),
        roles=AT_THE_DESK,
        due=parties.due(payee),
        stopped=next((each for each in suspensions if each.lifted_at is None), None),
        names=accounts.names_of({fact.entered_by for fact in history if fact.entered_by} | _people(suspensions)),
        **forms | typed,
    )
    return page, 422 if typed else 200


def _people(suspensions: tuple[Suspension, ...]) -> set[UUID]:
    everybody = {(each.suspended_by, each.lifting_by, each.lifted_by) for each in suspensions}
    return {who for people in everybody for who in people if who is not None}

"""Who works at an insurer's desk: its administrator invites colleagues, takes invitations back, ends access."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import Role
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import access
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.invitations import InvitationForm
from marketplace.web.role_words import AT_THE_DESK

blueprint = Blueprint("insurer_staff", __name__, url_prefix="/insurer/staff")


@blueprint.get("")
def staff() -> ResponseReturnValue:
    form = InvitationForm(None)
    form.role.data = Role.INSURER_CATALOG.value  # nobody becomes an administrator by not choosing
    return _page(form)


@blueprint.post("/invite")
def invite() -> ResponseReturnValue:
    """A colleague is to work here, in a role of the insurer."""
    form = InvitationForm()
    if form.validate_on_submit():
        try:
            services.invite_staff(form.to_value(own_insurer_id()), access.here())
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            return _done(_("The invitation is on its way."))
    return _page(form)


@blueprint.post("/invitations/<uuid:invitation_id>/withdraw")
def withdraw(invitation_id: UUID) -> ResponseReturnValue:
    services.withdraw_invitation(invitation_id, access.here())
    return _done(_("The invitation opens nothing any more."))


@blueprint.post("/<uuid:colleague_id>/end")
def end(colleague_id: UUID) -> ResponseReturnValue:
    """A colleague works here no more. Whoever ends their own access is signed out with it."""
    services.end_access(colleague_id, access.here())
    return _done(_("The access has ended, and every session with it."))


def _done(said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".staff"), 303)


def _page(form: InvitationForm) -> ResponseReturnValue:
    insurer_id = own_insurer_id()
    colleagues, invitations = accounts.staff_of(insurer_id), accounts.invitations(insurer_id)
    admins = [each.id for each in colleagues if each.role is Role.INSURER_ADMIN and not each.disabled]
    page = render_template(
        "insurer/staff.html",
        colleagues=colleagues,
        invitations=invitations,
        names={each.id: each.name for each in colleagues},
        only_admin=admins[0] if len(admins) == 1 else None,
        roles=AT_THE_DESK,
        me=access.here(),
        form=form,
    )
    return page, 422 if form.errors else 200

"""Where you are signed in, your password, and the page that asks whether it is still you. For every role."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries, services
from marketplace.accounts.values import (
    CodePurpose,
    CodeRefused,
    Ended,
    EventOutcome,
    SecurityEventType,
    SignInRefused,
    TooManyTries,
)
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import access, audit
from marketplace.web.customer import asked, entry
from marketplace.web.customer.account import form_page, too_many
from marketplace.web.customer.forms.security import ChangePasswordForm, ConfirmByCodeForm, ConfirmByPasswordForm
from marketplace.web.mails import send

blueprint = Blueprint("security", __name__, url_prefix="/account/security")


@blueprint.get("")
def overview() -> ResponseReturnValue:
    account = access.here()
    return render_template(
        "customer/security/overview.html",
        account=account,
        sessions=queries.sessions(account.id),
        present=access.session_id(),
        held=queries.factors(account.id) if account.role.is_staff else None,
    )


@blueprint.post("/sessions/<uuid:session_id>/end")
def end_session(session_id: UUID) -> ResponseReturnValue:
    if session_id == access.session_id():
        access.sign_out()
        return redirect(url_for("home.home"), 303)
    services.end_session(access.here().id, session_id, Ended.ENDED_BY_OWNER)
    audit.note(SecurityEventType.SESSION_ENDED, detail={"session_id": str(session_id)})
    flash(_("That device is signed out."))
    return redirect(url_for(".overview"), 303)


@blueprint.post("/sessions/end-others")
def end_others() -> ResponseReturnValue:
    services.end_sessions(access.here().id, Ended.ENDED_BY_OWNER, access.session_id(), access.device())
    audit.note(SecurityEventType.SESSION_ENDED, detail={"session_id": "all others"})
    flash(_("All other devices are signed out."))
    return redirect(url_for(".overview"), 303)


@blueprint.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    """A new password, with the present one. Every other session ends, the owner gets a mail."""
    form = ChangePasswordForm()
    if form.validate_on_submit():
        try:
            notice = services.change_password(
                access.here().id, str(form.old.data), str(form.password.data), access.session_id(), access.device()
            )  # fmt: skip
        except SignInRefused as error:
            audit.note(SecurityEventType.PASSWORD_CHANGED, EventOutcome.REFUSED)
            form.take_errors({"old": str(error)})
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            send(notice)
            audit.note(SecurityEventType.PASSWORD_CHANGED)
            entry.prove()
            flash(_("Your new password is set. All other devices are signed out."))
            return redirect(url_for(".overview"), 303)
    return form_page(form, _("Change your password"), _("Set the password"))


@blueprint.route("/confirm", methods=["GET", "POST"])
def confirm() -> ResponseReturnValue:
    """Confirm it is you: by the password, or by a mailed code where there is none. Staff take the second step again."""
    account = access.here()
    if account.role.is_staff:
        return redirect(url_for("factor.verify", next=request.args.get("next", "")), 303)
    form = ConfirmByPasswordForm() if account.has_password else ConfirmByCodeForm()
    if form.validate_on_submit():
        try:
            if isinstance(form, ConfirmByPasswordForm):
                services.prove_password(account.id, str(form.password.data))
            else:
                challenge_id = asked.challenge_of(CodePurpose.CONFIRM_IDENTITY)
                services.prove_identity_code(account.id, access.session_id(), challenge_id, str(form.code.data))
        except SignInRefused as error:
            audit.note(SecurityEventType.STEP_UP, EventOutcome.REFUSED)
            form.take_errors({"password": str(error)})
        except CodeRefused as error:
            audit.note(SecurityEventType.STEP_UP, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            entry.prove()
            return entry.onward()
    page = render_template("customer/security/confirm.html", form=form, account=account)
    return page, audit.form_status(form.errors)


@blueprint.post("/confirm/code")
def send_code() -> ResponseReturnValue:
    """Mail a code to a customer without a password."""
    account = access.here()
    asked.send_code(CodePurpose.CONFIRM_IDENTITY, services.request_identity_code(account.id, access.session_id()))
    flash(_("We have sent a code to %(address)s. It works for ten minutes.", address=account.email))
    return redirect(url_for(".confirm", next=request.args.get("next", "")), 303)

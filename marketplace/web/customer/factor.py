"""Second steps of staff: set one up, take it, look after them. And signing in with a passkey alone, which is both.

Whoever gave the password only gets to these pages and no further. A second step is added by whoever has none yet, or
by whoever is in and proved it lately; never by whoever knows a password of somebody that has one.
"""

from io import BytesIO
from urllib.parse import urlsplit
from uuid import UUID

import segno
from flask import Blueprint, abort, current_app, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.accounts import queries, services
from marketplace.accounts.values import (
    Account,
    Ended,
    EventOutcome,
    FactorAdded,
    FactorKind,
    FactorNotFound,
    FactorRefused,
    FactorTriesUsedUp,
    LastFactor,
    PasskeyAnswer,
    RelyingParty,
    SecurityEventType,
)
from marketplace.infra.formatting import gettext as _
from marketplace.web import access, audit
from marketplace.web.customer import entry
from marketplace.web.customer.account import too_many
from marketplace.web.customer.forms.security import AuthenticatorForm, SecondStepForm
from marketplace.web.fields import Form
from marketplace.web.mails import send
from marketplace.web.transaction import commit_now

blueprint = Blueprint("factor", __name__)

DIGITS = 6


@blueprint.route("/second-step", methods=["GET", "POST"])
def verify() -> ResponseReturnValue:
    """The second step after the password; for whoever is in already, the page that asks whether it is still them."""
    account = _staff()
    held = queries.factors(account.id)
    if not held.factors:
        return redirect(url_for(".setup"), 303)
    form = SecondStepForm()
    if form.validate_on_submit():
        try:
            _prove_typed(account, str(form.code.data))
        except FactorRefused as error:
            audit.note(SecurityEventType.SECOND_FACTOR, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except FactorTriesUsedUp as error:
            form.form_errors.append(_used_up(error))
        else:
            entry.prove(second_factor=True)
            return entry.onward()
    return _verify_page(form, account)


@blueprint.post("/second-step/passkey/options")
def verify_options() -> ResponseReturnValue:
    account = _staff()
    session["ceremony"], options = _asked(services.ask_for_passkey(_site(), account.id, access.session_id()))
    return jsonify(options)


@blueprint.post("/second-step/passkey")
def verify_passkey() -> ResponseReturnValue:
    account = _staff()
    try:
        services.prove_passkey(_site(), _answer(), account.id, access.session_id())
    except FactorRefused as error:
        audit.note(SecurityEventType.SECOND_FACTOR, EventOutcome.REFUSED)
        form = SecondStepForm(formdata=None)
        form.form_errors.append(str(error))
        return _verify_page(form, account)
    entry.prove(second_factor=True)
    return entry.onward()


@blueprint.post("/sign-in/passkey/options")
def sign_in_options() -> ResponseReturnValue:
    session["ceremony"], options = _asked(services.ask_for_passkey(_site()))
    return jsonify(options)


@blueprint.post("/sign-in/passkey")
def sign_in_passkey() -> ResponseReturnValue:
    """A passkey whose user was verified is the password and the second step at once."""
    try:
        account = services.prove_passkey(_site(), _answer())
    except FactorRefused as error:
        audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
        flash(str(error))
        return redirect(url_for("account.sign_in"), 303)
    entry.enter(account)
    entry.prove(second_factor=True)
    return entry.onward()


@blueprint.get("/account/security/second-step")
def setup() -> ResponseReturnValue:
    """Choose a second step to add."""
    account = _may_add()
    if not isinstance(account, Account):
        return account
    return render_template("customer/security/setup.html", held=queries.factors(account.id))


@blueprint.post("/account/security/passkeys/options")
def passkey_options() -> ResponseReturnValue:
    account = _may_add()
    if not isinstance(account, Account):
        abort(403)
    session["ceremony"], options = _asked(services.begin_passkey(_site(), account.id, access.session_id()))
    return jsonify(options)


@blueprint.post("/account/security/passkeys")
def add_passkey() -> ResponseReturnValue:
    account = _may_add()
    if not isinstance(account, Account):
        return account
    try:
        added = services.add_passkey(_site(), account.id, access.session_id(), _answer(), request.form.get("name", ""))
    except FactorRefused as error:
        audit.note(SecurityEventType.FACTOR_ADDED, EventOutcome.REFUSED)
        flash(str(error))
        return redirect(url_for(".setup"), 303)
    return _added(account, added)


@blueprint.post("/account/security/authenticator/begin")
def begin_authenticator() -> ResponseReturnValue:
    account = _may_add()
    if not isinstance(account, Account):
        return account
    services.begin_one_time_codes(account.id)
    return redirect(url_for(".authenticator"), 303)


@blueprint.route("/account/security/authenticator", methods=["GET", "POST"])
def authenticator() -> ResponseReturnValue:
    """Show the secret as a QR code and in letters; a first code of the app takes it into use."""
    account = _may_add()
    if not isinstance(account, Account):
        return account
    try:
        secret = services.secret_to_confirm(account.id)
    except FactorNotFound:
        return redirect(url_for(".setup"), 303)
    form = AuthenticatorForm()
    if form.validate_on_submit():
        try:
            typed = str(form.code.data)
            return _added(account, services.confirm_one_time_codes(account.id, typed, access.device()))
        except FactorRefused as error:
            audit.note(SecurityEventType.FACTOR_ADDED, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except FactorTriesUsedUp as error:
            form.form_errors.append(_used_up(error))
    page = render_template(
        "customer/security/authenticator.html", form=form, secret=secret, picture=_picture(secret.address)
    )
    return page, audit.form_status(form.errors)


@blueprint.post("/account/security/recovery-codes")
def recovery_codes() -> ResponseReturnValue:
    account = _staff()
    made = services.make_recovery_codes(account.id)
    send(made.notice)
    audit.note(SecurityEventType.RECOVERY_CODES_MADE)
    return render_template("customer/security/recovery_codes.html", codes=made.recovery_codes)


@blueprint.post("/account/security/second-steps/<uuid:factor_id>/remove")
def remove(factor_id: UUID) -> ResponseReturnValue:
    """Take a second step away; the last one stays. Every other session ends."""
    account = _staff()
    try:
        send(services.remove_factor(account.id, factor_id))
    except LastFactor:
        audit.note(SecurityEventType.FACTOR_REMOVED, EventOutcome.REFUSED)
        flash(_("This is your only second step. Add another one before you remove it."))
    else:
        services.end_sessions(account.id, Ended.FACTOR_CHANGED, access.session_id(), access.device())
        audit.note(SecurityEventType.FACTOR_REMOVED)
        flash(_("It is removed. All other devices are signed out."))
    return redirect(url_for("security.overview"), 303)


def _staff() -> Account:
    account = access.second_step_of()
    if account is None:
        abort(403)
    return account


def _may_add() -> Account | ResponseReturnValue:
    """The member of staff who may add a second step now, else where to go first."""
    account = _staff()
    if access.stepped_up() or not queries.factors(account.id).factors:
        return account
    return redirect(url_for(".verify", next=url_for(".setup")), 303)


def _prove_typed(account: Account, code: str) -> None:
    """Six digits are of the app, anything else is a recovery code."""
    digits = "".join(code.split())
    if digits.isdecimal() and len(digits) == DIGITS:
        services.prove_one_time_code(account.id, digits, access.device())
    else:
        send(services.prove_recovery_code(account.id, code, access.device()))


def _used_up(error: FactorTriesUsedUp) -> str:
    """The owner is told before the answer, which refuses and undoes what the request wrote."""
    if error.notice is not None:
        send(error.notice)
        commit_now()
    return too_many(error)


def _added(account: Account, added: FactorAdded) -> ResponseReturnValue:
    """It proved itself by being added: the session is whole, every other one ends, the owner gets a mail."""
    send(added.notice)
    services.end_sessions(account.id, Ended.FACTOR_CHANGED, access.session_id(), access.device())
    audit.note(SecurityEventType.FACTOR_ADDED)
    entry.prove(second_factor=True)
    if added.recovery_codes:
        return render_template("customer/security/recovery_codes.html", codes=added.recovery_codes)
    flash(_("Your new second step is set up. All other devices are signed out."))
    return redirect(url_for("security.overview"), 303)


def _verify_page(form: Form, account: Account) -> ResponseReturnValue:
    page = render_template(
        "customer/security/second_step.html",
        form=form,
        passkey=queries.factors(account.id).has(FactorKind.PASSKEY),
        again=access.signed_in() is not None,
        next=request.args.get("next", ""),
    )
    return page, audit.form_status(form.errors)


def _site() -> RelyingParty:
    """Passkeys belong to the configured address; the Host header is never believed for it."""
    origin = str(current_app.config["PUBLIC_URL"])
    return RelyingParty(urlsplit(origin).hostname or "", origin, _("Evenfold insurance agency"))


def _asked(begun: tuple[UUID, object]) -> tuple[str, object]:
    """The ceremony's id goes with this browser's own cookie."""
    return str(begun[0]), begun[1]


def _answer() -> PasskeyAnswer:
    """What the browser's passkey said, to the challenge this browser was given last."""
    ceremony = session.pop("ceremony", None)
    return PasskeyAnswer(UUID(ceremony) if ceremony else None, request.form.get("credential", ""))


def _picture(address: str) -> Markup:
    """The address as a QR code, drawn into the page: no other address ever sees it."""
    drawn = BytesIO()
    segno.make_qr(address, error="m").save(drawn, kind="svg", xmldecl=False, svgns=False, scale=4, omitsize=False)
    return Markup(drawn.getvalue().decode())  # noqa: S704  drawn by us from squares

"""Sign in, register, confirm, reset, and find a purchase by a code. Known and unknown addresses get the same answer."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import services as accounts
from marketplace.accounts.values import (
    Account,
    CodePurpose,
    CodeRefused,
    EventOutcome,
    LinkNeeded,
    LinkRefused,
    SecurityEventType,
    SignInRefused,
    TooManyTries,
)
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import access, audit, error_pages
from marketplace.web.customer import asked, entry
from marketplace.web.customer.forms.account import (
    CodeForm,
    EmailForm,
    NewPasswordForm,
    RegisterForm,
    SignInForm,
)
from marketplace.web.fields import Form
from marketplace.web.mails import send
from marketplace.web.security import wanted_path

blueprint = Blueprint("account", __name__)


def form_page(
    form: Form, title: str, button: str, words: str = "", *, links: Any = (), passkey: bool = False
) -> ResponseReturnValue:
    page = render_template(
        "customer/account/form.html",
        form=form, title=title, button=button, words=words, links=links, passkey=passkey,
    )  # fmt: skip
    return page, audit.form_status(form.errors)


def sent_page(words: str) -> ResponseReturnValue:
    return render_template("customer/account/sent.html", title=_("Please look at your mail"), words=words)


def too_many(error: TooManyTries) -> str:
    """What a form says that was sent too often: when it may be sent again, or what helps until then."""
    audit.reach_limit(error.retry_at)
    return error_pages.words_of(error) or _(
        "There were too many tries. %(when)s", when=error_pages.when_to_try_again(error)
    )


def welcome(account: Account) -> ResponseReturnValue:
    """Begin the session and go to where the person was stopped, or to the desk of the role."""
    entry.enter(account)
    return entry.onward()


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    form = SignInForm()
    if form.validate_on_submit():
        try:
            email, password = str(form.email.data), str(form.password.data)
            return welcome(accounts.authenticate(email, password, access.source(), access.device()))
        except SignInRefused as error:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.form_errors.append(str(error))
        except LinkNeeded:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.form_errors.append(
                _("There were many wrong tries for this address. To be sure it is you, set a new password by mail.")
            )
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        except Invalid as error:
            form.take_errors(error.fields)
    links = [
        (
            url_for(".find", next=wanted_path()),
            _("I bought without an account: send me a code"),
        ),
        (url_for(".register"), _("Register")),
        (url_for(".reset_request"), _("I forgot my password")),
    ]
    return form_page(form, _("Sign in"), _("Sign in"), links=links, passkey=True)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    access.sign_out()
    return redirect(url_for("home.home"), 303)


@blueprint.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    form = RegisterForm()
    if form.validate_on_submit():
        try:
            mail = accounts.register_customer(
                str(form.email.data), str(form.password.data), str(form.name.data), access.source(), current_locale(),
                device=access.device(),
            )  # fmt: skip
            send(mail)
            return sent_page(_("We have sent you a mail. Please follow its link to finish."))
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    words = _("You can buy without an account. With one, you find your policies again without a code.")
    return form_page(form, _("Register"), _("Register"), words)


@blueprint.route("/confirm/<token>", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    """The link finishes the registration only together with the password chosen then."""
    form = NewPasswordForm()
    form.password.description = _("The one you chose when you registered.")
    if form.validate_on_submit():
        try:
            return welcome(accounts.confirm_address(token, str(form.password.data), access.source()))
        except SignInRefused as error:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.take_errors({"password": str(error)})
        except LinkRefused:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            raise
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    return form_page(form, _("Confirm your address"), _("Finish"))


@blueprint.route("/reset", methods=["GET", "POST"])
def reset_request() -> ResponseReturnValue:
    form = EmailForm()
    if form.validate_on_submit():
        try:
            address = str(form.email.data)
            send(accounts.request_password_reset(address, access.source(), current_locale(), device=access.device()))
            return sent_page(_("If we know this address, we have sent it a link for a new password."))
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    return form_page(form, _("A new password"), _("Send me a link"))


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> ResponseReturnValue:
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            account, notice = accounts.reset_password(token, str(form.password.data), access.device())
        except LinkRefused:
            audit.note(SecurityEventType.PASSWORD_CHANGED, EventOutcome.REFUSED)
            raise
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            send(notice)
            answer = welcome(account)
            audit.note(SecurityEventType.PASSWORD_CHANGED, account=account)
            flash(_("Your new password is set."))
            return answer
    return form_page(form, _("A new password"), _("Set the password"))


@blueprint.route("/find", methods=["GET", "POST"])
def find() -> ResponseReturnValue:
    """A purchase is found by proving the mail address, never by naming it; so is the way back to an application."""
    form, purpose, back = EmailForm(), CodePurpose.FIND_PURCHASE, wanted_path()
    if form.validate_on_submit():
        try:
            address = str(form.email.data)
            code = accounts.request_code(address, purpose, access.source(), current_locale(), device=access.device())
            asked.send_code(purpose, code)
            session["find"] = address
            return redirect(url_for(".find_code", next=back), 303)
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    title = _("Prove your mail address") if back else _("Find a purchase")
    words = (
        _("Type your mail address. We send it a code; with the code you go on where you were.")
        if back
        else _("Type the mail address you bought with. We send it a code; with the code you see your policies.")
    )
    links = [(url_for(".sign_in", next=back), _("Sign in")), (url_for(".reset_request"), _("Set a password by mail"))]
    return form_page(form, title, _("Send me a code"), words, links=links)


@blueprint.route("/find/code", methods=["GET", "POST"])
def find_code() -> ResponseReturnValue:
    """The code works in the browser that asked for it; another one is told so and asks for its own."""
    address, purpose, back = session.get("find"), CodePurpose.FIND_PURCHASE, wanted_path()
    if not address:
        flash(_("A code works in the browser that asked for it. Please ask for one here."))
        return redirect(url_for(".find", next=back))
    form = CodeForm()
    if form.validate_on_submit():
        try:
            typed, challenge_id = str(form.code.data), asked.challenge_of(purpose)
            return welcome(
                accounts.prove_code(address, purpose, challenge_id, typed, access.source(), device=access.device())
            )
        except CodeRefused as error:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
    words = _("We have sent a code to %(address)s. It works for ten minutes.", address=address)
    links = [(url_for(".find", next=back), _("Send a new code, or to another address"))]
    button = _("Continue") if back else _("Show my policies")
    return form_page(form, _("Please type the code from our mail"), button, words, links=links)

"""Forms of the account."""

from wtforms import PasswordField, StringField
from wtforms.validators import Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, printable, required

LONGEST_ADDRESS = 254
LONGEST_PASSWORD = 256

_MAIL = {"type": "email", "autocomplete": "email", "inputmode": "email", "spellcheck": "false"}
_NEW = {"autocomplete": "new-password"}


def email_field() -> StringField:
    return StringField(_l("Mail address"), [required(), Length(max=LONGEST_ADDRESS), printable], render_kw=_MAIL)


def code_field() -> StringField:
    return StringField(
        _l("Code"),
        [required(), Length(max=12), printable],
        description=_l("Six digits, in the mail we have just sent you."),
        render_kw={"inputmode": "numeric", "autocomplete": "one-time-code"},
    )


def new_password_field() -> PasswordField:
    return PasswordField(
        _l("Password"),
        [required(), Length(max=LONGEST_PASSWORD)],
        description=_l("At least 12 characters. Three or four words are good."),
        render_kw=_NEW,
    )


class EmailForm(Form):
    email = email_field()


class CodeForm(Form):
    code = code_field()


class SignInForm(Form):
    email = email_field()
    password = PasswordField(
        _l("Password"), [required(), Length(max=LONGEST_PASSWORD)], render_kw={"autocomplete": "current-password"}
    )


class RegisterForm(Form):
    name = StringField(_l("Name"), [required(), Length(max=80), printable], render_kw={"autocomplete": "name"})
    email = email_field()
    password = new_password_field()


class NewPasswordForm(Form):
    password = new_password_field()

"""Forms of the account's security: fresh proofs, passwords, second steps."""

from wtforms import PasswordField, StringField
from wtforms.validators import Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.customer.forms.account import LONGEST_PASSWORD, code_field, new_password_field
from marketplace.web.fields import Form, printable, required

LONGEST_NAME = 60


_PRESENT = {"autocomplete": "current-password"}


class ConfirmByPasswordForm(Form):
    password = PasswordField(_l("Password"), [required(), Length(max=LONGEST_PASSWORD)], render_kw=_PRESENT)


class ConfirmByCodeForm(Form):
    code = code_field()


class ChangePasswordForm(Form):
    old = PasswordField(
        _l("Present password"),
        [required(), Length(max=LONGEST_PASSWORD)],
        render_kw={"autocomplete": "current-password"},
    )
    password = new_password_field()


class SecondStepForm(Form):
    code = StringField(
        _l("Code"),
        [required(), Length(max=24), printable],
        description=_l("The six digits your authenticator app shows now, or one of your recovery codes."),
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false"},
    )


class AuthenticatorForm(Form):
    code = StringField(
        _l("Code"),
        [required(), Length(max=12), printable],
        description=_l("The six digits your authenticator app shows now."),
        render_kw={"inputmode": "numeric", "autocomplete": "one-time-code"},
    )

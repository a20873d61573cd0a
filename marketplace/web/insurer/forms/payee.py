"""What an insurer's administrator types before Stripe asks for the rest."""

from wtforms import SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version

from marketplace.accounts.values import PAYEE_COUNTRIES
from marketplace.infra.formatting import country_name
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, required


class PayeeForm(Form):
    country = SelectField(
        _l("Country of the bank account"),
        [required()],
        description=_l("It cannot be changed later. Stripe pays out to banks in these countries."),
    )


def payee_form(*, sent: bool = False) -> PayeeForm:
    """The form with the countries in the reader's language."""
    form = PayeeForm() if sent else PayeeForm(None)
    form.country.choices = [
        SelectChoice("", _l("Please choose")),
        *(SelectChoice(code, country_name(code)) for code in PAYEE_COUNTRIES),
    ]
    return form

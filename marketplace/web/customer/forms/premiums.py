"""The form by which a card is kept for later premiums."""

from wtforms import BooleanField, HiddenField

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.customer.forms.application import ticked
from marketplace.web.fields import Form


class KeepCardForm(Form):
    """`sha256` says which wording was on the page: exactly that is agreed to, or nothing."""

    agree = BooleanField(_l("Keeping a card"), [ticked()])
    sha256 = HiddenField()

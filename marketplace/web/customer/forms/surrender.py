"""The form of ending a contract early."""

from wtforms import HiddenField

from marketplace.web.fields import Form


class SurrenderForm(Form):
    """`amount` is what goes back as it stood on the page, in minor units: another one is not confirmed unseen."""

    amount = HiddenField()

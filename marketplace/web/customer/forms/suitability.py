"""Forms of whether an insurance suits."""

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, HiddenField

from marketplace.application.values import Circumstance
from marketplace.catalog.values import ProductContent
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.customer.forms.application import ticked
from marketplace.web.fields import Form, yes_no


class OwnWillForm(Form):
    """`sha256` says which points were on the page: going on is confirmed against exactly these."""

    own_will = BooleanField(_l("Going on all the same"), [ticked()])
    sha256 = HiddenField()


def circumstances_form(asked: Iterable[Circumstance], content: ProductContent, percent: int) -> type[Form]:
    """A question with two equal answers for each thing that is asked."""
    questions = {
        Circumstance.COVERED_ALREADY: yes_no(
            _("Is there insurance of this kind already, for the same person or the same home?")
        ),
        Circumstance.COSTS_TOO_MUCH: yes_no(
            _(
                "With this insurance, will all your insurance together cost more than %(percent)s per cent of what your household earns in a year?",  # noqa: E501
                percent=percent,
            ),
            description=_("A rule of thumb, no law. How much you earn is not asked and not kept."),
        ),
        Circumstance.MEANT_FOR_ME: yes_no(
            _("Does this describe you, or whom you want to insure?"), description=_whom(content)
        ),
    }
    fields: dict[str, Any] = {name.value: questions[name] for name in asked}
    return type("CircumstancesForm", (Form,), fields)


def _whom(content: ProductContent) -> str:
    """For whom the product is made, and for whom not, in the insurer's words."""
    locale = current_locale()
    made = content.target_market.in_(locale) if content.target_market else ""
    if content.not_for is None:
        return _("Made for: %(whom)s", whom=made)
    return _("Made for: %(whom)s Not for: %(whom_not)s", whom=made, whom_not=content.not_for.in_(locale))


def told_in(form: Form, asked: Iterable[Circumstance]) -> dict[Circumstance, bool]:
    """What a valid form says."""
    return {name: form[name.value].data == "yes" for name in asked}

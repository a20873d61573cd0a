"""What a customer wants to see of a comparison: filters, an order, a page. All of it stands in the address."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import request
from wtforms import SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import NumberRange, Optional

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Frequency, LineDefinition
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.quoting.values import Choice, OfferView, Sort
from marketplace.web.fields import Filters, Ticked, WholeNumber

MOST = 1_000_000_000
SORTS: Mapping[Sort, str] = {
    Sort.RANKED: _l("As we rank"),
    Sort.TOTAL: _l("Total cost over the term"),
    Sort.PREMIUM: _l("Premium of one payment"),
    Sort.NEEDS: _l("Stated needs met"),
    Sort.NAME: _l("Name, without your answers"),
    Sort.CODE: _l("Product code, without your answers"),
}


class ChoiceForm(Filters):
    sort = SelectField(_l("Sort by"), default=Sort.RANKED.value)
    insurer = SelectField(_l("Insurer"), default="")
    frequency = SelectField(_l("How often"), default="")
    most = WholeNumber(
        _l("Premium at most"),
        [Optional(), NumberRange(1, MOST, _l("Please enter a whole amount above nought."))],
        render_kw={"inputmode": "numeric"},
    )
    does = Ticked(_l("Only products that do this"), choices=())

    def to_value(self, definition: LineDefinition) -> Choice:
        """The choice of a valid form."""
        return Choice(
            insurer_id=UUID(self.insurer.data) if self.insurer.data else None,
            at_most=self.most.data,
            frequency=Frequency(self.frequency.data) if self.frequency.data else None,
            needs=definition.needs(self.does.data or ()),
            sort=Sort(self.sort.data),
        )


def choice_form(
    definition: LineDefinition, offers: Sequence[OfferView], insurers: Mapping[UUID, Insurer]
) -> ChoiceForm:
    """The filters as the address gives them; offered is only what these offers differ in."""
    locale = current_locale()
    every = SelectChoice("", _("All"))
    needs = [SelectChoice(need.code, need.label.in_(locale)) for need in definition.stated.needs]
    does = Ticked(_("Only products that do this"), choices=needs)
    form: ChoiceForm = type("ChoiceForm", (ChoiceForm,), {"does": does})(request.args)
    form.sort.choices = [SelectChoice(sort.value, words) for sort, words in SORTS.items()]
    form.insurer.choices = [
        every,
        *(SelectChoice(str(id_), insurers[id_].short_name.in_(locale)) for id_ in _once(offers, "insurer_id")),
    ]
    paid = _once(offers, "frequency")
    form.frequency.choices = [every, *(SelectChoice(each.value, each.words.in_(locale)) for each in paid)]
    return form


def _once(offers: Sequence[OfferView], name: str) -> dict[Any, None]:
    return dict.fromkeys(getattr(offer, name) for offer in offers)

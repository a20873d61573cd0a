"""What the desks of staff share: the filters of the sales log and the words of its states."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from flask import request
from wtforms import DateField, Field, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, Optional, ValidationError

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import LINES, Line
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight.values import Looked, Sale, SaleFilter, SaleState
from marketplace.web.fields import Filters

PAGE_SIZE = 25
LAST_PAGE = 10_000

_STATES: dict[SaleState, tuple[str, str]] = {
    SaleState.COMPARED: (_l("compared"), "plain"),
    SaleState.ENTERED: (_l("application begun"), "plain"),
    SaleState.APPLIED: (_l("accepted, not paid"), "plain"),
    SaleState.PAID: (_l("paid, contract under way"), "warn"),
    SaleState.ISSUED: (_l("contract concluded"), ""),
    SaleState.MAILED: (_l("policy mailed"), ""),
    SaleState.REFERRED: (_l("referred to the insurer"), "warn"),
    SaleState.COUNTERED: (_l("other terms offered"), "warn"),
    SaleState.DECLINED: (_l("declined"), "plain"),
    SaleState.POSTPONED: (_l("postponed"), "plain"),
    SaleState.REFUSED: (_l("other terms refused"), "plain"),
    SaleState.LAPSED: (_l("lapsed"), "plain"),
    SaleState.REFUND_DUE: (_l("refund due"), "bad"),
    SaleState.REFUNDED: (_l("refunded"), "plain"),
}


def state_words(state: SaleState) -> str:
    return str(_STATES[state][0])


def state_tone(state: SaleState) -> str:
    """The class of the state's tag; empty for the ordinary good one."""
    return _STATES[state][1]


def reading_words(what: str) -> str:
    """What somebody did with a sale or its evidence."""
    return {
        Looked.TOLD: _("said why"),
        Looked.FOUND: _("found by a search"),
        Looked.FILE: _("looked at the file of the sale"),
        Looked.PAGE: _("looked at a page"),
        Looked.BYTES: _("looked at the bytes of a page"),
        Looked.POLICY: _("took the policy"),
        Looked.PAPER: _("took another paper"),
        Looked.DAY: _("looked at the pages of a day"),
        Looked.CASE: _("looked at the case for underwriting"),
        "asked": _("asked for"),
        "made": _("made"),
        "looked": _("looked at"),
        "downloaded": _("downloaded"),
        "replayed": _("the recording of a page played"),
        "sampled": _("checked, because the lot fell on it"),
        "": _("erased"),
    }[what]


def _printable_part(value: str | None) -> str:
    """What is searched is shown again, so what cannot be shown is not searched."""
    return "".join(char for char in value or "" if char.isprintable())


class SalesFilterForm(Filters):
    text = StringField(
        _l("Policy number or reference"), [Length(max=48)], filters=[_printable_part], render_kw={"type": "search"}
    )
    insurer = SelectField(_l("Insurer"), default="")
    line = SelectField(_l("Line of business"), default="")
    state = SelectField(_l("State"), default="")
    since = DateField(_l("Begun from"), [Optional()])
    until = DateField(_l("Begun until"), [Optional()])

    def validate_until(self, field: Field) -> None:
        if self.since.data and field.data and field.data < self.since.data:
            raise ValidationError(_("The last day is before the first."))

    def to_value(self) -> SaleFilter:
        """The wish of a valid form."""
        return SaleFilter(
            line=Line(self.line.data) if self.line.data else None,
            state=SaleState(self.state.data) if self.state.data else None,
            insurer_id=UUID(self.insurer.data) if self.insurer is not None and self.insurer.data else None,
            since=self.since.data,
            until=self.until.data,
            text=self.text.data or "",
        )


def sales_filter(insurers: Iterable[Insurer] | None) -> SalesFilterForm:
    """The filters as the address gives them; without insurers there is no choice of one."""
    form = SalesFilterForm(request.args)
    every = SelectChoice("", _("All"))
    locale = current_locale()
    lines = [SelectChoice(line.value, definition.name.in_(locale)) for line, definition in LINES.items()]
    form.line.choices = [every, *lines]
    form.state.choices = [every, *(SelectChoice(state.value, state_words(state)) for state in SaleState)]
    if insurers is None:
        del form.insurer
    else:
        form.insurer.choices = [every, *(SelectChoice(str(i.id), i.short_name.in_(locale)) for i in insurers)]
    return form


def page_number() -> int:
    """Which page of a list the address asks for, from 1."""
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)


def table_of(sales: Iterable[Sale]) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    """Header and rows of a table of sales, for a spreadsheet. Amounts are plain numbers beside their currency."""
    header = (
        _("Reference"), _("State"), _("Line of business"), _("Insurer"), _("Product"), _("Policy number"),
        _("Premium"), _("Currency"), _("Begun"), _("Concluded"),
    )  # fmt: skip
    return header, map(_row_of, sales)


def _row_of(sale: Sale) -> tuple[str, ...]:
    locale = current_locale()
    return (
        sale.application_reference or sale.journey_reference,
        state_words(sale.state),
        LINES[sale.line].name.in_(locale),
        sale.insurer_name.in_(locale) if sale.insurer_name else "",
        sale.product_name.in_(locale) if sale.product_name else "",
        sale.policy_number or "",
        str(sale.premium.major) if sale.premium else "",
        sale.premium.currency if sale.premium else "",
        sale.started_at.isoformat(timespec="seconds"),
        sale.concluded_at.isoformat(timespec="seconds") if sale.concluded_at else "",
    )

"""Forms about wide rate cards."""

from typing import Any

from flask_wtf.file import FileField, FileRequired
from wtforms import IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, NumberRange, Optional, Regexp

from marketplace.catalog.values import LINES
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.listing.values import CardPlan, RateCard
from marketplace.web.fields import Form, lines_of_text, printable, required

MOST_LABELS = 120
"""Labels that can be given a meaning one by one; more than that are ages or sums, and a factor names them."""
_MOST_HEADINGS, _MOST_LABEL_COLUMNS = 6, 6


def _file(label: str) -> FileField:
    return FileField(label, [FileRequired(_l("Please choose a file."))], render_kw={"accept": ".csv,.xlsx"})


class CardForm(Form):
    name = StringField(_l("Name"), [required(), Length(max=80), printable])
    line = SelectField(
        _l("Line of business"),
        choices=[SelectChoice(line.value, line.value) for line in LINES],
        validators=[required()],
    )
    file = _file(_l("Rate card (.csv or .xlsx)"))

    def speak(self) -> "CardForm":
        """The lines of business in the reader's language."""
        self.line.choices = [
            SelectChoice(line.value, definition.name.in_(current_locale())) for line, definition in LINES.items()
        ]
        return self


class NextCardForm(Form):
    file = _file(_l("Next rate card (.csv or .xlsx)"))


class PutForm(Form):
    product = SelectField(_l("Product"), validators=[required()])
    examples = TextAreaField(
        _l("Examples: a risk in each row and the premium you expect, at least five"),
        [required(), lines_of_text, Length(max=20_000)],
        render_kw={"rows": "8", "spellcheck": "false"},
    )


def plan_form(card: RateCard, labels: tuple[str, ...]) -> "PlanForm":
    """The form of a card's plan, with a field for each column of labels, row of headings and label without a factor."""
    definition = LINES[card.line]
    factors = [SelectChoice("", _("what each label says"))] + [
        SelectChoice(factor.name, factor.label.in_(current_locale())) for factor in definition.factors
    ]
    fields: dict[str, Any] = {}
    for number, name in enumerate(card.plan.columns):
        fields[f"column_{number}"] = SelectField(
            _("Column %(number)d of labels says", number=number + 1), choices=factors, default=name
        )
    for number, name in enumerate(card.plan.lines):
        fields[f"line_{number}"] = SelectField(
            _("Row %(number)d of headings says", number=number + 1), choices=factors, default=name
        )
    for number, label in enumerate(labels[:MOST_LABELS]):
        said = card.plan.meanings.get(label, "")
        fields[f"meaning_{number}"] = StringField(label, [Optional(), Length(max=200), printable], default=said)
    made: type[PlanForm] = type("CardPlanForm", (PlanForm,), fields)
    plan = card.plan
    return made(
        titles=plan.titles, headings=plan.headings, label_columns=plan.label_columns, table=plan.table, value=plan.value
    )


class PlanForm(Form):
    titles = IntegerField(_l("Rows of titles at the top, to be passed over"), [NumberRange(0, 200)])
    headings = IntegerField(_l("Rows of headings above the numbers"), [NumberRange(0, _MOST_HEADINGS)])
    label_columns = IntegerField(_l("Columns of labels left of the numbers"), [NumberRange(0, _MOST_LABEL_COLUMNS)])
    table = StringField(
        _l("Name of the table"),
        [required(), Regexp(r"[a-z]([a-z0-9_]{0,38}[a-z0-9])?$", message=_l("Small letters, digits and underscores."))],
        description=_l("To replace a table of a product, its name there."),
    )
    value = SelectField(
        _l("The numbers are"),
        choices=[
            SelectChoice("rate", _l("rates, such as per 1,000 of sum insured")),
            SelectChoice("amount", _l("amounts of money")),
        ],
    )

    def to_value(self, labels: tuple[str, ...]) -> CardPlan:
        """The plan as it was filled in; where its shape changed, what its labels mean is guessed anew."""
        columns = tuple(self._said(f"column_{number}") for number in range(self.label_columns.data or 0))
        lines = tuple(self._said(f"line_{number}") for number in range(self.headings.data or 0))
        meanings = {label: self._said(f"meaning_{number}") for number, label in enumerate(labels[:MOST_LABELS])}
        return CardPlan(
            self.titles.data or 0,
            self.headings.data or 0,
            self.label_columns.data or 0,
            str(self.table.data),
            "amount" if self.value.data == "amount" else "rate",
            columns,
            lines,
            meanings,
        )

    def _said(self, name: str) -> str:
        field = self._fields.get(name)
        return str(field.data or "") if field is not None else ""

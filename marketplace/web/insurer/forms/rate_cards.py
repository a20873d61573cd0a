"""Forms about wide rate cards."""

from flask_wtf.file import FileField, FileRequired
from wtforms import FieldList, IntegerField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, NumberRange, Regexp

from marketplace.catalog.values import LINES
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.listing.values import CardPlan, RateCard
from marketplace.web.fields import Form, lines_of_text, printable, required

MOST_LABELS = 120
"""Labels that can be given a meaning one by one; more than that are ages or sums, and a factor names them."""
_MOST_HEADINGS, _MOST_LABEL_COLUMNS = 6, 6


def _short(text: str | None) -> str:
    return (text or "")[:200]


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
    place = SelectField(_l("Product, and the table that the card replaces"), validators=[required()])
    examples = TextAreaField(
        _l("Examples: a risk in each row and the premium you expect, at least five"),
        [required(), lines_of_text, Length(max=4_000)],
        description=_l("Change the risks as you like and write the premium of your own system at the end of each row."),
        render_kw={"rows": "8", "spellcheck": "false"},
    )


class PlanForm(Form):
    titles = IntegerField(_l("Rows of titles at the top, to be passed over"), [NumberRange(0, 200)])
    headings = IntegerField(_l("Rows of headings above the numbers"), [NumberRange(0, _MOST_HEADINGS)])
    label_columns = IntegerField(_l("Columns of labels left of the numbers"), [NumberRange(0, _MOST_LABEL_COLUMNS)])
    table_name = StringField(
        _l("Name of the table"),
        [
            required(),
            Length(max=40),
            printable,
            Regexp(r"[a-z]([a-z0-9_]{0,38}[a-z0-9])?$", message=_l("Small letters, digits and underscores.")),
        ],
        description=_l("Of the file that you may download."),
    )
    numbers_are = SelectField(
        _l("The numbers are"),
        choices=[
            SelectChoice("rate", _l("rates, such as per 1,000 of sum insured")),
            SelectChoice("amount", _l("amounts of money")),
        ],
    )

    columns = FieldList(SelectField(validate_choice=False), max_entries=_MOST_LABEL_COLUMNS)
    lines = FieldList(SelectField(validate_choice=False), max_entries=_MOST_HEADINGS)
    meanings = FieldList(StringField(filters=[_short]), max_entries=MOST_LABELS)

    def to_value(self, labels: tuple[str, ...]) -> CardPlan:
        """The plan as it was filled in; what it leaves open for a new shape of the card is guessed."""
        columns = [str(each.data or "") for each in self.columns]
        lines = [str(each.data or "") for each in self.lines]
        width, height = self.label_columns.data or 0, self.headings.data or 0
        return CardPlan(
            self.titles.data or 0,
            height,
            width,
            str(self.table_name.data),
            "amount" if self.numbers_are.data == "amount" else "rate",
            tuple([*columns, *[""] * width][:width]),
            tuple([*lines, *[""] * height][:height]),
            {label: str(each.data or "") for label, each in zip(labels, self.meanings, strict=False)},
        )


def plan_form(card: RateCard, labels: tuple[str, ...]) -> PlanForm:
    """The form of a card's plan, with a field for each column of labels, row of headings and label without a factor."""
    plan = card.plan
    form = PlanForm(
        data={
            "titles": plan.titles,
            "headings": plan.headings,
            "label_columns": plan.label_columns,
            "table_name": plan.table,
            "numbers_are": plan.value,
            "columns": list(plan.columns),
            "lines": list(plan.lines),
            "meanings": [plan.meanings.get(label, "") for label in labels[:MOST_LABELS]],
        }
    )
    factors = [SelectChoice("", _("what each label says"))] + [
        SelectChoice(factor.name, factor.label.in_(current_locale())) for factor in LINES[card.line].factors
    ]
    for number, each in enumerate(form.columns, 1):
        each.label.text, each.choices = _("Column %(number)d of labels says", number=number), factors
    for number, each in enumerate(form.lines, 1):
        each.label.text, each.choices = _("Row %(number)d of headings says", number=number), factors
    for label, said in zip(labels, form.meanings, strict=False):
        said.label.text = label
    return form

"""What the marketplace's staff type about an insurer."""

from datetime import date
from typing import cast
from uuid import UUID

from wtforms import DateField, Field, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, Optional, ValidationError

from marketplace.accounts.values import FactKind, NewFact, NewTerm
from marketplace.catalog.values import LINES, Line
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText
from marketplace.web import parties
from marketplace.web.fields import Figure, Form, WholeNumber, lines_of_text, printable, required

LONGEST_WORDS = 400
LONGEST_SOURCE = 200
LONGEST_REASON = 1000


class FactForm(Form):
    kind = SelectField(
        _l("What is known"),
        choices=[
            SelectChoice("", _l("Please choose")),
            *(SelectChoice(kind.value, words) for kind, words in parties.KINDS.items()),
        ],
        validators=[required()],
    )
    figure = Figure(
        _l("Figure"),
        [Optional()],
        description=_l(
            "Per cent, days, or complaints for each thousand policies. Leave figure and words open to say that it is "
            "not known any more."
        ),
    )
    words = StringField(
        _l("Words, English"),
        [Length(max=LONGEST_WORDS), printable],
        description=_l("Of branches: codes such as shanghai, separated by commas."),
    )
    words_zh = StringField(_l("Words, Chinese"), [Length(max=LONGEST_WORDS), printable])
    source = StringField(_l("Source, English"), [required(), Length(max=LONGEST_SOURCE), printable])
    source_zh = StringField(_l("Source, Chinese"), [Length(max=LONGEST_SOURCE), printable])
    as_of = DateField(_l("True on"), [required()])

    def validate_words(self, field: Field) -> None:
        """Branches are compared with where a customer is, so they are named by codes."""
        if self.kind.data == FactKind.BRANCHES and not set(parties.codes_in(field.data)) <= parties.region_codes():
            raise ValidationError(
                _("Please use these codes only: %(codes)s.", codes=", ".join(sorted(parties.region_codes())))
            )

    def to_value(self, insurer_id: UUID) -> NewFact:
        """The fact of a valid form."""
        words = str(self.words.data or "")
        return NewFact(
            insurer_id,
            FactKind(self.kind.data),
            LocalizedText(str(self.source.data), self.source_zh.data or None),
            cast("date", self.as_of.data),  # given, as the form is valid
            figure=self.figure.data,
            words=LocalizedText(words, self.words_zh.data or None) if words else None,
        )


class SuspensionForm(Form):
    reason = TextAreaField(
        _l("Why its sales are stopped"),
        [required(), lines_of_text, Length(max=LONGEST_REASON)],
        description=_l("The insurer reads it at its desk."),
        render_kw={"rows": "4"},
    )


class LiftingForm(Form):
    reason = TextAreaField(
        _l("Why it may sell"), [required(), lines_of_text, Length(max=LONGEST_REASON)], render_kw={"rows": "4"}
    )


class RejectionForm(Form):
    reason = TextAreaField(
        _l("Why it is rejected"),
        [required(), lines_of_text, Length(max=LONGEST_REASON)],
        description=_l("It is mailed to the applicant."),
        render_kw={"rows": "4"},
    )


class TermForm(Form):
    line = SelectField(_l("Line of business"), choices=[SelectChoice(line.value, line.value) for line in Line])
    basis_points = WholeNumber(
        _l("Commission"), [required()], description=_l("In basis points of the premium: 1,500 are 15 per cent.")
    )
    effective_from = DateField(_l("From"), [required()])

    def to_value(self, insurer_id: UUID) -> NewTerm:
        """The terms of a valid form."""
        points, day = cast("int", self.basis_points.data), cast("date", self.effective_from.data)
        return NewTerm(insurer_id, str(self.line.data), points, day)


def term_form(*, sent: bool = False) -> TermForm:
    """The form with the lines in the reader's language."""
    form = TermForm() if sent else TermForm(None)
    form.line.choices = [
        SelectChoice(line.value, definition.name.in_(current_locale())) for line, definition in LINES.items()
    ]
    return form

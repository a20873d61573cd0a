"""What an insurer's staff write: answers, answers for everybody, and the certificates of colleagues."""

from datetime import date
from typing import cast
from uuid import UUID

from wtforms import DateField, Field, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, ValidationError

from marketplace.accounts.values import Account, NewPractitioner
from marketplace.catalog.values import LINES
from marketplace.consultation.values import LONGEST_ANSWER, LONGEST_QUESTION, Said
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web.fields import Form, Ticked, lines_of_text, printable, required


def _words(label: str, longest: int, description: str = "", *, rows: int = 6) -> TextAreaField:
    return TextAreaField(
        label,
        [lines_of_text, Length(max=longest)],
        description=description,
        render_kw={"rows": str(rows), "maxlength": str(longest)},
    )


class AnswerQuestionForm(Form):
    words = TextAreaField(
        _l("Your answer"),
        [required(), lines_of_text, Length(max=LONGEST_ANSWER)],
        description=_l("Your name, the insurer and the number of your certificate stand under it."),
        render_kw={"rows": "8", "maxlength": str(LONGEST_ANSWER)},
    )


class PublicAnswerForm(Form):
    """In one language or in both."""

    question_en = _words(_l("Question, English"), LONGEST_QUESTION, rows=3)
    answer_en = _words(_l("Answer, English"), LONGEST_ANSWER)
    question_zh_Hans_CN = _words(_l("Question, Chinese"), LONGEST_QUESTION, rows=3)  # noqa: N815  a locale
    answer_zh_Hans_CN = _words(_l("Answer, Chinese"), LONGEST_ANSWER)  # noqa: N815  a locale

    def to_value(self) -> dict[str, Said]:
        """The words by locale, empty ones too."""
        return {
            "en": Said(_text(self.question_en), _text(self.answer_en)),
            "zh_Hans_CN": Said(_text(self.question_zh_Hans_CN), _text(self.answer_zh_Hans_CN)),
        }


def _text(field: TextAreaField) -> str:
    return (field.data or "").strip()


def _lines() -> list[SelectChoice]:
    """Every line of business."""
    locale = current_locale()
    return [SelectChoice(line.value, definition.name.in_(locale)) for line, definition in LINES.items()]


class PractitionerForm(Form):
    colleague = SelectField(_l("Colleague"), [required()])
    certificate_no = StringField(
        _l("Number of the practising certificate"),
        [required(), Length(max=60), printable],
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    lines = Ticked(_l("What the certificate covers"), choices=_lines)
    valid_from = DateField(_l("Valid from"), [required()])
    valid_to = DateField(_l("Valid until"), [required()])

    def validate_lines(self, field: Field) -> None:
        if not field.data:
            raise ValidationError(_("Please tick what the certificate covers."))

    def to_value(self) -> NewPractitioner:
        """The entry of a valid form."""
        return NewPractitioner(
            UUID(str(self.colleague.data)),
            str(self.certificate_no.data),
            tuple(self.lines.data or ()),
            cast("date", self.valid_from.data),
            cast("date", self.valid_to.data),
        )


def practitioner_form(colleagues: tuple[Account, ...]) -> PractitionerForm:
    """With these colleagues to choose from."""
    form = PractitionerForm()
    form.colleague.choices = [
        SelectChoice("", str(_l("Please choose"))),
        *(SelectChoice(str(each.id), each.name) for each in colleagues if not each.disabled),
    ]
    return form

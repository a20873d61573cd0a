"""What an underwriter types: a decision, a question to the applicant, answers to try a guideline with."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from wtforms import DateField, HiddenField, RadioField, SelectField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length, NumberRange, Optional

from marketplace.application.values import Ruling
from marketplace.catalog.values import Exclusion, LineDefinition, Loading, LoadingUnit, Question
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.underwriting.values import ReasonCode, Terms
from marketplace.web.fields import Figure, Form, Ticked, factor_fields, lines_of_text, required, yes_no

LONGEST_WORDS = 2000
MOST = 999
CODES: dict[ReasonCode, str] = {
    ReasonCode.HEALTH: _l("Health"),
    ReasonCode.OCCUPATION: _l("Occupation"),
    ReasonCode.LEISURE: _l("Leisure, sport, travel"),
    ReasonCode.SUM_AT_RISK: _l("Sum at risk"),
    ReasonCode.THING: _l("State of the thing insured"),
    ReasonCode.NOT_ENOUGH_KNOWN: _l("Not enough is known"),
    ReasonCode.NOTHING_AGAINST: _l("Nothing speaks against it"),
    ReasonCode.OTHER: _l("Something else"),
}
UNITS: dict[LoadingUnit, str] = {
    LoadingUnit.PERCENT: _l("per cent of the premium"),
    LoadingUnit.PER_MILLE: _l("per mille of the premium"),
}
ACCEPT, POSTPONE, DECLINE = "accept", "postpone", "decline"


class InquiryForm(Form):
    question = TextAreaField(
        _l("Question to the applicant"),
        [required(), Length(max=LONGEST_WORDS), lines_of_text],
        description=_l("In the language of the application. The applicant is mailed that there is a question."),
        render_kw={"rows": 4, "maxlength": LONGEST_WORDS},
    )


class RulingForm(Form):
    """`number` is that of the decision to be made: of two who decide at once the second is told so."""

    number = HiddenField()
    decision = RadioField(
        _l("Decision"),
        [required()],
        choices=[
            SelectChoice(ACCEPT, _l("Accept")),
            SelectChoice(POSTPONE, _l("Postpone")),
            SelectChoice(DECLINE, _l("Decline")),
        ],
        validate_choice=True,
    )
    loading = Figure(
        _l("Extra premium"),
        [Optional(), NumberRange(min=Decimal("0.01"), max=MOST, message=_l("Give a share from 0.01 to 999."))],
        places=2,
        description=_l("Only with an acceptance. Of the premium before taxes and fees; taxes follow."),
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    unit = SelectField(_l("Counted in"), choices=[SelectChoice(each.value, words) for each, words in UNITS.items()])
    exclusions = Ticked(_l("Exclusions to be added"), choices=[])
    until = DateField(
        _l("May apply again from"), [Optional()], description=_l("Only with a postponement."),
    )  # fmt: skip
    code = SelectField(
        _l("Reason"),
        [required()],
        choices=[
            SelectChoice("", _l("Please choose")),
            *(SelectChoice(each.value, words) for each, words in CODES.items()),
        ],
        description=_l("For your own books."),
    )
    words = TextAreaField(
        _l("What the applicant reads"),
        [required(), Length(max=LONGEST_WORDS), lines_of_text],
        description=_l("Why, in plain and kind words, in the language of the application."),
        render_kw={"rows": 4, "maxlength": LONGEST_WORDS},
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """What belongs to another decision is not quietly left out."""
        fits = bool(super().validate(extra_validators))
        return self._has_only_its_own() and fits

    def _has_only_its_own(self) -> bool:
        found: list[tuple[Any, str]] = []
        if self.decision.data == POSTPONE and self.until.data is None and not self.until.errors:
            found.append((self.until, _("Name the day from which one may apply again.")))
        if self.decision.data in {ACCEPT, DECLINE} and self.until.data is not None:
            found.append((self.until, _("Only a postponement has a day; leave it empty.")))
        if self.decision.data in {POSTPONE, DECLINE}:
            given = (field for field in (self.loading, self.exclusions) if field.data)
            found += [(field, _("This goes with an acceptance only; leave it empty.")) for field in given]
        for field, words in found:
            field.errors = [*field.errors, words]
        return not found

    def to_value(self, application_id: UUID, insurer_id: UUID) -> Ruling:
        share = self.loading.data
        loading = Loading.of(f"{_plain(share)} {self.unit.data}") if share else None
        number = str(self.number.data or "")
        return Ruling(
            application_id=application_id,
            insurer_id=insurer_id,
            number=int(number) if number.isdecimal() else 0,
            code=ReasonCode(self.code.data),
            words=str(self.words.data),
            loading=loading,
            exclusions=tuple(self.exclusions.data or ()),
            until=self.until.data if self.decision.data == POSTPONE else None,
            declined=self.decision.data == DECLINE,
        )


def ruling_form(number: int, proposed: Terms, declared: Sequence[Exclusion]) -> RulingForm:
    """The form of the next decision; of what the guideline would have asked for, it begins with the single parts."""
    only = proposed.loadings[0] if len(proposed.loadings) == 1 else None
    form = RulingForm(
        data={
            "number": str(number),
            "loading": only and Decimal(only.value),
            "unit": only.unit.value if only else LoadingUnit.PERCENT.value,
            "exclusions": [each.code for each in proposed.exclusions],
        }
    )
    form.exclusions.choices = [SelectChoice(each.code, each.title.in_(current_locale())) for each in declared]
    return form


def _plain(share: Decimal) -> str:
    """Two decimals at most, none that say nothing."""
    text = format(share.quantize(Decimal("0.01")), "f")
    return text.rstrip("0").rstrip(".")


def trial_form(definition: LineDefinition, questions: Sequence[Question]) -> type[Form]:
    """The rating factors and questions of a product, to be answered for nobody."""
    factors = factor_fields(definition)  # first: a form shows its fields in the order in which they were made
    asked = {f"q_{each.id}": yes_no(each.text.in_(current_locale())) for each in questions}
    return type("TrialForm", (Form,), factors | asked)

"""Forms: one base, and the form of a line's rating factors made from the catalog's vocabulary."""

import re
from collections.abc import Container, Mapping
from datetime import date, timedelta
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DecimalField,
    Field,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from marketplace.catalog.values import Factor, FactorKind, LineDefinition, Scalar
from marketplace.infra.formatting import current_locale, format_money, lazy_gettext
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money, minor_digits

FEW = 4
_LONGEST_NUMBER = 40
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNSEEN = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class WholeNumber(IntegerField):
    """An integer that shows again what was typed only as far as a page can hold it."""

    def _value(self) -> str:
        typed = str(self.raw_data[0]) if self.raw_data else "" if self.data is None else str(self.data)
        return _CONTROLS.sub("", typed)[:_LONGEST_NUMBER]


class Figure(DecimalField):
    """A decimal number, shown again as far as a page can hold it."""

    def _value(self) -> str:
        typed = str(self.raw_data[0]) if self.raw_data else ""
        return _CONTROLS.sub("", typed)[:_LONGEST_NUMBER]


class Ticked(SelectMultipleField):
    """Boxes to tick, each under a name of its own (`needs-cancellation`): no page reads a name that is given twice.

    What is not among the choices is not read.
    """

    def process(self, formdata: Any, *data: Any, **more: Any) -> None:
        super().process(None, *data, **more)
        if formdata:
            self.data = [value for value, *_ in self.iter_choices() if f"{self.name}-{value}" in formdata]


# What WTForms says of its own accord, and what we say instead.
_OWN_WORDS: Mapping[str, str] = {
    "Not a valid choice.": lazy_gettext("Please choose one of the values offered."),
    "Not a valid integer value.": lazy_gettext("Please enter a whole number."),
    "Not a valid decimal value.": lazy_gettext("Please enter a number."),
    "Not a valid date value.": lazy_gettext("Please enter a date, such as 2026-01-31."),
    "Field cannot be longer than %(max)d character.": lazy_gettext("Please use at most %(max)d characters."),
}


class _Words:
    """Messages of WTForms in our words and the reader's language."""

    def gettext(self, message: str) -> str:
        return str(_OWN_WORDS.get(message, message))

    def ngettext(self, singular: str, _plural: str, _n: int) -> str:
        return self.gettext(singular)


class Form(FlaskForm):
    """Every form of the site: CSRF token, stripped text, no control characters. A password stays as it was typed."""

    class Meta(FlaskForm.Meta):
        def get_translations(self, _form: Any) -> _Words:
            return _Words()

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Any:
            filters, kind = unbound_field.kwargs.get("filters", []), unbound_field.field_class
            if issubclass(kind, StringField) and not issubclass(kind, PasswordField) and _strip not in filters:
                unbound_field.kwargs["filters"] = [*filters, _strip]
            return unbound_field.bind(form=form, **options)

    def take_errors(self, fields: Mapping[str, str]) -> None:
        """Show what a service refused beside the field it speaks of; the rest in the summary."""
        for name, what in fields.items():
            field = self._fields.get(name)
            (field.errors if field is not None else self.form_errors).append(what)


class Filters(Form):
    """What is asked for stands in the address: nothing is changed by it, so it carries no token."""

    class Meta(Form.Meta):
        csrf = False

    @property
    def given(self) -> dict[str, Any]:
        """The filters as they were asked for, for the address of another page with the same; nothing else of it."""
        return {
            name: value
            for field in self._fields
            for name, value in request.args.items()
            if name.partition("-")[0] == field
        }


def _strip(value: str | None) -> str | None:
    return value.strip() if isinstance(value, str) else value


def printable(_form: object, field: Field) -> None:
    """No control characters in a line of text; it is shown again without them."""
    typed = field.data or ""
    field.data = _CONTROLS.sub("", typed)
    if field.data != typed:
        raise ValidationError(_("Please leave out control characters."))


def lines_of_text(_form: object, field: Field) -> None:
    """Several lines are fine; characters that show nothing are taken out."""
    field.data = _UNSEEN.sub("", (field.data or "").replace("\r\n", "\n"))


def required() -> InputRequired:
    return InputRequired(lazy_gettext("Please answer this."))


def yes_no(label: str, presence: InputRequired | Optional | None = None, description: str = "") -> RadioField:
    """A question with two equal answers and no default."""
    return RadioField(
        label,
        choices=[SelectChoice("yes", lazy_gettext("Yes")), SelectChoice("no", lazy_gettext("No"))],
        validators=[presence or required()],
        description=description,
    )


def change_form(definition: LineDefinition, names: Container[str]) -> type[Form]:
    """A form with the rating factors of these names, and the needs: what may be changed where a comparison stands."""
    fields: dict[str, Any] = {
        factor.name: _factor_field(factor, definition.currency) for factor in definition.factors if factor.name in names
    }
    if definition.stated.needs:
        fields["needs"] = needs_field(definition)
    return type("FactorForm", (Form,), fields)


def factor_fields(definition: LineDefinition) -> dict[str, Any]:
    """A field for each rating factor of the line, in its order."""
    return {factor.name: _factor_field(factor, definition.currency) for factor in definition.factors}


def factor_form(definition: LineDefinition, today: date) -> type[Form]:
    """A form with one field for each rating factor of the line, in its order; nothing that identifies a person.

    Lines whose factors do not hold the first day of cover ask for it too (`start_on`, tomorrow unless said otherwise),
    and lines in which needs can be stated for those (`needs`, none ticked).
    """
    fields = factor_fields(definition)
    if definition.start_factor is None:
        fields["start_on"] = DateField(
            _("First day of cover"),
            [required()],
            description=_("From 00:00 of this day, Beijing time."),
            default=today + timedelta(days=1),
        )
    if definition.stated.needs:
        fields["needs"] = needs_field(definition)
    return type("FactorForm", (Form,), fields)


def needs_field(definition: LineDefinition) -> Ticked:
    """What a customer may tick of what the product should do."""
    return Ticked(
        _("What should it do?"),
        choices=[SelectChoice(need.code, need.label.in_(current_locale())) for need in definition.stated.needs],
        description=_(
            "Tick only what matters to you; you may leave all of it open. Products that do more of it come first."
        ),
    )


def _factor_field(factor: Factor, currency: str) -> Any:
    label = factor.label.in_(current_locale())
    presence = required() if factor.default is None else Optional()
    if factor.kind is FactorKind.BOOLEAN:
        return yes_no(label, presence, description=_hint(factor, currency))
    if factor.choices:
        choices = [
            SelectChoice(str(choice.value), _choice_words(factor, choice.value, currency)) for choice in factor.choices
        ]
        if len(choices) < FEW:
            return RadioField(label, choices=choices, validators=[presence], description=_hint(factor, currency))
        choose = SelectChoice("", _("Please choose") if factor.default is None else _("Left open"))
        return SelectField(
            label, choices=[choose, *choices], validators=[presence], description=_hint(factor, currency)
        )
    unit = factor.unit.in_(current_locale()) if factor.unit else ""
    bounds = _("From %(low)s to %(high)s.", low=factor.minimum, high=factor.maximum)
    return WholeNumber(
        label,
        validators=[presence, NumberRange(factor.minimum, factor.maximum, bounds)],
        description=_hint(factor, currency) or bounds,
        render_kw={"inputmode": "numeric", "data-unit": unit},
    )


def _hint(factor: Factor, currency: str) -> str:
    """The factor's own hint, and what is assumed when it is left open."""
    words = [factor.hint.in_(current_locale())] if factor.hint else []
    if factor.default is not None:
        assumed = factor_words(factor, factor.default, currency)
        words.append(_("If you leave this open we assume: %(assumed)s.", assumed=assumed))
    return " ".join(words)


def _choice_words(factor: Factor, value: str | int, currency: str) -> str:
    if factor.money and isinstance(value, int):
        return money_words(value, currency)
    return factor.words(value).in_(current_locale())


def money_words(units: int, currency: str) -> str:
    """Whole units of `currency` as an amount without its empty decimals."""
    return format_money(Money(units * 10 ** minor_digits(currency), currency)).removesuffix(".00")


def factor_words(factor: Factor, value: Scalar, currency: str) -> str:
    """The value of a factor as a person reads it on the comparison."""
    if factor.money and isinstance(value, int) and not isinstance(value, bool):
        return money_words(value, currency)
    words = factor.words(value).in_(current_locale())
    return _("%(value)s %(unit)s", value=words, unit=factor.unit.in_(current_locale())) if factor.unit else words


def risk_words(definition: LineDefinition, risk: Mapping[str, Scalar]) -> list[tuple[Factor, str]]:
    """Each factor of the line with the value that a price rests on."""
    return [(each, factor_words(each, risk[each.name], definition.currency)) for each in definition.factors]


def matched_words(factor: Factor, matched: str, currency: str) -> str:
    """What a row of a tariff says of a factor: one value as a person reads it, a band as it stands."""
    try:
        return factor_words(factor, factor.parse(matched), currency)
    except ValueError:
        return matched


def factor_values(form: Form, definition: LineDefinition) -> dict[str, Scalar]:
    """The typed risk that a valid factor form says; what was left open or not asked is not in it."""
    given = {factor: form[factor.name].data for factor in definition.factors if factor.name in form}
    return {factor.name: _typed(factor, value) for factor, value in given.items() if value not in {None, ""}}


def factor_faults(definition: LineDefinition, faults: Mapping[str, str]) -> dict[str, str]:
    """What was refused, each rating factor under its name and in the reader's words."""
    factors = {factor.name: factor for factor in definition.factors}
    return {name: _fault_words(factors[name]) if name in factors else what for name, what in faults.items()}


def _fault_words(factor: Factor) -> str:
    label = factor.label.in_(current_locale())
    if factor.minimum is None or factor.choices:
        return _("%(question)s: please choose one of the values offered.", question=label)
    return _("%(question)s: from %(low)s to %(high)s.", question=label, low=factor.minimum, high=factor.maximum)


def factor_data(risk: Mapping[str, Scalar]) -> dict[str, Any]:
    """A risk as the data that fills the factor form again."""
    return {name: {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
            for name, value in risk.items()}  # fmt: skip


def _typed(factor: Factor, value: Any) -> Scalar:
    if factor.kind is FactorKind.BOOLEAN:
        return bool(value == "yes")
    return int(value) if factor.kind is FactorKind.INTEGER else str(value)

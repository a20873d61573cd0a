"""Rating factors: the few things a person is asked before a premium is shown. None of them identifies anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict

from marketplace.catalog.values.needs import NOTHING_TO_STATE, StatedNeed, StatedNeeds
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LONGEST_TEXT, LocalizedText

Scalar = str | int | bool
Risk = Mapping[str, Scalar]
"""What is rated: factor name -> value. Whole numbers, booleans, choice codes; days as ISO 8601 strings."""


class FactorKind(StrEnum):
    INTEGER = "integer"
    CHOICE = "choice"
    BOOLEAN = "boolean"
    DATE = "date"


class Record:
    """A part of a product that refuses unknown fields, and texts without end, when it is read."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_max_length=LONGEST_TEXT)


@dataclass(frozen=True, slots=True)
class Allowed(Record):
    """The values of one factor that this product insures: a list, or from `min` to `max` (both included)."""

    values: tuple[Scalar, ...] = ()
    min: int | str | None = None
    max: int | str | None = None

    def includes(self, value: Scalar) -> bool:
        if self.values:
            return any(value == each and type(value) is type(each) for each in self.values)
        if isinstance(value, bool):
            return True
        if isinstance(value, int):
            low, high = self.min, self.max
            return (not isinstance(low, int) or low <= value) and (not isinstance(high, int) or value <= high)
        low_day, high_day = self.min, self.max
        return (not isinstance(low_day, str) or low_day <= value) and (
            not isinstance(high_day, str) or value <= high_day
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a factor and the words for it. `value` is an int where the factor counts something."""

    value: str | int
    label: LocalizedText


@dataclass(frozen=True, slots=True)
class Factor:
    """One question of the quote form.

    `minimum` and `maximum` bound an integer. A factor with `choices` takes only those. One with a `default` need not
    be asked: the comparison shows it as an assumption the customer may change. `money` marks whole units of the
    product's currency.
    """

    name: str
    kind: FactorKind
    label: LocalizedText
    choices: tuple[Choice, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    unit: LocalizedText | None = None
    default: Scalar | None = None
    hint: LocalizedText | None = None
    money: bool = False

    def fault(self, value: object) -> str | None:
        """What is wrong with `value` as this factor, or None."""
        if not self._is_kind(value):
            return f"must be of kind {self.kind}"
        if self.choices and value not in [choice.value for choice in self.choices]:
            return "must be one of the values offered"
        if isinstance(value, int) and not isinstance(value, bool):
            low, high = self.minimum, self.maximum
            if (low is not None and value < low) or (high is not None and value > high):
                return f"must lie between {low} and {high}"
        return None

    def _is_kind(self, value: object) -> bool:
        match self.kind:
            case FactorKind.INTEGER:
                return isinstance(value, int) and not isinstance(value, bool)
            case FactorKind.BOOLEAN:
                return isinstance(value, bool)
            case FactorKind.DATE:
                return isinstance(value, str) and is_day(value)
            case FactorKind.CHOICE:
                return isinstance(value, str)

    def parse(self, text: str) -> Scalar:
        """The value written as `text` in a table or a form. Raises ValueError with what would be right."""
        value = self._read(text.strip())
        fault = self.fault(value)
        if fault:
            raise ValueError(fault)
        return value

    def parse_bound(self, text: str) -> Scalar:
        """The end of a band written as `text`: right in kind, but not held to the values a customer may give."""
        value = self._read(text.strip())
        if self.kind not in (FactorKind.INTEGER, FactorKind.DATE):
            raise ValueError("has no order, so it cannot be banded")
        if not self._is_kind(value):
            raise ValueError(f"must be of kind {self.kind}")
        return value

    def eligible(self, allowed: Allowed | None) -> tuple[Scalar, ...]:
        """Every value of this factor that `allowed` lets in. Empty where the factor cannot be counted up."""
        offered: tuple[Scalar, ...]
        if self.choices:
            offered = tuple(choice.value for choice in self.choices)
        elif self.kind is FactorKind.BOOLEAN:
            offered = (False, True)
        elif self.minimum is not None and self.maximum is not None:
            offered = tuple(range(self.minimum, self.maximum + 1))
        else:
            offered = ()
        return offered if allowed is None else tuple(value for value in offered if allowed.includes(value))

    def _read(self, text: str) -> Scalar:
        match self.kind:
            case FactorKind.INTEGER:
                digits = text.removeprefix("-")
                if not (digits.isascii() and digits.isdigit()):
                    raise ValueError("must be a whole number")
                return int(text)
            case FactorKind.BOOLEAN:
                if text not in ("yes", "no"):
                    raise ValueError("must be yes or no")
                return text == "yes"
            case _:
                return text

    @property
    def possible(self) -> str:
        """The values a table may hold, as they are written."""
        if self.choices:
            return ", ".join(str(choice.value) for choice in self.choices)
        match self.kind:
            case FactorKind.INTEGER:
                return f"{self.minimum}..{self.maximum}"
            case FactorKind.BOOLEAN:
                return "yes, no"
            case _:
                return "2026-01-31"

    def words(self, value: Scalar) -> LocalizedText:
        """`value` as a person reads it (numbers and days plainly; the page formats money)."""
        for choice in self.choices:
            if choice.value == value:
                return choice.label
        if isinstance(value, bool):
            return LocalizedText("yes", "是") if value else LocalizedText("no", "否")
        return LocalizedText(str(value), str(value))


def is_day(text: str) -> bool:
    """Whether `text` is an ISO 8601 calendar day such as 2026-11-22."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


class RowSource(StrEnum):
    """Where a comparison row takes its words: from the insurer's fact of that name, or from the contract itself."""

    FACT = "fact"
    WAITING = "waiting"
    COOLING_OFF = "cooling_off"
    GRACE = "grace"
    EXCLUSIONS = "exclusions"
    QUESTIONS = "questions"
    PAYING = "paying"


@dataclass(frozen=True, slots=True)
class Row:
    """One non-price row of the comparison, the same for every product of the line."""

    key: str
    label: LocalizedText
    source: RowSource = RowSource.FACT
    hint: LocalizedText | None = None


class Line(StrEnum):
    """Lines of business."""

    TERM_LIFE = "term_life"
    TRAVEL = "travel"
    HOUSEHOLD = "household"
    HOSPITAL = "hospital"
    ACCIDENT = "accident"
    US_HEALTH = "us_health"


@dataclass(frozen=True, slots=True)
class LineDefinition:
    """What is asked and what is compared in one line of business.

    `age_factor` names the factor that the insured's date of birth must bear out, `sex_factor` likewise; `start_factor`
    names the factor that is itself the first day of cover, `frequency_factor` that by which a customer chooses how
    often a regular premium is paid, `death_factor` the sum paid on the death of the person insured. `personal` says
    that a person is insured, not a thing.
    `main_factors` are those a customer most likely tries out; `stated` is what they may say they need.
    """

    line: Line
    name: LocalizedText
    summary: LocalizedText
    currency: str
    factors: tuple[Factor, ...]
    rows: tuple[Row, ...]
    personal: bool = True
    age_factor: str | None = None
    sex_factor: str | None = None
    start_factor: str | None = None
    frequency_factor: str | None = None
    death_factor: str | None = None
    main_factors: tuple[str, ...] = ()
    stated: StatedNeeds = NOTHING_TO_STATE

    def needs(self, codes: Iterable[str]) -> tuple[StatedNeed, ...]:
        """The stated needs of these codes in the order of the line. Raises Invalid for one the line does not know."""
        wanted = set(codes)
        found = tuple(need for need in self.stated.needs if need.code in wanted)
        if len(found) < len(wanted):
            raise Invalid({"needs": "must be needs of this line"})
        return found

    def factor(self, name: str) -> Factor:
        """The factor of that name. Raises KeyError."""
        for factor in self.factors:
            if factor.name == name:
                return factor
        raise KeyError(name)

    def risk(self, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """`given` completed by the defaults, in the order of the line. Raises Invalid naming every factor that is
        missing, unknown or out of its range.
        """
        complete = self.completed(given)
        names = {factor.name for factor in self.factors}
        faults = {name: "is not a factor of this line" for name in given if name not in names}
        for factor in self.factors:
            fault = factor.fault(complete.get(factor.name))
            if fault:
                faults[factor.name] = fault
        if faults:
            raise Invalid(faults)
        return complete

    def completed(self, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """`given` in the order of the line with the default of every factor it does not say; so a risk told before the
        line asked about a factor means what it meant.
        """
        complete = {factor.name: given.get(factor.name, factor.default) for factor in self.factors}
        return {name: value for name, value in complete.items() if value is not None}

    def assumed(self, given: Mapping[str, Scalar]) -> tuple[Factor, ...]:
        """The factors whose default was taken because `given` does not say."""
        return tuple(factor for factor in self.factors if factor.default is not None and factor.name not in given)

    def first_day(self, risk: Risk, wished: date) -> date:
        """The first day of cover: the one asked for, or the factor that holds it."""
        return wished if self.start_factor is None else date.fromisoformat(str(risk[self.start_factor]))

    def day_of_sale(self, risk: Risk, today: date) -> date:
        """The day whose product versions are quoted: a version is sold from its first day on and not before, whenever
        cover begins. Where a line asks for the first day of cover, tariffs are published for that day.
        """
        return self.first_day(risk, today)

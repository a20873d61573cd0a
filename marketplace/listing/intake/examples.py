"""Examples: risks with the premium the insurer expects. They show that its tariff was understood as it was meant."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal

from marketplace.catalog.values import LineDefinition, ProductContent, Scalar
from marketplace.kernel.money import minor_digits
from marketplace.listing.intake.tables import number_fault, read_csv
from marketplace.listing.values import Finding
from marketplace.rating.pricing import Rater
from marketplace.rating.values import RiskOutOfRange

LEAST_EXAMPLES = 5
PREMIUM = "premium"


def check_examples(path: str, data: bytes | None, rater: Rater, content: ProductContent) -> tuple[Finding, ...]:
    """At least five different risks, each with its premium; one minor unit off is a finding."""
    if data is None:
        return (_too_few(path, 0),)
    rows, findings = read_csv(path, data)
    if findings or not rows:
        return findings or (_too_few(path, 0),)
    number, header = rows[0][0], [name.strip() for name in rows[0][1]]
    found = list(_heading_faults(path, number, header, content.definition))
    if found:
        return tuple(found)
    expectations, risks = _Expectations(path, rater, content), set[tuple[str, ...]]()
    for number, row in rows[1:]:
        if len(row) != len(header):
            found.append(Finding(path, "row_width", number, value=str(len(row)), right=str(len(header))))
            continue
        told = dict(zip(header, map(str.strip, row), strict=True))
        expected = told.pop(PREMIUM)
        risks.add(tuple(told.values()))
        found += expectations.faults(number, told, expected)
    if len(risks) < LEAST_EXAMPLES:
        found.append(_too_few(path, len(risks)))
    return (*found, *_frequencies_missing(path, content, header, risks))


def _frequencies_missing(
    path: str, content: ProductContent, header: list[str], risks: AbstractSet[tuple[str, ...]]
) -> Iterator[Finding]:
    """Each frequency a customer may choose has a premium of its own, so each has an example."""
    factor = content.payment.frequency_factor
    if factor is None:
        return
    names = [name for name in header if name != PREMIUM]
    shown = {risk[names.index(factor)] for risk in risks} if factor in names else set[str]()
    for frequency in content.frequencies:
        if frequency.value not in shown:
            yield Finding(path, "frequency_without_example", column=factor, value=frequency.value)


def _too_few(path: str, examples: int) -> Finding:
    return Finding(path, "too_few_examples", value=str(examples), right=str(LEAST_EXAMPLES))


def _heading_faults(path: str, number: int, header: list[str], line: LineDefinition) -> Iterator[Finding]:
    possible = [*sorted(factor.name for factor in line.factors), PREMIUM]
    right = ", ".join(possible)
    for place, name in enumerate(header):
        if name not in possible:
            yield Finding(path, "column_unknown", number, name, name, right)
        elif name in header[:place]:
            yield Finding(path, "column_twice", number, name, name)
    if PREMIUM not in header:
        yield Finding(path, "column_missing", number, PREMIUM, right=right)


@dataclass(frozen=True, slots=True)
class _Expectations:
    """Holds examples against a tariff."""

    path: str
    rater: Rater
    content: ProductContent

    def faults(self, number: int, told: Mapping[str, str], expected: str) -> list[Finding]:
        """Every value that is none, else the premium if it is another."""
        found, risk = list[Finding](), dict[str, Scalar]()
        for name, text in told.items():
            factor = self.content.definition.factor(name)
            try:
                risk[name] = factor.parse(text)
            except ValueError:
                found.append(Finding(self.path, "bad_value", number, name, text, factor.possible))
        fault = number_fault(expected, minor_digits(self.content.currency))
        if fault is not None:
            found.append(Finding(self.path, fault[0], number, PREMIUM, expected, fault[1]))
        return found or self._premium_faults(number, risk, expected)

    def _premium_faults(self, number: int, risk: Mapping[str, Scalar], expected: str) -> list[Finding]:
        try:
            computed = self.rater.premium(risk).total.major
        except RiskOutOfRange as refusal:
            return [Finding(self.path, "example_refused", number, refusal.factor, str(refusal.value))]
        if Decimal(expected) == computed:
            return []
        return [Finding(self.path, "example_differs", number, PREMIUM, expected, str(computed))]

"""Examples: risks with the premium the insurer expects. They show that its tariff was understood as it was meant."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from marketplace.catalog.values import LineDefinition, ProductContent, Scalar
from marketplace.kernel.money import minor_digits
from marketplace.listing.intake.tables import number_fault, read_csv
from marketplace.listing.values import Finding
from marketplace.rating.pricing import Rater
from marketplace.rating.values import RiskOutOfRange, Tariff

if TYPE_CHECKING:
    from marketplace.rating.portfolio import PortfolioRater

LEAST_EXAMPLES = 5
PREMIUM = "premium"


def check_examples(
    path: str, data: bytes | None, tariff: Tariff, many: "PortfolioRater", content: ProductContent
) -> tuple[Finding, ...]:
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
    examples, risks = list[_Example](), set[tuple[str, ...]]()
    for number, row in rows[1:]:
        if len(row) != len(header):
            found.append(Finding(path, "row_width", number, value=str(len(row)), right=str(len(header))))
            continue
        told = dict(zip(header, map(str.strip, row), strict=True))
        risks.add(tuple(text for name, text in told.items() if name != PREMIUM))
        found += _read(path, number, told, content, examples)
    found += _premium_faults(path, examples, tariff, many)
    found.sort(key=lambda each: each.row or 0)
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
class _Example:
    row: int
    risk: Mapping[str, Scalar]
    expected: str


def _read(
    path: str, number: int, told: Mapping[str, str], content: ProductContent, examples: list[_Example]
) -> Iterator[Finding]:
    """Every value that is none; an example without faults is added to `examples`."""
    risk, expected, faulty = dict[str, Scalar](), told[PREMIUM], False
    for name in (name for name in told if name != PREMIUM):
        factor = content.definition.factor(name)
        try:
            risk[name] = factor.parse(told[name])
        except ValueError:
            faulty = True
            yield Finding(path, "bad_value", number, name, told[name], factor.possible)
    fault = number_fault(expected, minor_digits(content.currency))
    if fault is not None:
        yield Finding(path, fault[0], number, PREMIUM, expected, fault[1])
    elif not faulty:
        examples.append(_Example(number, risk, expected))


def _premium_faults(path: str, examples: Sequence[_Example], tariff: Tariff, many: "PortfolioRater") -> list[Finding]:
    """All are rated together. Only where one comes out otherwise is the tariff compiled, which can say why."""
    suspects = _otherwise(examples, many, minor_digits(tariff.currency))
    if not suspects:
        return []
    rater = Rater(tariff)
    return [fault for each in suspects if (fault := _premium_fault(path, each, rater)) is not None]


def _otherwise(examples: Sequence[_Example], many: "PortfolioRater", digits: int) -> Sequence[_Example]:
    """Those whose premium is another, or that have none; all, where they cannot be rated together."""
    from marketplace.catalog.values.columns import columns_of  # noqa: PLC0415  NumPy comes with it

    if not examples:
        return ()
    try:
        rated = many.premiums(columns_of([each.risk for each in examples], examples[0].risk))
    except (ValueError, OverflowError):
        return examples
    told = zip(examples, rated.totals.tolist(), rated.refused.tolist(), strict=True)
    return [each for each, total, refused in told if refused or Decimal(each.expected).scaleb(digits) != total]


def _premium_fault(path: str, example: _Example, rater: Rater) -> Finding | None:
    try:
        computed = rater.premium(example.risk).total.major
    except RiskOutOfRange as refusal:
        return Finding(path, "example_refused", example.row, refusal.factor, str(refusal.value))
    if Decimal(example.expected) == computed:
        return None
    return Finding(path, "example_differs", example.row, PREMIUM, example.expected, str(computed))

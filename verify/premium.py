"""Recompute a premium from a tariff's head and rows: whole numbers, one rounding (half up) for each line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from verify.tariff import Proven, Refused, Row

# As the payment service counts (docs.stripe.com/currencies): an amount is due there as it stands here.
_NO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD JOD KWD OMR TND"


@dataclass(frozen=True)
class Line:
    """What one step adds: its id, its kind, minor units."""

    step: str
    kind: str
    amount: int


@dataclass
class Working:
    """A premium in the making."""

    tariff: Proven
    risk: Mapping[str, Any]
    lines: list[Line] = field(default_factory=list)
    rates: dict[str, Fraction] = field(default_factory=dict)

    @property
    def digits(self) -> int:
        currency = self.tariff.head["currency"]
        return 0 if currency in _NO_DECIMALS.split() else 3 if currency in _THREE_DECIMALS.split() else 2

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    def told(self, factor: str) -> Any:
        if factor not in self.risk:
            raise Refused(f"the risk does not say {factor}")
        return self.risk[factor]


def recompute(tariff: Proven, risk: Mapping[str, Any]) -> tuple[Line, ...]:
    """The lines of the premium of `risk`. Raises Refused where a cell is missing or does not fit."""
    if tariff.head["rounding"] != "half_up":
        raise Refused(f"the rounding {tariff.head['rounding']} is not known")
    working = Working(tariff, risk)
    for step in tariff.head["steps"]:
        if all(_is_one_of(working.told(name), values) for name, values in step["when"].items()):
            _STEPS[step["kind"]](working, step)
    return tuple(working.lines)


def on_terms(lines: Sequence[Line], terms: Mapping[str, Any]) -> tuple[Line, ...]:
    """The lines with the extra premiums that an underwriter decided, and behind them the tax on those. Each extra
    premium is a share of the lines that are neither tax nor fee; each tax takes of them what it takes of everything
    that is no tax.
    """
    base = sum(line.amount for line in lines if line.kind not in {"tax", "fee"})
    extra = [Line(each["step"], "loading", half_up(base * Fraction(each["rate"]))) for each in terms["loadings"]]
    added, taxed = sum(line.amount for line in extra), sum(line.amount for line in lines if line.kind != "tax")
    taxes = [line.amount for line in lines if line.kind == "tax"] if added and taxed else []
    on_extra = (
        Line(f"decided_tax_{number}", "tax", half_up(Fraction(amount * added, taxed)))
        for number, amount in enumerate(taxes, 1)
    )
    return (*lines, *extra, *on_extra)


def _is_one_of(value: Any, values: Sequence[Any]) -> bool:
    return any(type(value) is type(each) and value == each for each in values)


def _post(working: Working, step: Mapping[str, Any], kind: str, amount: Fraction | int) -> None:
    working.lines.append(Line(step["id"], kind, half_up(Fraction(amount))))


def half_up(value: Fraction) -> int:
    """The nearest whole number, upwards where two are equally near."""
    return (value + Fraction(1, 2)).__floor__()


def _minor(working: Working, text: str) -> Fraction:
    return Fraction(text) * Fraction(10) ** working.digits


def _rate(working: Working, reference: str) -> Fraction:
    literal = reference[0].isdigit()
    return Fraction(reference) if literal else working.rates[reference]


def _base(working: Working, step: Mapping[str, Any]) -> int:
    return sum(line.amount for line in working.lines if not step["of"] or line.step in step["of"])


def _lookup(working: Working, step: Mapping[str, Any]) -> None:
    table = next(table for table in working.tariff.head["tables"] if table["name"] == step["table"])
    number = _found(working, table)
    if table["value"] == "rate":
        working.rates[step["id"]] = number
    else:
        _post(working, step, step["line"], number * 10**working.digits)


def _found(working: Working, table: Mapping[str, Any]) -> Fraction:
    """The number of the one row that fits, or between the two whose knots lie around."""
    fitting = [row for row in working.tariff.rows if row.table == table["name"] and _fits(working, table, row)]
    if not table["interpolated"]:
        if len(fitting) != 1:
            raise Refused(f"{len(fitting)} rows of the table {table['name']} fit")
        return Fraction(fitting[0].values[-1])
    at = working.told(table["interpolated"][0])
    if type(at) is not int:
        raise Refused(f"{table['interpolated'][0]} is no whole number")
    below = max((row for row in fitting if row.values[-2] <= at), key=lambda row: row.values[-2], default=None)
    above = min((row for row in fitting if row.values[-2] >= at), key=lambda row: row.values[-2], default=None)
    if below is None or above is None:
        raise Refused(f"no two rows of the table {table['name']} lie around {at}")
    return _between(table, below, above, at)


def _between(table: Mapping[str, Any], below: Row, above: Row, at: int) -> Fraction:
    low, high = Fraction(below.values[-1]), Fraction(above.values[-1])
    if below == above:
        return low
    if above.number != below.number + 1:
        raise Refused(f"the table {table['name']} may have a row between {below.values[-2]} and {above.values[-2]}")
    share = Fraction(at - below.values[-2], above.values[-2] - below.values[-2])
    scale = 10 ** table["scale"]
    return Fraction(half_up((low + (high - low) * share) * scale), scale)


def _fits(working: Working, table: Mapping[str, Any], row: Row) -> bool:
    """Whether the exact values are those of the risk and its bands hold it."""
    place = 0
    for name in table["exact"]:
        if not _is_one_of(working.told(name), [row.values[place]]):
            return False
        place += 1
    for name in table["banded"]:
        value, start, end = working.told(name), row.values[place], row.values[place + 1]
        if type(value) is not type(start) or not start <= value <= end:
            return False
        place += 2
    return True


def _per_unit(working: Working, step: Mapping[str, Any]) -> None:
    units = Fraction(1, step["unit"])
    for name in step["factors"]:
        value = working.told(name)
        if type(value) is not int or value < 0:
            raise Refused(f"{name} counts nothing")
        units *= value
    _post(working, step, step["line"], _rate(working, step["rate"]) * units * 10**working.digits)


def _multiply(working: Working, step: Mapping[str, Any]) -> None:
    by = _rate(working, step["by"])
    if by != 1:
        _post(working, step, step["line"], _base(working, step) * (by - 1))


def _share(kind: str, sign: int) -> Callable[[Working, Mapping[str, Any]], None]:
    def post(working: Working, step: Mapping[str, Any]) -> None:
        _post(working, step, kind, sign * _base(working, step) * _rate(working, step["rate"]))

    return post


def _fixed(working: Working, step: Mapping[str, Any]) -> None:
    _post(working, step, step.get("line", "fee"), _minor(working, step["amount"]))


def _least(working: Working, step: Mapping[str, Any]) -> None:
    if (lacking := _minor(working, step["amount"]) - working.total) > 0:
        _post(working, step, "cost", lacking)


def _most(working: Working, step: Mapping[str, Any]) -> None:
    if (over := working.total - _minor(working, step["amount"])) > 0:
        _post(working, step, "discount", -over)


def _round(working: Working, step: Mapping[str, Any]) -> None:
    to = _minor(working, step["to"])
    exact = working.total / to
    whole = {"half_up": half_up(exact), "up": -((-exact).__floor__()), "down": exact.__floor__()}[step["mode"]]
    if whole * to != working.total:
        _post(working, step, "rounding", whole * to - working.total)


_STEPS: Mapping[str, Callable[[Working, Mapping[str, Any]], None]] = {
    "lookup": _lookup,
    "per_unit": _per_unit,
    "add": _fixed,
    "fee": _fixed,
    "multiply": _multiply,
    "discount": _share("discount", -1),
    "loading": _share("loading", 1),
    "tax": _share("tax", 1),
    "instalment": _share("instalment", 1),
    "minimum": _least,
    "maximum": _most,
    "round": _round,
}

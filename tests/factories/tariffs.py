"""Random tariffs of every step and kind of table, and random risks for them."""

from typing import Any

from hypothesis import strategies as st

from marketplace.rating.values import Tariff

LABEL = {"en": "Line"}
RISK = st.fixed_dictionaries(
    {
        "age": st.integers(0, 12),
        "class": st.integers(0, 4),
        "zone": st.sampled_from(["asia", "europe", "world", "moon"]),
        "smoker": st.booleans(),
        "sum": st.one_of(st.integers(-1, 120), st.integers(0, 10**6), st.just(10**15)),
    }
)

rates = st.one_of(
    st.decimals("0", "2", places=6, allow_nan=False), st.decimals("0", "9999", places=3, allow_nan=False)
).map(lambda value: f"{value:f}")
cents = st.decimals("0", "9999", places=2, allow_nan=False).map(lambda value: f"{value:f}")


def _bands() -> st.SearchStrategy[list[tuple[int, int]]]:
    """Bands of the age, with gaps now and then."""
    ends = st.lists(st.integers(0, 12), min_size=2, max_size=6, unique=True).map(sorted)
    return ends.flatmap(
        lambda cuts: st.lists(st.booleans(), min_size=len(cuts) - 1, max_size=len(cuts) - 1).map(
            lambda kept: (
                [(start, end - 1) for start, end, keep in zip(cuts, cuts[1:], kept, strict=False) if keep]
                or [(cuts[0], cuts[-1])]
            )
        )
    )


@st.composite
def tables(draw: st.DrawFn, name: str, value: str) -> dict[str, Any]:
    """Exact by up to three factors, and then banded, a curve, or neither."""
    exact = draw(st.sampled_from([(), ("zone",), ("smoker",), ("class", "zone"), ("zone", "smoker", "class")]))
    shape = draw(st.sampled_from(["plain", "banded", "curve"])) if exact else draw(st.sampled_from(["banded", "curve"]))
    numbers = rates if value == "rate" else cents
    values = {"zone": ["asia", "europe", "world"], "smoker": [True, False], "class": [1, 2, 3]}
    keys: list[list[Any]] = [[]]
    for factor in exact:
        keys = [[*key, each] for key in keys for each in values[factor]]
    keys = draw(st.lists(st.sampled_from(keys), min_size=1, unique_by=str)) if exact else keys
    rows: list[list[Any]] = []
    for key in keys:
        if shape == "banded":
            rows += [[*key, start, end, draw(numbers)] for start, end in draw(_bands())]
        elif shape == "curve":
            knots = draw(st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True).map(sorted))
            rows += [[*key, knot, draw(numbers)] for knot in knots]
        else:
            rows.append([*key, draw(numbers)])
    return {
        "name": name, "value": value, "exact": list(exact), "banded": ["age"] if shape == "banded" else [],
        "interpolated": ["sum"] if shape == "curve" else [],
        "scale": draw(st.integers(0, 2)) if shape == "curve" else None, "rows": rows,
    }  # fmt: skip


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(
        [{}, {}, {"smoker": [True]}, {"zone": ["asia", "moon"]}, {"class": [1, 2], "smoker": [False]}]
    )


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    """One to eight steps; rates are looked up always, so that any later step may use them."""
    steps: list[dict[str, Any]] = []
    used: list[dict[str, Any]] = []
    looked_up: list[str] = []
    lines: list[str] = []
    for number in range(draw(st.integers(1, 8))):
        name = f"s{number}"
        kind = draw(
            st.sampled_from(
                ["amount", "rate", "per_unit", "multiply", "share", "add", "fee", "minimum", "maximum", "round"]
            )
        )
        if number == 0:
            kind = "add"
        when = {} if kind == "rate" else draw(_conditions())
        rate = draw(st.sampled_from([*looked_up, draw(rates)]))
        of = draw(st.lists(st.sampled_from(lines), unique=True, max_size=2)) if lines else []
        match kind:
            case "amount" | "rate":
                used.append(draw(tables(f"t{number}", kind)))
                step = {"kind": "lookup", "table": f"t{number}"}
                step |= {"line": "risk", "label": LABEL} if kind == "amount" else {}
            case "per_unit":
                step = {"kind": kind, "rate": rate, "factors": draw(st.sampled_from([["sum"], ["class", "sum"]])),
                        "unit": draw(st.sampled_from([1, 3, 1000])), "line": "risk"}  # fmt: skip
            case "multiply":
                step = {"kind": kind, "by": rate, "of": of, "line": "cost"}
            case "share":
                share = draw(st.sampled_from(["discount", "loading", "tax", "instalment"]))
                step = {"kind": share, "rate": rate, "of": of}
            case "round":
                modes = st.sampled_from(["half_up", "up", "down"])
                step = {"kind": kind, "to": draw(st.sampled_from(["0.05", "0.03", "1"])), "mode": draw(modes)}
            case _:
                step = {"kind": kind, "amount": draw(cents)} | ({"line": "cover"} if kind == "add" else {})
        if kind != "rate":
            lines.append(name)
        else:
            looked_up.append(name)
        label = {} if kind == "rate" else {"label": LABEL}
        steps.append({"id": name, "when": when, **label, **step})
    return Tariff.from_json({"currency": "CNY", "rounding": "half_up", "steps": steps, "tables": used})

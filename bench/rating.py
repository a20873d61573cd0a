"""One premium, and a million of them, each beside the same formula written by hand.

The tariff has six steps: a rate by age, sex and smoking, a rate by occupation, their use, a fee by region, a tax.
"""

import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bench.results import Figure
from bench.rounds import compare
from marketplace.catalog.values.columns import Choices
from marketplace.rating.rules import compile_tariff, premium
from marketplace.rating.rules.portfolio import PortfolioRater
from marketplace.rating.values import Tariff

MOST_FOR_ONE = 4.0
MOST_FOR_MANY = 2.0
"""At least half as quick as the formula by hand."""
RISKS = 1_000_000
SEXES, REGIONS = ("female", "male"), ("beijing", "shanghai", "sichuan")
_LABEL = {"en": "Line"}
_RATES = {
    (sex, smokes, age): 500_000 + 10_000 * age + 300_000 * smokes + 100_000 * (sex == "male")
    for sex in SEXES
    for smokes in (False, True)
    for age in range(18, 66)
}
_CLASSES = {1: 1_000_000, 2: 1_150_000, 3: 1_400_000, 4: 2_000_000}
_FEES = {"beijing": 1_500, "shanghai": 1_200, "sichuan": 900}
RISK: dict[str, Any] = {
    "age": 34, "sex": "female", "smoker": False, "occupation_class": 2, "sum_insured": 1_000_000, "region": "shanghai",
}  # fmt: skip


def measure() -> Iterator[Figure]:
    tariff = a_tariff()
    compiled = compile_tariff(tariff)
    if premium(compiled, RISK).total.minor != _bare(RISK):
        raise RuntimeError("the formula by hand is another one")
    one = compare(lambda: premium(compiled, RISK), lambda: _bare(RISK), calls=2_000)
    yield Figure.ratio("one premium, six steps", "bare look-ups", one, MOST_FOR_ONE)
    if importlib.util.find_spec("zen"):
        zen = compare(_zen(), lambda: premium(compiled, RISK), rounds=10)
        yield Figure.ratio("zen-engine, one look-up", "one premium, six steps", zen)
    yield from _many(compiled)


def a_tariff() -> Tariff:
    return Tariff.from_json(
        {
            "currency": "CNY",
            "rounding": "half_up",
            "tables": [
                {"name": "death", "value": "rate", "exact": ["sex", "smoker"], "banded": ["age"],
                 "rows": [[sex, smokes, age, age, _decimal(rate)] for (sex, smokes, age), rate in _RATES.items()]},
                {"name": "class", "value": "rate", "exact": ["occupation_class"], "banded": [],
                 "rows": [[number, _decimal(rate)] for number, rate in _CLASSES.items()]},
                {"name": "fee", "value": "amount", "exact": ["region"], "banded": [],
                 "rows": [[region, f"{fee // 100}.{fee % 100:02d}"] for region, fee in _FEES.items()]},
            ],
            "steps": [
                {"id": "death", "kind": "lookup", "table": "death"},
                {"id": "risk", "kind": "per_unit", "rate": "death", "factors": ["sum_insured"], "unit": 1000,
                 "line": "risk", "label": _LABEL},
                {"id": "class", "kind": "lookup", "table": "class"},
                {"id": "loading", "kind": "multiply", "by": "class", "line": "loading", "label": _LABEL},
                {"id": "fee", "kind": "lookup", "table": "fee", "line": "fee", "label": _LABEL},
                {"id": "tax", "kind": "tax", "rate": "0.06", "label": _LABEL},
            ],
        }
    )  # fmt: skip


def _decimal(millionths: int) -> str:
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"


def _bare(risk: Mapping[str, Any]) -> Any:
    """A chain of look-ups and nothing else: no lines, no cells, no refusal."""
    base = (2 * _RATES[risk["sex"], risk["smoker"], risk["age"]] * risk["sum_insured"] * 100 + 10**9) // (2 * 10**9)
    more = (2 * base * (_CLASSES[risk["occupation_class"]] - 10**6) + 10**6) // (2 * 10**6)
    sum_so_far = base + more + _FEES[risk["region"]]
    return sum_so_far + (2 * sum_so_far * 60_000 + 10**6) // (2 * 10**6)


def _many(compiled: Any) -> Iterator[Figure]:
    chance = np.random.default_rng(7)
    ages, classes = chance.integers(18, 66, RISKS), chance.integers(1, 5, RISKS)
    smokes, sums = chance.integers(0, 2, RISKS) == 1, chance.choice([300_000, 500_000, 1_000_000, 3_000_000], RISKS)
    sexes, regions = chance.integers(0, len(SEXES), RISKS), chance.integers(0, len(REGIONS), RISKS)
    columns = {"age": ages, "sex": Choices(sexes, SEXES), "smoker": smokes, "occupation_class": classes,
               "sum_insured": sums, "region": Choices(regions, REGIONS)}  # fmt: skip
    rates = np.array([[[_RATES[sex, smoke, age] for age in range(18, 66)] for smoke in (False, True)] for sex in SEXES])
    by_class, fees = np.array([0, *_CLASSES.values()]), np.array([_FEES[region] for region in REGIONS])

    def by_hand() -> Any:
        base = (rates[sexes, smokes.astype(np.int64), ages - 18] * sums * 100 + 500_000_000) // 10**9
        more = (base * (by_class[classes] - 10**6) + 500_000) // 10**6
        sum_so_far = base + more + fees[regions]
        return sum_so_far + (sum_so_far * 60_000 + 500_000) // 10**6

    rater = PortfolioRater(compiled.shape)
    if not np.array_equal(rater.premiums(columns).totals, by_hand()):
        raise RuntimeError("the formula by hand is another one")
    many = compare(lambda: rater.premiums(columns), by_hand, rounds=10, calls=2)
    yield Figure.ratio("a million premiums", "the formula in NumPy", many, MOST_FOR_MANY)


def _zen() -> Callable[[], object]:
    """The first table alone, as a decision table of the Zen engine."""
    import zen  # noqa: PLC0415  a peer, installed for development only

    inputs = [{"id": name, "name": name, "type": "expression", "field": name} for name in ("sex", "smoker", "age")]
    rules = [
        {"_id": f"r{number}", "sex": f'"{sex}"', "smoker": str(smokes).lower(), "age": str(age), "rate": str(rate)}
        for number, ((sex, smokes, age), rate) in enumerate(_RATES.items())
    ]
    table = {"hitPolicy": "first", "inputs": inputs, "rules": rules,
             "outputs": [{"id": "rate", "name": "rate", "type": "expression", "field": "rate"}]}  # fmt: skip
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": "table", "type": "decisionTableNode", "content": table},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": "a", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "b", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    asked = {name: RISK[name] for name in ("sex", "smoker", "age")}
    if decision.evaluate(asked)["result"]["rate"] != _RATES[RISK["sex"], RISK["smoker"], RISK["age"]]:
        raise RuntimeError("the peer's table is another one")
    return lambda: decision.evaluate(asked)

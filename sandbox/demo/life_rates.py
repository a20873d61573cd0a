"""The rate tables of the demonstration's term life products, from the China Life Table 2010-2013.

Formula. Let q(x) be the yearly probability of death at age x (CL1 male, CL2 female), m the insurer's share
of it for non-smokers or smokers, i the insurer's interest, v = 1 / (1 + i), and p(t) the probability of
being alive after t years. With yearly premiums in advance and the sum paid at the end of the year of death,
the level yearly premium for 1,000 of sum insured over n years is

    1000 * sum(v**(t + 1) * p(t) * m * q(x + t), t = 0 .. n - 1) / sum(v**t * p(t), t = 0 .. n - 1)

rounded half up to four decimals. The insurer's costs and fees are steps of its tariff, not part of the table.

Source of q: China Life Insurance Mortality Table 2010-2013, China Association of Actuaries; figures as published in the
Society of Actuaries' table archive (t3375 male, t3376 female), carried in cl_2010_2013.csv.
"""

import csv
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PRECISION = 40
FOUR_DECIMALS = Decimal("0.0001")
TABLE_OF = {"male": "cl1", "female": "cl2"}


@dataclass(frozen=True, slots=True)
class LifeBasis:
    """What an insurer assumes; one entry of life_bases.toml."""

    catalog: str
    product: str
    interest: Decimal
    non_smoker: Decimal
    smoker: Decimal
    ages: tuple[int, int]
    terms: tuple[int, ...]
    last_age: int

    @property
    def path(self) -> Path:
        return HERE / "catalogs" / self.catalog / "products" / self.product / "tables" / "risk.csv"


def bases() -> tuple[LifeBasis, ...]:
    """The bases of life_bases.toml."""
    data = tomllib.loads((HERE / "life_bases.toml").read_text("utf-8"))
    return tuple(_basis(entry) for entry in data["products"])


def _basis(entry: Mapping[str, Any]) -> LifeBasis:
    return LifeBasis(
        entry["catalog"],
        entry["product"],
        Decimal(entry["interest"]),
        Decimal(entry["non_smoker"]),
        Decimal(entry["smoker"]),
        (entry["ages"][0], entry["ages"][1]),
        tuple(entry["terms"]),
        entry["last_age"],
    )


def mortality() -> dict[str, list[Decimal]]:
    """Q by sex, indexed by age 0 to 105."""
    with (HERE / "cl_2010_2013.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {sex: [Decimal(row[column]) for row in rows] for sex, column in TABLE_OF.items()}


def level_rate(deaths: list[Decimal], age: int, term: int, share: Decimal, interest: Decimal) -> Decimal:
    """Yearly premium per 1,000 of sum insured, four decimals."""
    with localcontext(prec=PRECISION):
        discount = 1 / (1 + interest)
        alive, value = Decimal(1), Decimal(1)
        benefits = annuity = Decimal(0)
        for death in deaths[age : age + term]:
            q = min(Decimal(1), share * death)
            annuity += value * alive
            value *= discount
            benefits += value * alive * q
            alive *= 1 - q
        return (1000 * benefits / annuity).quantize(FOUR_DECIMALS, ROUND_HALF_UP)


def rows(basis: LifeBasis) -> Iterator[tuple[int, str, str, int, Decimal]]:
    """Age, sex, smoker, term and rate for every combination that ends by the last age."""
    table = mortality()
    for age in range(basis.ages[0], basis.ages[1] + 1):
        for sex in ("female", "male"):
            for smoker, share in (("no", basis.non_smoker), ("yes", basis.smoker)):
                for term in basis.terms:
                    if age + term <= basis.last_age:
                        yield age, sex, smoker, term, level_rate(table[sex], age, term, share, basis.interest)


def text(basis: LifeBasis) -> str:
    """The table as the insurer uploads it."""
    lines = [",".join(map(str, row)) for row in rows(basis)]
    return "\n".join(["age,sex,smoker,term_years,rate", *lines, ""])


def main() -> None:
    for basis in bases():
        basis.path.parent.mkdir(parents=True, exist_ok=True)
        basis.path.write_text(text(basis), encoding="utf-8")
        print(f"{basis.product}: {text(basis).count(chr(10)) - 1} rates")


if __name__ == "__main__":
    main()

"""The rate tables of term life products against the life table, by an independent plain loop in exact fractions."""

import csv
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from sandbox import real_data
from sandbox.demo import life_rates

DEMO = Path(life_rates.__file__).parent
BASES = life_rates.bases()


def probabilities(column: str) -> list[Fraction]:
    with (DEMO / "cl_2010_2013.csv").open(encoding="utf-8", newline="") as file:
        return [Fraction(row[column]) for row in csv.DictReader(file)]


def premium_per_thousand(q: list[Fraction], age: int, term: int, share: Fraction, interest: Fraction) -> Decimal:
    """A cohort of insured people followed year by year: what they pay and what is paid for them, discounted."""
    living, paid_in, paid_out = Fraction(1), Fraction(0), Fraction(0)
    for year in range(term):
        paid_in += living / (1 + interest) ** year
        dying = living * min(Fraction(1), share * q[age + year])
        paid_out += 1000 * dying / (1 + interest) ** (year + 1)
        living -= dying
    rate = paid_out / paid_in
    whole = Decimal(rate.numerator * 10**30 // rate.denominator).scaleb(-30)
    return whole.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@pytest.mark.requirement("SCM-09")
@pytest.mark.parametrize("basis", BASES, ids=lambda basis: basis.product)
def test_the_committed_table_equals_the_formula(basis: life_rates.LifeBasis) -> None:
    q = {"male": probabilities("cl1"), "female": probabilities("cl2")}
    shares = {"no": Fraction(basis.non_smoker), "yes": Fraction(basis.smoker)}
    with basis.path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    for row in rows[:: max(1, len(rows) // 150)]:
        age, term = int(row["age"]), int(row["term_years"])
        expected = premium_per_thousand(q[row["sex"]], age, term, shares[row["smoker"]], Fraction(basis.interest))
        assert Decimal(row["rate"]) == expected, row


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: basis.product)
def test_the_committed_table_is_what_the_command_writes(basis: life_rates.LifeBasis) -> None:
    assert basis.path.read_text("utf-8") == life_rates.text(basis)


def test_one_year_at_no_interest_costs_the_probability_of_death() -> None:
    deaths = [Decimal("0.001")] * 10
    assert life_rates.level_rate(deaths, 0, 1, Decimal(1), Decimal(0)) == Decimal("1.0000")
    assert life_rates.level_rate(deaths, 3, 7, Decimal(2), Decimal(0)) == Decimal("2.0000")


def test_interest_lowers_and_age_raises_the_rate() -> None:
    q = life_rates.mortality()["male"]
    at_three = life_rates.level_rate(q, 40, 20, Decimal(1), Decimal("0.03"))
    assert at_three < life_rates.level_rate(q, 40, 20, Decimal(1), Decimal("0.00"))
    assert at_three < life_rates.level_rate(q, 41, 20, Decimal(1), Decimal("0.03"))


@pytest.mark.real_data
def test_the_life_table_carried_along_is_the_published_one() -> None:
    published = real_data.data_folder().parent / "life-tables-cn-2010-2013" / "cl_2010_2013.csv"
    if not published.exists():
        pytest.skip("the published life table is not there (REAL_DATA)")
    with published.open(encoding="utf-8", newline="") as file:
        rows = [(row["age"], row["CL1 (2010-2013)"], row["CL2 (2010-2013)"]) for row in csv.DictReader(file)]
    with (DEMO / "cl_2010_2013.csv").open(encoding="utf-8", newline="") as file:
        carried = [(row["age"], row["cl1"], row["cl2"]) for row in csv.DictReader(file)]
    assert len(carried) == 106
    assert carried == rows

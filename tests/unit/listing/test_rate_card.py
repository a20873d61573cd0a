"""A wide rate card becomes the long table that says the same, or every reason why not."""

from dataclasses import replace

import pytest
from openpyxl import Workbook

from marketplace.catalog.values import LINES, Line
from marketplace.listing.intake.rate_card import (
    MAX_GRID_ROWS,
    guessed_plan,
    into_product,
    long_table,
    number,
    read_grid,
    span,
    unnamed_labels,
    with_guesses,
)
from marketplace.listing.values import CardPlan, Grid
from tests.factories.catalog import HARBOUR_TERM, catalog_files, findings_in
from tests.factories.workbooks import saved

LIFE = LINES[Line.TERM_LIFE]
CARD = """Acme Mutual – Level Term,,,,
Monthly premium per $1,000,,,,
,Male,,Female,
Age,Non-smoker / 10 years,Smoker / 10 years,Non-smoker / 10 years,Smoker / 10 years
18-24,$0.45,$1.10,$0.30,$0.80
25–34,$0.50,$1.20,$0.35,$0.95
35 to 44,"$1,000.10",$2.60,$0.85,$1.95
45+,$3.10,$6.50,$2.85,$4.95
"""


def grid(text: str) -> Grid:
    return read_grid(text.encode())


def test_a_published_card_is_read_as_it_was_meant() -> None:
    card = grid(CARD)
    plan = guessed_plan(card, LIFE)
    assert (plan.titles, plan.headings, plan.label_columns) == (2, 2, 1)
    assert (plan.columns, plan.lines) == (("age",), ("sex", ""))
    assert plan.meanings == {
        "Non-smoker / 10 years": "smoker = no; term_years = 10",
        "Smoker / 10 years": "smoker = yes; term_years = 10",
    }
    table = long_table(card, plan, LIFE)
    assert table.findings == []
    assert table.entry.columns == ("sex", "smoker", "term_years", "age_from", "age_to", "rate")
    assert len(table.rows) == 16
    assert table.rows[0] == ["male", "no", "10", "18", "24", "0.45"]
    assert table.rows[6] == ["female", "no", "10", "25", "34", "0.35"]
    assert table.rows[8] == ["male", "no", "10", "35", "44", "1000.10"]
    assert table.rows[15] == ["female", "yes", "10", "45", "65", "4.95"]
    assert table.data.decode().splitlines()[0] == "sex,smoker,term_years,age_from,age_to,rate"


def test_semicolons_single_ages_and_a_workbook_with_merged_headings_are_read_alike() -> None:
    text = "Age;Men;;Women;\n;10 yrs;20 yrs;10 yrs;20 yrs\n18;0.45;1.10;0.30;0.80\n19;0.50;1.20;0.35;0.95\n"
    book = Workbook()
    sheet = book.worksheets[0]
    for row in text.splitlines():
        sheet.append([float(cell) if cell.startswith(("0", "1.")) else cell for cell in row.split(";")])
    sheet.merge_cells("B1:C1")
    sheet.merge_cells("D1:E1")
    from_text, from_book = (
        long_table(card, guessed_plan(card, LIFE), LIFE) for card in (grid(text), read_grid(saved(book)))
    )
    assert from_text.entry.exact == ("age", "sex", "term_years")
    assert from_text.findings == from_book.findings == []
    assert [[*row[:-1], float(row[-1])] for row in from_book.rows] == [
        [*row[:-1], float(row[-1])] for row in from_text.rows
    ]


def test_every_number_and_label_that_cannot_be_read_is_told() -> None:
    card = grid(CARD.replace("$0.95", "n/a").replace("25–34", "twenties"))
    plan = CardPlan(2, 2, 1, "rates", "rate", ("age",), ("sex", ""), {"Smoker / 10 years": "smokes = yes"})
    found = {(each.code, each.cell, each.value) for each in long_table(card, plan, LIFE).findings}
    assert {("not_a_number", "E6", "n/a"), ("bad_value", "", "twenties"), ("unknown_factor", "", "smokes")} <= found
    told = [each for each in long_table(grid(CARD), plan, LIFE).findings if each.code == "label_says_too_little"]
    assert told == []
    part = CardPlan(2, 2, 1, "rates", "rate", ("age",), ("sex", ""), {"Smoker / 10 years": "smoker = yes"})
    lacking = [each for each in long_table(grid(CARD), part, LIFE).findings if each.code == "label_says_too_little"]
    assert [(each.cell, each.column) for each in lacking] == [("B5", "smoker")]


def test_bands_that_overlap_are_told_in_the_cell_of_the_card() -> None:
    card = grid(CARD.replace("25–34", "24-34"))
    found = long_table(card, guessed_plan(card, LIFE), LIFE).findings
    assert ("band_overlap", "B6") in {(each.code, each.cell) for each in found}


def test_a_new_shape_is_guessed_anew_and_what_was_said_stays() -> None:
    card = grid(CARD)
    plan = with_guesses(card, CardPlan(2, 2, 1, "rates", "rate", ("age",), ("sex", ""), {}), LIFE)
    assert unnamed_labels(card, plan) == ("Non-smoker / 10 years", "Smoker / 10 years")
    kept = CardPlan(
        2, 2, 1, "rates", "rate", ("age",), ("sex", ""), {"Smoker / 10 years": "smoker = yes; term_years = 20"}
    )
    assert with_guesses(card, kept, LIFE).meanings["Smoker / 10 years"] == "smoker = yes; term_years = 20"
    assert with_guesses(card, kept, LIFE).meanings["Non-smoker / 10 years"] == "smoker = no; term_years = 10"


@pytest.mark.parametrize(
    ("label", "factor", "bounds"),
    [
        ("18-24", "age", ("18", "24")),
        ("18 – 24", "age", ("18", "24")),
        ("18 to 24", "age", ("18", "24")),
        ("65+", "age", ("65", "65")),
        ("60 and over", "age", ("60", "65")),
        ("60岁以上", "age", ("60", "65")),
        ("Under 30", "age", ("18", "29")),
        ("up to 30", "age", ("18", "30")),
        ("Age 34", "age", ("34", "34")),
        ("$500,000", "sum_insured", ("500000", "500000")),
        ("20-year", "term_years", ("20", "20")),
        ("Female", "sex", ("female", "female")),
        ("男", "sex", ("male", "male")),
        ("Non Smoker", "smoker", ("no", "no")),
        ("吸烟", "smoker", ("yes", "yes")),
        ("Tobacco", "smoker", ("yes", "yes")),
        ("Total", "age", None),
        ("0.45", "age", None),
    ],
)
def test_what_a_label_says(label: str, factor: str, bounds: tuple[str, str] | None) -> None:
    assert span(label, LIFE.factor(factor)) == bounds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,234.50", "1234.50"),
        ("¥ 0.45", "0.45"),
        ("USD 12", "12"),
        ("1,23", None),
        ("-1", None),
        ("", None),
        ("=1", None),
    ],
)
def test_what_is_a_number(text: str, value: str | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_table"),
        ("é".encode("utf-16"), "not_utf8"),
        (b"1\n" * (MAX_GRID_ROWS + 1), "cell_out_of_reach"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),
    ],
)
def test_what_is_no_card_is_told(data: bytes, code: str) -> None:
    assert [each.code for each in read_grid(data).findings] == [code]


def test_a_card_goes_into_a_product_which_then_insures_what_the_card_prices() -> None:
    card = grid(CARD)
    plan = guessed_plan(card, LIFE)
    table = long_table(card, replace(plan, table="risk"), LIFE)
    examples = "age,sex,smoker,sum_insured,term_years,occupation_class,premium\n"
    files = into_product(catalog_files(), HARBOUR_TERM, table, examples)
    assert files[f"{HARBOUR_TERM}tables/risk.csv"] == table.data
    assert [each.code for each in findings_in(files)] == ["too_few_examples"]
    # 0.30 x 300 = 90.00; 8 % 7.20; 28 % of 97.20 = 27.22; 60; up to 200
    rows = [f"{age},female,no,300000,10,1,200.00" for age in range(18, 23)]
    good = into_product(catalog_files(), HARBOUR_TERM, table, examples + "\n".join(rows))
    assert findings_in(good) == ()

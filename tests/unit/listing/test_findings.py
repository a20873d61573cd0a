"""Every fault of a catalog is a finding with its file, row, column and value; all of them, not the first."""

import re
from typing import Any

import pytest

from marketplace.infra.formatting import use_locale
from marketplace.kernel.text import LONGEST_TEXT
from marketplace.listing.intake import read_catalog
from marketplace.listing.intake.wording import SENTENCES, explain
from marketplace.listing.values import Finding
from tests.factories.catalog import HARBOUR_TERM, catalog_files, changed, findings_in

PRODUCT = f"{HARBOUR_TERM}product.toml"
TARIFF = f"{HARBOUR_TERM}tariff.toml"
QUESTIONS = f"{HARBOUR_TERM}questions.toml"
OCCUPATION = f"{HARBOUR_TERM}tables/occupation.csv"
RISK = f"{HARBOUR_TERM}tables/risk.csv"
EXAMPLES = f"{HARBOUR_TERM}examples.csv"


def only(files: dict[str, bytes]) -> Finding:
    findings = findings_in(files)
    assert len(findings) == 1, findings
    return findings[0]


def row_of(file: str, text: str) -> int:
    """The line (from 1) on which `text` first stands in the reference catalog."""
    source = catalog_files()[file].decode()
    return source[: source.index(text)].count("\n") + 1


def test_the_reference_catalog_has_no_findings() -> None:
    reading = read_catalog(catalog_files(), "harbour")
    assert reading.findings == ()
    assert reading.draft is not None
    assert [product.content.code for product in reading.draft.products] == ["harbour-term"]
    assert [ref.kind for ref, _ in reading.draft.products[0].documents] == [
        "clauses", "clauses", "product_summary", "product_summary",
    ]  # fmt: skip


def test_what_is_demanded_is_told_beside_what_is_faulty() -> None:
    files = changed(PRODUCT, "grace_days = 60", "grace_days = -1")
    files = changed(PRODUCT, 'filing_no = "', '# filing_no = "', files)
    assert [(each.code, each.column) for each in findings_in(files)] == [
        ("out_of_bounds", "key_facts.grace_days"),
        ("demand_missing", "filing_no"),
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "at", "column", "value", "right"),
    [
        (PRODUCT, 'line = "term_life"', 'line = "motor"', "not_one_of", 'line = "term', "line", '"motor"', "travel"),
        (PRODUCT, "grace_days = 60", 'grace_days = "60"', "wrong_kind", "grace_days", "key_facts.grace_days", '"60"',
         "int"),
        (PRODUCT, "grace_days = 60", "grace_days = -1", "out_of_bounds", "grace_days", "key_facts.grace_days", "-1",
         ">= 0"),
        (PRODUCT, "grace_days = 60", "grace_dys = 60", "unknown_field", "grace_days", "key_facts.grace_dys", "60", ""),
        (PRODUCT, '[[covers]]\ncode = "death"', '[[covers]]\ncode = "DEATH!"', "wrong_form", 'code = "death"',
         "covers.0.code", '"DEATH!"', "a-z"),
        (PRODUCT, 'title = { en = "War and nuclear events"', 'title = { en = " "', "blank", 'title = { en = "War',
         "exclusions.2.title", '" "', ""),
        (PRODUCT, 'currency = "CNY"', 'currency = "EUR"', "other_currency", "currency =", "currency", "EUR", "CNY"),
        (PRODUCT, 'code = "harbour-term"', 'code = "other"', "other_code", 'code = "harbour-term"', "code", "other",
         "harbour-term"),
        (PRODUCT, "[eligibility]\nage", "[eligibility]\nweight", "unknown_factor", "age = { min", "eligibility.weight",
         "weight", "occupation_class"),
        (PRODUCT, "values = [10, 15, 20, 25, 30]", "values = [10, 12]", "bad_value", "term_years = { values",
         "eligibility.term_years.values", "12", "10, 15, 20, 25, 30"),
        (PRODUCT, 'factor = "term_years"', 'factor = "smoker"', "unknown_factor", 'factor = "term_years"',
         "term.factor", "smoker", "age"),
        (PRODUCT, "[facts]\n", '[facts]\nbest = { en = "the best" }\n', "unknown_field", "pays_out_on", "facts.best",
         "best", "pays_out_on"),
        (PRODUCT, 'file = "clauses.zh.md"', 'file = "clause.md"', "document_missing", 'file = "clauses.zh.md"',
         "documents.1.file", "clause.md", "documents/clause.md"),
        (TARIFF, 'exact = ["occupation_class"]', 'exact = ["job"]', "unknown_factor", 'exact = ["occupation_class"]',
         "tables.1.exact", "job", "occupation_class"),
        (TARIFF, 'kind = "fee"', 'kind = "gift"', "not_one_of", 'kind = "fee"', "steps.7.kind", '"gift"', "fee"),
        (TARIFF, 'by = "1.28"', "by = 1.28", "wrong_kind", 'by = "1.28"', "steps.6.by", "1.28", "string"),
        (TARIFF, 'by = "1.28"', 'by = "-1.28"', "wrong_form", 'by = "1.28"', "steps.6.by", '"-1.28"', ""),
        (TARIFF, 'by = "1.28"', 'by = "NaN"', "wrong_form", 'by = "1.28"', "steps.6.by", '"NaN"', ""),
        (TARIFF, 'by = "1.28"', 'by = "nothing"', "tariff_unknown_rate", 'by = "1.28"', "steps.6.by", "nothing", ""),
        (TARIFF, 'amount = "60.00"', 'amount = "60.001"', "tariff_too_many_decimals", 'amount = "60.00"',
         "steps.7.amount", "60.001", ""),
        (TARIFF, 'currency = "CNY"', 'currency = "USD"', "other_currency", "currency =", "currency", "USD", "CNY"),
        (TARIFF, "when = { sex", "when = { gender", "unknown_factor", "when = { sex", "steps.1.when", "gender", "sex"),
        (OCCUPATION, "2,1.1", "2,NaN", "not_a_number", "2,1.1", "rate", "NaN", "0.000000"),
        (OCCUPATION, "2,1.1", "2,-1.1", "not_a_number", "2,1.1", "rate", "-1.1", "0.000000"),
        (OCCUPATION, "2,1.1", "2,1e3", "not_a_number", "2,1.1", "rate", "1e3", "0.000000"),
        (OCCUPATION, "2,1.1", "2,=A1*2", "formula", "2,1.1", "rate", "=A1*2", ""),
        (OCCUPATION, "2,1.1", '2,"1,1"', "not_a_number", "2,1.1", "rate", "1,1", "0.000000"),
        (OCCUPATION, "2,1.1", "9,1.1", "bad_value", "2,1.1", "occupation_class", "9", "1, 2, 3, 4"),
        (OCCUPATION, "2,1.1", "2,1.1,5", "row_width", "2,1.1", "", "3", "2"),
        (OCCUPATION, "2,1.1", "2,1.1\n2,1.2", "row_twice", "3,1.3", "occupation_class", "2", "3"),
        (OCCUPATION, "occupation_class,rate", "occupation,rate", "column_missing", "occupation_class",
         "occupation_class", "", "occupation_class, rate"),
        (EXAMPLES, "1320.75", "1320.76", "example_differs", "1320.75", "premium", "1320.76", "1320.75"),
        (EXAMPLES, "60,male", "64,male", "example_refused", "60,male", "age", "64", ""),
        (EXAMPLES, "60,male", "60,man", "bad_value", "60,male", "sex", "man", "female, male"),
    ],
)  # fmt: skip
def test_a_fault_is_found_where_it_stands(
    *, file: str, old: str, new: str, code: str, at: str, column: str, value: str, right: str
) -> None:
    found = [finding for finding in findings_in(changed(file, old, new)) if finding.code == code]
    assert found
    assert (found[0].file, found[0].row, found[0].column) == (file, row_of(file, at), column)
    assert value in found[0].value
    assert right in found[0].right


DELIVERY = 'delivery = { en = "Electronic policy by e-mail.", zh = "电子保单通过电子邮件送达。" }\n'


def line_of(key: str) -> str:
    """The whole line of the product's file that says this."""
    lines = catalog_files()[PRODUCT].decode().splitlines(keepends=True)
    return next(line for line in lines if line.startswith(f"{key} = "))


@pytest.mark.parametrize(
    ("removed", "field", "requirement"),
    [
        pytest.param('clause_code = "HL-TL-2026-01"\n', "clause_code", "O13-07",
                     marks=pytest.mark.requirement("O13-07")),
        pytest.param('filing_no = "SPECIMEN-HL-2026-TL-001"\n', "filing_no", "O13-07",
                     marks=pytest.mark.requirement("O13-07")),
        pytest.param("cooling_off_days = 15\n", "key_facts.cooling_off_days", "O13-08",
                     marks=pytest.mark.requirement("O13-08")),
        pytest.param("fully_online = true\n", "key_facts.fully_online", "O13-11",
                     marks=pytest.mark.requirement("O13-11")),
        pytest.param(DELIVERY, "key_facts.delivery", "O13-12", marks=pytest.mark.requirement("O13-12")),
        pytest.param('surrender = ["online", "phone"]\n', "services.surrender", "O13-28",
                     marks=pytest.mark.requirement("O13-28")),
        pytest.param('claim_decided = { en = "10 days", zh = "10天" }\n', "facts.claim_decided", "O13-16",
                     marks=pytest.mark.requirement("O13-16")),
        pytest.param(line_of("surrender_how"), "key_facts.surrender_how", "SCM-11",
                     marks=pytest.mark.requirement("SCM-11")),
        pytest.param(line_of("reinstatement"), "key_facts.reinstatement", "SCM-07",
                     marks=pytest.mark.requirement("SCM-07")),
        pytest.param(line_of("of_paid"), "early_end.of_unused", "N108-09",
                     marks=pytest.mark.requirement("N108-09")),
        pytest.param("commission = { basis_points = 1800 }\n", "commission", "EU-05"),
    ],
)  # fmt: skip
def test_what_the_profile_demands_is_named(removed: str, field: str, requirement: str) -> None:
    finding = only(changed(PRODUCT, removed, ""))
    assert (finding.file, finding.column, finding.right) == (PRODUCT, field, requirement)


@pytest.mark.requirement("T26-17")
def test_an_exclusion_without_explanation_is_named() -> None:
    text = catalog_files()[PRODUCT].decode()
    line = next(each for each in text.splitlines() if each.startswith("plain_explanation") and "war" in each)
    finding = only(changed(PRODUCT, line + "\n", ""))
    assert (finding.code, finding.column, finding.right) == (
        "demand_missing", "exclusions.2.plain_explanation", "T26-17",
    )  # fmt: skip
    assert finding.row == row_of(PRODUCT, 'code = "war"') - 1


@pytest.mark.requirement("PER-08")
def test_fourteen_days_of_cooling_off_are_too_few() -> None:
    finding = only(changed(PRODUCT, "cooling_off_days = 15", "cooling_off_days = 14"))
    assert (finding.code, finding.row, finding.right) == (
        "demand_too_short", row_of(PRODUCT, "cooling_off_days"), "PER-08",
    )  # fmt: skip


@pytest.mark.requirement("T26-19")
@pytest.mark.parametrize(
    ("old", "new", "code", "column"),
    [
        ('lookback = { en = "12 months", zh = "12个月" }\n', "", "demand_missing", "questions.2.lookback"),
        ('threshold = { en = "10 days in a row", zh = "连续10天" }\n', "", "demand_missing", "questions.3.threshold"),
        ('covers = ["death", "waiver"]\n', 'covers = ["dental"]\n', "demand_unknown_cover", "questions.0.covers"),
        ("did you stay in hospital for", "had you any other illness or", "demand_catch_all", "questions.3.text"),
    ],
)
def test_a_question_says_exactly_what_it_asks(old: str, new: str, code: str, column: str) -> None:
    finding = only(changed(QUESTIONS, old, new))
    assert (finding.file, finding.code, finding.column, finding.right) == (QUESTIONS, code, column, "T26-19")


def test_all_faults_are_told_at_once() -> None:
    files = changed(PRODUCT, "grace_days = 60", 'grace_days = "sixty"')
    files = changed(PRODUCT, 'line = "term_life"', 'line = "motor"', files)
    files = changed("catalog.toml", 'insurer = "harbour"', 'insurer = "someone"', files)
    assert [(finding.file, finding.code) for finding in findings_in(files)] == [
        ("catalog.toml", "other_insurer"),
        (PRODUCT, "not_one_of"),
        (PRODUCT, "wrong_kind"),
    ]
    files = changed(OCCUPATION, "1,1\n2,1.1\n3,1.3", "1,x\n7,1.1\n3,=1")
    assert [(finding.row, finding.column, finding.code) for finding in findings_in(files)] == [
        (2, "rate", "not_a_number"),
        (3, "occupation_class", "bad_value"),
        (4, "rate", "formula"),
    ]


def test_a_risk_that_is_said_to_be_insured_needs_its_number() -> None:
    finding = only(changed(OCCUPATION, "3,1.3\n", ""))
    assert (finding.file, finding.code, finding.column, finding.value) == (
        OCCUPATION, "cell_missing", "occupation_class", "occupation_class = 3",
    )  # fmt: skip
    text = catalog_files()[RISK].decode()
    files = catalog_files() | {RISK: text.replace("34,female,no,20,0.9120\n", "").encode()}
    finding = only({name: data for name, data in files.items() if name != EXAMPLES})
    assert (finding.column, finding.value) == (
        "term_years", "age = 34, sex = female, smoker = False, term_years = 20",
    )  # fmt: skip


BANDED_STEP = """
[[tables]]
name = "season"
file = "tables/season.csv"
value = "amount"
banded = ["age"]

[[steps]]
id = "season"
kind = "lookup"
table = "season"
line = "cost"
label = { en = "Season" }
"""


def test_what_does_not_hang_together_is_told_at_once() -> None:
    """A name that is missing hides no value that nobody knows, and a number that is none hides no overlap of bands."""
    files = changed(PRODUCT, 'marketing_name = { en = "Harbour Term"', 'marketing_name = { en = ""')
    files = changed(PRODUCT, "values = [10, 15, 20, 25, 30]", "values = [10, 12]", files=files)
    files = changed(TARIFF, 'rounding = "half_up"\n', f'rounding = "half_up"\n{BANDED_STEP}', files=files)
    files[f"{HARBOUR_TERM}tables/season.csv"] = b"age_from,age_to,amount\n18,30,1.00\n30,60,a lot\n"
    found = [(each.file, each.column, each.code) for each in findings_in(files)]
    assert found == [
        (PRODUCT, "marketing_name", "blank"),
        (PRODUCT, "eligibility.term_years.values", "bad_value"),
        (f"{HARBOUR_TERM}tables/season.csv", "amount", "not_a_number"),
        (f"{HARBOUR_TERM}tables/season.csv", "age_from", "band_overlap"),
    ]


@pytest.mark.parametrize(
    ("rows", "faults"),
    [
        ("18,29,1.00\n30,60,2.00", []),
        ("18,29,1.00\n31,60,2.00", [(3, "age_from", "band_gap", "31", "30")]),
        ("18,30,1.00\n30,60,2.00", [(3, "age_from", "band_overlap", "30", "31")]),
        ("30,60,2.00\n29,18,1.00", [(2, "age_from", "band_gap", "30", "19"),
                                   (3, "age_to", "band_backwards", "18", ">= 29")]),
        ("18,60,1.005", [(2, "amount", "too_many_decimals", "1.005", "2")]),
        ("18,sixty,1.00", [(2, "age_to", "bad_value", "sixty", "18..65")]),
        ("18,50,1.00", [(None, "age", "cell_missing", "age = 51", "")]),
    ],
)  # fmt: skip
def test_bands_follow_each_other(rows: str, faults: list[tuple[Any, ...]]) -> None:
    files = changed(TARIFF, 'rounding = "half_up"\n', f'rounding = "half_up"\n{BANDED_STEP}')
    files[f"{HARBOUR_TERM}tables/season.csv"] = f"age_from,age_to,amount\n{rows}\n".encode()
    found = [
        (each.row, each.column, each.code, each.value, each.right)
        for each in findings_in(files)
        if each.file != EXAMPLES and (each.code != "cell_missing" or each.value == "age = 51")
    ]
    assert found == faults


def test_files_that_belong_to_nothing_or_are_missing() -> None:
    files = catalog_files()
    assert only({**files, f"{HARBOUR_TERM}tables/old.csv": b"a\n"}).code == "file_not_used"
    assert only({**files, "notes.md": b"a"}).file == "notes.md"
    assert only({name: data for name, data in files.items() if name != RISK}).code == "file_missing"
    assert only({name: data for name, data in files.items() if name != TARIFF}).file == TARIFF
    assert only({name: data for name, data in files.items() if name != "catalog.toml"}).file == "catalog.toml"
    assert only({"catalog.toml": files["catalog.toml"]}).code == "no_product"


@pytest.mark.asvs("1.3.3")
@pytest.mark.parametrize(("file", "field"), [(PRODUCT, "filing_no"), (QUESTIONS, "text.en"), (TARIFF, "label.en")])
def test_no_text_is_without_end(file: str, field: str) -> None:
    """The words after a field's name, made as long as a text may be, and then one character longer."""
    name, _, language = field.partition(".")
    source = catalog_files()[file].decode()
    pattern = rf'\b{name} = \{{ {language} = "([^"]*)"' if language else rf'\b{name} = "([^"]*)"'
    words = re.search(pattern, source)
    assert words
    long = words[1] + "x" * (LONGEST_TEXT - len(words[1]))
    fits, too_long = (changed(file, words[0], words[0].replace(words[1], each)) for each in (long, long + "x"))
    assert "text_too_long" not in {finding.code for finding in findings_in(fits)}
    finding = next(each for each in findings_in(too_long) if each.code == "text_too_long")
    assert (finding.file, finding.right) == (file, "4000")


def test_encodings_and_broken_files() -> None:
    files = catalog_files()
    finding = only({**files, OCCUPATION: "occupation_class,rate\n1,1\n2,1\n3,٣é\n".encode("latin-1", "ignore")})
    assert (finding.code, finding.row) == ("not_utf8", 4)
    assert only({**files, PRODUCT: files[PRODUCT].decode().encode("utf-16")}).code == "not_utf8"
    assert only(changed(PRODUCT, "[term]", "[term")).code == "not_toml"
    assert only({**files, f"{HARBOUR_TERM}documents/summary.zh.md": b"\xff"}).code == "not_utf8"
    assert only({**files, f"{HARBOUR_TERM}documents/summary.zh.md": b" \n"}).code == "empty_file"
    assert only({**files, OCCUPATION: b"occupation_class,rate\n1,\0\n"}).code == "not_csv"
    assert only({**files, OCCUPATION: b"occupation_class,rate\n"}).code == "empty_table"
    assert findings_in({**files, OCCUPATION: b"\xef\xbb\xbf" + files[OCCUPATION]}) == ()


@pytest.mark.asvs("5.2.2")
def test_a_document_that_only_claims_to_be_a_pdf() -> None:
    files = changed(PRODUCT, 'file = "summary.zh.md"', 'file = "summary.zh.pdf"')
    files[f"{HARBOUR_TERM}documents/summary.zh.pdf"] = files.pop(f"{HARBOUR_TERM}documents/summary.zh.md")
    assert only(files).code == "not_a_pdf"


def test_days_of_sale() -> None:
    finding = only(changed("catalog.toml", "2026-01-01", '"soon"'))
    assert (finding.code, finding.column, finding.row) == ("not_a_day", "effective_from", 4)
    finding = only(changed("catalog.toml", "2026-01-01", "2026-01-01\neffective_to = 2025-01-01"))
    assert (finding.code, finding.value) == ("ends_before_start", "2025-01-01")
    files = changed(PRODUCT, "[term]", "[effective]\nfrom = 2027-01-01\nto = 2026-12-31\n\n[term]")
    assert only(files).code == "ends_before_start"


def test_two_versions_of_a_product_must_not_meet() -> None:
    files = catalog_files()
    again = {name.replace("harbour-term/", "harbour-term@2027/"): data for name, data in files.items()}
    assert only(files | again).code == "versions_overlap"
    early = changed(PRODUCT, "[term]", "[effective]\nto = 2027-01-01\n\n[term]")
    late_product = PRODUCT.replace("harbour-term/", "harbour-term@2027/")
    late = again | {
        late_product: again[late_product].decode().replace("[term]", "[effective]\nfrom = 2027-01-01\n[term]").encode()
    }
    reading = read_catalog({**late, **early}, "harbour")
    assert reading.findings == ()
    assert reading.draft is not None
    assert [(each.effective_from.year, each.content.code) for each in reading.draft.products] == [
        (2026, "harbour-term"),
        (2027, "harbour-term"),
    ]


def test_every_finding_has_its_words() -> None:
    for code in SENTENCES:
        said = explain(Finding("a.csv", code, 3, "rate", "1,1", "int"))
        assert said.wrong.endswith((".", "1,1"))
        assert "%(" not in said.wrong + said.right
    said = explain(Finding("a.csv", "not_a_number", 3, "rate", "100 %", "0.00"))
    assert said.wrong == "100 % is not a number."
    with use_locale("zh_Hans_CN"):
        assert explain(Finding("a.csv", "formula", 3, "rate", "=1")).wrong


def test_a_finding_survives_its_journey_through_json() -> None:
    finding = Finding("a.csv", "formula", 3, "rate", "=1", "")
    assert Finding.from_json(finding.to_json()) == finding

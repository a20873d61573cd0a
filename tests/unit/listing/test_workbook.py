"""A workbook is the same catalog as its folder of text files, and its faults are told by sheet, row and column."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from marketplace.catalog.values import LINES
from marketplace.listing.intake import read_catalog, read_container
from marketplace.listing.intake.workbook import layout, words
from marketplace.listing.intake.workbook.cells import number, position, reference
from marketplace.listing.intake.workbook.writing import frame, write_workbook
from marketplace.listing.intake.workbook.xlsx import MAX_COLUMNS, MAX_ROWS
from marketplace.listing.values import DraftProduct
from sandbox.demo.loading import CATALOGS
from tests.factories.catalog import HARBOUR_TERM, catalog_files, zipped
from tests.factories.workbooks import (
    PRODUCT,
    cell_of,
    changed_workbook,
    harbour_workbook,
    saved,
    with_shared_strings,
    workbook_findings,
)

INSURERS = sorted(path.name for path in CATALOGS.iterdir())


def normal(product: DraftProduct) -> Any:
    """What a draft says, numbers by their worth: a cell knows 0.26, not 0.2600."""
    tariff = product.tariff.to_json()
    for table in tariff["tables"]:
        table["rows"] = [[*row[:-1], Decimal(row[-1])] for row in table["rows"]]
    for step in tariff["steps"]:
        step |= {name: Decimal(value) for name, value in step.items() if re.fullmatch(r"\d+\.?\d*", str(value))}
    texts = [data.decode().splitlines() for _, data in product.documents]
    content = product.content.to_json()
    documents = [{**each, "sha256": "", "size": 0} for each in content.pop("documents")]
    return content, documents, texts, tariff, product.effective_from, product.effective_to


@pytest.mark.parametrize("insurer", INSURERS)
def test_a_workbook_reads_as_the_catalog_it_was_made_from(insurer: str) -> None:
    files = catalog_files(insurer)
    from_files, from_book = read_catalog(files, insurer), read_container(write_workbook(files), insurer)
    assert from_book.findings == ()
    assert from_files.draft is not None
    assert from_book.draft is not None
    assert sorted(each.folder for each in from_book.draft.products) == [
        each.folder for each in from_files.draft.products
    ]
    assert [normal(each) for each in from_book.draft.products] == [normal(each) for each in from_files.draft.products]


def test_documents_may_lie_beside_the_workbook_in_a_zip() -> None:
    book = load_workbook(io.BytesIO(harbour_workbook()))
    documents = {}
    for name in [name for name in book.sheetnames if name.endswith(".md")]:
        del book[name]
        file = name.removeprefix(f"{PRODUCT} ")
        documents[f"documents/{file}"] = catalog_files()[f"{HARBOUR_TERM}documents/{file}"]
    files = {"prices.xlsx": saved(book), **documents}
    reading = read_container(zipped(files), "harbour")
    assert reading.findings == ()
    original = read_catalog(catalog_files(), "harbour")
    assert reading.draft is not None
    assert original.draft is not None
    assert reading.draft.products[0].documents == original.draft.products[0].documents

    stray = read_container(zipped({**files, "documents/more.md": b"x", "notes.md": b"y"}), "harbour")
    assert [(each.file, each.code) for each in stray.findings] == [("notes.md", "file_not_used")]
    stray = read_container(zipped({**files, "documents/more.md": b"x"}), "harbour")
    assert [(each.file, each.code) for each in stray.findings] == [("documents/more.md", "file_not_used")]
    two = read_container(zipped({**files, "second.xlsx": files["prices.xlsx"]}), "harbour")
    assert [(each.file, each.code, each.right) for each in two.findings] == [
        ("second.xlsx", "one_workbook_only", "prices.xlsx")
    ]


def at(*day: int) -> datetime:
    """A day as a spreadsheet has it: of no zone."""
    return datetime(*day)  # type: ignore[arg-type] # noqa: DTZ001  a cell knows no zone


def set_cell(sheet: str, cell: str, value: object) -> Callable[[Workbook], None]:
    def change(book: Workbook) -> None:
        book[f"{PRODUCT} {sheet}".strip() if sheet != "Catalog" else sheet][cell] = value

    return change


MAIN = PRODUCT
GRACE, NAME = cell_of(MAIN, "key_facts.grace_days"), cell_of(MAIN, "marketing_name")
Fault = tuple[Callable[[Workbook], None], str, str, str, str, str, str]


def of(part: str) -> str:
    return f"{PRODUCT} {part}"


FAULTS: list[Fault] = [
    (set_cell("", GRACE, -1), MAIN, GRACE, "key_facts.grace_days", "out_of_bounds", "-1", ">= 0"),
    (set_cell("", GRACE, "two months"), MAIN, GRACE, "key_facts.grace_days", "wrong_kind", "two months", "int"),
    (set_cell("", GRACE, "=30*2"), MAIN, GRACE, "value", "formula", "=30*2", ""),
    (set_cell("", NAME, None), MAIN, NAME, "marketing_name", "missing", "", ""),
    (set_cell("", f"C{GRACE[1:]}", "六十"), MAIN, f"C{GRACE[1:]}", "key_facts.grace_days", "no_second_language",
     "六十", ""),
    (set_cell("", f"A{GRACE[1:]}", "key_facts.grace"), MAIN, f"A{GRACE[1:]}", "field", "unknown_field",
     "key_facts.grace", "key_facts.cooling_off_days"),
    (set_cell("covers", "A2", "DEATH!"), of("covers"), "A2", "code", "wrong_form", "DEATH!", "a-z"),
    (set_cell("covers", "B1", "nome"), of("covers"), "B1", "nome", "column_unknown", "nome", "pays (zh)"),
    (set_cell("exclusions", "D4", None), of("exclusions"), "D4", "plain_explanation", "missing", "", ""),
    (set_cell("eligibility", "A2", "weight"), of("eligibility"), "A2", "factor", "unknown_factor", "weight", "age"),
    (set_cell("eligibility", "A3", "age"), of("eligibility"), "A3", "factor", "name_twice", "age", ""),
    (set_cell("occupation", "B3", "cheap"), of("occupation"), "B3", "rate", "not_a_number", "cheap", "0.000000"),
    (set_cell("occupation", "B3", 1.5), of("examples"), "G4", "premium", "example_differs", "6217.98", ""),
    (set_cell("occupation", "B3", 1.234567890123456), of("occupation"), "B3", "rate", "too_many_digits",
     "1.234567890123456", "1.23456789012346"),
    (set_cell("occupation", "B3", at(2026, 1, 2)), of("occupation"), "B3", "rate", "not_a_number",
     "2026-01-02", ""),
    (set_cell("examples", "G2", 1320.76), of("examples"), "G2", "premium", "example_differs", "1320.76", "1320.75"),
    (set_cell("Catalog", "B5", "soon"), "Catalog", "B5", "effective_from", "not_a_day", "soon", ""),
    (set_cell("Catalog", "B3", "rival"), "Catalog", "B3", "insurer", "other_insurer", "rival", "harbour"),
    (set_cell("steps", "J2", "#N/A"), of("steps"), "J2", "unit", "cell_error", "#N/A", ""),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[1]} {fault[2]} {fault[4]}")
def test_a_fault_is_told_by_sheet_row_and_column(fault: Fault) -> None:
    change, sheet, cell, column, code, value, right = fault
    found = workbook_findings(changed_workbook(change))
    there = [each for each in found if (each.file, each.cell) == (sheet, cell)]
    assert [(each.code, each.row, each.column, each.value) for each in there] == [
        (code, position(cell)[0], column, value)
    ], found
    assert right in there[0].right


def test_shared_strings_and_inline_strings_are_the_same_words() -> None:
    shared = with_shared_strings(harbour_workbook())
    assert b"inlineStr" not in zipfile.ZipFile(io.BytesIO(shared)).read("xl/worksheets/sheet2.xml")
    assert read_container(shared, "harbour") == read_container(harbour_workbook(), "harbour")


def test_five_broken_cells_are_five_findings() -> None:
    def change(book: Workbook) -> None:
        set_cell("", GRACE, -1)(book)
        set_cell("covers", "A2", "DEATH!")(book)
        set_cell("Catalog", "B5", "soon")(book)
        set_cell("occupation", "B3", "=1+1")(book)
        set_cell("risk", "E9", None)(book)

    assert {(each.file, each.cell, each.code) for each in workbook_findings(changed_workbook(change))} == {
        ("Catalog", "B5", "not_a_day"),
        (PRODUCT, GRACE, "out_of_bounds"),
        (of("covers"), "A2", "wrong_form"),
        (of("occupation"), "B3", "formula"),
        (of("risk"), "E9", "not_a_number"),
    }


def merge(book: Workbook) -> None:
    book[f"{PRODUCT} occupation"].merge_cells("A3:B3")


def hide_row(book: Workbook) -> None:
    book[f"{PRODUCT} occupation"].row_dimensions[3].hidden = True


def hide_column(book: Workbook) -> None:
    book[f"{PRODUCT} occupation"].column_dimensions["B"].hidden = True


def hide_sheet(book: Workbook) -> None:
    book[f"{PRODUCT} occupation"].sheet_state = "hidden"


@pytest.mark.parametrize(
    ("change", "code", "cell", "value"),
    [
        (merge, "merged_cells", "A3", "A3:B3"),
        (hide_row, "hidden_row", "A3", "3"),
        (hide_column, "hidden_column", "B1", "B"),
        (hide_sheet, "hidden_sheet", "", ""),
    ],
)
def test_what_is_merged_or_hidden_is_told(change: Callable[[Workbook], None], code: str, cell: str, value: str) -> None:
    found = [each for each in workbook_findings(changed_workbook(change)) if each.code == code]
    assert [(each.file, each.cell, each.value) for each in found] == [(f"{PRODUCT} occupation", cell, value)]


def test_sheets_that_are_missing_or_not_known_are_told() -> None:
    def change(book: Workbook) -> None:
        del book[f"{PRODUCT} risk"]
        book.create_sheet("Notes")["A1"] = "to do"

    found = {(each.file, each.code) for each in workbook_findings(changed_workbook(change))}
    assert found == {("Notes", "sheet_unknown"), (f"{PRODUCT} risk", "sheet_missing")}
    assert {(each.file, each.code) for each in workbook_findings(saved(Workbook()))} >= {("Catalog", "sheet_missing")}


def test_a_marked_copy_and_the_explanations_are_no_part_of_the_catalog() -> None:
    def change(book: Workbook) -> None:
        sheet = book.create_sheet("Findings")
        sheet["A1"] = "=1+1"
        sheet["B1"] = 0.1 + 0.2

    assert workbook_findings(changed_workbook(change)) == ()


def test_a_day_is_a_day_however_it_is_typed_and_the_dates_of_1904_are_heeded() -> None:
    written = changed_workbook(set_cell("Catalog", "B5", at(2026, 1, 1)))
    assert workbook_findings(written) == ()
    with_time = changed_workbook(set_cell("Catalog", "B5", at(2026, 1, 1, 12)))
    assert [(each.cell, each.code) for each in workbook_findings(with_time)] == [("B5", "not_a_day")]

    def from_1904(book: Workbook) -> None:
        book.epoch = at(1904, 1, 1)
        book["Catalog"]["B5"] = at(2026, 1, 1)

    reading = read_container(changed_workbook(from_1904), "harbour")
    assert reading.draft is not None
    assert reading.draft.products[0].effective_from.isoformat() == "2026-01-01"


@given(st.decimals(min_value=0, max_value=999_999_999, places=6, allow_nan=False))
def test_a_decimal_of_fifteen_digits_comes_back_as_it_was_typed(typed: Decimal) -> None:
    assert Decimal(number(repr(float(typed))).text) == typed
    assert number(f"{float(typed):.17g}") == number(repr(float(typed)))  # spreadsheets write up to 17 digits


@given(st.integers(1, 1_048_576), st.integers(1, 16_384))
def test_a_reference_names_one_cell(row: int, column: int) -> None:
    assert position(reference(row, column)) == (row, column)


def test_cells_far_outside_are_refused_whatever_dimension_the_sheet_declares() -> None:
    for cell in (f"A{MAX_ROWS + 1}", reference(1, MAX_COLUMNS + 1), "XFD1048576"):
        found = workbook_findings(changed_workbook(set_cell("occupation", cell, 1)))
        assert [(each.code, each.value, each.file) for each in found] == [
            ("cell_out_of_reach", cell, f"{PRODUCT} occupation")
        ]


def with_parts(parts: dict[str, bytes]) -> bytes:
    """The reference workbook with parts added or replaced."""
    with zipfile.ZipFile(io.BytesIO(with_shared_strings(harbour_workbook()))) as archive:
        return zipped({name: archive.read(name) for name in archive.namelist()} | parts)


DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst><si><t>&a;</t></si></sst>'


@pytest.mark.asvs("1.5.1", "5.2.2")
@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({"xl/vbaProject.bin": b"x"}, "macros"),
        ({"[Content_Types].xml": b"<Types>application/vnd.ms-excel.sheet.macroEnabled.main+xml</Types>"}, "macros"),
        ({"xl/externalLinks/externalLink1.xml": b"<x/>"}, "external_links"),
        ({"xl/connections.xml": b"<x/>"}, "external_links"),
        ({"xl/sharedStrings.xml": DOCTYPE}, "document_type"),
        ({"xl/workbook.xml": b"<workbook" * 3}, "not_a_workbook"),
        ({"xl/workbook.xml": b"<a>" * 200 + b"</a>" * 200}, "not_a_workbook"),
        ({"xl/media/bomb.xml": b"0" * (8 * 2**20)}, "bursting"),
    ],
)
def test_a_workbook_that_plays_tricks_is_refused(parts: dict[str, bytes], code: str) -> None:
    assert [each.code for each in workbook_findings(with_parts(parts))] == [code]


def test_an_old_workbook_is_told_so() -> None:
    assert [each.code for each in workbook_findings(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest")] == ["old_workbook"]


def test_every_field_has_words_and_nothing_else_has() -> None:
    assert list(words.CATALOG) == [each.path for each in layout.catalog_fields()]
    assert list(words.PRODUCT) == [each.path for each in layout.product_fields()]
    assert {name: list(said) for name, said in words.PARTS.items()} == {
        part.name: [each.path for each in part.fields] for part in layout.parts()
    }


@pytest.mark.parametrize("line", LINES)
def test_a_frame_of_each_line_asks_for_everything(line: Any) -> None:
    book = load_workbook(io.BytesIO(write_workbook(dict(frame(line)))))
    facts = [f"facts.{row.key}" for row in LINES[line].rows if row.source == "fact"]
    fields = [row[0].value for row in book["my-product"].iter_rows(min_row=2)]
    assert fields[-len(facts) :] == facts
    assert [cell.value for cell in book["my-product examples"][1]] == [
        *(factor.name for factor in LINES[line].factors), "premium",
    ]  # fmt: skip
    assert {each.code for each in workbook_findings(saved(book))} >= {"missing"}

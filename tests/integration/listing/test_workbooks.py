"""What an insurer takes away: a template that reads without a finding, and its upload with every finding marked."""

import csv
import io
import re
import zipfile
from typing import Any

import pytest
from openpyxl import load_workbook

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Line
from marketplace.infra.formatting import use_locale
from marketplace.listing import queries, services
from marketplace.listing.values import Files, Upload, UploadState, WorkbookNotFound
from tests.factories.accounts import an_insurer
from tests.factories.catalog import HARBOUR_TERM, STAFF, catalog_files, changed
from tests.factories.workbooks import PRODUCT, cell_of, changed_workbook

pytestmark = pytest.mark.usefixtures("database")
GRACE = cell_of(PRODUCT, "key_facts.grace_days")


@pytest.fixture
def harbour() -> Insurer:
    return an_insurer("harbour")


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_the_template_is_a_draft_as_it_is_downloaded(harbour: Insurer, locale: str) -> None:
    with use_locale(locale):
        data = queries.template(harbour.code, Line.TERM_LIFE)
    upload = sent(harbour, data)
    assert (upload.state, upload.findings, upload.products) == (UploadState.DRAFT, (), ("my-term",))
    book = load_workbook(io.BytesIO(data))
    assert (book["How to"]["A6"].value == "Several values in one cell are separated by commas.") == (locale == "en")
    offered = {each.formula1 for each in book["my-term steps"].data_validations.dataValidation}
    assert '"add,discount,fee,instalment,loading,lookup,maximum,minimum,multiply,per_unit,round,tax"' in offered


def test_the_frame_of_another_line_knows_whose_it_is(harbour: Insurer) -> None:
    book = load_workbook(io.BytesIO(queries.template(harbour.code, Line.TRAVEL)))
    assert {row[0].value: row[1].value for row in book["Catalog"].iter_rows(min_row=2)}["insurer"] == "harbour"
    assert {row[0].value: row[1].value for row in book["my-product"].iter_rows(min_row=2)}["line"] == "travel"


def sent(harbour: Insurer, data: bytes | Files) -> Upload:
    """An upload that was received and read."""
    upload = services.upload_catalog(harbour.id, data, STAFF)
    services.read_upload(upload.id)
    return queries.upload(upload.id)


def broken(harbour: Insurer) -> Upload:
    def change(book: object) -> None:
        book[PRODUCT][GRACE] = -1  # type: ignore[index]
        book[f"{PRODUCT} occupation"]["B3"] = "=1+1"  # type: ignore[index]

    return sent(harbour, changed_workbook(change))


def test_a_marked_copy_says_in_each_faulty_cell_what_is_wrong_and_comes_back(harbour: Insurer) -> None:
    upload = broken(harbour)
    copy = queries.marked_copy(upload)
    assert copy.name == "marked.xlsx"
    book = load_workbook(io.BytesIO(copy.data))
    cell = book[PRODUCT][GRACE]
    assert cell.comment is not None
    assert cell.comment.text == "-1 is out of bounds. It must be >= 0."
    assert cell.fill.fgColor.rgb == "00F6C6BE"
    assert book[PRODUCT]["B2"].fill.fgColor.rgb != "00F6C6BE"
    assert [[each.value for each in row] for row in book["Findings"].iter_rows()] == [
        ["Sheet or file", "Place", "Field", "Value", "What is wrong", "What would be right"],
        [f"{PRODUCT} occupation", "B3", "rate", "=1+1", "=1+1 is a formula.", "Write the number itself."],
        [PRODUCT, GRACE, "key_facts.grace_days", "-1", "-1 is out of bounds.", "It must be >= 0."],
    ]
    assert book["Findings"]["D2"].data_type == "s", "a formula is told as words"
    again = sent(harbour, copy.data)
    assert again.findings == upload.findings
    book[PRODUCT][GRACE], book[f"{PRODUCT} occupation"]["B3"] = 60, 1.1
    mended = io.BytesIO()
    book.save(mended)
    assert sent(harbour, mended.getvalue()).findings == ()


def test_a_marked_copy_speaks_the_readers_language(harbour: Insurer) -> None:
    with use_locale("zh_Hans_CN"):
        copy = queries.marked_copy(broken(harbour))
    book = load_workbook(io.BytesIO(copy.data))
    assert book["Findings"]["A1"].value == "工作表或文件"


def test_the_copy_of_a_zip_is_its_files_with_a_list(harbour: Insurer) -> None:
    files = changed(f"{HARBOUR_TERM}product.toml", "grace_days = 60", "grace_days = -1")
    files = changed(f"{HARBOUR_TERM}tables/occupation.csv", "2,1.1", "2,=1+1", files)
    copy = queries.marked_copy(sent(harbour, files))
    assert (copy.name, copy.media_type) == ("marked.zip", "application/zip")
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert set(archive.namelist()) == {*files, "findings.csv"}
        rows = list(csv.reader(archive.read("findings.csv").decode("utf-8-sig").splitlines()))
    assert len(rows) == 3
    assert [row for row in rows if "'=1+1" in row[3]]
    assert sent(harbour, copy.data).findings[0].file == f"{HARBOUR_TERM}product.toml"


def test_what_cannot_be_opened_has_its_list_alone(harbour: Insurer) -> None:
    copy = queries.marked_copy(sent(harbour, b"PK\x03\x04 no zip"))
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert archive.namelist() == ["findings.csv"]


def test_a_catalog_taken_along_as_a_workbook_says_the_same(harbour: Insurer) -> None:
    upload = sent(harbour, catalog_files())
    copy = queries.workbook_of(upload)
    assert copy.name == "catalog.xlsx"
    again = sent(harbour, copy.data)
    assert (again.state, again.findings) == (UploadState.DRAFT, ())
    (before,), (after,) = (queries.drafts_of(found.id) for found in (upload, again))
    assert (after.content, after.effective_from, after.effective_to) == (before.content, before.effective_from, None)
    assert after.tariff.steps[1:] != (), "a tariff of several steps"
    assert without_last_zeros(after.tariff.to_json()) == without_last_zeros(before.tariff.to_json())


def without_last_zeros(data: Any) -> Any:
    """0.2600 is a number of a spreadsheet when it comes back: 0.26."""
    match data:
        case str() if re.fullmatch(r"\d+\.\d+", data):
            return data.rstrip("0").rstrip(".")
        case dict():
            return {name: without_last_zeros(value) for name, value in data.items()}
        case list():
            return [without_last_zeros(each) for each in data]
    return data


def test_documents_that_are_no_text_lie_beside_the_workbook(harbour: Insurer) -> None:
    files = changed(f"{HARBOUR_TERM}product.toml", '"clauses.en.md"', '"clauses.en.pdf"')
    del files[f"{HARBOUR_TERM}documents/clauses.en.md"]
    pdf = b"%PDF-1.7\n"
    copy = queries.workbook_of(sent(harbour, {**files, f"{HARBOUR_TERM}documents/clauses.en.pdf": pdf}))
    assert copy.name == "catalog.zip"
    archive = zipfile.ZipFile(io.BytesIO(copy.data))
    assert archive.namelist() == ["catalog.xlsx", "documents/clauses.en.pdf"]
    assert archive.read("documents/clauses.en.pdf") == pdf
    again = sent(harbour, copy.data)
    assert (again.state, again.findings) == (UploadState.DRAFT, ())


def test_a_faulty_upload_is_had_with_its_marks_only(harbour: Insurer) -> None:
    with pytest.raises(WorkbookNotFound):
        queries.workbook_of(broken(harbour))

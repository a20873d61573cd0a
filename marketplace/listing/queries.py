"""Questions to listing: what came, and what was found in it."""

from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import LINES, Line
from marketplace.infra import spreadsheet, storage
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.listing.intake import FINDINGS, pack, passage
from marketplace.listing.intake import rate_card as rates
from marketplace.listing.intake.confined import NoAnswerError, files_confined, mark_confined
from marketplace.listing.intake.passage import Marks, Note
from marketplace.listing.intake.rate_card import LongTable
from marketplace.listing.intake.wording import explain
from marketplace.listing.intake.workbook.writing import frame, write_workbook
from marketplace.listing.intake.workbook.xlsx import is_workbook
from marketplace.listing.models import RateCardRow, UploadRow
from marketplace.listing.values import (
    Files,
    Finding,
    MarkedCopy,
    RateCard,
    RateCardNotFound,
    Upload,
    UploadNotFound,
    UploadState,
)

__all__ = [
    "LongTable", "explain", "long_table", "marked_copy", "newest_products", "rate_card", "rate_cards", "read",
    "template",
    "unnamed_labels", "upload", "uploads_of_insurer",
]  # fmt: skip

MOST_FINDINGS_KEPT = 1_000
EXAMPLE = Path(__file__).with_name("example")
ZIP = "application/zip"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def upload(upload_id: UUID) -> Upload:
    """The upload, or UploadNotFound. For callers that have checked who asks."""
    row = db.session.get(UploadRow, upload_id)
    if row is None:
        raise UploadNotFound
    return read(row)


def uploads_of_insurer(insurer_id: UUID) -> tuple[Upload, ...]:
    """The uploads of an insurer, the newest first."""
    rows = db.session.scalars(
        select(UploadRow).where(UploadRow.insurer_id == insurer_id).order_by(UploadRow.received_at.desc(), UploadRow.id)
    )
    return tuple(read(row) for row in rows)


def marked_copy(upload: Upload) -> MarkedCopy:
    """What was uploaded with its findings marked and listed in the reader's language.

    Where it cannot be opened a second time, the list alone.
    """
    data = storage.get(upload.sha256)
    headings = (_("Sheet or file"), _("Place"), _("Field"), _("Value"), _("What is wrong"), _("What would be right"))
    marks = Marks(headings, _("Evenfold"), tuple(map(_note, upload.findings)))
    try:
        copy = mark_confined(data, marks)
    except NoAnswerError:
        return MarkedCopy("marked.zip", ZIP, pack({FINDINGS: spreadsheet.csv_bytes(headings, marks.rows())}))
    return MarkedCopy("marked.xlsx", XLSX, copy) if is_workbook(data) else MarkedCopy("marked.zip", ZIP, copy)


def _note(finding: Finding) -> Note:
    said = explain(finding)
    place = finding.cell or str(finding.row or "")
    return Note(finding.file, place, finding.cell, finding.column, finding.value, said.wrong, said.right)


def template(insurer_code: str, line: Line) -> bytes:
    """The workbook to be filled in: a complete example of term life, else a frame of the line, explained."""
    files = _example() if line is Line.TERM_LIFE else dict(frame(line))
    code = f'insurer = "{insurer_code}"\n'.encode()
    head = [line for line in files["catalog.toml"].splitlines(keepends=True) if not line.startswith(b"insurer")]
    return write_workbook({**files, "catalog.toml": b"".join(head) + code})


def _example() -> dict[str, bytes]:
    paths = sorted(path for path in EXAMPLE.rglob("*") if path.is_file())
    return {path.relative_to(EXAMPLE).as_posix(): path.read_bytes() for path in paths}


def read(row: UploadRow) -> Upload:
    """The upload that a row holds."""
    return Upload(
        id=row.id,
        insurer_id=row.insurer_id,
        sha256=row.sha256,
        state=UploadState(row.state),
        label=row.label,
        products=tuple(row.products),
        findings=tuple(Finding.from_json(each) for each in row.findings),
        received_at=row.received_at,
        published_at=row.published_at,
        version_ids=tuple(UUID(each) for each in row.version_ids),
    )


def findings_json(findings: tuple[Finding, ...]) -> list[Any]:
    """The findings as they are kept."""
    return [finding.to_json() for finding in findings[:MOST_FINDINGS_KEPT]]


def rate_cards(insurer_id: UUID) -> tuple[RateCard, ...]:
    """The rate cards of an insurer, by name."""
    rows = db.session.scalars(
        select(RateCardRow).where(RateCardRow.insurer_id == insurer_id).order_by(RateCardRow.name)
    )
    return tuple(map(read_card, rows))


def rate_card(card_id: UUID) -> RateCard:
    """The rate card, or RateCardNotFound. For callers that have checked who asks."""
    row = db.session.get(RateCardRow, card_id)
    if row is None:
        raise RateCardNotFound
    return read_card(row)


def read_card(row: RateCardRow) -> RateCard:
    """The rate card that a row holds."""
    grid = passage.grid_from_json(storage.get(row.grid_sha256))
    plan = passage.plan_from_json(row.plan)
    return RateCard(row.id, row.insurer_id, row.name, Line(row.line), grid, plan, row.changed_at)


def long_table(card: RateCard) -> LongTable:
    """The card as its plan reads it, with what was found."""
    return rates.long_table(card.grid, card.plan, LINES[card.line])


def unnamed_labels(card: RateCard) -> tuple[str, ...]:
    """The labels of a card whose meaning its plan has to say one by one."""
    return rates.unnamed_labels(card.grid, card.plan)


def newest_products(insurer_id: UUID) -> dict[str, Upload]:
    """The newest upload without findings for each product of an insurer, by the product's code."""
    found: dict[str, Upload] = {}
    for each in uploads_of_insurer(insurer_id):
        for code in each.products:
            found.setdefault(code, each)
    return found


def files_of_upload(upload: Upload) -> Files:
    """The text files that an upload amounts to."""
    return files_confined(storage.get(upload.sha256))

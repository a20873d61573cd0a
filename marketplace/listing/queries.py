"""Questions to listing: what came, and what was found in it."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.infra.db import db
from marketplace.listing.intake.wording import explain
from marketplace.listing.models import UploadRow
from marketplace.listing.values import Finding, Upload, UploadNotFound, UploadState

__all__ = ["explain", "read", "upload", "uploads_of_insurer"]

MOST_FINDINGS_KEPT = 1_000


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

"""Receive an upload, and publish what it holds."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import queries as accounts
from marketplace.catalog import services as catalog
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.listing import queries
from marketplace.listing.intake import pack
from marketplace.listing.intake.confined import read_confined
from marketplace.listing.models import UploadRow, locked_upload
from marketplace.listing.values import (
    DraftProduct,
    Files,
    Reading,
    Upload,
    UploadHasFindings,
    UploadNotFound,
    UploadState,
)
from marketplace.rating import services as rating
from marketplace.traceability.values import Actor


def upload_catalog(insurer_id: UUID, container: bytes | Files, actor: Actor) -> Upload:
    """Keep a catalog (a zip, or the files of a folder) and say what is found in it; nothing goes on sale.

    The same bytes of the same insurer are one upload: sent again, the first is returned. Raises InsurerNotFound.
    """
    insurer = accounts.insurer(insurer_id)
    data = container if isinstance(container, bytes) else pack(container)
    known = _upload_of(insurer_id, sha256_hex(data))
    if known is not None:
        return known
    reading = read_confined(data, insurer.code)
    draft = reading.draft
    db.session.execute(
        insert(UploadRow)
        .values(
            id=ids.new_id(),
            insurer_id=insurer_id,
            sha256=storage.put(data),
            state=UploadState.REFUSED if draft is None else UploadState.DRAFT,
            label="" if draft is None else draft.label,
            products=[] if draft is None else [product.content.code for product in draft.products],
            findings=queries.findings_json(reading.findings),
            received_at=clock.now(),
            received_by=actor.account_id,
            version_ids=[],
        )
        .on_conflict_do_nothing(index_elements=["insurer_id", "sha256"])
    )
    received = _upload_of(insurer_id, sha256_hex(data))
    if received is None:
        raise UploadNotFound
    return received


def publish_upload(upload_id: UUID, actor: Actor) -> tuple[UUID, ...]:
    """Put every product of a draft on sale: versions, tariffs and documents in this one transaction.

    Asked again, what was published is returned. Raises UploadNotFound, UploadHasFindings, and what
    `catalog.services.publish_version` raises; then nothing is published.
    """
    row = locked_upload(upload_id)
    if row is None:
        raise UploadNotFound
    if row.state == UploadState.PUBLISHED:
        return queries.read(row).version_ids
    reading = _read_again(row)
    if reading.draft is None:
        raise UploadHasFindings
    version_ids = tuple(_publish(row.insurer_id, product, actor) for product in reading.draft.products)
    row.state = UploadState.PUBLISHED
    row.published_at = clock.now()
    row.published_by = actor.account_id
    row.version_ids = [str(version_id) for version_id in version_ids]
    db.session.flush()
    return version_ids


def _read_again(row: UploadRow) -> Reading:
    """The draft from the bytes that were received: what is published is what was uploaded."""
    return read_confined(storage.get(row.sha256), accounts.insurer(row.insurer_id).code)


def _publish(insurer_id: UUID, product: DraftProduct, actor: Actor) -> UUID:
    documents = {ref.sha256: data for ref, data in product.documents}
    version = catalog.publish_version(
        insurer_id,
        product.content,
        documents,
        effective_from=product.effective_from,
        effective_to=product.effective_to,
        actor=actor,
    )
    rating.store_tariff(version.id, product.tariff)
    return version.id


def _upload_of(insurer_id: UUID, sha256: str) -> Upload | None:
    row = db.session.scalars(
        select(UploadRow).where(UploadRow.insurer_id == insurer_id, UploadRow.sha256 == sha256)
    ).one_or_none()
    return None if row is None else queries.read(row)

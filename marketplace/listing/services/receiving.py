"""Receive an upload at once, read it in a job, keep what was read. Nothing goes on sale by it."""

import os
from threading import BoundedSemaphore
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from marketplace.accounts import queries as accounts
from marketplace.infra import jobs, storage
from marketplace.infra.confinement import NoAnswerError
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.listing import queries
from marketplace.listing.intake import pack
from marketplace.listing.intake.confined import read_confined, why_not_read
from marketplace.listing.models import DraftRow, UploadRow, locked_upload
from marketplace.listing.services.measuring import Market, measured
from marketplace.listing.services.steps import move
from marketplace.listing.values import (
    OPEN_STATES,
    Difference,
    Draft,
    DraftProduct,
    Files,
    Impact,
    Priced,
    Reading,
    StillOnSale,
    Upload,
    UploadEvent,
    UploadNotFound,
    UploadState,
)
from marketplace.traceability.values import SYSTEM, Actor

LONGEST_NAME = 200
AT_ONCE = BoundedSemaphore(os.cpu_count() or 1)


def upload_catalog(insurer_id: UUID, container: bytes | Files, actor: Actor, file_name: str = "") -> Upload:
    """Keep a catalog (its bytes, or the files of a folder) and have it read; nothing goes on sale.

    The same bytes of the same insurer are one upload while it is on its road or on sale: sent again, it is returned.
    Raises InsurerNotFound.
    """
    accounts.insurer(insurer_id)
    data = container if isinstance(container, bytes) else pack(container)
    return _standing(insurer_id, sha256_hex(data)) or _receive(insurer_id, data, actor, file_name)


def upload_again(upload_id: UUID, actor: Actor) -> Upload:
    """Send the file of an upload on its road once more, as a new upload: it was rejected or withdrawn, or what it
    published is off sale. Raises UploadNotFound, StillOnSale.
    """
    found = queries.upload(upload_id)
    if not queries.may_be_uploaded_again(found):
        raise StillOnSale
    return _receive(found.insurer_id, storage.get(found.sha256), actor, found.file_name)


def read_upload(upload_id: UUID) -> None:
    """Read a received upload into a draft, or into what was found; asked again, nothing changes.

    The job that does it may be killed and start anew: until its transaction ends, the upload is received and no more.
    One for each processor at a time: more would not be read sooner and hold more memory.
    """
    with AT_ONCE:
        _read(upload_id)


def _read(upload_id: UUID) -> None:
    row = locked_upload(upload_id)
    if row is None or row.state != UploadState.RECEIVED:
        return
    reading = read_confined(storage.get(row.sha256), accounts.insurer(row.insurer_id).code)
    try:
        drafts = _drafts(row, reading.draft) if reading.draft else []
    except NoAnswerError as none:
        reading = Reading((why_not_read(none),))
    row.findings = queries.findings_json(reading.findings)
    if reading.draft is None:
        move(row, UploadEvent.FIND, SYSTEM)
    else:
        row.label, row.products = reading.draft.label, [product.content.code for product in reading.draft.products]
        db.session.execute(insert(DraftRow), drafts)
        move(row, UploadEvent.READ, SYSTEM)
    db.session.flush()


def _standing(insurer_id: UUID, sha256: str) -> Upload | None:
    """The upload of these bytes that is on its road, or whose products are on sale."""
    rows = db.session.scalars(
        select(UploadRow)
        .where(UploadRow.insurer_id == insurer_id, UploadRow.sha256 == sha256)
        .order_by(UploadRow.received_at.desc(), UploadRow.id)
    )
    return next((found for found in map(queries.read, rows) if _stands(found)), None)


def _stands(found: Upload) -> bool:
    return found.state in OPEN_STATES or (
        found.state is UploadState.PUBLISHED and not queries.may_be_uploaded_again(found)
    )


def _receive(insurer_id: UUID, data: bytes, actor: Actor, file_name: str) -> Upload:
    upload_id = db.session.scalar(
        insert_or_not(UploadRow)
        .values(
            id=ids.new_id(),
            insurer_id=insurer_id,
            sha256=storage.put(data),
            state=UploadState.RECEIVED.value,
            file_name=file_name[:LONGEST_NAME],
            label="",
            products=[],
            findings=[],
            received_at=clock.now(),
            received_by=actor.account_id,
            version_ids=[],
        )
        .on_conflict_do_nothing()
        .returning(UploadRow.id)
    )
    if upload_id is not None:
        jobs.defer("listing.read_upload", upload_id=upload_id)
        return queries.upload(upload_id)
    found = _standing(insurer_id, sha256_hex(data))
    if found is None:
        raise UploadNotFound
    return found


def _drafts(row: UploadRow, draft: Draft) -> list[dict[str, object]]:
    """Product by product, with what each changes and whom it touches. Raises NoAnswerError."""
    priced = [Priced.of(product.content, product.tariff) for product in draft.products]
    found = zip(draft.products, priced, measured(Market.of(row.insurer_id), draft.products, priced), strict=True)
    return [_draft_row(row, place, *each) for place, each in enumerate(found, 1)]


def _draft_row(
    row: UploadRow, place: int, product: DraftProduct, priced: Priced, found: tuple[Difference, Impact]
) -> dict[str, object]:
    difference, impact = found
    for _, data in product.documents:
        storage.put(data)
    return {
        "upload_id": row.id,
        "place": place,
        "insurer_id": row.insurer_id,
        "content": priced.content,
        "tariff": priced.tariff,
        "effective_from": product.effective_from,
        "effective_to": product.effective_to,
        "difference": difference.to_json(),
        "impact": impact.to_json(),
    }

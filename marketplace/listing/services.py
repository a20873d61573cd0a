"""Receive an upload, and publish what it holds."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import queries as accounts
from marketplace.catalog import services as catalog
from marketplace.catalog.values import LINES, Line
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.listing import queries
from marketplace.listing.intake import pack, passage, rate_card
from marketplace.listing.intake.confined import grid_confined, read_confined
from marketplace.listing.intake.wording import explain
from marketplace.listing.models import RateCardRow, UploadRow, locked_upload
from marketplace.listing.values import (
    CardPlan,
    DraftProduct,
    Files,
    Grid,
    RateCard,
    RateCardHasFindings,
    RateCardNameTaken,
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


def keep_rate_card(insurer_id: UUID, name: str, line: Line, data: bytes, actor: Actor) -> RateCard:
    """Keep a rate card with a first guess of how it is to be read. Raises RateCardNameTaken, Invalid."""
    taken = select(RateCardRow.id).where(RateCardRow.insurer_id == insurer_id, RateCardRow.name == name)
    if db.session.scalar(taken) is not None:
        raise RateCardNameTaken
    grid = _readable_grid(data)
    row = RateCardRow(id=ids.new_id(), insurer_id=insurer_id, name=name, line=line.value)
    _write_card(row, grid, rate_card.guessed_plan(grid, LINES[line]), actor)
    db.session.add(row)
    db.session.flush()
    return queries.read_card(row)


def plan_rate_card(card_id: UUID, plan: CardPlan, actor: Actor) -> RateCard:
    """Read a card otherwise; what the plan leaves open is guessed. Raises RateCardNotFound."""
    card = queries.rate_card(card_id)
    row = db.session.get_one(RateCardRow, card_id)
    _write_card(row, card.grid, rate_card.with_guesses(card.grid, plan, LINES[card.line]), actor)
    db.session.flush()
    return queries.read_card(row)


def renew_rate_card(card_id: UUID, data: bytes, actor: Actor) -> RateCard:
    """Read the next card as the one before. Raises RateCardNotFound, Invalid."""
    card = queries.rate_card(card_id)
    row, grid = db.session.get_one(RateCardRow, card_id), _readable_grid(data)
    _write_card(row, grid, rate_card.with_guesses(grid, card.plan, LINES[card.line]), actor)
    db.session.flush()
    return queries.read_card(row)


def put_rate_card(card_id: UUID, product_code: str, examples: str, actor: Actor) -> Upload:
    """A draft of the product's newest catalog with the card as one of its tables; nothing goes on sale.

    Raises RateCardNotFound, RateCardHasFindings, UploadNotFound.
    """
    card = queries.rate_card(card_id)
    table = queries.long_table(card)
    upload = queries.newest_products(card.insurer_id).get(product_code)
    if upload is None:
        raise UploadNotFound
    files = queries.files_of_upload(upload)
    folder = next((path.removesuffix("product.toml") for path in files if _is_of(path, product_code)), None)
    if table.findings:
        raise RateCardHasFindings
    if folder is None:
        raise UploadNotFound
    return upload_catalog(card.insurer_id, rate_card.into_product(files, folder, table, examples), actor)


def _is_of(path: str, code: str) -> bool:
    return path.endswith("/product.toml") and path.split("/")[1].partition("@")[0] == code


def _readable_grid(data: bytes) -> Grid:
    grid = grid_confined(data)
    if not grid.rows:
        raise Invalid({"file": explain(grid.findings[0]).wrong})
    return grid


def _write_card(row: RateCardRow, grid: Grid, plan: CardPlan, actor: Actor) -> None:
    row.grid_sha256 = storage.put(passage.grid_to_json(grid))
    row.plan = passage.plan_to_json(plan)
    row.changed_at = clock.now()
    row.changed_by = actor.account_id

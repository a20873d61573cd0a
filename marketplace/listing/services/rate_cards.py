"""Keep rate cards, say how they are read, and put one into a product's catalog."""

from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import LINES, Line
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid
from marketplace.listing import queries
from marketplace.listing.intake import passage, rate_card
from marketplace.listing.intake.confined import grid_confined
from marketplace.listing.intake.wording import explain
from marketplace.listing.models import RateCardRow
from marketplace.listing.services.receiving import upload_catalog
from marketplace.listing.values import (
    CardPlan,
    Grid,
    RateCard,
    RateCardHasFindings,
    RateCardNameTaken,
    Upload,
    UploadNotFound,
)
from marketplace.traceability.values import Actor


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


def put_rate_card(card_id: UUID, product_code: str, table_name: str, examples: str, actor: Actor) -> Upload:
    """A draft of the product's newest catalog with the card as its table of that name; nothing goes on sale.

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
    return upload_catalog(
        card.insurer_id, rate_card.into_product(files, folder, table.named(table_name), examples), actor
    )


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

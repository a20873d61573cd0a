"""Questions about an insurer's rate cards."""

from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import LINES, Line
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.listing.intake import passage
from marketplace.listing.intake import rate_card as rates
from marketplace.listing.intake.confined import files_confined
from marketplace.listing.intake.rate_card import LongTable
from marketplace.listing.models import RateCardRow
from marketplace.listing.queries.uploads import uploads_of_insurer
from marketplace.listing.values import Files, RateCard, RateCardNotFound, Upload


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

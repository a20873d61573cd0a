"""Questions about an insurer's rate cards."""

import csv
import io
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog.values import LINES, Factor, Frequency, Line, Scalar
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.listing.intake import passage
from marketplace.listing.intake import rate_card as rates
from marketplace.listing.intake.confined import files_confined
from marketplace.listing.intake.examples import LEAST_EXAMPLES
from marketplace.listing.intake.rate_card import LongTable
from marketplace.listing.models import RateCardRow
from marketplace.listing.queries.uploads import drafts_of, uploads_of_insurer
from marketplace.listing.rules import spread
from marketplace.listing.values import CardPlace, Files, RateCard, RateCardNotFound, Upload


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


def places_for(card: RateCard) -> tuple[CardPlace, ...]:
    """The tables with numbers of this kind in the newest catalogs of the card's line; those that look at the factors of
    the card come first.
    """
    drafts = {
        draft.content.code: draft
        for upload in dict.fromkeys(newest_products(card.insurer_id).values())
        for draft in drafts_of(upload.id)
        if draft.content.line is card.line
    }
    places = [
        CardPlace(code, drafts[code].content.name, table.name, table.factors, drafts[code].content.frequencies)
        for code in sorted(drafts)
        for table in drafts[code].tariff.tables
        if table.value == card.plan.value
    ]
    entry = long_table(card).entry
    alike = {*entry.exact, *entry.banded}
    return tuple(sorted(places, key=lambda place: set(place.factors) != alike))


def examples_to_fill_in(card: RateCard) -> str:
    """The head of a sheet of examples (CSV) and as many risks as are needed, spread over what the card prices. Their
    premium is the insurer's to write. Of the frequencies of the first product that can take the card each has one.
    """
    table, line = long_table(card), LINES[card.line]
    rows = [table.rows[number] for number in sorted(spread(len(table.rows), LEAST_EXAMPLES))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*(factor.name for factor in line.factors), "premium"])
    offered = next((place.frequencies for place in places_for(card)), ())
    frequencies = [each for each in offered if each is not Frequency.SINGLE]  # once is no answer to how often
    for number, row in enumerate(rows):
        given = dict(zip(table.entry.columns, row, strict=True))
        if line.frequency_factor and frequencies:
            given.setdefault(line.frequency_factor, frequencies[number % len(frequencies)].value)
        writer.writerow([*(_example_value(factor, given) for factor in line.factors), ""])
    return text.getvalue()


def _example_value(factor: Factor, given: Mapping[str, str]) -> Scalar:
    """What the row says, the lower end of its band; of what the card does not ask, what is assumed or comes first."""
    if factor.name in given or f"{factor.name}_from" in given:
        return given.get(factor.name) or given[f"{factor.name}_from"]
    value = factor.default if factor.default is not None else next(iter(factor.eligible(None)), "")
    return ("no", "yes")[value] if isinstance(value, bool) else value


def files_of_upload(upload: Upload) -> Files:
    """The text files that an upload amounts to."""
    return files_confined(storage.get(upload.sha256))

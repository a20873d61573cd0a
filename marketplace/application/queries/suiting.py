"""Whether an insurance suits who applies: what is asked of it, what speaks against it, the statement made of both."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.application import document
from marketplace.application.models import ApplicationRow
from marketplace.application.rules import suitability
from marketplace.application.values import ApplicationView, Circumstance, Misfit
from marketplace.needs import queries as needs
from marketplace.needs.values import PlannedPart
from marketplace.quoting.values import OfferView


@dataclass(frozen=True, slots=True)
class Suitability:
    """What is asked, and what speaks against the offer by what was told so far; `part` is that of the plan."""

    part: PlannedPart | None
    asked: tuple[Circumstance, ...]
    misfits: tuple[Misfit, ...]

    @property
    def sha256(self) -> str:
        return suitability.misfits_sha256(self.misfits)


def suitability_of(row: ApplicationRow, offer: OfferView) -> Suitability:
    """Nothing is asked of the database where there is no plan."""
    part = None
    if row.basket_id is not None and row.basket_line is not None and row.erased_at is None:
        part = needs.part_of_line(row.basket_id, row.basket_line)
    asked = suitability.circumstances_asked(offer.version.content, part)
    warned = suitability.warnings_of(offer.fits, row.circumstances or {}, part)
    misfits = tuple(document.misfit(kind, need, offer, part) for kind, need in dict.fromkeys(warned))
    return Suitability(part, asked, misfits)


def suitability_comes_up(offer: OfferView) -> bool:
    """Whether something is asked of it, or speaks against it, once this offer is applied for without a plan."""
    asked = suitability.circumstances_asked(offer.version.content, None)
    return bool(asked) or any(suitability.warnings_of(offer.fits, {}, None))


def statement_of(view: ApplicationView, stated_on: date) -> dict[str, Any]:
    """The statement of demands and needs as it would be frozen on this day (EU-07, UK-03)."""
    return document.statement(view.offer, view.application.circumstances or {}, view.part, view.misfits, stated_on)

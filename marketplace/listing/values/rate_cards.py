"""Wide rate cards and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from marketplace.catalog.values import Frequency, Line
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.text import LocalizedText
from marketplace.listing.values.uploads import Finding


@dataclass(frozen=True, slots=True)
class Grid:
    """A rate card as it was received: its cells as text, and what is wrong with them as such."""

    rows: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class CardPlan:
    """How a wide rate card is read.

    `titles` rows at the top are passed over, `headings` rows follow, then the numbers, with `label_columns` columns of
    labels on their left. `columns` and `lines` name the factor of each column of labels and each row of headings; where
    they name none, `meanings` says what each label means: `sex = male; smoker = no`.
    """

    titles: int
    headings: int
    label_columns: int
    table: str
    value: Literal["rate", "amount"]
    columns: tuple[str, ...]
    lines: tuple[str, ...]
    meanings: Mapping[str, str]

    @property
    def numbers(self) -> int:
        """The row (from 0) in which the numbers begin."""
        return self.titles + self.headings


@dataclass(frozen=True, slots=True)
class RateCard:
    """A named way of reading rate cards of an insurer, with the newest card read by it."""

    id: UUID
    insurer_id: UUID
    name: str
    line: Line
    grid: Grid
    plan: CardPlan
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class CardPlace:
    """A table of a product that a rate card can replace, and the factors that table looks at; how often the product's
    premium can be paid.
    """

    product_code: str
    product_name: LocalizedText
    table: str
    factors: tuple[str, ...]
    frequencies: tuple[Frequency, ...]


class RateCardNotFound(NotFound):
    """There is no such rate card."""

    code = "listing:rate-card-not-found"


class RateCardHasFindings(Refused):
    """This rate card has findings. Mend them, or say what its labels mean, and try again."""

    code = "listing:rate-card-has-findings"


class RateCardNameTaken(Conflict):
    """You have a rate card of this name already."""

    code = "listing:rate-card-name-taken"

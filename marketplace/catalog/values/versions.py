"""Versions and documents as they are kept, and why one is refused."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values.content import DocumentKind, ProductContent
from marketplace.catalog.values.factors import Line
from marketplace.catalog.values.profiles import Unmet
from marketplace.kernel.errors import Conflict, Invalid, NotFound, Refused
from marketplace.kernel.text import LocalizedText


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """One immutable version of a product, on sale from `effective_from` until before `effective_to`.

    From `sale_stops_at` (business time) on it is not offered any more; once withdrawn, its offers do not stand either.
    """

    id: UUID
    product_id: UUID
    insurer_id: UUID
    number: int
    content: ProductContent
    content_sha256: str
    effective_from: date
    effective_to: date | None
    published_at: datetime
    withdrawn_at: datetime | None
    sale_stops_at: datetime | None = None

    @property
    def line(self) -> Line:
        return self.content.line

    def effective_on(self, day: date) -> bool:
        """Whether `day` is one of those the version was published for."""
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)

    def on_sale_on(self, day: date) -> bool:
        """Whether the version may be quoted on `day`."""
        return self.withdrawn_at is None and self.effective_on(day)

    def stopped_at(self, instant: datetime) -> bool:
        """Whether there are no new offers of it at `instant` (business time)."""
        stopped = self.sale_stops_at is not None and self.sale_stops_at <= instant
        return self.withdrawn_at is not None or stopped


class SaleEndKind(StrEnum):
    """How an insurer ends a sale: no new offers from an instant; at once, open offers void; before it ever began."""

    STOP_SALE = "stop_sale"
    RECALL = "recall"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, slots=True)
class SaleEnd:
    """That a version is sold no more from `business_at` on, and the insurer's reason, which customers read."""

    product_version_id: UUID
    kind: SaleEndKind
    business_at: datetime
    reason: LocalizedText
    noted_at: datetime
    noted_by: UUID | None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a product version; its bytes are in the store of files under `sha256`."""

    id: UUID
    product_version_id: UUID
    kind: DocumentKind
    locale: str
    title: str
    media_type: str
    size: int
    sha256: str

    @property
    def is_shown_as_text(self) -> bool:
        """Whether a page shows all of it; any other is a file that has to be opened."""
        return self.media_type == "text/markdown"


class ProductVersionNotFound(NotFound):
    """There is no such product version."""

    code = "catalog:product-version-not-found"


class AlreadyOnSale(Conflict):
    """This version is on sale already. Stop its sale, or recall it."""

    code = "catalog:already-on-sale"


class OffSaleAlready(Conflict):
    """This version is not on sale any more."""

    code = "catalog:off-sale-already"


class StopInThePast(Invalid):
    """A sale cannot have stopped before now."""

    code = "catalog:stop-in-the-past"


class DocumentNotFound(NotFound):
    """There is no such document."""

    code = "catalog:document-not-found"


class DemandsUnmet(Invalid):
    """The market profile demands more than this version says."""

    code = "catalog:demands-unmet"

    def __init__(self, unmet: tuple[Unmet, ...]) -> None:
        super().__init__({each.field: f"{each.reason} ({each.requirement})" for each in unmet})
        self.unmet = unmet


class DocumentDiffers(Invalid):
    """The bytes handed in are not those that the version names."""

    code = "catalog:document-differs"


class EffectiveOverlaps(Conflict):
    """Another version of this product is on sale in a part of that time."""

    code = "catalog:effective-overlaps"


class LineDiffers(Conflict):
    """A product stays in the line of business it was first published in."""

    code = "catalog:line-differs"


class RatesOnlyRefused(Refused):
    """Published rates of real insurers are test data and have no place in production."""

    code = "catalog:rates-only-refused"

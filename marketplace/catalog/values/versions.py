"""Versions and documents as they are kept, and why one is refused."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.catalog.values.content import DocumentKind, ProductContent
from marketplace.catalog.values.factors import Line
from marketplace.catalog.values.profiles import Unmet
from marketplace.kernel.errors import Conflict, Invalid, NotFound, Refused


@dataclass(frozen=True, slots=True)
class ProductVersion:
    """One immutable version of a product, on sale from `effective_from` until before `effective_to`."""

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

    @property
    def line(self) -> Line:
        return self.content.line

    def on_sale_on(self, day: date) -> bool:
        """Whether the version may be quoted on `day`."""
        ended = self.effective_to is not None and self.effective_to <= day
        return self.withdrawn_at is None and self.effective_from <= day and not ended


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


class ProductVersionNotFound(NotFound):
    """There is no such product version."""

    code = "catalog:product-version-not-found"


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

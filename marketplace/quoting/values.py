"""The public words of quoting: needs, offers, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from marketplace.catalog.values import Line, ProductVersion, Risk, Scalar
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.rating.values import Breakdown


@dataclass(frozen=True, slots=True)
class NeedRequest:
    """What a visitor wants covered: rating factors only (T26-12), never who they are.

    `start_on` is the wished first day of cover; lines whose factors hold the start day take it from there.
    """

    line: Line
    risk: Mapping[str, Scalar]
    start_on: date
    journey_id: UUID


@dataclass(frozen=True, slots=True)
class NotOffered:
    """A product on sale that was not offered: the factor that decided and the reason in words."""

    product_version_id: UUID
    insurer_id: UUID
    product_code: str
    name: LocalizedText
    factor: str | None
    reason: LocalizedText


@dataclass(frozen=True, slots=True)
class Panel:
    """How much of what was on sale is compared: `products` of which `offered`, from `insurers` insurers."""

    products: int
    offered: int
    insurers: int
    not_offered: tuple[NotOffered, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """A need as it was asked. `risk` is complete; `assumed` names the factors whose default was taken (UK-12).

    Of an `erased` one the rating factors are gone: `risk` is empty, `start_on` the day on which it was asked.
    """

    id: UUID
    reference: str
    line: Line
    risk: Risk
    assumed: tuple[str, ...]
    start_on: date
    journey_id: UUID
    ranking_rule: str
    panel: Panel
    created_at: datetime
    business_at: datetime
    expires_at: datetime
    erased: bool = False


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with everything it pins. `premium` is due each of `payments` times; `total` is the cost over the term.

    `place` is its place in the order shown, from 1. `expires_at` is business time.
    """

    id: UUID
    need: Need
    place: int
    version: ProductVersion
    insurer_id: UUID
    premium: Money
    payments: int
    total: Money
    breakdown: Breakdown
    tariff_root: str
    content_sha256: str
    expires_at: datetime
    voided_at: datetime | None

    @property
    def can_be_bought(self) -> bool:
        """Whether the market profile allows a contract at all."""
        return self.version.content.profile.can_be_bought


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An offer that binds an insurer still: the risk it is for and the premium it promises."""

    id: UUID
    risk: Risk
    premium: Money


@dataclass(frozen=True, slots=True)
class RankingWords:
    """The ranking rule as the page states it: its id, its criteria in order, and what is never looked at."""

    rule: str
    criteria: tuple[str, ...]
    never: tuple[str, ...]


class NeedNotFound(NotFound):
    """There is no such comparison."""

    code = "quoting:need-not-found"


class NeedErased(NotFound):
    """What was compared here was erased. Please compare again."""

    code = "quoting:need-erased"


class OfferNotFound(NotFound):
    """There is no such offer."""

    code = "quoting:offer-not-found"


class TariffNotPublished(NotFound):
    """The insurer does not publish this tariff as a whole."""

    code = "quoting:tariff-not-published"


class OfferExpired(Conflict):
    """This offer has expired. Please compare again."""

    code = "quoting:offer-expired"


class StartDayPassed(OfferExpired):
    """The day on which cover should start has passed. Please choose a new day."""

    code = "quoting:start-day-passed"


class OfferVoided(Conflict):
    """This offer is no longer valid because something it rests on has changed. Please compare again."""

    code = "quoting:offer-voided"


class InsurerNotSelling(Conflict):
    """The sales of this insurer are stopped for now."""

    code = "quoting:insurer-not-selling"


class ProductWithdrawn(Conflict):
    """The insurer has withdrawn this product. Please compare again."""

    code = "quoting:product-withdrawn"


class SaleStopped(ProductWithdrawn):
    """The insurer has stopped the sale of this product. What was applied for before goes on."""

    code = "quoting:sale-stopped"


class NotForSale(Refused):
    """These are published rates used as test data. They cannot be bought."""

    code = "quoting:not-for-sale"


@dataclass(frozen=True, slots=True)
class JourneyCompared:
    """A visitor asked for offers."""

    need_id: UUID
    journey_id: UUID

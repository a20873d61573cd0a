"""The public words of quoting: needs, offers, and why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.catalog.values import Frequency, Line, ProductVersion, Risk, Scalar, StatedNeed
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.rating.values import Breakdown, ExtraPremium
from marketplace.traceability.values import Actor
from marketplace.underwriting.values import Decision


class Fit(StrEnum):
    """Whether a product does what somebody stated as a need, as far as its content says."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NeedRequest:
    """What a visitor wants covered: rating factors only (T26-12), never who they are.

    `start_on` is the wished first day of cover; lines whose factors hold the start day take it from there. `stated`
    are codes of the line's needs; `follows` is the need that this one was made from.
    """

    line: Line
    risk: Mapping[str, Scalar]
    start_on: date
    journey_id: UUID
    stated: tuple[str, ...] = ()
    follows: UUID | None = None


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
    """A need as it was asked. `risk` is complete; `assumed` names the factors whose default was taken (UK-12); `stated`
    are the codes of what the product should do, in the order of the line; `follows` is the need this one was made from.

    Of an `erased` one all of that is gone: `risk` is empty, `start_on` the day on which it was asked.
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
    stated: tuple[str, ...] = ()
    follows: UUID | None = None
    erased: bool = False

    @property
    def told(self) -> dict[str, Scalar]:
        """The rating factors that somebody gave; what was only assumed is not in it."""
        return {name: value for name, value in self.risk.items() if name not in self.assumed}


@dataclass(frozen=True, slots=True)
class ChangedTerms:
    """What an offer rests on beside the tariff: the decision of underwriting with this hash, and the extra premiums it
    asks for. The offer took the place of that which it `follows`.
    """

    follows: UUID
    decision_sha256: str
    loadings: tuple[ExtraPremium, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferOnTerms:
    """An offer to be made once more, by whom: with the same product version and answers, on other terms. `waited`: the
    applicant had to wait for it, so that its first day may have passed meanwhile.
    """

    terms: ChangedTerms
    waited: bool
    actor: Actor
    application_id: UUID


@dataclass(frozen=True, slots=True)
class OfferView:
    """An offer with everything it pins. `premium` is due each of `payments` times; `total` is the cost over the term.

    `place` is its place in the order shown, from 1. `expires_at` is business time. `fits` says of each need that was
    stated whether the product met it when the offer was made. `lines` are those of the premium, as they are kept.
    """

    id: UUID
    need: Need
    place: int
    version: ProductVersion
    insurer_id: UUID
    premium: Money
    payments: int
    total: Money
    lines: Mapping[str, Any]
    tariff_root: str
    content_sha256: str
    expires_at: datetime
    voided_at: datetime | None
    fits: Mapping[str, Fit] = field(default_factory=dict)
    terms: ChangedTerms | None = None

    @property
    def breakdown(self) -> Breakdown:
        """The premium with its lines: read when asked for, since a comparison shows a page of its offers at a time.

        Raises ValueError where the lines do not sum to the total that was kept with them.
        """
        return Breakdown.from_json(self.lines)

    @property
    def frequency(self) -> Frequency:
        """How often the premium is paid: as the product says, or as the need does."""
        return self.version.content.payment.frequency_of(self.need.risk)

    @property
    def first_year(self) -> Money:
        """What is due within a year of the first payment."""
        return self.premium * self.version.content.payment.times_in_first_year(self.need.risk)

    @property
    def needs_met(self) -> int:
        """How many of the stated needs the product meets."""
        return sum(fit is Fit.MET for fit in self.fits.values())

    @property
    def can_be_bought(self) -> bool:
        """Whether the market profile allows a contract at all."""
        return self.version.content.profile.can_be_bought


class Sort(StrEnum):
    """How a customer may order a comparison. By name and by code the answers are not looked at."""

    RANKED = "ranked"
    TOTAL = "total"
    PREMIUM = "premium"
    NEEDS = "needs"
    NAME = "name"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a customer wants to see of a comparison, and how ordered. `at_most` is in whole units of the currency, for
    each payment; `needs` are needs of the line that must be met, stated or not.
    """

    insurer_id: UUID | None = None
    at_most: int | None = None
    frequency: Frequency | None = None
    needs: tuple[StatedNeed, ...] = ()
    sort: Sort = Sort.RANKED


@dataclass(frozen=True, slots=True)
class Today:
    """What has become of an offer's product since: the version on sale now and its price, or that there is none.

    `reason` says why there is none where somebody has said so.
    """

    version: ProductVersion | None
    premium: Money | None = None
    total: Money | None = None
    reason: LocalizedText | None = None


@dataclass(frozen=True, slots=True)
class WayToPay:
    """What the pinned tariff of an offer makes of one frequency, all other answers as they were told. `more` is what
    the total is above (or below) that of the frequency `chosen`.
    """

    frequency: Frequency
    premium: Money
    payments: int
    total: Money
    more: Money
    chosen: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """What the pinned tariff of an offer makes of each value of one factor, all other answers as they were told: the
    premium of one payment and the total over the term, or None where the product is not offered.
    """

    offer_id: UUID
    points: tuple[tuple[int, tuple[Money, Money] | None], ...]


@dataclass(frozen=True, slots=True)
class Indication:
    """What a product on sale would cost for a risk: in the first year, and in all. It binds nobody."""

    product_code: str
    first_year: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Trial:
    """What a product version would say to answers that nobody gave: the guideline's decision, and the premium with its
    extra premiums, or why it is not offered at all.
    """

    decision: Decision
    breakdown: Breakdown | None
    not_offered: LocalizedText | None


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An offer that binds an insurer still: the risk it is for and the premium it promises."""

    id: UUID
    risk: Risk
    premium: Money


@dataclass(frozen=True, slots=True)
class RankingWords:
    """A ranking rule as pages state it: its id, the order in one sentence, and its criteria in order."""

    rule: str
    sentence: str
    criteria: tuple[str, ...]


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

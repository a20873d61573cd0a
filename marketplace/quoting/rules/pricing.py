"""Which products are offered for a risk, at what price and in which order. Nothing here knows a commission."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from marketplace.catalog.values import LineDefinition, ProductContent, ProductVersion, Risk, StatedNeed
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.quoting.rules.fitting import fit_of
from marketplace.quoting.rules.ranking import Rankable, order_of
from marketplace.quoting.values import Fit, NotOffered
from marketplace.rating.values import Breakdown, RiskOutOfRange
from marketplace.underwriting.values import Eligible, Ineligible

REGION = "region"
"""The factor that says where the person or the thing is, in the lines that ask for it."""
OFFER_HOLDS = timedelta(days=14)
"""How long an offer binds the insurer at most, in business time."""
EARLIEST_START = timedelta(days=0)
LATEST_START = timedelta(days=365)
TIME_TO_ANSWER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product version on sale, whether it fits the risk, and its tariff ready to rate."""

    version: ProductVersion
    tariff_root: str
    eligibility: Eligible | Ineligible
    premium: Callable[[Risk], Breakdown]


@dataclass(frozen=True, slots=True)
class Priced:
    """An offer in the making. `total` is the cost over the term: the premium times the number of payments; `fits` says
    of each stated need whether the product meets it.
    """

    version: ProductVersion
    tariff_root: str
    breakdown: Breakdown
    payments: int
    fits: Mapping[str, Fit]

    @property
    def total(self) -> Money:
        return self.breakdown.total * self.payments


def compare(
    candidates: Sequence[Candidate], risk: Risk, stated: Sequence[StatedNeed] = ()
) -> tuple[tuple[Priced, ...], tuple[NotOffered, ...]]:
    """The offers in the disclosed order, and every other product with its reason (by product code)."""
    outcomes = [price(candidate, risk, stated) for candidate in candidates]
    priced = [outcome for outcome in outcomes if isinstance(outcome, Priced)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, NotOffered)]
    order = order_of([_rankable(each) for each in priced])
    return (
        tuple(priced[place] for place in order),
        tuple(sorted(refused, key=lambda each: (each.product_code, str(each.product_version_id)))),
    )


def _rankable(offer: Priced) -> Rankable:
    met = sum(fit is Fit.MET for fit in offer.fits.values())
    return Rankable(offer.version.content.code, offer.total, met)


def can_start(start_on: date, today: date) -> bool:
    """Whether cover may be asked for from `start_on`: today at the earliest, a year ahead at the latest."""
    return EARLIEST_START <= start_on - today <= LATEST_START


def expiry(asked_at: datetime, last_start_on: date | None, zone: str) -> datetime:
    """When an offer ends: two weeks after it was asked for, and no later than the first day of cover does in `zone`.

    Whoever buys after that day would pay for days on which nothing was covered. None: no first day binds the offer.
    """
    by_time = asked_at + OFFER_HOLDS
    if last_start_on is None:
        return by_time
    day_ends = datetime.combine(last_start_on + timedelta(days=1), time(), ZoneInfo(zone))
    return min(by_time, day_ends.astimezone(UTC))


def first_day_again(wished: date, today: date) -> date:
    """The first day of cover of an offer that is made once more: the day wished for, and where that has passed or is
    here, one that leaves time to read and to answer.
    """
    return wished if wished > today else today + TIME_TO_ANSWER


def price(candidate: Candidate, risk: Risk, stated: Sequence[StatedNeed] = ()) -> Priced | NotOffered:
    """What the product costs for a complete risk of its line, or why it is not offered."""
    content = candidate.version.content
    if isinstance(candidate.eligibility, Ineligible):
        return _not_offered(candidate, candidate.eligibility.factor, candidate.eligibility.reason)
    try:
        breakdown = candidate.premium(risk)
    except RiskOutOfRange as refusal:
        return _not_offered(candidate, refusal.factor, _no_premium(content.definition, refusal, risk))
    fits = {need.code: fit_of(need, content, risk) for need in stated}
    return Priced(candidate.version, candidate.tariff_root, breakdown, content.payment.times_of(risk), fits)


def no_sale(regions: Collection[str], content: ProductContent, risk: Risk) -> Ineligible | None:
    """Why an insurer with these regions may not sell for the risk at all (Order 2020 No. 13, article 58); none means
    everywhere, and a line that asks for no region is sold wherever its insurer sells.
    """
    asked = risk.get(REGION)
    if not regions or asked is None or asked in regions:
        return None
    factor = content.definition.factor(REGION)
    words = factor.words(asked)
    return Ineligible(
        REGION,
        LocalizedText(
            f"{factor.label.en}: this insurer may not sell in {words.en}",
            f"{factor.label.in_('zh')}：该保险公司不得在{words.in_('zh')}销售",
        ),
    )


def _not_offered(candidate: Candidate, factor: str, reason: LocalizedText) -> NotOffered:
    version = candidate.version
    return NotOffered(version.id, version.insurer_id, version.content.code, version.content.name, factor, reason)


def _no_premium(definition: LineDefinition, refusal: RiskOutOfRange, risk: Risk) -> LocalizedText:
    factor = definition.factor(refusal.factor)
    words = factor.words(risk[refusal.factor])
    return LocalizedText(
        f"{factor.label.en}: the insurer has published no premium for {words.en}",
        f"{factor.label.in_('zh')}：该公司没有公布{words.in_('zh')}对应的保费",
    )

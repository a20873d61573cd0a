"""What a draft changes, and whom it touches. Done in jobs: many risks are rated at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import update

from marketplace.application import queries as applications
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductContent, ProductVersion, Risk
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.listing import queries, rules
from marketplace.listing.models import DraftRow
from marketplace.listing.values import Difference, DraftProduct, Impact, PremiumDifference
from marketplace.policy import queries as policies
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OpenOffer
from marketplace.rating import queries as rating
from marketplace.rating.values import Tariff
from marketplace.underwriting import queries as underwriting

if TYPE_CHECKING:
    from marketplace.catalog.values.columns import Columns
    from marketplace.listing.rules.shifts import Totals
    from marketplace.rating.portfolio import PortfolioRater

MOST_OFFERS = 5_000
RENEWALS_AHEAD = timedelta(days=90)

Priced = tuple[ProductContent, Tariff]


@dataclass(frozen=True, slots=True)
class Market:
    """What an insurer has on the market and with whom, asked for once, whatever number of products is measured."""

    at: datetime
    today: date
    until: date
    known: tuple[ProductVersion, ...]
    offered: frozenset[UUID]
    applications: Mapping[UUID, int]
    in_force: Mapping[UUID, int]
    ending: Mapping[UUID, int]

    @classmethod
    def of(cls, insurer_id: UUID) -> "Market":
        today = clock.today(ZONE)
        until = today + RENEWALS_AHEAD
        known = catalog.products_of_insurer(insurer_id)
        ids = [version.id for version in known]
        return cls(
            at=clock.business_now(),
            today=today,
            until=until,
            known=known,
            offered=quoting.with_open_offers(ids),
            applications=applications.under_way(ids),
            in_force=policies.in_force_on(ids, today),
            ending=policies.ending_between(ids, today, until),
        )


def measure_impact(upload_id: UUID) -> None:
    """Count anew whom the drafts of an upload touch, for whoever reviews it next."""
    market = Market.of(queries.upload(upload_id).insurer_id)
    for draft in queries.drafts_of(upload_id):
        db.session.execute(
            update(DraftRow)
            .where(DraftRow.upload_id == upload_id, DraftRow.place == draft.place)
            .values(impact=impact_of(market, draft.content, draft.tariff).to_json())
        )


def differences_of(market: Market, products: Sequence[DraftProduct]) -> list[Difference]:
    """What each draft changes against the version that it would follow."""
    before = [rules.followed(market.known, product.content.code, market.today) for product in products]
    standing = rating.tariffs_of(version.id for version in before if version)
    return [
        _difference(version, standing.get(version.id), product) if version else Difference(None)
        for version, product in zip(before, products, strict=True)
    ]


def _difference(before: ProductVersion, standing: Tariff | None, product: DraftProduct) -> Difference:
    """A product keeps its line; where it would not, publication is refused, and the premiums cannot be compared."""
    old, new = before.content, product.content
    same_line = old.line is new.line and old.currency == new.currency
    premiums = _premiums((old, standing), (new, product.tariff)) if standing and same_line else None
    return Difference(before.id, before.number, rules.content_changes(old, new), premiums)


def _premiums(old: Priced, new: Priced) -> PremiumDifference | None:
    from marketplace.listing.rules import shifts  # noqa: PLC0415  NumPy comes with it
    from marketplace.rating.portfolio import rater_of_many  # noqa: PLC0415  as above

    was, will = rater_of_many(old[1]), rater_of_many(new[1])
    possible = rules.PossibleRisks.of([old[0], new[0]], was.factors | will.factors)
    if not possible.count:
        return None
    columns = shifts.sampled(possible)
    totals = _totals(old[0], was, columns), _totals(new[0], will, columns)
    return shifts.premium_difference(possible, columns, *totals, new[0].definition.factors)


def _totals(content: ProductContent, rater: "PortfolioRater", columns: "Columns") -> "Totals":
    """The premium of each risk; there is none where the product is not offered or has no premium for it."""
    from marketplace.listing.rules import shifts  # noqa: PLC0415  NumPy comes with it

    rated = rater.premiums(columns)
    return shifts.Totals(rated.totals, underwriting.eligible(content, columns) & ~rated.refused)


def impact_of(market: Market, content: ProductContent, tariff: Tariff) -> Impact:
    """Who has an open offer, an application under way or a contract of the product, and what the new tariff would ask
    of the open offers. They are not touched: an offer pins its version until it expires.
    """
    ids = [version.id for version in market.known if version.content.code == content.code]
    if not ids:
        return Impact(market.at)
    offers = quoting.open_offers(ids, MOST_OFFERS) if market.offered.intersection(ids) else ()
    comparable = [each for each in offers if each.premium.currency == content.currency and _fits(content, each.risk)]
    rising, refused = _dearer(content, tariff, comparable) if comparable else (0, 0)
    return Impact(
        at=market.at,
        offers=len(offers),
        rated=len(comparable),
        rising=rising,
        refused=refused,
        applications=sum(market.applications.get(each, 0) for each in ids),
        in_force=sum(market.in_force.get(each, 0) for each in ids),
        ending=sum(market.ending.get(each, 0) for each in ids),
        until=market.until,
    )


def _dearer(content: ProductContent, tariff: Tariff, offers: Sequence[OpenOffer]) -> tuple[int, int]:
    """Of how many offers the premium would rise much, and how many would have none."""
    import numpy as np  # noqa: PLC0415  only jobs need it

    from marketplace.catalog.values.columns import columns_of  # noqa: PLC0415  as above
    from marketplace.listing.rules import shifts  # noqa: PLC0415  as above
    from marketplace.rating.portfolio import rater_of_many  # noqa: PLC0415  as above

    factors = [factor.name for factor in content.definition.factors]
    new = _totals(content, rater_of_many(tariff), columns_of([each.risk for each in offers], factors))
    old = np.array([each.premium.minor for each in offers], np.int64)
    rising = shifts.rises_much(old[new.there], new.minor[new.there])
    return int(rising.sum()), len(offers) - int(new.there.sum())


def _fits(content: ProductContent, risk: Risk) -> bool:
    """Whether the risk has every factor of the product's line."""
    return all(factor.name in risk for factor in content.definition.factors)

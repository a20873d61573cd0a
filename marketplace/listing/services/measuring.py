"""What a draft changes, and whom it touches. Many risks are rated at once: in a confined process, asked from jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import update

from marketplace.application import queries as applications
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductContent, ProductVersion, Risk
from marketplace.infra.confinement import NoAnswerError
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.listing import queries, rules
from marketplace.listing.intake.confined import measure_confined
from marketplace.listing.models import DraftRow
from marketplace.listing.values import Difference, DraftProduct, Impact, Measure, Measured, Priced
from marketplace.policy import queries as policies
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OpenOffer
from marketplace.rating import queries as rating

log = structlog.get_logger()

MOST_OFFERS = 5_000
RENEWALS_AHEAD = timedelta(days=90)


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
    """Count anew whom the drafts of an upload touch, for whoever reviews it next. Where that takes too much, what was
    counted before stands, with its time.
    """
    market = Market.of(queries.upload(upload_id).insurer_id)
    drafts = queries.drafts_of(upload_id)
    touched = [Touched.by(market, draft.content) for draft in drafts]
    asked = [
        Measure(Priced.of(draft.content, draft.tariff), None, each.comparable)
        for draft, each in zip(drafts, touched, strict=True)
    ]
    try:
        answers = measure_confined(asked)
    except NoAnswerError as none:
        log.warning("listing.impact_not_measured", upload_id=str(upload_id), why=none.why)
        return
    for draft, each, found in zip(drafts, touched, answers, strict=True):
        db.session.execute(
            update(DraftRow)
            .where(DraftRow.upload_id == upload_id, DraftRow.place == draft.place)
            .values(impact=each.impact(market, found).to_json())
        )


def measured(
    market: Market, products: Sequence[DraftProduct], priced: Sequence[Priced]
) -> list[tuple[Difference, Impact]]:
    """What each draft changes against the version that it would follow, and whom it touches; `priced` are the drafts as
    JSON. Raises NoAnswerError.
    """
    before = [rules.followed(market.known, product.content.code, market.today) for product in products]
    standing = rating.tariffs_of(version.id for version in before if version)
    touched = [Touched.by(market, product.content) for product in products]
    asked = [
        Measure(draft, _comparable(version, standing, product), each.comparable)
        for version, product, draft, each in zip(before, products, priced, touched, strict=True)
    ]
    return [
        (_difference(version, product, found), each.impact(market, found))
        for version, product, each, found in zip(before, products, touched, measure_confined(asked), strict=True)
    ]


def _comparable(
    before: ProductVersion | None, standing: Mapping[UUID, Mapping[str, Any]], product: DraftProduct
) -> Priced | None:
    """A product keeps its line; where it would not, publication is refused, and the premiums cannot be compared."""
    if before is None or before.id not in standing:
        return None
    old, new = before.content, product.content
    same = old.line is new.line and old.currency == new.currency
    return Priced(old.to_json(), standing[before.id]) if same else None


def _difference(before: ProductVersion | None, product: DraftProduct, found: Measured) -> Difference:
    if before is None:
        return Difference(None)
    return Difference(before.id, before.number, rules.content_changes(before.content, product.content), found.premiums)


@dataclass(frozen=True, slots=True)
class Touched:
    """The versions of a product and its open offers. They are not touched: an offer pins its version until it expires.
    Those are `comparable` that can be rated anew.
    """

    ids: tuple[UUID, ...]
    offers: int
    comparable: tuple[tuple[Risk, int], ...]

    @classmethod
    def by(cls, market: Market, content: ProductContent) -> "Touched":
        ids = tuple(version.id for version in market.known if version.content.code == content.code)
        offers = quoting.open_offers(ids, MOST_OFFERS) if market.offered.intersection(ids) else ()
        return cls(ids, len(offers), tuple((each.risk, each.premium.minor) for each in offers if _fits(content, each)))

    def impact(self, market: Market, found: Measured) -> Impact:
        """Who has an open offer, an application under way or a contract of the product."""
        if not self.ids:
            return Impact(market.at)
        return Impact(
            at=market.at,
            offers=self.offers,
            rated=len(self.comparable),
            rising=found.rising,
            refused=found.refused,
            applications=sum(market.applications.get(each, 0) for each in self.ids),
            in_force=sum(market.in_force.get(each, 0) for each in self.ids),
            ending=sum(market.ending.get(each, 0) for each in self.ids),
            until=market.until,
        )


def _fits(content: ProductContent, offer: OpenOffer) -> bool:
    """Whether it is in the product's currency, for a risk that has every factor of its line."""
    factors = content.definition.factors
    return offer.premium.currency == content.currency and all(factor.name in offer.risk for factor in factors)

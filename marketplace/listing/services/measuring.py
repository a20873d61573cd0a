"""What a draft changes, and whom it touches. Done in jobs: many risks are rated at once."""

from collections.abc import Sequence
from datetime import timedelta
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
from marketplace.listing.values import Difference, Impact, PremiumDifference
from marketplace.policy import queries as policies
from marketplace.quoting import queries as quoting
from marketplace.rating import queries as rating
from marketplace.rating.queries import Rater
from marketplace.rating.values import Tariff
from marketplace.underwriting import queries as underwriting

MOST_OFFERS = 5_000
RENEWALS_AHEAD = timedelta(days=90)


def measure_impact(upload_id: UUID) -> None:
    """Count anew whom the drafts of an upload touch, for whoever reviews it next."""
    insurer_id = queries.upload(upload_id).insurer_id
    for draft in queries.drafts_of(upload_id):
        impact = impact_of(insurer_id, draft.content, draft.tariff)
        db.session.execute(
            update(DraftRow)
            .where(DraftRow.upload_id == upload_id, DraftRow.place == draft.place)
            .values(impact=impact.to_json())
        )


def difference_of(before: ProductVersion | None, content: ProductContent, tariff: Tariff) -> Difference:
    """Against the version that a draft would follow. A product keeps its line; where it would not, publication is
    refused, and the premiums cannot be compared.
    """
    if before is None:
        return Difference(None)
    changes = rules.content_changes(before.content, content)
    same_line = before.content.line is content.line and before.content.currency == content.currency
    premiums = _premiums(before, content, tariff) if same_line else None
    return Difference(before.id, before.number, changes, premiums)


def _premiums(before: ProductVersion, content: ProductContent, tariff: Tariff) -> PremiumDifference | None:
    old, new = rating.raters_of([before.id]).get(before.id), Rater(tariff)
    if old is None:
        return None
    possible = rules.PossibleRisks.of([before.content, content], old.factors | new.factors)
    risks = possible.sample(rules.MOST_RISKS)
    if not risks:
        return None
    return rules.premium_difference(
        possible,
        risks,
        _totals(before.content, old, risks),
        _totals(content, new, risks),
        content.definition.factors,
    )


def _totals(content: ProductContent, rater: Rater, risks: Sequence[Risk]) -> list[int | None]:
    """The premium of each risk, None where the product is not offered or has no premium for it."""
    eligible = underwriting.is_eligible(content, risks)
    return [total if offered else None for offered, total in zip(eligible, rater.totals(risks), strict=True)]


def impact_of(insurer_id: UUID, content: ProductContent, tariff: Tariff) -> Impact:
    """Who has an open offer, an application under way or a contract of the product, and what the new tariff would ask
    of the open offers. They are not touched: an offer pins its version until it expires.
    """
    now, today = clock.business_now(), clock.today(ZONE)
    known = catalog.products_of_insurer(insurer_id)
    version_ids = [version.id for version in known if version.content.code == content.code]
    if not version_ids:
        return Impact(now)
    offers = quoting.open_offers(version_ids, MOST_OFFERS)
    comparable = [each for each in offers if each.premium.currency == content.currency and _fits(content, each.risk)]
    new = _totals(content, Rater(tariff), [each.risk for each in comparable]) if comparable else []
    pairs = [(each.premium.minor, total) for each, total in zip(comparable, new, strict=True)]
    until = today + RENEWALS_AHEAD
    return Impact(
        at=now,
        offers=len(offers),
        rated=len(pairs),
        rising=sum(total is not None and rules.rises_much(old, total) for old, total in pairs),
        refused=sum(total is None for _, total in pairs),
        applications=applications.under_way(version_ids),
        in_force=policies.in_force_on(version_ids, today),
        ending=policies.ending_between(version_ids, today, until),
        until=until,
    )


def _fits(content: ProductContent, risk: Risk) -> bool:
    """Whether the risk has every factor of the product's line."""
    return all(factor.name in risk for factor in content.definition.factors)

"""Ask for offers, freeze them, void them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from marketplace.catalog.values import LINES, LineDefinition, Scalar
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid
from marketplace.quoting import queries
from marketplace.quoting.models import NeedRow, OfferRow
from marketplace.quoting.rules.pricing import Priced, can_start, compare, expiry, first_day_again
from marketplace.quoting.rules.ranking import RANKING_RULE
from marketplace.quoting.values import (
    JourneyCompared,
    Need,
    NeedRequest,
    NotOffered,
    OfferOnTerms,
    OfferView,
    Panel,
)
from marketplace.rating import queries as rating
from marketplace.traceability.services import record_act
from marketplace.traceability.values import VISITOR, Act, Actor, EntryType


def request_quotes(request: NeedRequest, actor: Actor = VISITOR) -> Need:
    """Compare everything on sale in the line, freeze the offers and record how they came about.

    The number of SQL statements does not depend on the number of products. Raises Invalid naming every factor that is
    missing, unknown or out of range, `needs` for one the line does not know, and `start_on` when cover cannot start on
    that day.
    """
    definition = LINES[request.line]
    risk = definition.risk(request.risk)
    stated = definition.needs(request.stated)
    start_on = definition.first_day(risk, request.start_on)
    if definition.start_factor is None and not can_start(start_on, clock.today(ZONE)):
        raise Invalid({"start_on": _("Choose a day from today to a year ahead.")})
    candidates = queries.candidates(request.line, definition.day_of_sale(risk, clock.today(ZONE)), risk)
    offered, not_offered = compare(candidates, risk, stated)
    insurers = {candidate.version.insurer_id for candidate in candidates}
    panel = Panel(len(candidates), len(offered), len(insurers), not_offered)
    need = _need(definition, request, risk, start_on, panel)
    _keep(need, offered, actor)
    publish(JourneyCompared(need.id, need.journey_id))
    return need


def requote(need_id: UUID, changes: Mapping[str, Scalar], start_on: date | None = None, actor: Actor = VISITOR) -> Need:
    """A new need in the same journey, with some factors changed (and what was assumed still only assumed)."""
    old = queries.need_by_id(need_id)
    request = NeedRequest(
        old.line, old.told | dict(changes), start_on or old.start_on, old.journey_id, old.stated, follows=old.id
    )
    return request_quotes(request, actor)


def offer_on_terms(command: OfferOnTerms) -> OfferView:
    """The offer that `command.terms` follows, once more: of the same product version, for the same answers, at its
    price and the extra premiums asked for. It binds as long as a fresh one, from now on. Where its first day came while
    the applicant waited, cover begins a few days from now (decision 36). The old offer is void.

    Raises OfferNotFound, ProductWithdrawn, InsurerNotSelling.
    """
    old = queries.offer(command.terms.follows)
    queries.require_not_withdrawn(old)
    breakdown = rating.loaded(old.breakdown, command.terms.loadings)
    priced = Priced(old.version, old.tariff_root, breakdown, old.payments, old.fits)
    need = _again(old, waited=command.waited)
    _insert_need(need)
    row = _offer_row(need, 1, priced) | {"terms": queries.terms_json(command.terms)}
    db.session.execute(insert(OfferRow), [row])
    void_offer(old.id)
    made = queries.offer(row["id"])
    _record_on_terms(command, old, made)
    return made


def _again(old: OfferView, *, waited: bool) -> Need:
    """The need of an offer asked anew by the insurer: nothing is compared."""
    asked_at, need = clock.business_now(), old.need
    start_on = first_day_again(need.start_on, clock.today(ZONE)) if waited else need.start_on
    return replace(
        need,
        id=ids.new_id(),
        reference=ids.reference("Q"),
        follows=need.id,
        start_on=start_on,
        panel=Panel(1, 1, 1, ()),
        created_at=clock.now(),
        business_at=asked_at,
        expires_at=expiry(asked_at, start_on, ZONE),
    )


def void_offer(offer_id: UUID) -> None:
    """End an offer at once, because another has taken its place. Asked again, nothing changes."""
    db.session.execute(
        update(OfferRow)
        .where(OfferRow.id == offer_id, OfferRow.voided_at.is_(None))
        .values(voided_at=clock.business_now())
    )


def void_offers_of(version_id: UUID) -> int:
    """End every offer of a recalled version at once. Returns how many were still open."""
    open_ = (OfferRow.product_version_id == version_id, OfferRow.voided_at.is_(None))
    voided = update(OfferRow).where(*open_).values(voided_at=clock.business_now()).returning(OfferRow.id)
    return len(db.session.scalars(voided).all())


def erase_need(need_id: UUID) -> bool:
    """Take the rating factors out of a need whose application was erased, and its offers but for the price of what was
    applied for. False: something that is not erased rests on it.

    The database refuses (an error of its own) where nothing that rests on the need was erased.
    """
    return bool(db.session.scalar(select(func.quoting_erase_need(need_id))))


def erase_needs_of_journey(journey_id: UUID) -> int:
    """The same for every need of an erased journey. Returns how many."""
    erased = select(func.quoting_erase_need(NeedRow.id)).where(
        NeedRow.journey_id == journey_id, NeedRow.erased_at.is_(None)
    )
    return sum(db.session.scalars(erased))


def _need(
    definition: LineDefinition, request: NeedRequest, risk: dict[str, Scalar], start_on: date, panel: Panel
) -> Need:
    asked_at = clock.business_now()
    return Need(
        id=ids.new_id(),
        reference=ids.reference("Q"),
        line=request.line,
        risk=risk,
        assumed=tuple(factor.name for factor in definition.assumed(request.risk)),
        stated=tuple(need.code for need in definition.needs(request.stated)),
        follows=request.follows,
        start_on=start_on,
        journey_id=request.journey_id,
        ranking_rule=RANKING_RULE.id,
        panel=panel,
        created_at=clock.now(),
        business_at=asked_at,
        expires_at=expiry(asked_at, start_on if definition.start_factor is None else None, ZONE),
    )


def _keep(need: Need, offered: tuple[Priced, ...], actor: Actor) -> None:
    """The need, all its offers in one statement, and the trail entry that says how they were ranked."""
    _insert_need(need)
    rows = [_offer_row(need, place, priced) for place, priced in enumerate(offered, 1)]
    if rows:
        db.session.execute(insert(OfferRow), rows)
    _record(need, offered, rows, actor)


def _insert_need(need: Need) -> None:
    db.session.execute(
        insert(NeedRow).values(
            id=need.id,
            reference=need.reference,
            line=need.line.value,
            risk=dict(need.risk),
            assumed=list(need.assumed),
            stated=list(need.stated),
            start_on=need.start_on,
            journey_id=need.journey_id,
            follows_id=need.follows,
            ranking_rule=need.ranking_rule,
            panel=_panel_json(need.panel),
            created_at=need.created_at,
            business_at=need.business_at,
            expires_at=need.expires_at,
        )
    )


def _offer_row(need: Need, place: int, priced: Priced) -> dict[str, Any]:
    return {
        "id": ids.new_id(),
        "need_id": need.id,
        "place": place,
        "product_version_id": priced.version.id,
        "insurer_id": priced.version.insurer_id,
        "premium_minor": priced.breakdown.total.minor,
        "payments": priced.payments,
        "total_minor": priced.total.minor,
        "currency": priced.total.currency,
        "breakdown": priced.breakdown.to_json(),
        "fits": dict(priced.fits),
        "tariff_root": priced.tariff_root,
        "content_sha256": priced.version.content_sha256,
        "expires_at": need.expires_at,
    }


def _record(need: Need, offered: tuple[Priced, ...], rows: list[dict[str, Any]], actor: Actor) -> None:
    """`quote_view` of the regulation checklist, section 6: profile, assumptions, rate versions, ranking, order."""
    kept = ("place", "product_version_id", "tariff_root", "content_sha256", "total_minor", "currency", "fits")
    record_act(
        Act(
            journey_id=need.journey_id,
            type=EntryType.COMPARISON_MADE,
            body={
                "need": need.reference,
                "line": need.line,
                "profiles": sorted({priced.version.content.profile.value for priced in offered}),
                "risk": need.risk,
                "assumed": need.assumed,
                "stated": need.stated,
                "start_on": need.start_on,
                "ranking_rule": need.ranking_rule,
                "order": [{"offer_id": row["id"]} | {name: row[name] for name in kept} for row in rows],
                "not_offered": [_not_offered_json(each) for each in need.panel.not_offered],
                "expires_at": need.expires_at,
            },
            actor=actor,
        )
    )


def _record_on_terms(command: OfferOnTerms, old: OfferView, made: OfferView) -> None:
    record_act(
        Act(
            journey_id=made.need.journey_id,
            type=EntryType.COUNTER_OFFER_MADE,
            body={
                "old_offer_id": old.id,
                "new_offer_id": made.id,
                "old_total_minor": old.total.minor,
                "new_total_minor": made.total.minor,
                "currency": made.total.currency,
                "decision_sha256": command.terms.decision_sha256,
                "content_sha256": made.content_sha256,
                "tariff_root": made.tariff_root,
                "start_on": made.need.start_on,
                "expires_at": made.expires_at,
            },
            actor=command.actor,
            application_id=command.application_id,
            insurer_id=made.insurer_id,
        )
    )


def _panel_json(panel: Panel) -> dict[str, Any]:
    return {
        "products": panel.products,
        "offered": panel.offered,
        "insurers": panel.insurers,
        "not_offered": [_not_offered_json(each) for each in panel.not_offered],
    }


def _not_offered_json(each: NotOffered) -> dict[str, Any]:
    return {
        "product_version_id": str(each.product_version_id),
        "insurer_id": str(each.insurer_id),
        "product_code": each.product_code,
        "name": each.name.to_json(),
        "factor": each.factor,
        "reason": each.reason.to_json(),
    }

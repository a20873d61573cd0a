"""Make a scheme, and change what is in it."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.catalog.values import LINES
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import digest
from marketplace.needs.models import BasketLineRow, BasketRow, SchemeRow
from marketplace.needs.queries import PLANS, basket_of, read
from marketplace.needs.rules import RULE, needing, planning
from marketplace.needs.values import (
    Basket,
    BasketNotFound,
    Gap,
    Household,
    Item,
    Level,
    MakeScheme,
    NothingNeeded,
    NothingToApplyFor,
    NotOfThisScheme,
    Plan,
    PricedLevel,
    Scheme,
    SchemeNotFound,
    StatedNeed,
    Unmet,
)
from marketplace.quoting import queries as quoting
from marketplace.quoting import services as quotes
from marketplace.quoting.values import Indication, Need, NeedRequest
from marketplace.traceability.services import record_act
from marketplace.traceability.values import VISITOR, Act, Actor, EntryType

MINOR = 100  # of a yuan


def make_scheme(command: MakeScheme, actor: Actor = VISITOR) -> Scheme:
    """Find what the household needs and cover it within its budget, by the declared rule; each part rests on a frozen
    comparison of its own. Raises NothingNeeded, and Invalid for what is out of a line's range.
    """
    household = command.household
    needs = needing.needs_of(household)
    if not needs:
        raise NothingNeeded
    levels = [planning.levels_of(need, household) for need in needs]
    priced = _priced(needs, levels)
    chosen = planning.allot(needs, priced, household.budget * MINOR)

    items = tuple(
        _item(place, level, _compare(command, needs[place], level.level, actor))
        for place, level in enumerate(chosen)
        if level is not None
    )
    unmet = tuple(
        replace(each, comparison=_compare(command, needs[each.need], levels[each.need][0], actor).reference)
        if each.gap is Gap.NOT_OFFERED
        else each
        for each in planning.unmet_of(needs, priced, chosen)
    )
    return _keep(_plan(household, needs, items, unmet), command.journey_id, command.follows, actor)


def take_instead(scheme: Scheme, place: int, offer_id: UUID, actor: Actor = VISITOR) -> Scheme:
    """The same scheme with another offer of the comparison in one of its parts. Raises NotOfThisScheme."""
    item = _item_of(scheme, place)
    for offer in quoting.offers_of(quoting.need(item.comparison)):
        if offer.id == offer_id and offer.can_be_bought:
            taken = replace(item, offer_id=offer.id, first_year_minor=offer.first_year.minor, chosen=True)
            items = tuple(taken if each is item else each for each in scheme.plan.items)
            return _changed(scheme, items, scheme.plan.unmet, actor)
    raise NotOfThisScheme


def leave_out(scheme: Scheme, place: int, actor: Actor = VISITOR) -> Scheme:
    """The same scheme without one of its parts, which is named as not covered. Raises NotOfThisScheme."""
    item = _item_of(scheme, place)
    items = tuple(each for each in scheme.plan.items if each is not item)
    others = tuple(each for each in scheme.plan.unmet if each.need != place)
    left = Unmet(place, scheme.plan.needs[place].amount, Gap.LEFT_OUT)
    return _changed(scheme, items, (*others, left), actor)


def fill_basket(scheme: Scheme) -> Basket:
    """A line for each part of the scheme, to be applied for; a repeat gives the same basket.

    Raises NothingToApplyFor.
    """
    if not scheme.plan.items or scheme.expires_at <= clock.business_now():
        raise NothingToApplyFor
    filled = db.session.scalar(
        insert(BasketRow)
        .values(id=ids.new_id(), scheme_id=scheme.id, journey_id=scheme.journey_id, filled_at=clock.now())
        .on_conflict_do_nothing(index_elements=[BasketRow.scheme_id])
        .returning(BasketRow.id)
    )
    if filled is not None:
        db.session.add_all(
            _line(filled, number, item, scheme.plan) for number, item in enumerate(scheme.plan.items, start=1)
        )
        db.session.flush()
    return basket_of(db.session.scalars(select(BasketRow).where(BasketRow.scheme_id == scheme.id)).one())


def take_out(basket_id: UUID, number: int) -> None:
    """Go on without one line; a repeat changes nothing. Raises BasketNotFound."""
    row = _locked_line(basket_id, number)
    row.taken_out_at = row.taken_out_at or clock.now()
    db.session.flush()


def put_back(basket_id: UUID, number: int) -> None:
    """Go on with a line that was taken out. Raises BasketNotFound."""
    _locked_line(basket_id, number).taken_out_at = None
    db.session.flush()


def _locked_line(basket_id: UUID, number: int) -> BasketLineRow:
    row = db.session.get(BasketLineRow, (basket_id, number), with_for_update=True, populate_existing=True)
    if row is None:
        raise BasketNotFound
    return row


def _line(basket_id: UUID, number: int, item: Item, plan: Plan) -> BasketLineRow:
    member = plan.needs[item.need].member
    role = None if member is None else plan.household.members[member].role.value
    return BasketLineRow(basket_id=basket_id, number=number, offer_id=item.offer_id, role=role, member=member)


def _item_of(scheme: Scheme, place: int) -> Item:
    for item in scheme.plan.items:
        if item.need == place:
            return item
    raise NotOfThisScheme


def _changed(scheme: Scheme, items: tuple[Item, ...], unmet: tuple[Unmet, ...], actor: Actor) -> Scheme:
    plan = _plan(scheme.plan.household, scheme.plan.needs, items, unmet)
    return _keep(plan, scheme.journey_id, scheme.id, actor)


def _priced(needs: Sequence[StatedNeed], levels: Sequence[Sequence[Level]]) -> list[tuple[PricedLevel, ...]]:
    """By need, its levels that are offered, each with the product that costs least in the first year; then in all, then
    by code. Each line is asked once.
    """
    found: list[list[PricedLevel]] = [[] for _ in needs]
    for line in dict.fromkeys(need.kind.line for need in needs):
        asked = [
            (place, level) for place, need in enumerate(needs) if need.kind.line is line for level in levels[place]
        ]
        indications = quoting.indications(line, [LINES[line].risk(level.risk) for _, level in asked])
        for (place, level), offered in zip(asked, indications, strict=True):
            if offered:
                least = min(offered, key=_cost)
                found[place].append(PricedLevel(level, least.product_code, least.first_year.minor))
    return [tuple(each) for each in found]


def _compare(command: MakeScheme, need: StatedNeed, level: Level, actor: Actor) -> Need:
    """The comparison on which a part of the scheme rests."""
    return quotes.request_quotes(NeedRequest(need.kind.line, level.risk, command.start_on, command.journey_id), actor)


def _cost(indication: Indication) -> tuple[int, int, str]:
    return indication.first_year.minor, indication.total.minor, indication.product_code


def _item(place: int, level: PricedLevel, compared: Need) -> Item:
    """The offer of the product that was found, in the comparison frozen for it in the same transaction."""
    offer = next(each for each in quoting.offers_of(compared) if each.version.content.code == level.product_code)
    return Item(place, level.level.amount, compared.reference, offer.id, offer.first_year.minor)


def _plan(
    household: Household, needs: tuple[StatedNeed, ...], items: tuple[Item, ...], unmet: tuple[Unmet, ...]
) -> Plan:
    cost = sum(item.first_year_minor for item in items)
    return Plan(RULE, ids.new_id().hex, household, needs, items, unmet, planning.cautions_of(household, cost))


def _keep(plan: Plan, journey_id: UUID, follows: UUID | None, actor: Actor) -> Scheme:
    """Freeze it, and enter in the trail what it is by its hash: what the household told stays out of the trail."""
    data = PLANS.dump_python(plan, mode="json")
    offers = [quoting.offer(item.offer_id) for item in plan.items]
    now = clock.business_now()
    row = SchemeRow(
        id=ids.new_id(),
        reference=ids.reference("S"),
        journey_id=journey_id,
        follows_id=follows,
        plan=data,
        sha256=digest(data),
        made_at=clock.now(),
        business_made_at=now,
        expires_at=min((offer.expires_at for offer in offers), default=now),
    )
    db.session.add(row)
    db.session.flush()
    body = {
        "scheme_id": row.id,
        "reference": row.reference,
        "rule": plan.rule,
        "sha256": row.sha256,
        "offers": [offer.id for offer in offers],
    }
    record_act(Act(journey_id, EntryType.SCHEME_MADE, body, actor))
    made = read(row)
    if made is None:
        raise SchemeNotFound
    return made

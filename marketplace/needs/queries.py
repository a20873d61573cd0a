"""Tell schemes to the visit in which they were made."""

from collections.abc import Collection
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import ColumnElement, select

from marketplace.infra.db import db
from marketplace.needs.models import BasketLineRow, BasketRow, SchemeRow
from marketplace.needs.rules import needing, planning
from marketplace.needs.values import (
    Basket,
    BasketLine,
    BasketNotFound,
    Caution,
    Declared,
    NeedKind,
    Plan,
    PlannedPart,
    Role,
    Scheme,
    SchemeNotFound,
    StatedNeed,
)

# What does not fit is not repeated in the error, and so in no log.
PLANS = TypeAdapter[Plan | None](Plan | None, config=ConfigDict(hide_input_in_errors=True))


def own_scheme(reference: str, journey_id: UUID) -> Scheme:
    """The scheme, if it was made in this journey. Raises SchemeNotFound, also once the journey is erased."""
    return _one((SchemeRow.reference == reference) & (SchemeRow.journey_id == journey_id))


def scheme(scheme_id: UUID) -> Scheme:
    """The scheme, or SchemeNotFound. For callers that have checked who asks."""
    return _one(SchemeRow.id == scheme_id)


def schemes_of_baskets(basket_ids: Collection[UUID]) -> tuple[Scheme, ...]:
    """The schemes that became these baskets, oldest first; those of erased visits are left out."""
    wanted = select(BasketRow.scheme_id).where(BasketRow.id.in_(basket_ids))
    rows = db.session.scalars(
        select(SchemeRow).where(SchemeRow.id.in_(wanted)).order_by(SchemeRow.made_at, SchemeRow.id)
    )
    return tuple(found for row in rows if (found := read(row)) is not None)


def basket(basket_id: UUID) -> Basket:
    """The basket, or BasketNotFound. For callers that have checked who asks."""
    row = db.session.get(BasketRow, basket_id)
    if row is None:
        raise BasketNotFound
    return basket_of(row)


def line_of_offer(offer_id: UUID, journey_id: UUID) -> BasketLine | None:
    """The line of the newest basket of this journey that holds the offer; None where it is in none, or taken out."""
    row = db.session.scalars(
        select(BasketLineRow)
        .join(BasketRow, BasketRow.id == BasketLineRow.basket_id)
        .where(
            BasketLineRow.offer_id == offer_id,
            BasketLineRow.taken_out_at.is_(None),
            BasketRow.journey_id == journey_id,
        )
        .order_by(BasketRow.filled_at.desc(), BasketRow.id)
        .limit(1)
    ).one_or_none()
    return None if row is None else _line(row)


def is_wanted(basket_id: UUID, number: int | None) -> bool:
    """Whether the line was not taken out of its basket."""
    wanted = BasketLineRow.basket_id == basket_id, BasketLineRow.number == number, BasketLineRow.taken_out_at.is_(None)
    return db.session.scalar(select(BasketLineRow.number).where(*wanted)) is not None


def part_of_line(basket_id: UUID, number: int) -> PlannedPart | None:
    """The part of its plan that a line of a basket is for; None where the plan is erased. For callers that have checked
    who asks.
    """
    row = db.session.scalars(
        select(SchemeRow).join(BasketRow, BasketRow.scheme_id == SchemeRow.id).where(BasketRow.id == basket_id)
    ).one_or_none()
    found = None if row is None else read(row)
    if found is None:
        return None
    plan, item = found.plan, found.plan.items[number - 1]  # lines are numbered in the order of the items
    need = plan.needs[item.need]
    cautions = tuple(each for each in plan.cautions if each.member is None or _concerns(each, need))
    return PlannedPart(found.reference, plan.rule, need, item.amount, item.chosen, cautions)


def _concerns(caution: Caution, need: StatedNeed) -> bool:
    """Cover that a member has already is that of a hospital."""
    return need.kind is NeedKind.HOSPITAL and need.member == caution.member


def declared() -> Declared:
    """The rule in force, in numbers, for the page that states it."""
    return Declared(
        independent_at=needing.INDEPENDENT_AT,
        support_percent=needing.SUPPORT_PERCENT,
        partner_years=needing.PARTNER_YEARS,
        disability_years=needing.DISABILITY_YEARS,
        rounded_to=needing.ROUNDED_TO,
        most_of_income_percent=planning.MOST_OF_INCOME_PERCENT,
        order=planning.ORDER,
    )


def read(row: SchemeRow) -> Scheme | None:
    """The scheme of a row; None where it is erased."""
    plan = PLANS.validate_python(row.plan)
    if plan is None:
        return None
    return Scheme(
        id=row.id,
        reference=row.reference,
        journey_id=row.journey_id,
        plan=plan,
        sha256=row.sha256,
        made_at=row.made_at,
        expires_at=row.expires_at,
        follows=row.follows_id,
    )


def _one(which: ColumnElement[bool]) -> Scheme:
    row = db.session.scalars(select(SchemeRow).where(which)).one_or_none()
    found = None if row is None else read(row)
    if found is None:
        raise SchemeNotFound
    return found


def basket_of(row: BasketRow) -> Basket:
    lines = db.session.scalars(
        select(BasketLineRow).where(BasketLineRow.basket_id == row.id).order_by(BasketLineRow.number)
    )
    return Basket(row.id, row.scheme_id, row.journey_id, tuple(map(_line, lines)))


def _line(row: BasketLineRow) -> BasketLine:
    role = None if row.role is None else Role(row.role)
    return BasketLine(row.basket_id, row.number, row.offer_id, role, row.member, row.taken_out_at is not None)

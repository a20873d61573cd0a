"""Tell schemes to the visit in which they were made."""

from uuid import UUID

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import ColumnElement, select

from marketplace.infra.db import db
from marketplace.needs.models import SchemeRow
from marketplace.needs.rules import needing, planning
from marketplace.needs.values import Declared, Plan, Scheme, SchemeNotFound

# What does not fit is not repeated in the error, and so in no log.
PLANS = TypeAdapter[Plan | None](Plan | None, config=ConfigDict(hide_input_in_errors=True))


def own_scheme(reference: str, journey_id: UUID) -> Scheme:
    """The scheme, if it was made in this journey. Raises SchemeNotFound, also once the journey is erased."""
    return _one((SchemeRow.reference == reference) & (SchemeRow.journey_id == journey_id))


def scheme(scheme_id: UUID) -> Scheme:
    """The scheme, or SchemeNotFound. For callers that have checked who asks."""
    return _one(SchemeRow.id == scheme_id)


def schemes_of_journey(journey_id: UUID) -> tuple[Scheme, ...]:
    """Every scheme made in a journey, oldest first; none once it is erased."""
    rows = db.session.scalars(
        select(SchemeRow).where(SchemeRow.journey_id == journey_id).order_by(SchemeRow.made_at, SchemeRow.id)
    )
    return tuple(found for row in rows if (found := read(row)) is not None)


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

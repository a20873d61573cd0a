"""The sales log. An insurer's view is narrowed inside the question itself: no filter widens `only_insurer`."""

from collections.abc import Collection, Iterable
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Line
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.metrics import Reading
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.oversight.models import SaleRow
from marketplace.oversight.values import Completeness, Gap, Sale, SaleFilter, SaleNotFound, SalesPage, SaleState
from marketplace.policy import queries as policies
from marketplace.traceability.values import Channel

PAGE_SIZE = 50
LAST = "\U0010ffff"  # no character comes after it


def sales(wanted: SaleFilter, page: int = 1, *, only_insurer: UUID | None = None, size: int = PAGE_SIZE) -> SalesPage:
    """One page of the log, newest first: three statements, however long the log is."""
    conditions = (*_conditions(wanted), *_within(only_insurer))
    total = db.session.execute(select(func.count()).select_from(SaleRow).where(*conditions)).scalar_one()
    number = max(1, page)
    rows = read_sales(
        select(SaleRow)
        .where(*conditions)
        .order_by(SaleRow.started_at.desc(), SaleRow.id)
        .limit(size)
        .offset((number - 1) * size)
    )
    return SalesPage(rows, number, size, total)


def sale(sale_id: UUID, *, only_insurer: UUID | None = None) -> Sale:
    """Raises SaleNotFound, also for a sale of another insurer."""
    found = read_sales(select(SaleRow).where(SaleRow.id == sale_id, *_within(only_insurer)))
    if not found:
        raise SaleNotFound
    return found[0]


def sales_of_orders(order_ids: Iterable[UUID]) -> dict[UUID, list[tuple[UUID, str]]]:
    """By order, the sales of its contracts and their policy numbers; nothing of the customer is opened."""
    rows = db.session.execute(
        select(SaleRow.order_id, SaleRow.id, SaleRow.policy_number)
        .where(SaleRow.order_id.in_(list(order_ids)), SaleRow.policy_number.is_not(None))
        .order_by(SaleRow.policy_number)
    )
    found: dict[UUID, list[tuple[UUID, str]]] = {}
    for order_id, sale_id, number in rows:
        if order_id and number:
            found.setdefault(order_id, []).append((sale_id, number))
    return found


def sale_of_application(application_id: UUID) -> Sale:
    """Raises SaleNotFound where the log has none yet."""
    found = read_sales(select(SaleRow).where(SaleRow.application_id == application_id))
    if not found:
        raise SaleNotFound
    return found[0]


def sales_of_applications(application_ids: Collection[UUID], only_insurer: UUID) -> dict[UUID, Sale]:
    """By application, its sale; those of other insurers, and those not in the log yet, are left out."""
    wanted = (SaleRow.application_id.in_(set(application_ids)), SaleRow.insurer_id == only_insurer)
    found = read_sales(select(SaleRow).where(*wanted))
    return {each.application_id: each for each in found if each.application_id is not None}


def state_counts(*, only_insurer: UUID | None = None) -> dict[SaleState, int]:
    """How many sales stand in each state, every state named."""
    rows = db.session.execute(select(SaleRow.state, func.count()).where(*_within(only_insurer)).group_by(SaleRow.state))
    counted = {SaleState(state): number for state, number in rows}
    return {state: counted.get(state, 0) for state in SaleState}


def _within(insurer_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    return () if insurer_id is None else (SaleRow.insurer_id == insurer_id,)


def _conditions(wanted: SaleFilter) -> Iterable[ColumnElement[bool]]:
    zone = ZoneInfo(ZONE)
    if wanted.line is not None:
        yield SaleRow.line == wanted.line.value
    if wanted.state is not None:
        yield SaleRow.state == wanted.state.value
    if wanted.insurer_id is not None:
        yield SaleRow.insurer_id == wanted.insurer_id
    if wanted.since is not None:
        yield SaleRow.started_at >= datetime.combine(wanted.since, time.min, zone)
    if wanted.until is not None:
        yield SaleRow.started_at < datetime.combine(wanted.until + timedelta(days=1), time.min, zone)
    if text := wanted.text.strip().upper():
        sold = policies.application_of_number(text)
        yield or_(
            _number_begins(text),
            SaleRow.application_id == sold if sold else false(),
            SaleRow.application_reference == text,
            SaleRow.order_reference == text,
            SaleRow.journey_reference == text,
        )


def _number_begins(text: str) -> ColumnElement[bool]:
    """By code points, as the index has them. LIKE is not leakproof: under row-level security it would use no index."""
    number = SaleRow.policy_number
    return and_(number.op("~>=~", is_comparison=True)(text), number.op("~<~", is_comparison=True)(text + LAST))


def read_sales(wanted: Select[SaleRow]) -> tuple[Sale, ...]:
    """The sales of these rows, their insurers in one further question."""
    rows = db.session.scalars(wanted.execution_options(populate_existing=True)).all()
    vault.unlock(row.application_id for row in rows if row.application_id is not None)
    insurers = accounts.insurers(row.insurer_id for row in rows if row.insurer_id is not None)
    return tuple(_sale(row, insurers.get(row.insurer_id) if row.insurer_id else None) for row in rows)


def _sale(row: SaleRow, insurer: Insurer | None) -> Sale:
    premium = None if row.premium_minor is None or row.currency is None else Money(row.premium_minor, row.currency)
    return Sale(
        id=row.id,
        state=SaleState(row.state),
        line=Line(row.line),
        journey_id=row.journey_id,
        journey_reference=row.journey_reference,
        channel=Channel(row.channel),
        application_id=row.application_id,
        application_reference=row.application_reference,
        order_id=row.order_id,
        order_reference=row.order_reference,
        policy_id=row.policy_id,
        policy_number=row.policy_number,
        insurer_id=row.insurer_id,
        insurer_name=None if insurer is None else insurer.short_name,
        product_version_id=row.product_version_id,
        product_name=None if row.product_name is None else LocalizedText.from_json(row.product_name),
        premium=premium,
        customer=row.customer,
        started_at=row.started_at,
        concluded_at=row.concluded_at,
        last_at=row.last_at,
        completeness=None if row.trail_wanted is None else _completeness(row.trail_wanted, row.trail_gaps),
    )


def _completeness(wanted: int, gaps: Iterable[Any]) -> Completeness:
    return Completeness(wanted, tuple(Gap.from_json(each) for each in gaps))


def readings() -> tuple[Reading, ...]:
    """For whoever watches: finished sales whose trail has a gap."""
    gaps = select(func.count()).select_from(SaleRow).where(SaleRow.trail_gaps != [])
    number = float(db.session.execute(gaps).scalar_one())
    db.session.rollback()
    return (Reading("marketplace_sales_with_gaps", "Sales whose trail lacks something.", (), (((), number),)),)

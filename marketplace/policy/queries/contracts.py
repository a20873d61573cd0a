"""What is known of contracts."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Select, and_, func, or_, select, text
from sqlalchemy import cast as as_type

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.formatting import use_locale
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.policy import rules
from marketplace.policy.document import facts_of
from marketplace.policy.models import LATEST, DocumentRow, PolicyRow, VersionRow
from marketplace.policy.values import (
    CoverPeriod,
    DocumentState,
    Ending,
    PaperKind,
    Policy,
    PolicyFrame,
    PolicyNotFound,
    PolicyState,
)

_Policies = Select[PolicyRow, VersionRow, DocumentRow]
READ_AT_ONCE = 1000
_TAKEN = text("""
    SELECT EXISTS (
        SELECT FROM policy_policy
        WHERE length(compact_number) = length(:first) AND compact_number COLLATE "C" BETWEEN :first AND :last
    ) OR EXISTS (
        SELECT FROM policy_allotted_range r, LATERAL (SELECT replace(r.prefix, '-', '')) AS its(prefix)
        WHERE length(its.prefix) + digits = length(:first)
        AND (its.prefix || lpad(r.first::text, digits, '0')) COLLATE "C" <= :last
        AND (its.prefix || lpad(r.last::text, digits, '0')) COLLATE "C" >= :first
    )""")
_FRAME = (
    PolicyRow.id,
    PolicyRow.number,
    PolicyRow.application_id,
    PolicyRow.journey_id,
    PolicyRow.insurer_id,
    PolicyRow.start_on,
    PolicyRow.end_on,
    PolicyRow.zone,
    PolicyRow.ended_on,
    PolicyRow.ending,
    PolicyRow.erased_at,
)
_LAST_DAY = func.coalesce(PolicyRow.ended_on, PolicyRow.end_on)


def _policies() -> _Policies:
    """Contracts with their latest version and its paper, newest first."""
    return (
        select(PolicyRow, VersionRow, DocumentRow)
        .join(VersionRow, VersionRow.policy_id == PolicyRow.id)
        .join(DocumentRow, and_(DocumentRow.version_id == VersionRow.id, DocumentRow.kind == PaperKind.POLICY))
        .where(VersionRow.number == LATEST)
        .order_by(PolicyRow.concluded_at.desc(), PolicyRow.number)
        .execution_options(populate_existing=True)
    )


def policy(policy_id: UUID) -> Policy:
    """Raises PolicyNotFound."""
    return _one(_policies().where(PolicyRow.id == policy_id))


def policy_by_number(number: str) -> Policy:
    """However the number is spaced. Raises PolicyNotFound."""
    return _one(_policies().where(PolicyRow.compact_number == rules.compact_number(number)))


def applications_in(text: str, most: int) -> frozenset[UUID]:
    """The applications of the contracts whose numbers a text speaks of; the first `most` words that may be numbers."""
    numbers = rules.numbers_in(text)[:most]
    if not numbers:
        return frozenset()
    return frozenset(db.session.scalars(select(PolicyRow.application_id).where(PolicyRow.compact_number.in_(numbers))))


def any_number_between(first: str, last: str) -> bool:
    """Whether a contract or an allotted range has a number, compact and as long, from the first to the last."""
    return bool(db.session.scalar(_TAKEN, {"first": first, "last": last}))


def application_of_number(number: str) -> UUID | None:
    """The application that became the contract of this number, however it is spaced; None where there is none."""
    wanted = PolicyRow.compact_number == rules.compact_number(number)
    return db.session.scalar(select(PolicyRow.application_id).where(wanted))


def withdrawable_until(policy: Policy) -> datetime:
    """From when on nobody can withdraw from the contract any more, on the business clock."""
    days = policy.body["key_facts"]["cooling_off_days"]
    return rules.withdrawable_until(policy.concluded_at, days, policy.period.zone)


def policy_of_application(application_id: UUID) -> Policy | None:
    found = _many(_policies().where(PolicyRow.application_id == application_id))
    return found[0] if found else None


def policies(policy_ids: Iterable[UUID]) -> dict[UUID, Policy]:
    """Several contracts in one question; unknown ids are left out."""
    return {found.id: found for found in _many(_policies().where(PolicyRow.id.in_(set(policy_ids))))}


def policies_of_order(order_id: UUID) -> tuple[Policy, ...]:
    return _many(_policies().where(PolicyRow.order_id == order_id))


def policies_of_account(account_id: UUID) -> tuple[Policy, ...]:
    """Newest first; those whose time of keeping is over and that were erased are nobody's any more."""
    return _many(_policies().where(PolicyRow.account_id == account_id, PolicyRow.erased_at.is_(None)))


def policies_of_insurer(insurer_id: UUID, limit: int = 50, offset: int = 0) -> tuple[Policy, ...]:
    """Newest first."""
    return _many(_policies().where(PolicyRow.insurer_id == insurer_id).limit(limit).offset(offset))


def frame(policy_id: UUID) -> PolicyFrame:
    """The contract without what it says, erased or not. Raises PolicyNotFound."""
    return _frame(PolicyRow.id == policy_id)


def frame_by_number(number: str) -> PolicyFrame:
    """The same, however the number is spaced. Raises PolicyNotFound."""
    return _frame(PolicyRow.compact_number == rules.compact_number(number))


def frame_of_application(application_id: UUID) -> PolicyFrame | None:
    """The contract that an application became, without what it says; None where it became none."""
    found = db.session.execute(select(*_FRAME).where(PolicyRow.application_id == application_id)).one_or_none()
    return None if found is None else frame_of(found)


def frames(policy_ids: Iterable[UUID]) -> tuple[PolicyFrame, ...]:
    """Several contracts without what they say, erased or not; by number."""
    wanted = select(*_FRAME).where(PolicyRow.id.in_(set(policy_ids))).order_by(PolicyRow.number)
    return tuple(frame_of(row) for row in db.session.execute(wanted))


def order_of_number(number: str) -> UUID | None:
    """The order under which the contract of this number was concluded, however the number is spaced."""
    return db.session.scalar(select(PolicyRow.order_id).where(PolicyRow.compact_number == rules.compact_number(number)))


def frames_of_order(order_id: UUID) -> tuple[PolicyFrame, ...]:
    """The contracts of an order without what they say, erased or not; by number."""
    rows = db.session.execute(select(*_FRAME).where(PolicyRow.order_id == order_id).order_by(PolicyRow.number))
    return tuple(frame_of(row) for row in rows)


def frames_of_account(account_id: UUID) -> tuple[PolicyFrame, ...]:
    """The contracts of a customer that are not erased, newest first, unopened."""
    own = select(*_FRAME).where(PolicyRow.account_id == account_id, PolicyRow.erased_at.is_(None))
    rows = db.session.execute(own.order_by(PolicyRow.concluded_at.desc(), PolicyRow.number))
    return tuple(frame_of(row) for row in rows)


def ended_by(day: date) -> Iterator[PolicyFrame]:
    """Contracts that ended on `day` or earlier and are not erased, the earliest first. There are more each year: what
    they say stays sealed, and they are read some at a time.
    """
    ended = PolicyRow.ended_on <= day, PolicyRow.erased_at.is_(None)
    wanted = select(*_FRAME).where(*ended).order_by(PolicyRow.ended_on, PolicyRow.number)
    for row in db.session.execute(wanted.execution_options(yield_per=READ_AT_ONCE)):
        yield frame_of(row)


def run_out(limit: int) -> tuple[PolicyFrame, ...]:
    """Contracts whose last day of cover is over where they are at home, and that nothing else ended before; the
    earliest first.
    """
    now = clock.business_now()
    somewhere_over = PolicyRow.ended_on.is_(None), PolicyRow.end_on < now.date() + timedelta(days=1)
    over = PolicyRow.end_on < as_type(func.timezone(PolicyRow.zone, now), Date)
    wanted = select(*_FRAME).where(*somewhere_over, over).order_by(PolicyRow.end_on, PolicyRow.number).limit(limit)
    return tuple(frame_of(row) for row in db.session.execute(wanted))


def any_kept(subject_id: UUID) -> bool:
    """Whether a contract of this application, or in this journey, is not erased."""
    of = or_(PolicyRow.application_id == subject_id, PolicyRow.journey_id == subject_id)
    return db.session.scalar(select(PolicyRow.id).where(of, PolicyRow.erased_at.is_(None)).limit(1)) is not None


def in_force_on(version_ids: Iterable[UUID], day: date) -> dict[UUID, int]:
    """How many contracts of each of these product versions cover on `day`; those without any are left out."""
    return _counts(version_ids, PolicyRow.start_on <= day, day <= _LAST_DAY)


def ending_between(version_ids: Iterable[UUID], first: date, last: date) -> dict[UUID, int]:
    """How many contracts of each of these product versions have their last day of cover from `first` to `last`; those
    without any are left out.
    """
    return _counts(version_ids, _LAST_DAY.between(first, last))


def _counts(version_ids: Iterable[UUID], *conditions: ColumnElement[bool]) -> dict[UUID, int]:
    asked = (
        select(PolicyRow.product_version_id, func.count())
        .where(PolicyRow.product_version_id.in_(set(version_ids)), *conditions)
        .group_by(PolicyRow.product_version_id)
    )
    return dict(db.session.execute(asked).all())


def frame_of(row: PolicyRow | Row[*tuple[Any, ...]]) -> PolicyFrame:
    """What a contract's row, or its columns, tell without opening anything."""
    return PolicyFrame(
        id=row.id,
        number=row.number,
        application_id=row.application_id,
        journey_id=row.journey_id,
        insurer_id=row.insurer_id,
        period=CoverPeriod(row.start_on, row.end_on, row.zone),
        ended_on=row.ended_on,
        ending=Ending(row.ending) if row.ending else None,
        erased=row.erased_at is not None,
    )


def _frame(condition: ColumnElement[bool]) -> PolicyFrame:
    found = db.session.execute(select(*_FRAME).where(condition)).one_or_none()
    if found is None:
        raise PolicyNotFound
    return frame_of(found)


def _one(wanted: _Policies) -> Policy:
    found = _many(wanted)
    if not found:
        raise PolicyNotFound
    return found[0]


def _many(wanted: _Policies) -> tuple[Policy, ...]:
    found = db.session.execute(wanted).all()
    vault.unlock(row.PolicyRow.application_id for row in found)
    return tuple(_policy(row) for row in found)


def _policy(found: Row[PolicyRow, VersionRow, DocumentRow]) -> Policy:
    row, version, paper = found
    return Policy(
        id=row.id,
        number=row.number,
        state=PolicyState(row.state),
        insurer_id=row.insurer_id,
        product_version_id=row.product_version_id,
        application_id=row.application_id,
        order_id=row.order_id,
        journey_id=row.journey_id,
        account_id=row.account_id,
        check_code=row.check_code,
        period=CoverPeriod(row.start_on, row.end_on, row.zone),
        premium=Money(row.premium_minor, row.currency),
        concluded_at=row.concluded_at,
        locale=row.locale,
        version=version.number,
        body=version.body,
        body_sha256=version.body_sha256,
        document_state=DocumentState(paper.state),
        document_sha256=paper.document_sha256,
        receipt_sha256=paper.receipt_sha256,
        sealed_at=paper.sealed_at,
        ended_on=row.ended_on,
        ending=Ending(row.ending) if row.ending else None,
    )


def facts_of_contract(policy: Policy, locale: str) -> tuple[tuple[str, str], ...]:
    """What was chosen, how it is paid and how it was bought, as the schedule says it: label and words (PER-09)."""
    with use_locale(locale):
        return tuple((fact["label"], fact["value"]) for fact in facts_of(policy.body, locale))

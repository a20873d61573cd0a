"""The reports of the monthly samples, and whether one is overdue."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import func, select

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.oversight.models import SaleRow, SampledRow, SampleRow
from marketplace.oversight.rules.sampling import is_overdue
from marketplace.oversight.values import Sample, Sampled, SampleNotFound


def samples(limit: int = 12) -> tuple[Sample, ...]:
    """The latest, newest first."""
    rows = db.session.scalars(select(SampleRow).order_by(SampleRow.drawn_at.desc()).limit(limit)).all()
    contracts = _sampled([row.id for row in rows])
    return tuple(_sample(row, contracts.get(row.id, ())) for row in rows)


def require_sample(sample_id: UUID) -> None:
    """Raises SampleNotFound."""
    if db.session.get(SampleRow, sample_id) is None:
        raise SampleNotFound


def report_overdue() -> bool:
    """Whether no sample was finished for longer than the rules allow."""
    finished = db.session.scalar(select(func.max(SampleRow.finished_at)))
    first = None if finished else db.session.scalar(select(func.min(SaleRow.concluded_at)))
    return is_overdue(clock.business_now(), finished, first)


def _sampled(samples: Iterable[UUID]) -> dict[UUID, tuple[Sampled, ...]]:
    found = db.session.execute(
        select(SampledRow, SaleRow.id, SaleRow.policy_number)
        .outerjoin(SaleRow, SaleRow.application_id == SampledRow.application_id)
        .where(SampledRow.sample_id.in_(list(samples)))
        .order_by(SaleRow.policy_number)
    ).all()
    by_sample: dict[UUID, tuple[Sampled, ...]] = {}
    for row, sale_id, number in found:
        of_it = Sampled(
            application_id=row.application_id,
            sale_id=sale_id,
            number=number or "",
            verified=row.verified,
            failure=row.failure,
            core_sha256=row.core_sha256,
            checked_at=row.checked_at,
        )
        by_sample[row.sample_id] = (*by_sample.get(row.sample_id, ()), of_it)
    return by_sample


def _sample(row: SampleRow, contracts: tuple[Sampled, ...]) -> Sample:
    return Sample(
        id=row.id,
        drawn_at=row.drawn_at,
        since=row.since,
        seed=row.seed,
        contracts=row.contracts,
        sampled=contracts,
        finished_at=row.finished_at,
        read_by=row.read_by,
        read_at=row.read_at,
        words=row.words,
    )

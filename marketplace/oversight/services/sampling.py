"""Contracts are drawn by lot each month, put together anew from what is kept, and checked; a person reads the report
and says what follows (T26-51).
"""

import logging
from base64 import b64decode
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.jobs import defer
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import NotFound, Unavailable
from marketplace.oversight.models import SaleRow, SampledRow, SampleRow, lock_drawing, locked_sample, locked_sampled
from marketplace.oversight.queries.contradictions import contradictions_of
from marketplace.oversight.rules.sampling import drawn
from marketplace.oversight.services.evidence import judge_contract
from marketplace.oversight.values import (
    ERASED,
    OVERDUE_AFTER,
    SAMPLE_SIZE,
    SampleNotFinished,
    SampleNotFound,
    SampleReadAlready,
)
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EvidenceIncomplete, LogIsEmpty

log = logging.getLogger(__name__)

AGAIN = 60  # seconds until one whose last entries are not in the log is tried again
MONTH = timedelta(days=30)


def draw_monthly() -> UUID | None:
    """Draw this month's sample, unless there is one: asked twice, one is drawn."""
    lock_drawing()
    latest = db.session.scalar(select(SampleRow.drawn_at).order_by(SampleRow.drawn_at.desc()).limit(1))
    if latest is not None and clock.business_now() - latest < MONTH:
        return None
    return draw_sample()


def draw_sample() -> UUID:
    """Draw some of the contracts of the last weeks that were not erased, and have each checked."""
    now = clock.business_now()
    since = now - OVERDUE_AFTER
    concluded = SaleRow.policy_id.is_not(None), SaleRow.application_id.is_not(None), SaleRow.concluded_at >= since
    contracts = [each for each in db.session.scalars(select(SaleRow.application_id).where(*concluded)) if each]
    row = SampleRow(id=ids.new_id(), drawn_at=now, since=since, seed=_root(), contracts=len(contracts), words="")
    db.session.add(row)
    db.session.flush()
    for application_id in drawn(row.seed, contracts, SAMPLE_SIZE):
        db.session.add(SampledRow(sample_id=row.id, application_id=application_id))
        defer("oversight.check_sampled", sample_id=row.id, application_id=application_id)
    db.session.flush()
    _finish(row)
    return row.id


def check_sampled(sample_id: UUID, application_id: UUID) -> None:
    """Check one contract of a sample, once. The last one finishes the report."""
    row = locked_sampled(sample_id, application_id)
    if row is None or row.checked_at is not None:
        return
    if vault.is_destroyed(application_id):
        row.failure = ERASED
    else:
        try:
            core_sha256, verified = judge_contract(application_id, sample_id)
            sound = verified and not contradictions_of(application_id)
            row.core_sha256, row.verified = core_sha256, sound
        except EvidenceIncomplete:
            defer("oversight.check_sampled", in_seconds=AGAIN, sample_id=sample_id, application_id=application_id)
            return
        except (Unavailable, NotFound) as error:
            row.failure = error.code
        if not row.verified:
            log.error("ALARM sampled application %s is not sound: %s", application_id, row.failure or "altered")
    row.checked_at = clock.business_now()
    db.session.flush()
    sample = locked_sample(sample_id)
    if sample is not None:
        _finish(sample)


def read_sample(sample_id: UUID, by: UUID, words: str) -> None:
    """Note that a person read the report and what follows from it, once. Raises SampleNotFound, SampleNotFinished,
    SampleReadAlready.
    """
    row = locked_sample(sample_id)
    if row is None:
        raise SampleNotFound
    if row.finished_at is None:
        raise SampleNotFinished
    if row.read_at is not None:
        raise SampleReadAlready
    row.read_by, row.read_at, row.words = by, clock.business_now(), words
    db.session.flush()


def _finish(row: SampleRow) -> None:
    open_ones = select(SampledRow.application_id).where(SampledRow.sample_id == row.id, SampledRow.checked_at.is_(None))
    if db.session.scalars(open_ones.limit(1)).first() is None:
        row.finished_at = clock.business_now()
        db.session.flush()


def _root() -> str:
    """The root of the log under its newest checkpoint (c2sp.org/tlog-checkpoint), or noughts where it is empty."""
    try:
        return b64decode(trail.checkpoint().split("\n")[2]).hex()
    except LogIsEmpty:
        return "0" * 64

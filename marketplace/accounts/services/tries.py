"""Count tries in PostgreSQL, apart from the business transaction, so that a refusal does not undo the counting.

A try is counted before it is judged: of ten tries at the same instant, ten are counted. One that succeeds is given
back, so only failures use a limit up. Subjects (addresses, sources) are stored as HMACs. No database, no try.
"""

from datetime import datetime

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.dml import ReturningInsert

from marketplace.accounts import rules
from marketplace.accounts.models import LimitRow
from marketplace.accounts.services import hashes
from marketplace.accounts.values import Bucket, LimitsUnavailable, TooManyTries
from marketplace.infra.db import apart
from marketplace.kernel import clock

Counted = tuple[Bucket, str]


def count(*tries: Counted) -> None:
    """Count one try against each limit in turn; raises TooManyTries at the first that is used up.

    Give the source before the address: a source that is used up then costs the address nothing, so nobody can lock
    somebody else out for longer than their own limit lasts.
    """
    refusal: TooManyTries | None = None
    try:
        with apart() as connection:
            for bucket, subject in tries:
                started, number = connection.execute(_counting(bucket, subject)).one()
                if rules.exceeded(bucket, number):
                    refusal = TooManyTries(rules.window_ends(bucket, started))
                    break
    except SQLAlchemyError as error:
        raise LimitsUnavailable from error
    if refusal is not None:
        raise refusal


def count_try(bucket: Bucket, source: str) -> None:
    """For pages that let anybody try something: count one try of this source. Raises TooManyTries."""
    count((bucket, rules.counted_source(source)))


def give_back(*tries: Counted) -> None:
    """These tries succeeded: they no longer count."""
    with apart() as connection:
        for bucket, subject in tries:
            connection.execute(
                update(LimitRow)
                .where(LimitRow.bucket == bucket.value, LimitRow.subject_hash == _subject(bucket, subject))
                .where(LimitRow.count > 0)
                .values(count=LimitRow.count - 1)
            )


def forget() -> None:
    """Drop the counts whose window has ended."""
    longest = max(limit.window for limit in rules.LIMITS.values())
    with apart() as connection:
        connection.execute(delete(LimitRow).where(LimitRow.window_start < clock.now() - longest))


def _subject(bucket: Bucket, subject: str) -> str:
    return hashes.keyed("limit", bucket.value, subject)


def _counting(bucket: Bucket, subject: str) -> ReturningInsert[datetime, int]:
    now = clock.now()
    ended = LimitRow.window_start <= now - rules.LIMITS[bucket].window
    return (
        upsert(LimitRow)
        .values(bucket=bucket.value, subject_hash=_subject(bucket, subject), window_start=now, count=1)
        .on_conflict_do_update(
            index_elements=[LimitRow.bucket, LimitRow.subject_hash],
            set_={
                "window_start": case((ended, now), else_=LimitRow.window_start),
                "count": case((ended, 1), else_=LimitRow.count + 1),
            },
        )
        .returning(LimitRow.window_start, LimitRow.count)
    )

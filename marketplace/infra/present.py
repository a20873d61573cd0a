"""What every request asks first, in one statement: where the business clock stands, which public words are current, and
whether keys of erased data were destroyed.

The revision changes with each commit that changes an insurer, a product, a version or a document (triggers of migration
0021). A page kept in memory under it says what was committed when the revision was asked (ADR 0010).

So does each commit that destroys a key renew another revision (migration 0025); then this process forgets the keys it
knows of what was erased (`vault.heed`).

The answer holds for `HOLDS_SECONDS`, so that a busy site asks some times a second and not with every request. What this
process itself commits is seen at once. A job asks anew.
"""

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from uuid import UUID

from sqlalchemy import event, text

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.pools import Statement, alone
from marketplace.kernel import clock

HOLDS_SECONDS = 0.25

_PRESENT = """
SELECT (SELECT offset_seconds FROM infra_business_clock) AS offset_seconds,
       (SELECT revision FROM infra_public_revision) AS revision,
       (SELECT revision FROM infra_key_revision) AS key_revision
"""
_PRESENT_ALONE, _PRESENT_OF_A_JOB = Statement(_PRESENT), text(_PRESENT)


@dataclass(frozen=True, slots=True)
class Present:
    """`revision` is None only where nothing public was ever written."""

    business_offset: timedelta
    revision: UUID | None


class _Held:
    """The last answer and when it was asked for; from `stale_at` on, nothing asked for before holds (monotonic)."""

    answer: Present | None = None
    asked_at = 0.0
    stale_at = 0.0


def load() -> Present:
    """The present; the business clock of this context is set by it."""
    now = monotonic()
    present = _Held.answer
    if present is None or _Held.asked_at <= _Held.stale_at or now - _Held.asked_at >= HOLDS_SECONDS:
        present = _asked()
        _Held.answer, _Held.asked_at = present, now
    clock.set_business_offset(present.business_offset)
    return present


def load_for_job() -> None:
    """Set the business clock of this context, asked in the job's own transaction; what is erased is forgotten."""
    offset_seconds, _, key_revision = db.session.execute(_PRESENT_OF_A_JOB).one()
    vault.heed(key_revision)
    clock.set_business_offset(timedelta(seconds=offset_seconds or 0))


def forget() -> None:
    """Ask again at the next request."""
    _Held.stale_at = monotonic()


def forget_with_commits() -> None:
    """For `create_app`: what this process commits is part of the present of every request that begins later."""
    event.listen(db.session, "after_commit", lambda _session: forget())


def _asked() -> Present:
    row = alone(_PRESENT_ALONE, {})
    offset_seconds, revision, key_revision = row or (None, None, None)
    vault.heed(key_revision)
    return Present(timedelta(seconds=offset_seconds or 0), revision)

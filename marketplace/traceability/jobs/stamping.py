"""Have the log time-stamped by every authority that the settings name, each by a job of its own: one that is out of
reach stops nothing, not even the others. Its job stays, is tried again with growing pauses, and stamps what is newest
then.
"""

import logging

from sqlalchemy import literal, select

from marketplace.infra import seals
from marketplace.infra.db import db
from marketplace.infra.jobs import defer, is_waiting, task
from marketplace.traceability import services
from marketplace.traceability.queries import unstamped_seconds

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1800.0
_STAMP = "traceability.stamp_by"


@task("traceability.stamp_log", every="*/10 * * * *", attempts=1)
def stamp_log() -> None:
    """Every ten minutes, where the log has grown."""
    _ask_each(unchanged_too=False)


@task("traceability.end_day", every="58 15 * * *", attempts=1)
def end_day() -> None:
    """At the end of the day (23:58 in China), whether it has grown or not: that nothing happened is proven too."""
    _ask_each(unchanged_too=True)


@task(_STAMP)
def stamp_by(authority: str, unchanged_too: bool) -> None:  # noqa: FBT001  the arguments of a job have names
    services.stamp_log(authority, unchanged_too=unchanged_too)


@task("traceability.watch_stamps", every="*/5 * * * *", attempts=1)
def watch_stamps() -> None:
    """Ring where an authority has not stamped for long what is in the log."""
    for authority, waited in unstamped_seconds().items():
        if waited > PATIENCE_SECONDS:
            log.error("ALARM %s does not time-stamp the log: its oldest entry waits for %d seconds", authority, waited)


def _ask_each(*, unchanged_too: bool) -> None:
    for each in seals.authorities():
        if not db.session.scalar(select(is_waiting(_STAMP, authority=literal(each)))):
            defer(_STAMP, authority=each, unchanged_too=unchanged_too)

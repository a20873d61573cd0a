"""Ring where the log stands still: what is entered is safe in the database, and no receipt can be given meanwhile."""

import logging

from marketplace.infra.jobs import task
from marketplace.traceability.queries import waiting_seconds

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0


@task("traceability.watch_log", every="* * * * * */10", attempts=1)
def watch_log() -> None:
    """Every ten seconds (T26-33)."""
    waited = waiting_seconds()
    if waited > PATIENCE_SECONDS:
        log.error("ALARM the evidence log stands still: its oldest entry waits for %d seconds", waited)

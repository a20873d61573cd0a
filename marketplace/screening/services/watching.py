"""Whether cases are decided in their time."""

import logging

from marketplace.screening import queries

log = logging.getLogger(__name__)


def watch_cases() -> int:
    """Ring while cases wait longer than their rule says. Returns how many do."""
    overdue = queries.overdue()
    if overdue:
        log.error(
            "ALARM %s screening cases should have been decided, the first by %s",
            len(overdue),
            overdue[0].due_at.isoformat(timespec="minutes"),
        )
    return len(overdue)

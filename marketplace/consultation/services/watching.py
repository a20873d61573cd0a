"""Ring where customers wait too long, or where too few were answered in time (N108-01)."""

import logging

from marketplace.consultation.queries.threads import waiting_threads
from marketplace.consultation.queries.times import measured_of_all
from marketplace.consultation.rules import clocks
from marketplace.kernel import clock

log = logging.getLogger(__name__)


def watch() -> int:
    """Say in the log which questions are overdue, and who answered too few in time. Returns how many rang."""
    now, rung = clock.business_now(), 0
    for thread in waiting_threads():
        if thread.is_overdue(now):
            rung += 1
            log.error("ALARM question %s was to be answered by %s and waits", thread.reference, thread.due_at)
    for insurer_id, times in measured_of_all().items():
        if clocks.rings(times.rate, times.due):
            rung += 1
            log.error("ALARM insurer %s answered %s of %s questions in time", insurer_id, times.in_time, times.due)
    return rung

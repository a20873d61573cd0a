"""Until when a question is to be answered, in hours in which people work.

The target is the marketplace's own, and the same for every insurer, so that measured times can be compared: Order 2020
No. 13 asks for answers in time (article 17(3)) and names no hours, Notice 2021 No. 108 for 95 per cent.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TARGET = timedelta(hours=4)
OPENS, CLOSES = time(9), time(17)
LEAST_RATE = 0.95
FEWEST = 20
"""Of fewer questions a share says nothing, and does not ring."""


def due_at(asked_at: datetime, is_working_day: Callable[[date], bool], zone: str) -> datetime:
    """The first instant that is too late: `TARGET` of working time after the question, counted on working days from
    `OPENS` to `CLOSES` as people count in `zone`.
    """
    at_home = ZoneInfo(zone)
    local, left = asked_at.astimezone(at_home), TARGET
    day = local.date()
    while True:
        begins, ends = (datetime.combine(day, at, at_home) for at in (OPENS, CLOSES))
        start = max(local, begins)
        if is_working_day(day) and start < ends:
            if left <= ends - start:
                return (start + left).astimezone(UTC)
            left -= ends - start
        day += timedelta(days=1)


def rings(rate: float | None, due: int) -> bool:
    """Whether too few questions were answered in time (N108-01)."""
    return rate is not None and due >= FEWEST and rate < LEAST_RATE

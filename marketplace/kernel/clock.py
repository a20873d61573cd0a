"""Two clocks behind one door.

`now()` is real time: trail, signatures, sessions, limits, everything said to Stripe. `business_now()` and `today(zone)`
decide what a contract says: expiry of offers, start of cover, due dates. They differ only in a demonstration, whose
seeding starts the business clock in the past; the entry point (request, job, command) sets the offset it read from the
database for its own context.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen_now", default=None)
_offset: ContextVar[timedelta] = ContextVar("business_offset", default=timedelta())


def now() -> datetime:
    """Real time, aware, UTC."""
    return _frozen.get() or datetime.now(UTC)  # noqa: TID251  the one place that reads the machine's clock


def business_now() -> datetime:
    """The instant at which the business believes to be, aware, UTC."""
    return now() + _offset.get()


def today(zone: str) -> date:
    """The business day in the contract's time zone (IANA name)."""
    return business_now().astimezone(ZoneInfo(zone)).date()


def business_offset() -> timedelta:
    return _offset.get()


def set_business_offset(offset: timedelta) -> None:
    """For entry points only: how far the business clock stands from real time in this context."""
    _offset.set(offset)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Tests only: real time stands still at `at` (aware) inside the block."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    token = _frozen.set(at)
    try:
        yield
    finally:
        _frozen.reset(token)

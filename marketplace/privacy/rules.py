"""How long, until when, how soon: pure decisions on days and instants."""

from calendar import monthrange
from datetime import date, datetime, timedelta

from marketplace.kernel.dates import add_years
from marketplace.privacy.values import ExportState

SHORT_YEARS, LONG_YEARS = 5, 10
EXPORT_KEPT = timedelta(days=7)
PRESSING_AFTER = timedelta(days=20)


def kept_until(start_on: date, end_on: date) -> date:
    """The last day on which the records of a contract must be kept, counted from its end.

    Five years after a contract of up to one year, ten years after a longer one (notice on traceable sales, checklist
    T26-44; exactly one year counts as short).
    """
    short = end_on + timedelta(days=1) <= add_years(start_on, 1)
    return add_years(end_on, SHORT_YEARS if short else LONG_YEARS)


def earliest_due(today: date) -> date:
    """No contract that ended on this day or later can be due for destruction: a cheap first cut for a query."""
    return add_years(today, -SHORT_YEARS)


def abandoned_before(now: datetime) -> datetime:
    """Whoever was last seen before this instant has been away for twelve months (our privacy notice)."""
    return datetime.combine(add_years(now.date(), -1), now.timetz())


def due_on(asked_on: date) -> date:
    """One month to answer (GDPR article 12(3)): the same day of the next month, or that month's last day
    (Regulation 1182/71, article 3(2)(c)).
    """
    year, month = (asked_on.year + 1, 1) if asked_on.month == 12 else (asked_on.year, asked_on.month + 1)  # noqa: PLR2004  December
    return date(year, month, min(asked_on.day, monthrange(year, month)[1]))


def export_state(noted: ExportState, expires_at: datetime | None, now: datetime, *, being_made: bool) -> ExportState:
    """How a copy stands: time and the end of its job change it without anybody noting it."""
    if expires_at is not None and expires_at <= now:
        return ExportState.EXPIRED
    if noted is ExportState.ASKED and not being_made:
        return ExportState.FAILED
    return noted


def is_pressing(asked_at: datetime, now: datetime) -> bool:
    """Twenty days without an answer leave ten."""
    return now - asked_at >= PRESSING_AFTER

"""How long, until when, how soon: pure decisions on days and instants."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, timedelta

from marketplace.kernel.dates import add_years
from marketplace.privacy.values import NOTICE, ExportState

SHORT_YEARS, LONG_YEARS = 5, 10
DISPUTE_YEARS = 3
EXPORT_KEPT = timedelta(days=7)
PRESSING_AFTER = timedelta(days=20)


def kept_until(start_on: date, end_on: date, ended_on: date, closed_on: Iterable[date] = ()) -> date:
    """The last day on which the records of a contract must be kept.

    Five years after the day on which it ended, however it ended, where it was agreed for up to one year (`start_on` to
    `end_on`), ten years where it was agreed for longer (notice on traceable sales, checklist T26-44 and T26-46; exactly
    one year counts as short). Not before three years after the end of any dispute about it (T26-45). The day of the end
    itself does not count, and a month without the day ends the period with its last (Civil Code articles 201 and 202).
    """
    short = end_on + timedelta(days=1) <= add_years(start_on, 1)
    base = add_years(ended_on, SHORT_YEARS if short else LONG_YEARS)
    return max([base, *(add_years(each, DISPUTE_YEARS) for each in closed_on)])


def may_be_erased(kept_until: date, ended_on: date | None, today: date, *, held: bool) -> bool:
    """Whether nothing asks any more to keep the records: the contract has ended, nobody is in dispute about it, and its
    last day of keeping is over where it was at home.
    """
    return ended_on is not None and not held and kept_until < today


def latest_end_due(today: date) -> date:
    """No contract that ended after this day can be due: a cheap first cut for a query, a day wide for time zones."""
    return add_years(today, -SHORT_YEARS) + timedelta(days=1)


def notice_over(noticed_on: date, today: date) -> bool:
    """Whether whoever knows of a dispute had two weeks to say so before the records are destroyed."""
    return noticed_on + NOTICE <= today


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

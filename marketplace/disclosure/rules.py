"""When what is announced may begin, and what an announcement has to say."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from marketplace.disclosure.values import ABOUT_AN_INSURER, HANDLED, AnnouncementKind, NewAnnouncement
from marketplace.kernel.text import LocalizedText

WORKING_DAYS_BEFORE_CLOSING = 20
"""Order 2020 No. 13, article 8."""

DAYS_BEFORE_SCOPE = 10
"""Notice 2021 No. 108, (十七)."""

DAYS_WHERE_UNKNOWN = timedelta(days=45)
"""At least twenty working days, however the holidays of a year lie that are not known yet."""


def earliest_start(
    kind: AnnouncementKind, now: datetime, *, after_working_days: datetime, after_days: datetime
) -> datetime | None:
    """From when what is released `now` may begin; None where it may have begun before, as interruptions do.

    `after_working_days` and `after_days` are the ends of the last working day and of the last day that have to lie
    between. Nothing else begins before it is announced (人身保险销售管理办法, articles 14 and 19).
    """
    if kind is AnnouncementKind.INTERRUPTION:
        return None
    return {AnnouncementKind.CLOSING: after_working_days, AnnouncementKind.SCOPE: after_days}.get(kind, now)


def missing(new: NewAnnouncement) -> Iterator[str]:
    """What it lacks, by name. Both languages are told the same."""
    texts = {"title": new.title, "text": new.text}
    if new.kind in HANDLED or new.handling is not None:
        texts["handling"] = new.handling or LocalizedText("")
    for name, text in texts.items():
        if not text.en.strip():
            yield name
        if not (text.zh or "").strip():
            yield f"{name}_zh"
    if new.kind in ABOUT_AN_INSURER and new.insurer_id is None:
        yield "insurer"
    if new.kind in {AnnouncementKind.CLOSING, AnnouncementKind.SCOPE, *ABOUT_AN_INSURER} and new.starts_at is None:
        yield "starts_at"


def ends_before_it_begins(new: NewAnnouncement) -> bool:
    return new.starts_at is not None and new.ends_at is not None and new.ends_at <= new.starts_at

"""Publish wordings: from the files beside this one into immutable versions. Announce: one person writes, another
releases, and nothing that was released is changed or removed. Take reports of false sites, and forget them in time.
"""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from marketplace.disclosure import rules
from marketplace.disclosure.models import AnnouncementRow, SiteReportRow, WordingRow, locked_announcement, locked_report
from marketplace.disclosure.queries import announcement, latest, report_of, said_by, wording_of
from marketplace.disclosure.values import (
    Announcement,
    AnnouncementDecided,
    AnnouncementKind,
    AnnouncementNotFound,
    NewAnnouncement,
    NewReport,
    ReleaserNeeded,
    Report,
    ReportAnswered,
    ReportNotFound,
    ReportOutcome,
    StartsTooSoon,
    Wording,
    WordingKey,
)
from marketplace.infra import storage, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import LOCALES, ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.infra.working_days import working_days_after
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.traceability.services import record_of_log
from marketplace.traceability.values import Actor, EntryType

WORDINGS = Path(__file__).with_name("wordings")
REPORTS_KEPT = timedelta(days=365)
"""After the answer; what has none is kept until it has."""

_ONE_PUBLISHER = "disclosure.publish_wordings"


def publish_wordings(folder: Path = WORDINGS) -> tuple[Wording, ...]:
    """Publish each wording of `folder` (`<key>.<locale>.md`, UTF-8) whose text differs from its newest version.

    Its text is in the store before. Returns what was new: nothing when it is called again. Publishers wait for one
    another. Every key must be there in every locale, otherwise FileNotFoundError and nothing is published.
    """
    texts = wording_texts(folder)
    for text in texts.values():
        storage.put(text.encode())
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_ONE_PUBLISHER))))
    newest = latest(tuple(WordingKey), LOCALES)
    published = [
        _new_version(key, locale, text, newest.get((key, locale)))
        for (key, locale), text in texts.items()
        if (key, locale) not in newest or newest[key, locale].text != text
    ]
    db.session.flush()
    return tuple(wording_of(row) for row in published)


def wording_texts(folder: Path = WORDINGS) -> dict[tuple[WordingKey, str], str]:
    """Key and locale -> the text of its file."""
    return {
        (key, locale): (folder / f"{key}.{locale}.md").read_text(encoding="utf-8").strip()
        for key in WordingKey
        for locale in LOCALES
    }


def _new_version(key: WordingKey, locale: str, text: str, before: Wording | None) -> WordingRow:
    row = WordingRow(
        id=ids.new_id(),
        key=key.value,
        locale=locale,
        version=before.version + 1 if before else 1,
        text=text,
        sha256=sha256_hex(text.encode()),
        published_at=clock.now(),
    )
    db.session.add(row)
    return row


def draft_announcement(new: NewAnnouncement, by: UUID) -> Announcement:
    """Write an announcement for another person to release. Flushes.

    Raises Invalid, StartsTooSoon where it could not be released now, and AnnouncementNotFound or AnnouncementDecided
    for what is to be taken back and is not in the open.
    """
    faults = dict.fromkeys(rules.missing(new), _("Please answer this."))
    if rules.ends_before_it_begins(new):
        faults["ends_at"] = _("This has to be after the beginning.")
    if faults:
        raise Invalid(faults)
    _refuse_too_soon(new.kind, new.starts_at)
    if new.revokes_id is not None:
        _require_revocable(new.revokes_id)
    row = AnnouncementRow(
        id=ids.new_id(),
        kind=new.kind.value,
        insurer_id=new.insurer_id,
        title=new.title.to_json(),
        text=new.text.to_json(),
        handling=new.handling.to_json() if new.handling else None,
        starts_at=new.starts_at,
        ends_at=new.ends_at,
        revokes_id=new.revokes_id,
        sha256=new.sha256,
        drafted_at=clock.now(),
        drafted_by=by,
    )
    db.session.add(row)
    db.session.flush()
    return announcement(row.id)


def release_announcement(announcement_id: UUID, origin: str, by: Actor) -> Announcement:
    """The second person makes it public, with an entry in the journey of the log `origin`. Flushes.

    Raises AnnouncementNotFound, AnnouncementDecided, ReleaserNeeded for whoever wrote it, and StartsTooSoon where too
    little time is left before it begins.
    """
    row = _waiting(announcement_id)
    if by.account_id is None or by.account_id == row.drafted_by:
        raise ReleaserNeeded
    kind, now = AnnouncementKind(row.kind), clock.business_now()
    _refuse_too_soon(kind, row.starts_at)
    if row.revokes_id is not None:
        _require_revocable(row.revokes_id)
    row.starts_at = row.starts_at or now
    row.business_released_at, row.released_at, row.released_by = now, clock.now(), by.account_id
    row.sha256 = said_by(row).sha256
    said = {
        "announcement_id": row.id,
        "kind": kind,
        "sha256": row.sha256,
        "author": str(row.drafted_by),
        "reviewer": str(by.account_id),
    }
    row.entry_id = record_of_log(origin, EntryType.ANNOUNCEMENT_RELEASED, said, by)
    db.session.flush()
    return announcement(row.id)


def drop_announcement(announcement_id: UUID, by: UUID) -> None:
    """It is not released; its author or anybody else may say so. Raises AnnouncementNotFound, AnnouncementDecided."""
    row = _waiting(announcement_id)
    row.dropped_at, row.dropped_by = clock.now(), by
    db.session.flush()


def _waiting(announcement_id: UUID) -> AnnouncementRow:
    row = locked_announcement(announcement_id)
    if row is None:
        raise AnnouncementNotFound
    if row.released_at is not None or row.dropped_at is not None:
        raise AnnouncementDecided
    return row


def _require_revocable(announcement_id: UUID) -> None:
    """What is in the open and was not taken back yet; locked, so that it is taken back once."""
    row = locked_announcement(announcement_id)
    if row is None or row.released_at is None:
        raise AnnouncementNotFound
    if announcement(announcement_id).revoked_by is not None:
        raise AnnouncementDecided


def _refuse_too_soon(kind: AnnouncementKind, starts_at: datetime | None) -> None:
    """Raises StartsTooSoon; without a beginning it begins with its release."""
    earliest = earliest_start(kind)
    if starts_at is not None and earliest is not None and starts_at < earliest:
        raise StartsTooSoon(earliest)


def earliest_start(kind: AnnouncementKind) -> datetime | None:
    """From when what is released now may begin (business time); None where it may have begun before.

    Where the holidays of a year are not known yet, more days lie between than the law asks for, never fewer.
    """
    now = clock.business_now()
    worked = working_days_after(now, rules.WORKING_DAYS_BEFORE_CLOSING, ZONE)
    closes = max(worked.at, _midnight_after(now + rules.DAYS_WHERE_UNKNOWN)) if worked.presumed else worked.at
    whole_days = _midnight_after(now + timedelta(days=rules.DAYS_BEFORE_SCOPE))
    return rules.earliest_start(kind, now, after_working_days=closes, after_days=whole_days)


def _midnight_after(instant: datetime) -> datetime:
    """When the day of `instant` is over where contracts are made."""
    at_home = ZoneInfo(ZONE)
    day = instant.astimezone(at_home).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=at_home)


def take_report(new: NewReport) -> Report:
    """Take a report of a false site or material; its reference is for whoever sent it. Flushes."""
    row = SiteReportRow(id=ids.new_id(), reference=ids.reference("R"), locale=new.locale, received_at=clock.now())
    row.place, row.words = new.place, new.words
    if new.email:
        row.email = new.email
    db.session.add(row)
    db.session.flush()
    return report_of(row)


def answer_report(report_id: UUID, outcome: ReportOutcome, answer: str, by: UUID) -> Report:
    """Say what was found of it, once; whoever calls mails it where an address was given. Flushes.

    Raises ReportNotFound, ReportAnswered.
    """
    row = locked_report(report_id)
    if row is None:
        raise ReportNotFound
    if row.answered_at is not None:
        raise ReportAnswered
    row.outcome, row.answer, row.answered_at, row.answered_by = outcome.value, answer, clock.now(), by
    db.session.flush()
    return report_of(row)


def forget_reports() -> int:
    """What people told in reports that were answered a year ago goes, with their keys. Returns how many."""
    due = select(SiteReportRow).where(
        SiteReportRow.answered_at < clock.now() - REPORTS_KEPT, SiteReportRow.forgotten_at.is_(None)
    )
    rows = db.session.scalars(due.order_by(SiteReportRow.id).with_for_update()).all()
    for row in rows:
        row.place_sealed = row.words_sealed = row.email_sealed = None
        row.forgotten_at = clock.now()
        vault.destroy(row.id)
    db.session.flush()
    return len(rows)

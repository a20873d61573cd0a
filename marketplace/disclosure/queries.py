"""Ask for wordings: the newest for a page, any version for what was shown before. Ask for announcements and
reports.
"""

from collections.abc import Collection, Iterator
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from marketplace.disclosure.models import AnnouncementRow, SiteReportRow, WordingRow
from marketplace.disclosure.values import (
    Announcement,
    AnnouncementKind,
    AnnouncementNotFound,
    NewAnnouncement,
    Report,
    ReportNotFound,
    ReportOutcome,
    Wording,
    WordingKey,
    WordingNotFound,
)
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.text import LocalizedText
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType


def wording(key: WordingKey, locale: str) -> Wording:
    """The newest version of one wording, or WordingNotFound."""
    return wordings((key,), locale)[key]


def wordings(keys: Collection[WordingKey], locale: str) -> dict[WordingKey, Wording]:
    """The newest versions of several wordings in one question, in the order asked; or WordingNotFound."""
    found = latest(keys, (locale,))
    if missing := [key for key in keys if (key, locale) not in found]:
        raise WordingNotFound(f"never published in {locale}: {', '.join(missing)}")
    return {key: found[key, locale] for key in keys}


def wording_by_id(wording_id: UUID) -> Wording:
    """One version, whenever it was published, or WordingNotFound."""
    row = db.session.get(WordingRow, wording_id)
    if row is None:
        raise WordingNotFound
    return wording_of(row)


def wordings_by_sha256(named: Collection[str]) -> tuple[Wording, ...]:
    """The wordings whose text has one of these hashes, one for each, in the order of their keys."""
    wanted = select(WordingRow).where(WordingRow.sha256.in_(named)).order_by(WordingRow.key, WordingRow.locale)
    rows = db.session.scalars(wanted.order_by(WordingRow.version))
    return tuple({row.sha256: wording_of(row) for row in rows}.values())


def altered_wordings() -> tuple[UUID, ...]:
    """Those whose text is not of its hash. Reads them all: for checks."""
    rows = db.session.execute(select(WordingRow.id, WordingRow.text, WordingRow.sha256).order_by(WordingRow.id))
    return tuple(row.id for row in rows if sha256_hex(row.text.encode()) != row.sha256)


def versions(key: WordingKey, locale: str) -> tuple[Wording, ...]:
    """Every version of one wording in one language, oldest first."""
    rows = db.session.scalars(
        select(WordingRow).where(WordingRow.key == key.value, WordingRow.locale == locale).order_by(WordingRow.version)
    )
    return tuple(wording_of(row) for row in rows)


def latest(keys: Collection[WordingKey], locales: Collection[str]) -> dict[tuple[WordingKey, str], Wording]:
    """The newest version of each key and locale that has one."""
    rows = db.session.scalars(
        select(WordingRow)
        .where(WordingRow.key.in_([key.value for key in keys]), WordingRow.locale.in_(locales))
        .ext(distinct_on(WordingRow.key, WordingRow.locale))
        .order_by(WordingRow.key, WordingRow.locale, WordingRow.version.desc())
    )
    return {(WordingKey(row.key), row.locale): wording_of(row) for row in rows}


def wording_of(row: WordingRow) -> Wording:
    """The wording that a row of this feature holds."""
    return Wording(
        id=row.id,
        key=WordingKey(row.key),
        locale=row.locale,
        version=row.version,
        text=row.text,
        sha256=row.sha256,
        published_at=row.published_at,
    )


def announcement(announcement_id: UUID) -> Announcement:
    """One announcement, released or not, or AnnouncementNotFound."""
    found = _announcements(AnnouncementRow.id == announcement_id)
    if not found:
        raise AnnouncementNotFound
    return found[0]


def announcements(ids: Collection[UUID]) -> dict[UUID, Announcement]:
    """Several announcements in one question; unknown ids are left out."""
    return {each.id: each for each in _announcements(AnnouncementRow.id.in_(set(ids)))}


def drafts() -> tuple[Announcement, ...]:
    """What waits for a second person, the newest first."""
    return _announcements(AnnouncementRow.released_at.is_(None), AnnouncementRow.dropped_at.is_(None))


def released(limit: int) -> tuple[Announcement, ...]:
    """What was released, the newest first, taken back or not."""
    return _announcements(AnnouncementRow.released_at.is_not(None), limit=limit)


def standing() -> tuple[Announcement, ...]:
    """What was released, is not taken back, and is not over by the clock of contracts; the newest first."""
    over = or_(AnnouncementRow.ends_at.is_(None), AnnouncementRow.ends_at > clock.business_now())
    found = _announcements(AnnouncementRow.released_at.is_not(None), over)
    return tuple(each for each in found if each.revoked_by is None)


def ended_cooperations() -> tuple[Announcement, ...]:
    """The ends of cooperations that were announced and not taken back, the newest first."""
    kind = AnnouncementRow.kind == AnnouncementKind.COOPERATION.value
    found = _announcements(AnnouncementRow.released_at.is_not(None), kind)
    return tuple(each for each in found if each.revoked_by is None)


def altered_announcements() -> Iterator[tuple[str, str]]:
    """Each that is not of its hash, or not what the entry of its release says. Reads them all: for checks."""
    rows = db.session.scalars(select(AnnouncementRow).where(AnnouncementRow.released_at.is_not(None)))
    kept = {str(row.id): row for row in rows}
    entries = {each.body["announcement_id"]: each for each in trail.entries_of_type(EntryType.ANNOUNCEMENT_RELEASED)}
    for name in sorted(kept.keys() | entries.keys()):
        row, entry = kept.get(name), entries.get(name)
        if row is None:
            yield name, "the announcement that an entry says was released is not kept"
        elif said_by(row).sha256 != row.sha256:
            yield name, "the announcement is not of its hash"
        elif entry is None or entry.id != row.entry_id or entry.body["sha256"] != row.sha256:
            yield name, "no entry says that this announcement was released as it is"


def reports(limit: int) -> tuple[Report, ...]:
    """Reports of false sites: those that wait for an answer first, the oldest first; then the latest."""
    rows = db.session.scalars(
        select(SiteReportRow)
        .order_by(SiteReportRow.answered_at.desc().nulls_first(), SiteReportRow.received_at, SiteReportRow.id)
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    vault.unlock(row.id for row in rows)
    return tuple(report_of(row) for row in rows)


def report(report_id: UUID) -> Report:
    """One report, or ReportNotFound."""
    row = db.session.get(SiteReportRow, report_id, populate_existing=True)
    if row is None:
        raise ReportNotFound
    return report_of(row)


def report_of(row: SiteReportRow) -> Report:
    """The report that a row of this feature holds."""
    return Report(
        id=row.id,
        reference=row.reference,
        place=row.place,
        words=row.words,
        email=row.email,
        locale=row.locale,
        received_at=row.received_at,
        outcome=ReportOutcome(row.outcome) if row.outcome else None,
        answer=row.answer or "",
        answered_at=row.answered_at,
        answered_by=row.answered_by,
        forgotten=row.forgotten_at is not None,
    )


def _announcements(*conditions: ColumnElement[bool], limit: int | None = None) -> tuple[Announcement, ...]:
    later = aliased(AnnouncementRow)
    rows = db.session.execute(
        select(AnnouncementRow, later.id)
        .join(later, (later.revokes_id == AnnouncementRow.id) & later.released_at.is_not(None), isouter=True)
        .where(*conditions)
        .order_by(
            AnnouncementRow.released_at.desc().nulls_first(), AnnouncementRow.drafted_at.desc(), AnnouncementRow.id
        )
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return tuple(_announcement(row, revoked_by) for row, revoked_by in rows)


def _announcement(row: AnnouncementRow, revoked_by: UUID | None) -> Announcement:
    return Announcement(
        id=row.id,
        said=said_by(row),
        drafted_at=row.drafted_at,
        drafted_by=row.drafted_by,
        released_at=row.released_at,
        released_by=row.released_by,
        dropped_at=row.dropped_at,
        revoked_by=revoked_by,
    )


def said_by(row: AnnouncementRow) -> NewAnnouncement:
    """What a row of this feature announces."""
    return NewAnnouncement(
        kind=AnnouncementKind(row.kind),
        title=LocalizedText.from_json(row.title),
        text=LocalizedText.from_json(row.text),
        handling=LocalizedText.from_json(row.handling) if row.handling else None,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        insurer_id=row.insurer_id,
        revokes_id=row.revokes_id,
    )

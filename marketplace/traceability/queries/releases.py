"""What was released, which version of a page was online when, and whether all of it is kept."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, literal, or_, select, text, union

from marketplace.infra import storage
from marketplace.infra.db import db, reader
from marketplace.kernel.errors import NotFound
from marketplace.traceability.models import (
    EntryRow,
    PageOnlineRow,
    PageReferenceRow,
    PageVersionRow,
    RecordingReferenceRow,
    ReleaseRow,
)
from marketplace.traceability.values import (
    PageOnline,
    PageVersion,
    PageVersionNotFound,
    Release,
    ReleaseContent,
    Seen,
)

_REFERENCES = (PageReferenceRow, RecordingReferenceRow)
_FILES = text(
    """
    SELECT DISTINCT file #>> '{}' FROM traceability_release, jsonb_path_query(content, '$.*.*') AS file
    WHERE file #>> '{}' = ANY(:asked)
    """
)


def release_of(content: ReleaseContent) -> Release | None:
    """The newest release of exactly this content."""
    wanted = select(ReleaseRow.__table__).where(ReleaseRow.content_sha256 == content.id)
    with reader() as connection:
        row = connection.execute(wanted.order_by(ReleaseRow.number.desc()).limit(1)).one_or_none()
    return None if row is None else release(row)


def releases(limit: int = 50) -> tuple[Release, ...]:
    """The newest first."""
    wanted = select(ReleaseRow.__table__).order_by(ReleaseRow.number.desc()).limit(limit)
    with reader() as connection:
        return tuple(release(row) for row in connection.execute(wanted))


def not_kept(sha256s: Iterable[str]) -> tuple[str, ...]:
    """Which of these files are not in the store as they were put there. Raises Unavailable where it does not answer."""
    return tuple(sha256 for sha256 in sorted(set(sha256s)) if not _is_kept(sha256))


def _is_kept(sha256: str) -> bool:
    try:
        storage.get(sha256)
    except (NotFound, storage.FileAltered):
        return False
    return True


def files_used(sha256s: Iterable[str]) -> frozenset[str]:
    """Which of these files a page was ever made of, or views and recordings are kept against."""
    asked = list(set(sha256s))
    references = union(*(select(row.sha256).where(row.sha256.in_(asked)) for row in _REFERENCES))
    released = db.session.execute(_FILES, {"asked": asked}).scalars()
    return frozenset(released) | frozenset(db.session.scalars(references))


def seen(version_id: str) -> Seen | None:
    """What a version is made of and which one is online in its place; None where there is no such version."""
    latest = (
        select(PageOnlineRow.page_version_id, PageOnlineRow.release_number)
        .where(PageOnlineRow.series == PageVersionRow.series)
        .order_by(PageOnlineRow.number.desc())
        .limit(1)
        .lateral()
    )
    wanted = select(PageVersionRow.manifest, latest.c.page_version_id, latest.c.release_number).join(
        latest, literal(value=True), isouter=True
    )
    row = db.session.execute(wanted.where(PageVersionRow.id == version_id)).one_or_none()
    return None if row is None else Seen(row.manifest, row.page_version_id, row.release_number)


def page_version_at(
    page: str, locale: str, product_version_id: UUID | None, instant: datetime, *, document: str | None = None
) -> PageOnline:
    """The version of a page that was online at an instant of business time, or PageVersionNotFound. Of a page that
    shows one document at a time, `document` says which (its SHA-256).
    """
    same_product = PageVersionRow.product_version_id.is_not_distinct_from(product_version_id)
    where = [PageVersionRow.page == page, PageVersionRow.locale == locale, same_product]
    if document is not None:
        where.append(PageVersionRow.manifest["documents"].contains([document]))
    found = [each for each in _online(*where) if _is_at(each, instant)]
    if not found:
        raise PageVersionNotFound
    return max(found, key=lambda each: each.since)


def pages_online(product_version_ids: Collection[UUID], begin: datetime, end: datetime) -> tuple[PageOnline, ...]:
    """What was online of these versions of products at any time from `begin` until before `end` (business time), with
    the pages that are about no product: by page, language and time.
    """
    about = or_(
        PageVersionRow.product_version_id.in_(set(product_version_ids)), PageVersionRow.product_version_id.is_(None)
    )
    return tuple(each for each in _online(about) if each.since < end and (each.until is None or each.until > begin))


def pages_ever_online(limit: int, offset: int = 0) -> tuple[PageOnline, ...]:
    """Every version that was ever online and when, what began last first."""
    ended = _with_ends().subquery()
    wanted = _joined(ended).order_by(ended.c.business_at.desc(), ended.c.series, ended.c.number.desc())
    with reader() as connection:
        return tuple(_page_online(row) for row in connection.execute(wanted.limit(limit).offset(offset)))


def ways_online(connection: Connection, version_ids: Iterable[str]) -> dict[str, list[tuple[datetime, Release]]]:
    """Version id -> when it came online, in real time, and by which release: first to last."""
    wanted = (
        select(PageOnlineRow.page_version_id, PageOnlineRow.online_at, *ReleaseRow.__table__.columns)
        .join(ReleaseRow.__table__, ReleaseRow.number == PageOnlineRow.release_number)
        .where(PageOnlineRow.page_version_id.in_(set(version_ids)))
        .order_by(PageOnlineRow.page_version_id, PageOnlineRow.number)
    )
    found: dict[str, list[tuple[datetime, Release]]] = {}
    for row in connection.execute(wanted):
        found.setdefault(row.page_version_id, []).append((row.online_at, release(row)))
    return found


def count_online() -> int:
    """How many lines `pages_ever_online` has."""
    with reader() as connection:
        return int(connection.execute(select(func.count()).select_from(PageOnlineRow)).scalar_one())


def history_of(version_ids: Iterable[str]) -> dict[str, PageOnline]:
    """Version id -> how it first came online; what never was (from before releases) is left out."""
    found = _online(PageVersionRow.id.in_(set(version_ids)))
    return {each.version.id: each for each in reversed(found)}


def _is_at(online: PageOnline, instant: datetime) -> bool:
    return online.since <= instant and (online.until is None or instant < online.until)


def _with_ends() -> Select[Any]:
    """Every row with the instant at which the next of its series began."""
    following = func.lead(PageOnlineRow.business_at).over(
        partition_by=PageOnlineRow.series, order_by=PageOnlineRow.number
    )
    return select(PageOnlineRow.__table__, following.label("until"))


def _joined(ended: Any) -> Select[Any]:
    return (
        select(
            ended.c.business_at,
            ended.c.until,
            ended.c.online_at,
            EntryRow.log_index,
            *(column.label(f"version_{column.name}") for column in PageVersionRow.__table__.columns),
            *ReleaseRow.__table__.columns,
        )
        .join(PageVersionRow.__table__, PageVersionRow.id == ended.c.page_version_id)
        .join(ReleaseRow.__table__, ReleaseRow.number == ended.c.release_number)
        .join(EntryRow.__table__, EntryRow.id == ReleaseRow.entry_id, isouter=True)
    )


def _online(*where: ColumnElement[bool]) -> tuple[PageOnline, ...]:
    """By page, language, series and time. Each series is looked at whole, or its intervals would have no ends."""
    series = select(PageVersionRow.series).where(*where)
    ended = _with_ends().where(PageOnlineRow.series.in_(series)).subquery()
    wanted = _joined(ended).where(and_(*where))
    order = PageVersionRow.page, PageVersionRow.locale, ended.c.series, ended.c.number
    with reader() as connection:
        return tuple(_page_online(row) for row in connection.execute(wanted.order_by(*order)))


def _page_online(row: Row[Any]) -> PageOnline:
    named = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    version = {name.removeprefix("version_"): value for name, value in named.items() if name.startswith("version_")}
    return PageOnline(PageVersion(**version), release(row), row.business_at, row.until, row.online_at, row.log_index)


def release(row: Any) -> Release:
    """The release that a row holds."""
    return Release(
        number=row.number,
        content=ReleaseContent(**row.content),
        author=row.author,
        reviewer=row.reviewer,
        reason=row.reason,
        build=row.build,
        released_at=row.released_at,
        entry_id=row.entry_id,
    )

"""Release pages, and note which version of each was online when (T26-34, T26-36, T26-37; decision 17).

What a page is made of is in the store before there is a release of it; a release is there before a version of a page
is online. Both are only ever added to.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.traceability.models import PageOnlineRow, PageReferenceRow, PageVersionRow, ReleaseRow
from marketplace.traceability.queries.releases import not_kept, release
from marketplace.traceability.services.apart import or_nothing, written_apart
from marketplace.traceability.services.recording import record_of_log
from marketplace.traceability.values import (
    EntryType,
    NewRelease,
    Online,
    PageManifest,
    PagesNotReleased,
    Release,
    ReleaseContent,
    ReviewerNeeded,
)

_ONE_RELEASER = "traceability.release_pages"


def release_pages(origin: str, content: ReleaseContent, files: Iterable[bytes], asked: NewRelease) -> Release:
    """Release what pages are made of: everything into the store first, then the release and its entry in the journey of
    the log `origin`. Flushes.

    Where the newest release is of this very content, and the log says so, it is returned and nothing changes; older
    content that is released again gets a number of its own. Raises Invalid, ReviewerNeeded, TrailUnavailable, and
    PagesNotReleased where the store does not hold all.
    """
    _refuse_unreviewed(asked)
    for data in files:
        storage.put(data)
    if missing := not_kept(content.files):
        raise PagesNotReleased(f"not in the store as they were put there: {', '.join(missing)}")
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(_ONE_RELEASER))))
    newest = db.session.execute(select(ReleaseRow.__table__).order_by(ReleaseRow.number.desc()).limit(1)).one_or_none()
    if newest is not None and newest.content_sha256 == content.id and newest.entry_id is not None:
        return release(newest)
    said = {
        "number": newest.number + 1 if newest else 1,
        "content_sha256": content.id,
        "author": asked.author.strip(),
        "reviewer": asked.reviewer.strip(),
        "reason": asked.reason.strip(),
        "build": asked.build,
    }
    entry_id = record_of_log(origin, EntryType.PAGES_RELEASED, said)
    row = ReleaseRow(**said, content=content.to_json(), released_at=clock.now(), entry_id=entry_id)
    db.session.add(row)
    db.session.flush()
    return release(row)


def _refuse_unreviewed(asked: NewRelease) -> None:
    missing = {name: "missing" for name in ("author", "reviewer", "reason") if not getattr(asked, name).strip()}
    if missing:
        raise Invalid(missing)
    if asked.author.strip().casefold() == asked.reviewer.strip().casefold():
        raise ReviewerNeeded


def ensure_page_version(manifest: PageManifest) -> str:
    """The id of the page version (SHA-256 of the manifest), which is kept from its first use on.

    The same manifest gives the same version on every process and after every deployment (T26-35).
    """
    with or_nothing():
        known = db.session.scalar(select(literal(value=True)).where(PageVersionRow.id == manifest.id))
    if not known:
        with written_apart() as connection:
            _lock(connection, manifest.series)
            _keep_version(connection, manifest)
    return manifest.id


def put_online(manifest: PageManifest, release_number: int) -> Online:
    """The version of a page that a process of this release shows, noted as the one online where it was another.

    The same version is noted once more where its release was not in the log and this one is. A process of an older
    release than the one that put the present version online notes nothing: it is about to end, and what it still shows
    is recorded with each view. Raises PagesNotReleased where a file that the version names is not in the store.
    """
    version_id = manifest.id
    with or_nothing():
        latest = db.session.execute(_latest(manifest)).one_or_none()
    if latest is None or _is_another(latest, version_id, release_number):
        latest = _noted(manifest, release_number)
    elif latest.page_version_id != version_id:
        ensure_page_version(manifest)
    return Online(version_id, latest.sha256)


def _is_another(latest: Row[Any], version_id: str, release_number: int) -> bool:
    """Whether this version, by this release, is to be noted behind the newest row of its series."""
    if latest.page_version_id != version_id:
        return bool(latest.release_number <= release_number)
    return latest.entry_id is None and latest.release_number < release_number


def _latest(manifest: PageManifest) -> Select[*tuple[Any, ...]]:
    """The newest row of the series, and what views of this manifest's version are kept against."""
    return (
        select(
            PageOnlineRow.number,
            PageOnlineRow.page_version_id,
            PageOnlineRow.release_number,
            ReleaseRow.entry_id,
            PageOnlineRow.online_at,
            PageOnlineRow.business_at,
            PageReferenceRow.sha256,
        )
        .join(ReleaseRow, ReleaseRow.number == PageOnlineRow.release_number, isouter=True)
        .join(PageReferenceRow, and_(PageReferenceRow.page_version_id == manifest.id), isouter=True)
        .where(PageOnlineRow.series == manifest.series)
        .order_by(PageOnlineRow.number.desc())
        .limit(1)
    )


def _noted(manifest: PageManifest, release_number: int) -> Row[Any]:
    """The newest row of the series once it is noted, by this process or by another that was quicker."""
    missing = not_kept([*manifest.documents, *manifest.wordings.values()])
    if missing:
        raise PagesNotReleased(f"{manifest.page} names files that are not in the store: {', '.join(missing)}")
    with written_apart() as connection:
        _lock(connection, manifest.series)
        _keep_version(connection, manifest)
        latest = connection.execute(_latest(manifest)).one_or_none()
        if latest is None or _is_another(latest, manifest.id, release_number):
            connection.execute(insert(PageOnlineRow).values(_now_online(manifest, release_number, latest)))
        return connection.execute(_latest(manifest)).one()


def _now_online(manifest: PageManifest, release_number: int, before: Row[Any] | None) -> dict[str, Any]:
    """The next row of the series; hosts whose clocks differ give no interval that ends before it began."""
    return {
        "series": manifest.series,
        "number": before.number + 1 if before else 1,
        "page_version_id": manifest.id,
        "release_number": release_number,
        "online_at": _not_before(clock.now(), before and before.online_at),
        "business_at": _not_before(clock.business_now(), before and before.business_at),
    }


def _not_before(now: datetime, before: datetime | None) -> datetime:
    return now if before is None else max(now, before)


def _lock(connection: Connection, series: str) -> None:
    connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"page:{series}", 0))))


def _keep_version(connection: Connection, manifest: PageManifest) -> None:
    """The row of the version, numbered in its series. Whoever calls holds the lock."""
    number = select(func.coalesce(func.max(PageVersionRow.number), 0) + 1).where(
        PageVersionRow.series == manifest.series
    )
    connection.execute(
        upsert(PageVersionRow)
        .values(
            id=manifest.id,
            page=manifest.page,
            locale=manifest.locale,
            product_version_id=manifest.product_version_id,
            manifest=manifest.to_json(),
            first_served_at=clock.now(),
            series=manifest.series,
            number=number.scalar_subquery(),
        )
        .on_conflict_do_nothing(index_elements=[PageVersionRow.id])
    )

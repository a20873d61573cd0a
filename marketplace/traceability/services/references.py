"""Make the files that views and recordings are kept against: what is alike for different people, and so nothing about
any of them.

They are made by a job, once for each version of a page, and never changed: what was pressed against one needs it to
come back.
"""

from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.traceability import queries
from marketplace.traceability.models import PageReferenceRow, RecordingReferenceRow
from marketplace.traceability.rules.alike import NEEDED, NEEDED_OF_ALL, alike, recorded_alike


def make_reference(version_id: str) -> str | None:
    """The SHA-256 of the file for this version, stored first; None where too few people were shown it, or where it has
    one already. Flushes.
    """
    pages = queries.shown_to_different_people(version_id)
    about_product = queries.page_version(version_id).product_version_id is not None
    if len(pages) < (NEEDED if about_product else NEEDED_OF_ALL):
        return None
    return _keep_first(PageReferenceRow, version_id, alike(pages))


def make_recording_reference(version_id: str) -> str | None:
    """The same for recordings of what was done on pages of this version. Flushes."""
    recordings = queries.recorded_of_different_people(version_id)
    if len(recordings) < NEEDED:
        return None
    return _keep_first(RecordingReferenceRow, version_id, recorded_alike(recordings))


def _keep_first(table: type[PageReferenceRow | RecordingReferenceRow], version_id: str, data: bytes) -> str | None:
    """Keep the file, unless the version has one already."""
    made = (
        upsert(table)
        .values(page_version_id=version_id, sha256=storage.put(data), made_at=clock.now())
        .on_conflict_do_nothing(index_elements=[table.page_version_id])
        .returning(table.sha256)
    )
    return db.session.execute(made).scalar_one_or_none()

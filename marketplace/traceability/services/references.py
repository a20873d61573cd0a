"""Make the files that views are kept against: what different people were shown alike, and so nothing about any of them.

They are made by a job, once for each version of a page, and never changed: what was pressed against one needs it to
come back.
"""

from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.traceability import queries
from marketplace.traceability.models import PageReferenceRow
from marketplace.traceability.rules.alike import NEEDED, NEEDED_OF_ALL, alike


def make_reference(version_id: str) -> str | None:
    """The SHA-256 of the file for this version, stored first; None where too few people were shown it, or where it has
    one already. Flushes.
    """
    pages = queries.shown_to_different_people(version_id)
    about_product = queries.page_version(version_id).product_version_id is not None
    if len(pages) < (NEEDED if about_product else NEEDED_OF_ALL):
        return None
    sha256 = storage.put(alike(pages))
    made = (
        upsert(PageReferenceRow)
        .values(page_version_id=version_id, sha256=sha256, made_at=clock.now())
        .on_conflict_do_nothing(index_elements=[PageReferenceRow.page_version_id])
        .returning(PageReferenceRow.sha256)
    )
    return db.session.execute(made).scalar_one_or_none()

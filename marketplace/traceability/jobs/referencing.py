"""Once a minute: versions of pages that enough people have seen get the file that further views are kept against."""

from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.traceability import queries, services

AT_ONCE = 20
"""Versions in a minute; opening three pages of each takes some milliseconds."""


@task("traceability.make_references", attempts=1, every="* * * * *")
def make_references() -> None:
    for version_id in queries.versions_without_reference(AT_ONCE):
        services.make_reference(version_id)
        db.session.commit()

"""Once a minute: put together what browsers recorded of pages that were left, and make what it is pressed against."""

from datetime import timedelta

from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.kernel import clock
from marketplace.traceability import queries, services

AFTER_LEAVING = timedelta(seconds=20)
"""What was sent last may come first; and who comes back at once goes on."""

AFTER_SILENCE = timedelta(minutes=30)
AT_ONCE = 200
REFERENCES_AT_ONCE = 20


@task("traceability.keep_recordings", attempts=1, every="* * * * *")
def keep_recordings() -> None:
    now = clock.now()
    for view_id in queries.unfinished_recordings(now - AFTER_LEAVING, now - AFTER_SILENCE, AT_ONCE):
        services.keep_recording(view_id)
        db.session.commit()
    for version_id in queries.versions_without_recording_reference(REFERENCES_AT_ONCE):
        services.make_recording_reference(version_id)
        db.session.commit()

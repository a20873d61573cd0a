"""Later work of privacy."""

import logging
from collections import Counter
from uuid import UUID

from marketplace.application import services as applications
from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.privacy import services
from marketplace.privacy.values import ApplicationErased
from marketplace.screening import services as screening

log = logging.getLogger(__name__)


@task("privacy.make_export")
def make_export(export_id: UUID) -> None:
    services.make_export(export_id)


@task("privacy.forget_identity")
def forget_identity(fact: ApplicationErased) -> None:
    """What was shown to whoever checks identities on pages of their own goes there too."""
    applications.forget_identity(fact.application_id)


@task("privacy.forget_traces")
def forget_traces(fact: ApplicationErased) -> None:
    """By what was noted of it, an application that was erased is found no more."""
    screening.forget(fact.application_id)


@task("privacy.forget", attempts=12, every="40 19 * * *")
def forget() -> None:
    """Once a day, at twenty to four in the morning in Beijing. A transaction for each batch; a step that fails takes
    nothing back of what was forgotten, and is tried again for an hour with the whole job, then on the next day.
    """
    done: Counter[str] = Counter()
    failure: Exception | None = None
    for step in services.STEPS:
        try:
            for counts in step():
                db.session.commit()
                done.update(counts)
        except Exception as error:
            db.session.rollback()
            log.exception("forgetting did not come to its end: %s", step.__name__)
            failure = failure or error
    services.note_run(done)
    db.session.commit()
    if failure is not None:
        raise failure

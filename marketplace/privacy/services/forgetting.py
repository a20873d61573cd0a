"""The daily forgetting: what our privacy notice promises happens without anybody asking, and leaves its count."""

import logging
from datetime import datetime
from uuid import UUID

from marketplace.application import queries as applications
from marketplace.correspondence import services as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.privacy import rules
from marketplace.privacy.models import RunRow
from marketplace.privacy.queries import contracts_due
from marketplace.privacy.services import erasing
from marketplace.privacy.services.exporting import drop_expired_exports
from marketplace.privacy.services.requesting import warn_of_pressing
from marketplace.privacy.values import ErasureReason, Run
from marketplace.traceability import queries as trail

log = logging.getLogger(__name__)

BATCH = 500


def forget() -> Run:
    """Erase journeys and applications left alone for twelve months, the words of old mails, and copies whose week is
    over; count contracts whose records are due, which a person decides about. Codes, sessions and counts of tries are
    forgotten by accounts. At most a batch at a time: the rest is for tomorrow.
    """
    before = rules.abandoned_before(clock.business_now())
    journeys = trail.idle_journeys(before, BATCH)
    erased = 0
    for journey_id in journeys:
        for application in applications.applications_of_journey(journey_id):
            erased += erasing.erase_application(application, ErasureReason.RETENTION)
        erasing.erase_journey(journey_id, ErasureReason.RETENTION)
    for application_id in _idle_applications(before)[:BATCH]:
        erased += erasing.erase_application(applications.application(application_id), ErasureReason.RETENTION)
    counts = {
        "journeys": len(journeys),
        "applications": erased,
        "mails": correspondence.forget_old(rules.abandoned_before(clock.now())),
        "copies": drop_expired_exports(),
        "requests_pressing": warn_of_pressing(),
        "contracts_due": len(contracts_due()),
    }
    run = RunRow(id=ids.new_id(), ran_at=clock.now(), business_at=clock.business_now(), counts=counts)
    db.session.add(run)
    db.session.flush()
    log.info("forgotten: %s", counts)
    return Run(run.ran_at, run.business_at, counts)


def _idle_applications(before: datetime) -> list[UUID]:
    """Applications that nobody looked at since `before`, in journeys that are kept: for a contract beside them, or
    because somebody still goes on with another one. A look at something else than an application is a visit to all.
    """
    left = applications.left_before(before)
    visited = trail.visits_since(set(left.values()), before)
    return [each for each, journey in left.items() if visited.isdisjoint({(journey, each), (journey, None)})]

"""`python -m tests.faults.books`: what its database holds of each application and of the log, as JSON, and what is
broken in it by all that is read of its neighbours (`invariants.World`), at rest.
"""

import json
import re
import sys
from html import unescape
from typing import Any
from uuid import UUID

from flask import current_app
from sqlalchemy import create_engine, pool, text

from config import Settings
from marketplace.app import create_app
from marketplace.application import queries as applications
from marketplace.infra import jobs
from marketplace.infra.db import Scope, db, reader, use_scope
from marketplace.traceability import queries as trail
from tests.faults.invariants import Violation, World, alterations, violations

MARK = re.compile(r"[a-z]{4}@marked\.example|Marker [A-Z]{4}")
_ABOUT = ("subject_sha256", "question", "field", "attempt_id", "message_id")


def main() -> None:
    with create_app(Settings.or_exit()).app_context(), use_scope(Scope.all()):
        ids = db.session.scalars(text("SELECT id FROM application_application ORDER BY id")).all()
        told = [_told(application_id) for application_id in ids]
        with reader() as connection:
            outside = connection.execute(text("SELECT count(*) FROM traceability_evidence_intake")).scalar_one()
            numbers = connection.execute(
                text("SELECT journey_id::text, array_agg(number ORDER BY number) FROM traceability_entry GROUP BY 1")
            ).all()
            checkpoints = connection.execute(text("SELECT note FROM traceability_log_checkpoint ORDER BY size")).all()
        orders = db.session.execute(text("SELECT id::text, state, paid_at IS NOT NULL AS paid FROM checkout_order"))
        policies = db.session.execute(text("SELECT application_id::text, order_id::text, number FROM policy_policy"))
        jobs.run_once(jobs.known_tasks()["payment.take_movements"])
        said = {
            "violations": _violations(World(**json.load(sys.stdin))),
            "applications": told,
            "outside": outside,
            "checkpoints": [row.note for row in checkpoints],
            "numbers": {row[0]: row[1] for row in numbers},
            "orders": [row._asdict() for row in orders],
            "policies": [row._asdict() for row in policies],
        }
    sys.stdout.write(json.dumps(said))


def _violations(said: World) -> list[Violation]:
    """Asked by the owner, who alone sees the queue and the evidence as well."""
    engine = create_engine(current_app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        found = violations(connection, said, at_rest=True)
    return found + alterations()


def _told(application_id: UUID) -> dict[str, Any]:
    """Its acts, each with what it is about, and the marks of persons on the pages of its journey."""
    application = applications.application(application_id)
    entries = trail.entries_of_application(application_id)
    pages = trail.pages_of_journey(application.journey_id).values()
    return {
        "id": str(application_id),
        "email": application.email,
        "name": application.people and application.people.applicant.name,
        "journey": str(application.journey_id),
        "acts": [
            [each.type.value, next((str(each.body[name]) for name in _ABOUT if name in each.body), "")]
            for each in entries
            if each.page_sha256 is None
        ],
        "marks": sorted({mark for page in pages for mark in MARK.findall(unescape(page.decode()))}),
    }


if __name__ == "__main__":
    main()

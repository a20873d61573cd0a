"""The daily forgetting: what our privacy notice promises happens without anybody asking, and leaves its count.

In steps, and each step in batches that are whole by themselves: whoever calls commits after each, so that what stops
in the middle has forgotten what it did so far. Nothing is opened to be forgotten: the keeper is not asked for any key.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from uuid import UUID

from marketplace.accounts import queries as account_queries
from marketplace.accounts import services as accounts
from marketplace.application import queries as applications
from marketplace.catalog import queries as catalog
from marketplace.checkout import queries as orders
from marketplace.consultation import queries as consultation_queries
from marketplace.consultation import services as consultation
from marketplace.correspondence import services as correspondence
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.listing import queries as listing
from marketplace.privacy import rules
from marketplace.privacy.models import NoticeRow, RunRow
from marketplace.privacy.queries import contracts_due, noticed
from marketplace.privacy.services import erasing
from marketplace.privacy.services.exporting import drop_expired_exports
from marketplace.privacy.services.requesting import warn_of_pressing
from marketplace.privacy.values import NOTICE, ErasureReason, Run
from marketplace.traceability import queries as trail

log = logging.getLogger(__name__)

BATCH = 100
COUNTED = (
    "journeys",
    "applications",
    "contracts",
    "mails",
    "questions",
    "copies",
    "requests_pressing",
    "contracts_noticed",
    "contracts_due",
)
Counts = Mapping[str, int]
USES_FILES = (account_queries.files_used, catalog.files_used, listing.files_used, trail.files_used)
"""Who keeps files that are about nobody, by their hash; what is about a person is sealed and lies apart."""


def forget_journeys() -> Iterator[Counts]:
    """Erase journeys and applications left alone for twelve months, batch by batch, until there are none.

    A journey in which money is owed stays until it has arrived: its record is what the customer could show.
    """
    before = rules.abandoned_before(clock.business_now())
    latest = None
    while found := trail.idle_journeys(before, BATCH, latest):
        owed = orders.unfinished_journeys(found)
        told = applications.applications_to_erase(found)
        counts = dict.fromkeys(("journeys", "applications"), 0)
        for journey_id in found:
            if journey_id not in owed:
                erasing.erase_journey(journey_id, ErasureReason.RETENTION)
                counts["journeys"] += 1
                for application_id in told.get(journey_id, ()):
                    counts["applications"] += erasing.erase_application(application_id, ErasureReason.RETENTION)
        yield counts
        latest = found[-1]


def forget_applications() -> Iterator[Counts]:
    """Erase the applications that were left alone in journeys that are kept, batch by batch; as above, not while money
    is owed.
    """
    left = _idle_applications(rules.abandoned_before(clock.business_now()))
    for start in range(0, len(left), BATCH):
        batch = left[start : start + BATCH]
        owed = orders.unfinished_journeys([journey_id for _, journey_id in batch])
        erased = [
            erasing.erase_application(application_id, ErasureReason.RETENTION)
            for application_id, journey_id in batch
            if journey_id not in owed
        ]
        yield {"applications": sum(erased)}


def forget_mails() -> Iterator[Counts]:
    """Empty mails that concern no application after twelve months, batch by batch."""
    before = rules.abandoned_before(clock.now())
    while number := correspondence.forget_old(before, BATCH):
        yield {"mails": number}


def forget_questions() -> Iterator[Counts]:
    """Erase questions outside applications in which nothing was said for twelve months, batch by batch."""
    before = rules.abandoned_before(clock.business_now())
    while found := consultation_queries.threads_left_before(before, BATCH):
        for thread_id in found:
            consultation.erase_thread(thread_id)
        yield {"questions": len(found)}


def forget_copies() -> Iterator[Counts]:
    """Drop copies whose week is over."""
    yield {"copies": drop_expired_exports()}


def forget_applicants() -> Iterator[Counts]:
    """Drop applications of insurers that nobody confirmed, with those of their papers that are used nowhere else."""
    papers = accounts.forget_unconfirmed()
    used = frozenset[str]().union(*(ask(papers) for ask in USES_FILES))
    for sha256 in sorted(papers - used):
        storage.remove(sha256)
    yield {}


def forget_contracts() -> Iterator[Counts]:
    """Erase the contracts whose time of keeping is over and whose notice is, batch by batch. Whether a dispute has come
    up is asked again of each of them, alone.
    """
    today = clock.today(ZONE)
    over = [
        each.contract.policy_id
        for each in noticed(contracts_due())
        if each.noticed_on is not None and rules.notice_over(each.noticed_on, today)
    ]
    for start in range(0, len(over), BATCH):
        yield {"contracts": sum(erasing.erase_contract(policy_id) for policy_id in over[start : start + BATCH])}


def give_notice() -> Iterator[Counts]:
    """Tell the desk of contracts whose time of keeping is over, so that whoever knows of a dispute can say so before
    they are erased; batch by batch.
    """
    new = [each.contract for each in noticed(contracts_due()) if each.noticed_on is None]
    if new:
        log.warning("%s contracts need not be kept any more; they are erased in %s days", len(new), NOTICE.days)
    today = clock.today(ZONE)
    for start in range(0, len(new), BATCH):
        batch = new[start : start + BATCH]
        db.session.add_all(
            NoticeRow(policy_id=each.policy_id, kept_until=each.kept_until, given_on=today) for each in batch
        )
        db.session.flush()
        yield {"contracts_noticed": len(batch)}


def look_at_what_is_due() -> Iterator[Counts]:
    """Warn of requests that press; count contracts that are to be erased."""
    yield {"requests_pressing": warn_of_pressing(), "contracts_due": sum(1 for _ in contracts_due())}


STEPS: tuple[Callable[[], Iterator[Counts]], ...] = (
    forget_copies,
    forget_applicants,
    forget_mails,
    forget_questions,
    forget_contracts,
    give_notice,
    forget_journeys,
    forget_applications,
    look_at_what_is_due,
)
"""Each step alone: where one fails, the others still do their work. Codes, sessions and counts of tries are forgotten
by accounts.
"""


def note_run(found: Counts) -> Run:
    """Keep what a run did, everything that is counted named."""
    counts = dict.fromkeys(COUNTED, 0) | dict(found)
    run = RunRow(id=ids.new_id(), ran_at=clock.now(), business_at=clock.business_now(), counts=counts)
    db.session.add(run)
    db.session.flush()
    log.info("forgotten: %s", counts)
    return Run(run.ran_at, run.business_at, counts)


def _idle_applications(before: datetime) -> list[tuple[UUID, UUID]]:
    """Applications that nobody looked at since `before`, each with its journey, in journeys that are kept: for a
    contract beside them, or because somebody still goes on with another one. A look at something else than an
    application is a visit to all.
    """
    left = applications.left_before(before)
    visited = trail.visits_since(set(left.values()), before)
    return [pair for pair in left.items() if visited.isdisjoint({(pair[1], pair[0]), (pair[1], None)})]

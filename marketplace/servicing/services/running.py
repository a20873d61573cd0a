"""Run through the premiums of which something is to be done today, in chunks, by any number of workers."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.correspondence.values import MessageKind
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import Holding
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.servicing.models import PremiumRow, to_be_done, unpaid
from marketplace.servicing.rules import NOTICE, PREMIUMS, PremiumEvent, collected_on, grace_until
from marketplace.servicing.services.collecting import PURPOSE, close, collect
from marketplace.servicing.services.telling import record, tell
from marketplace.servicing.values import PremiumState
from marketplace.traceability.values import EntryType

log = logging.getLogger(__name__)

CHUNK = 50


def take_up(policy_id: UUID) -> None:
    """Watch over the premiums of a contract that was concluded; once."""
    zone = policies.frame(policy_id).period.zone
    rows = [
        {
            "id": each.id,
            "policy_id": policy_id,
            "zone": zone,
            "state": PremiumState.PLANNED.value,
            "act_on": each.due_on - NOTICE,
            "collect_on": each.due_on,
        }
        for each in policies.instalments_of(policy_id)
    ]
    if rows:
        db.session.execute(upsert(PremiumRow).on_conflict_do_nothing(), rows)


def run() -> Iterator[int]:
    """Do what is to be done today, chunk by chunk: whoever calls commits after each. Killed in between, or beside
    others, it does nothing twice: what is done has another day, and what somebody else holds is left alone.
    """
    failed: set[UUID] = set()
    while rows := to_be_done(CHUNK, failed):
        contracts = policies.policies({row.policy_id for row in rows})
        for row in rows:
            premium_id = row.id
            try:
                with db.session.begin_nested():
                    _act(row, contracts[row.policy_id])
            except Exception:
                log.exception("ALARM the premium %s of a contract cannot be worked on", premium_id)
                failed.add(premium_id)
        reach(At.PREMIUMS_WORKED)
        yield len(rows)


def drop(policy_id: UUID) -> None:
    """The contract has ended: nobody owes its open premiums any more, and no card is kept for it."""
    for row in unpaid(policy_id):
        close(row)
    payment.stop_mandates(policy_id)


def _act(row: PremiumRow, policy: Policy) -> None:
    if policy.ended_on is not None:
        close(row)
        return
    match PremiumState(row.state):
        case PremiumState.PLANNED:
            _announce(row, policy)
        case PremiumState.ANNOUNCED:
            _fall_due(row, policy)
        case PremiumState.DUE if row.grace_until is not None and row.grace_until < clock.today(row.zone):
            _give_up(row, policy)
        case PremiumState.DUE:
            row.act_on = _after_grace(row)
            collect(row, policy)
        case _:
            row.act_on = None


def _announce(row: PremiumRow, policy: Policy) -> None:
    row.state = PREMIUMS.next(PremiumState(row.state), PremiumEvent.ANNOUNCED).value
    row.collect_on = collected_on(row.collect_on, clock.today(row.zone))
    row.act_on = row.collect_on
    db.session.flush()
    record(row, policy, EntryType.PREMIUM_ANNOUNCED)
    tell(row, policy, MessageKind.PREMIUM_ANNOUNCED)


def _fall_due(row: PremiumRow, policy: Policy) -> None:
    row.state = PREMIUMS.next(PremiumState(row.state), PremiumEvent.FELL_DUE).value
    row.grace_until = grace_until(row.collect_on, policy.body["key_facts"]["grace_days"])
    row.act_on = _after_grace(row)
    db.session.flush()
    collect(row, policy)


def _give_up(row: PremiumRow, policy: Policy) -> None:
    """Its grace is over. What is on its way at this moment is waited for."""
    if payments.holdings(PURPOSE, [row.id])[row.id] is Holding.MOVING:
        row.act_on = clock.today(row.zone) + timedelta(days=1)
        return
    row.state = PREMIUMS.next(PremiumState(row.state), PremiumEvent.GRACE_OVER).value
    row.act_on = None
    db.session.flush()
    record(row, policy, EntryType.PREMIUM_OVERDUE)
    log.error("ALARM a premium of the contract %s is not paid and its time of grace is over", policy.number)


def _after_grace(row: PremiumRow) -> date:
    return (row.grace_until or row.collect_on) + timedelta(days=1)

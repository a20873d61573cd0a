"""Disputes hold the records of a contract: opened and closed by staff, each an entry of the contract's trail (T26-45).

The entry says that there is a dispute and of which kind, which everybody may read who reads the evidence. What it is
about, its number and its outcome stand with the dispute alone.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.policy import queries as policy_queries
from marketplace.policy import services as policies
from marketplace.policy.values import PolicyFrame
from marketplace.privacy import queries
from marketplace.privacy.models import HoldRow, locked_hold
from marketplace.privacy.values import ContractHeld, Hold, HoldClosed, HoldTooLate, KeptContract, OpenHold
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, Actor, EntryType


def open_hold(command: OpenHold) -> Hold:
    """From now on nothing of the contract is erased, until three years after the dispute is closed at least.

    Raises PolicyNotFound, HoldTooLate where it is erased already.
    """
    frame = policies.hold_still(command.policy_id)
    if frame.erased:
        raise HoldTooLate
    now = clock.business_now()
    row = HoldRow(
        id=ids.new_id(),
        policy_id=frame.id,
        sealed_for=frame.application_id,
        kind=command.kind.value,
        reference=command.reference,
        reason=command.reason,
        opened_at=now,
        opened_by=_account_of(command.by),
    )
    db.session.add(row)
    db.session.flush()
    day = now.astimezone(ZoneInfo(frame.period.zone)).date()
    _enter(frame, EntryType.HOLD_OPENED, command.by, hold_id=row.id, dispute=row.kind, on=day)
    return queries.hold_of(row)


def close_hold(hold_id: UUID, outcome: str, by: Actor) -> Hold:
    """The dispute is at its end today; three years are counted from now, as it cannot be closed on an earlier day.

    Raises HoldNotFound, HoldClosed.
    """
    row = locked_hold(hold_id)
    if row.closed_at is not None:
        raise HoldClosed
    frame = policy_queries.frame(row.policy_id)
    day = clock.today(frame.period.zone)
    row.outcome, row.closed_by = outcome, _account_of(by)
    row.closed_on, row.closed_at = day, clock.business_now()
    db.session.flush()
    _enter(frame, EntryType.HOLD_CLOSED, by, hold_id=row.id, dispute=row.kind, on=day)
    return queries.hold_of(row)


def refuse_held(contracts: Iterable[KeptContract]) -> None:
    """Raises ContractHeld where a dispute about one of these contracts is open."""
    if any(each.held for each in contracts):
        raise ContractHeld


def enter_refusal(contracts: Iterable[KeptContract], by: Actor, **asked: str) -> None:
    """Enter in the trail of each contract in dispute that somebody wanted erasure and was refused it."""
    for frame in policy_queries.frames(each.policy_id for each in contracts if each.held):
        _enter(frame, EntryType.ERASURE_REFUSED, by, **asked)


def _enter(frame: PolicyFrame, kind: EntryType, by: Actor, **said: UUID | date | str) -> None:
    record_act(Act(frame.journey_id, kind, said, by, frame.application_id, frame.insurer_id))


def _account_of(by: Actor) -> UUID:
    if by.account_id is None:
        raise ValueError("a dispute is noted by somebody")
    return by.account_id

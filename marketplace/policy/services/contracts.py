"""Conclude contracts, and note their end."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Payment
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import publish
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import digest
from marketplace.policy import queries, rules
from marketplace.policy.document import Conclusion, contract_body
from marketplace.policy.models import PolicyRow, VersionRow, locked_number, locked_policy
from marketplace.policy.services import numbers, papers
from marketplace.policy.services.instalments import plan_instalments
from marketplace.policy.values import (
    ContractEnded,
    ContractInForce,
    CoverPeriod,
    EndContract,
    Ending,
    IssuePolicy,
    Policy,
    PolicyEnded,
    PolicyFrame,
    PolicyIssued,
    PolicyState,
)
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, Actor, EntryType

BATCH = 100


def issue(command: IssuePolicy) -> Policy:
    """Conclude the contract of an application; asked again, the contract that stands is returned.

    Other contracts of that insurer wait until this transaction ends, so a caller with several contracts issues them in
    the order of their insurers. Raises Invalid or NotForSale; Unavailable where its insurer has yet to number it.
    """
    rules.require_complete(command)
    content = catalog.product_version(command.product_version_id).content
    insurer = accounts.insurer(command.insurer_id)
    zone = rules.zone_of(content.profile)
    concluded_at = clock.business_now()
    year = concluded_at.astimezone(ZoneInfo(zone)).year
    locked_number(insurer.id, year)
    standing = queries.policy_of_application(command.application_id)  # only now: whoever came first has committed
    if standing is not None:
        return standing
    number = numbers.number_of(insurer, command.application_id, year)
    reach(At.NUMBER_TAKEN)
    conclusion = Conclusion(
        number=number,
        channel=trail.journey(command.journey_id).channel,
        concluded_at=concluded_at,
        period=rules.period(content.term, command.risk, command.start_on, zone),
    )
    body = contract_body(command, conclusion, content, insurer, letterhead())
    policy_id = _store(command, conclusion, body, content.payment)
    reach(At.CONTRACT_STORED)
    publish(PolicyIssued(policy_id))
    return queries.policy(policy_id)


def _store(command: IssuePolicy, conclusion: Conclusion, body: dict[str, Any], payment: Payment) -> UUID:
    """The contract, its first version, the papers and premiums that are due, and the entries in the trail."""
    policy = PolicyRow(
        id=ids.new_id(),
        number=conclusion.number,
        state=PolicyState.IN_FORCE,
        insurer_id=command.insurer_id,
        product_version_id=command.product_version_id,
        application_id=command.application_id,
        order_id=command.order_id,
        journey_id=command.journey_id,
        account_id=command.account_id,
        check_code=ids.random_code(rules.CHECK_CODE_LENGTH),
        start_on=conclusion.period.start_on,
        end_on=conclusion.period.end_on,
        zone=conclusion.period.zone,
        premium_minor=command.premium.minor,
        currency=command.premium.currency,
        concluded_at=conclusion.concluded_at,
        locale=command.locale,
    )
    db.session.add(policy)
    db.session.flush()
    version = VersionRow(
        id=ids.new_id(),
        policy_id=policy.id,
        sealed_for=policy.application_id,
        number=body["version"],
        body=body,
        body_sha256=digest(body),
        recorded_at=clock.now(),
    )
    db.session.add(version)
    db.session.flush()
    papers.due_of(policy, version)
    plan_instalments(policy, command, payment)  # so that the conclusion is of the days of its premiums too
    said = {
        "number": policy.number,
        "version": version.number,
        "body_sha256": version.body_sha256,
        "head": trail.journey_head(policy.journey_id),
    }
    _record(policy, EntryType.CONTRACT_CONCLUDED, said)
    return policy.id


def end_contract(command: EndContract) -> None:
    """The one way in which a contract ends, whatever ends it: its time of keeping is counted from here (T26-46). Ending
    it again in the same way changes nothing.

    Raises PolicyNotFound, Invalid (a day that cannot be the end), ContractEnded (it ended otherwise).
    """
    row = locked_policy(command.policy_id)
    if row.ended_on is not None:
        if (row.ended_on, row.ending) != (command.on, command.how):
            raise ContractEnded
        return
    concluded_on = row.concluded_at.astimezone(ZoneInfo(row.zone)).date()
    period = CoverPeriod(row.start_on, row.end_on, row.zone)
    rules.require_ending(command.how, command.on, period, concluded_on, clock.today(row.zone))
    row.state, row.ended_on, row.ending, row.ended_at = PolicyState.ENDED, command.on, command.how, clock.now()
    db.session.flush()
    _record(row, EntryType.CONTRACT_ENDED, {"number": row.number, "ending": command.how, "on": command.on}, command.by)
    publish(PolicyEnded(row.id))


def end_expired() -> Iterator[int]:
    """End the contracts that have run out, each on its last day of cover, batch by batch: whoever calls commits after
    each.
    """
    while found := queries.run_out(BATCH):
        for each in found:
            end_contract(EndContract(each.id, Ending.EXPIRED, each.period.end_on))
        yield len(found)


def erase_contract(policy_id: UUID) -> PolicyFrame:
    """Note that nothing of what the contract says can be read any more. Its number, days and amounts stay with the
    books; its key is its application's. For privacy, which decides when.

    Raises PolicyNotFound, and ContractInForce for a contract that has not ended.
    """
    row = locked_policy(policy_id)
    if row.ended_on is None:
        raise ContractInForce
    row.erased_at = row.erased_at or clock.now()
    db.session.flush()
    return queries.frame_of(row)


def hold_still(policy_id: UUID) -> PolicyFrame:
    """The contract as it is now, until the end of the transaction: nobody ends or erases it meanwhile.

    Raises PolicyNotFound.
    """
    return queries.frame_of(locked_policy(policy_id))


def _record(policy: PolicyRow, entry: EntryType, said: dict[str, Any], by: Actor = SYSTEM) -> None:
    record_act(Act(policy.journey_id, entry, said, by, policy.application_id, policy.insurer_id))

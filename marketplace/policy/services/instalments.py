"""The premiums after the first one, written with the contract that they are of."""

from marketplace.catalog.values import Payment
from marketplace.infra.db import db
from marketplace.kernel import ids
from marketplace.kernel.canonical import digest
from marketplace.policy import rules
from marketplace.policy.models import InstalmentRow, PolicyRow
from marketplace.policy.values import IssuePolicy
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType


def plan_instalments(policy: PolicyRow, command: IssuePolicy, payment: Payment) -> None:
    """Write down when which premium falls due: exactly what was shown before the sale, by the same rule (PER-03).

    A contract that costs nothing, or is paid at once, has none.
    """
    frequency, times = payment.frequency_of(command.risk), payment.times_of(command.risk)
    planned = rules.instalments(command.start_on, frequency, times, command.premium) if command.premium else ()
    if not planned:
        return
    db.session.add_all(
        InstalmentRow(
            id=ids.new_id(),
            policy_id=policy.id,
            number=each.number,
            due_on=each.due_on,
            amount_minor=each.amount.minor,
            currency=each.amount.currency,
        )
        for each in planned
    )
    db.session.flush()
    said = {
        "number": policy.number,
        "times": times,
        "amount": command.premium.minor,
        "currency": command.premium.currency,
        "due_on": planned[0].due_on,
        "last_due_on": planned[-1].due_on,
        "schedule_sha256": digest([[each.number, each.due_on.isoformat(), each.amount.minor] for each in planned]),
    }
    entry = EntryType.PREMIUMS_PLANNED
    record_act(Act(policy.journey_id, entry, said, SYSTEM, policy.application_id, policy.insurer_id))

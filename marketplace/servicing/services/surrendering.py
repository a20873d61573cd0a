"""End a contract early, after its cooling-off period: it ends with the day, and what it is worth goes back."""

from marketplace.kernel.money import Money
from marketplace.payment import services as payment
from marketplace.payment.values import NothingToRefund
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import EndContract, Ending
from marketplace.servicing import queries
from marketplace.servicing.services.telling import tell_surrendered
from marketplace.servicing.values import NotSurrenderable, SurrenderContract, ValueChanged
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, EntryType


def surrender(command: SurrenderContract) -> Money:
    """End the contract with this day and send back what it is worth; its customer has it in writing, with how the
    amount is made. Returns the amount.

    Raises PolicyNotFound, NotSurrenderable (also for a second click: nothing happens twice), ValueChanged.
    """
    policy_services.hold_still(command.policy_id)
    policy = policies.policy(command.policy_id)
    found = queries.surrender_of(policy)
    if found is None:
        raise NotSurrenderable
    if found.amount != command.amount:
        raise ValueChanged
    said = {"policy_id": policy.id, "number": policy.number, "ends_on": found.ends_on.isoformat()}
    said |= {"amount": found.amount.minor, "value": found.value.total.minor, "currency": found.amount.currency}
    confirmed, page = EntryType.SURRENDER_CONFIRMED, command.page_version_id
    record_act(Act(command.visit_id, confirmed, said, command.by, policy.application_id, policy.insurer_id, page))
    policy_services.end_contract(EndContract(policy.id, Ending.SURRENDERED, found.ends_on, command.by))
    if found.amount:
        try:
            payment.pay_out(policy.id, found.amount, command.by)
        except NothingToRefund:  # of what was there a moment ago, something has just gone back otherwise
            raise ValueChanged from None
    tell_surrendered(policy, found)
    return found.amount

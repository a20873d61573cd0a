"""Withdraw from a contract within its cooling-off period: it ends, and all that was paid for it goes back."""

from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import EndContract, Ending
from marketplace.servicing import queries
from marketplace.servicing.services.telling import tell_withdrawn
from marketplace.servicing.values import NotWithdrawable, WithdrawContract
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, EntryType


def withdraw(command: WithdrawContract) -> Money:
    """End the contract and send back all that was paid for it; its customer has it in writing, with the time. What is
    paid at this moment goes back as it comes in (`take_payment`). Returns the amount.

    Raises PolicyNotFound, NotWithdrawable (also for a second click: nothing happens twice).
    """
    policy_services.hold_still(command.policy_id)
    policy = policies.policy(command.policy_id)
    found = queries.withdrawal_of(policy)
    if found is None:
        raise NotWithdrawable
    said = {"policy_id": policy.id, "number": policy.number, "amount": found.amount.minor}
    said |= {"currency": found.amount.currency}
    confirmed, page = EntryType.WITHDRAWAL_CONFIRMED, command.page_version_id
    record_act(Act(command.visit_id, confirmed, said, command.by, policy.application_id, policy.insurer_id, page))
    on = clock.today(policy.period.zone)
    policy_services.end_contract(EndContract(policy.id, Ending.WITHDRAWN, on, command.by))
    payment.give_back(policy.id, command.by)
    tell_withdrawn(policy, found.amount)
    return found.amount

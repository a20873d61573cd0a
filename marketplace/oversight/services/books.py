"""Ring where orders, money, contracts and papers do not agree, or the ledger is not what Stripe says; and for what the
refund desk has left undone.
"""

import logging

from marketplace.kernel import clock
from marketplace.oversight.queries import disagreements
from marketplace.payment import queries as payments
from marketplace.payment.values import Overdue, Unfinished

log = logging.getLogger(__name__)


def check_books() -> int:
    """A line of alarm for each; how many there are."""
    now = clock.now()
    late = [each for each in payments.unexplained() if each.is_late(now)]
    found = [
        *(_told(each) for each in payments.overdue()),
        *(_left_undone(each) for each in payments.unfinished(now)),
        *(f"{what}: {sentence}" for what, sentence in disagreements()),
        *(f"{each.moved}: Stripe less ledger is {each.difference.minor} {each.difference.currency}" for each in late),
    ]
    for line in found:
        log.error("ALARM %s", line)
    return len(found)


def _left_undone(left: Unfinished) -> str:
    since = f"since {left.since:%Y-%m-%d}"
    if left.why is None:
        return f"{left.reference}: refund wish {left.id} waits for a second person {since}"
    return f"{left.reference}: refund {left.id} has not reached the customer {since} ({left.why})"


def _told(late: Overdue) -> str:
    way = "come back from" if late.returning else "reach"
    amount = f"{late.amount.minor} {late.amount.currency} in {late.number}"
    return f"insurer {late.insurer_id}: {amount} should {way} it since {late.since:%Y-%m-%d} ({late.why or 'waiting'})"

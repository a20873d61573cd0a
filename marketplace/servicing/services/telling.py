"""What a customer is told of premiums and of the end of a contract, queued in the transaction that makes it true, and
what the record says.
"""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage, TrailOf
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment.values import MandateState, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.servicing import queries
from marketplace.servicing.models import PremiumRow, premium_row
from marketplace.servicing.rules import refusal_of
from marketplace.servicing.values import Surrender
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType


def record(row: PremiumRow, policy: Policy, what: EntryType, **said: Any) -> None:
    """Enter what happened to a premium in the record of its contract."""
    agreed = queries.premium_of(row)
    body = {
        "instalment_id": str(row.id),
        "number": agreed.number,
        "due_on": agreed.due_on.isoformat(),
        "amount": agreed.amount.minor,
        "currency": agreed.amount.currency,
        **said,
    }
    record_act(Act(policy.journey_id, what, body, SYSTEM, policy.application_id, policy.insurer_id))


def can_be_told(policy: Policy) -> bool:
    """Whether there is an address: whoever cannot be told is not charged."""
    return not accounts.account(policy.account_id).disabled


def tell(row: PremiumRow, policy: Policy, kind: MessageKind, key: str = "") -> None:
    """Mail its customer how a premium stands, once for each kind and `key`."""
    agreed = queries.premium_of(row)
    context = _about(policy) | {
        "amount": _amount(agreed.amount),
        "number": agreed.number,
        "collect_on": row.collect_on.isoformat(),
        "grace_until": (row.grace_until or row.collect_on).isoformat(),
        "card": _card(policy.id),
        "why": refusal_of(row.failure).value if row.failure else "",
        "again_on": row.act_on.isoformat() if row.act_on and kind is MessageKind.PREMIUM_FAILED else "",
        "link": _link(policy, "#premiums"),
    }
    _queue(policy, kind, f"{row.id}/{key}" if key else str(row.id), context)


def tell_card_kept(mandate_id: UUID) -> None:
    """Tell the owner of a card that it is kept, and how to stop that: should somebody else have done it, it is seen."""
    mandate = payments.mandate(mandate_id)
    policy = policies.policy(mandate.contract_id)
    if policy.erased or mandate.state is not MandateState.KEPT:
        return
    context = _about(policy) | {"card": _card(policy.id), "link": _link(policy, "#premiums")}
    _queue(policy, MessageKind.CARD_KEPT, str(mandate_id), context)


def tell_refunded(premium_id: UUID, refund_id: UUID) -> None:
    """What came in for a premium and did not count is back with its customer."""
    refund, policy = payments.refund(refund_id), policies.policy(premium_row(premium_id).policy_id)
    if refund.state is not RefundState.SUCCEEDED or policy.erased:
        return
    context = {"order_reference": policy.number, "amount": _amount(refund.amount)}
    _queue(policy, MessageKind.REFUND_MADE, f"{refund.id}/{refund.number}", context)


def tell_withdrawn(policy: Policy, amount: Money) -> None:
    """The receipt of a withdrawal on a durable medium: what was said, the day and the time (CRD art. 11a)."""
    context = _about(policy) | {
        "insurer_phone": accounts.insurer(policy.insurer_id).phone,
        "amount": _amount(amount),
        "withdrawn_at": clock.business_now().isoformat(),
        "zone": policy.period.zone,
        "link": _link(policy),
    }
    _queue(policy, MessageKind.CONTRACT_WITHDRAWN, str(policy.id), context)


def tell_surrendered(policy: Policy, found: Surrender) -> None:
    """The receipt of a surrender: until when cover lasts, what goes back, and how that is made (N108-05)."""
    value = found.value
    context = _about(policy) | {
        "insurer_phone": accounts.insurer(policy.insurer_id).phone,
        "amount": _amount(found.amount),
        "ends_on": found.ends_on.isoformat(),
        "begun": found.begun,
        "total": _amount(value.total),
        "made": [asdict(each) | {"of": _amount(each.of), "value": _amount(each.value)} for each in value.lines],
        "years": value.years,
        "before_start": value.before_start,
        "last_year": value.last_year,
        "link": _link(policy),
    }
    _queue(policy, MessageKind.CONTRACT_SURRENDERED, str(policy.id), context)


def _about(policy: Policy) -> dict[str, Any]:
    return {
        "policy_number": policy.number,
        "product_name": policy.product_name.in_(policy.locale),
        "insurer_name": policy.insurer_name.in_(policy.locale),
    }


def _link(policy: Policy, where: str = "") -> str:
    return f"{letterhead().public_url}/policies/{policy.id}{where}"


def _card(policy_id: UUID) -> str:
    """Such as `visa 4242` in the provider's word for the brand; empty where none is kept."""
    mandate = payments.mandate_of(policy_id)
    if mandate is None or mandate.state is not MandateState.KEPT or mandate.card is None:
        return ""
    return f"{mandate.card.brand.replace('_', ' ').title()} {mandate.card.last4}"


def _queue(policy: Policy, kind: MessageKind, key: str, context: dict[str, Any]) -> None:
    holder = accounts.account(policy.account_id)
    if holder.disabled:
        return
    trail = TrailOf(policy.journey_id, policy.application_id, policy.insurer_id)
    correspondence.queue(QueueMessage(kind, key, holder.email, policy.locale, context, (), trail))


def _amount(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}

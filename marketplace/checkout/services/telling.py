"""What the customer is told of an order, queued in the transaction that makes it true."""

from typing import Any
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.checkout.models import OrderRow, lines_of
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import Attachment, MessageKind, QueueMessage, TrailOf
from marketplace.infra.letterhead import letterhead
from marketplace.kernel.money import Money
from marketplace.policy import queries as policies
from marketplace.policy.values import PersonRole, Policy
from marketplace.quoting import queries as quoting


def tell_not_issuable(row: OrderRow) -> None:
    names = [quoting.offer(line.offer_id).version.content.name.in_(row.locale) for line in lines_of(row.id)]
    context = {
        "order_reference": row.reference,
        "product_name": ", ".join(names),
        "amount": _amount(Money(row.total_minor, row.currency)),
    }
    _queue(row, MessageKind.PAYMENT_NOT_ISSUABLE, str(row.id), context)


def tell_refunded(row: OrderRow, refund_id: UUID, amount: Money) -> None:
    context = {"order_reference": row.reference, "amount": _amount(amount)}
    _queue(row, MessageKind.REFUND_MADE, str(refund_id), context)


def send_policy(policy_id: UUID) -> None:
    """Mail the sealed policy to its holder, once."""
    policy = policies.policy(policy_id)
    if policy.document_sha256 is None:
        return
    correspondence.queue(
        QueueMessage(
            kind=MessageKind.POLICY_ISSUED,
            subject_key=str(policy.id),
            recipient=accounts.account(policy.account_id).email,
            locale=policy.locale,
            context=_policy_context(policy),
            attachments=(Attachment(f"{policy.number}.pdf", "application/pdf", policy.document_sha256),),
            trail=TrailOf(policy.journey_id, policy.application_id, policy.insurer_id),
        )
    )


def _policy_context(policy: Policy) -> dict[str, Any]:
    site = letterhead().public_url
    persons = policy.body["persons"]
    applicant = next(person["name"] for person in persons if person["role"] == PersonRole.APPLICANT)
    return {
        "name": applicant,
        "policy_number": policy.number,
        "check_code": policy.check_code,
        "product_name": policy.product_name.in_(policy.locale),
        "insurer_name": policy.insurer_name.in_(policy.locale),
        "insurer_phone": policy.body["insurer"]["phone"],
        "insured_names": [person["name"] for person in persons if person["role"] == PersonRole.INSURED],
        "start_on": policy.period.start_on.isoformat(),
        "end_on": policy.period.end_on.isoformat(),
        "zone": policy.period.zone,
        "premium": _amount(policy.premium),
        "cooling_off_days": policy.body["key_facts"]["cooling_off_days"],
        "policy_link": f"{site}/policies/{policy.id}",
        "verify_link": f"{site}/verify?number={policy.number}",
    }


def _queue(row: OrderRow, kind: MessageKind, subject_key: str, context: dict[str, Any]) -> None:
    """Queue it, unless the customer closed the account and left no address; what is done does not wait for it."""
    customer = accounts.account(row.account_id)
    if customer.disabled:
        return
    trail = TrailOf(row.journey_id)
    correspondence.queue(QueueMessage(kind, subject_key, customer.email, row.locale, context, (), trail))


def _amount(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}

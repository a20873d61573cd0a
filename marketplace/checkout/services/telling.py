"""What the customer is told of an order, queued in the transaction that makes it true."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.checkout.models import OrderRow, lines_of, locked, locked_delivery
from marketplace.checkout.rules import key_of_copy, sending_of
from marketplace.checkout.services.papers import order_receipt
from marketplace.correspondence import queries as messages
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import Attachment, MessageKind, QueueMessage, TrailOf
from marketplace.infra import storage, vault
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import defer
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose, Refund, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import (
    DocumentNotReady,
    Paper,
    PaperFinished,
    PaperKind,
    PersonRole,
    Policy,
    PolicyDocumentReady,
)
from marketplace.quoting import queries as quoting
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType

RECEIPTS_AGAIN = 60  # seconds
PATIENCE = 10  # seconds in which the receipt of a payment is waited for


def tell_not_issuable(row: OrderRow) -> None:
    names = [quoting.offer(line.offer_id).version.content.name.in_(row.locale) for line in lines_of(row.id)]
    context = {
        "order_reference": row.reference,
        "product_name": ", ".join(names),
        "amount": _amount(Money(row.total_minor, row.currency)),
    }
    _queue(row, MessageKind.PAYMENT_NOT_ISSUABLE, str(row.id), context)


def tell_refunded(row: OrderRow, refund: Refund, letter: Paper | None = None) -> None:
    """With the letter of the refund, where it could be made."""
    context = {"order_reference": row.reference, "amount": _amount(refund.amount)}
    _queue(row, MessageKind.REFUND_MADE, str(sending_of(refund.id, refund.number)), context, _attached(letter))


def send_paper(fact: PaperFinished) -> None:
    """A paper about money is made, or cannot be: send what waits for it."""
    if fact.kind is PaperKind.REFUND_LETTER:
        _send_refund_letter(fact)
    elif _is_joint(fact.order_id):
        send_payment_receipt(fact.order_id)
    else:
        for policy in policies.policies_of_order(fact.order_id):
            if not policy.erased:
                send_policy(policy.id)


def _send_refund_letter(fact: PaperFinished) -> None:
    """Tell the customer of a refund whose letter is made, or cannot be; once. Of money that came back meanwhile it is
    not true any more.
    """
    row = locked(fact.order_id)
    for refund in payments.refunds_for(Purpose.NEW_BUSINESS, row.id):
        is_sent = refund.state is RefundState.SUCCEEDED
        if is_sent and sending_of(refund.id, refund.number) == fact.subject_id:
            tell_refunded(row, refund, policies.paper(fact.paper_id))


def send_policy(policy_id: UUID) -> None:
    """Mail the sealed policy to its holder, once, with its certificate, the receipt of the payment, and the proof that
    its issue stands in the log. They are waited for some seconds; what is not there then follows in a mail of its own,
    and so does always the receipt of several contracts: this mail is evidence of one.
    """
    policy = policies.policy(policy_id)
    if policy.document_sha256 is None or policy.sealed_at is None:
        return
    receipt = trail.receipt_soon(policy.application_id, EntryType.POLICY_SIGNED, policy.sealed_at)
    if receipt is None and trail.worth_waiting(policy.sealed_at):
        defer("checkout.send_policy", in_seconds=1, fact=PolicyDocumentReady(policy_id))
        return
    joint = _is_joint(policy.order_id)
    payment_receipt = None if joint else _payment_receipt(policy.order_id)
    waits = payment_receipt is None or not payment_receipt.is_final
    if waits and not joint and clock.now() < policy.sealed_at + timedelta(seconds=PATIENCE):
        defer(
            "checkout.send_policy", in_seconds=PATIENCE, fact=PolicyDocumentReady(policy_id)
        )  # it will be done before
        return
    signed = () if receipt is None else (_receipt(EntryType.POLICY_SIGNED, receipt),)
    if receipt is None or policy.receipt_sha256 is None:
        defer("checkout.send_receipts", in_seconds=RECEIPTS_AGAIN, policy_id=policy_id)
    reach(At.POLICY_TO_MAIL)
    papers = [each for found in policies.papers_of_contract(policy_id) for each in _attached(found)]
    received = _attached(payment_receipt)
    if not received:
        defer("checkout.send_payment_receipt", in_seconds=RECEIPTS_AGAIN, order_id=policy.order_id)
    _queue_for_holder(policy, MessageKind.POLICY_ISSUED, _policy_context(policy), (*papers, *received, *signed))


def send_payment_receipt(order_id: UUID) -> None:
    """Mail the receipt of the payment that no policy's mail carried, once, as soon as it is made: looked for as long as
    there is somebody to have it, and it can be made.
    """
    row = locked(order_id)
    contracts = policies.policies_of_order(order_id)
    if accounts.account(row.account_id).disabled or any(each.erased for each in contracts):
        return
    receipt = _payment_receipt(order_id)
    attached = _attached(receipt)
    if receipt is None or not attached:
        order_receipt(order_id)
        defer("checkout.send_payment_receipt", in_seconds=RECEIPTS_AGAIN * 10, order_id=order_id)
        return
    context = {
        "receipt_number": receipt.number,
        "order_reference": row.reference,
        "amount": _amount(Money(row.total_minor, row.currency)),
    }
    _queue(row, MessageKind.PAYMENT_RECEIPT, str(order_id), context, attached)


def _is_joint(order_id: UUID) -> bool:
    """Whether it was for several contracts, perhaps of several insurers: its receipt names them all."""
    return len(lines_of(order_id)) > 1


def _payment_receipt(order_id: UUID) -> Paper | None:
    return next((each for each in policies.papers_of_order(order_id) if each.kind is PaperKind.RECEIPT), None)


def _attached(paper: Paper | None) -> tuple[Attachment, ...]:
    """The file of a paper under a name that tells it from the others; nothing of one that is not made."""
    if paper is None or paper.sha256 is None:
        return ()
    name = paper.number if paper.kind is not PaperKind.CERTIFICATE else f"{paper.number}-certificate"
    return (Attachment(f"{name}.pdf", "application/pdf", paper.sha256),)


def send_again(policy_id: UUID) -> None:
    """Mail the policy to its holder once more: another message, the same sealed paper. Raises DocumentNotReady."""
    policy = policies.policy(policy_id)
    row = locked_delivery(policy_id)
    if policy.document_sha256 is None or row is None:
        raise DocumentNotReady
    row.copies += 1
    paper = Attachment(f"{policy.number}.pdf", "application/pdf", policy.document_sha256)
    key = key_of_copy(policy_id, row.copies)
    _queue_for_holder(policy, MessageKind.POLICY_ISSUED, _policy_context(policy), (paper,), key)


def send_receipts(policy_id: UUID) -> None:
    """Mail the receipts that neither the policy nor its mail carried, once, as soon as all are in the log."""
    policy = policies.policy(policy_id)
    sent = messages.message_about(MessageKind.POLICY_ISSUED, str(policy.id))
    if sent is None or accounts.account(policy.account_id).disabled:
        return
    carried = {each.name for each in sent.attachments}
    lacking = [EntryType.POLICY_SIGNED] if _name_of(EntryType.POLICY_SIGNED) not in carried else []
    if policy.receipt_sha256 is None:
        lacking.insert(0, EntryType.CONTRACT_CONCLUDED)
    found = {kind: trail.receipt_or_none(policy.application_id, kind) for kind in lacking}
    receipts = tuple(_receipt(kind, data) for kind, data in found.items() if data is not None)
    if len(receipts) < len(lacking):
        defer("checkout.send_receipts", in_seconds=RECEIPTS_AGAIN, policy_id=policy_id)
    elif receipts:
        _queue_for_holder(policy, MessageKind.POLICY_RECEIPT, _receipt_context(policy), receipts)


def _queue_for_holder(
    policy: Policy, kind: MessageKind, context: dict[str, Any], attachments: tuple[Attachment, ...], key: str = ""
) -> None:
    """Queue it, unless the holder closed the account and left no address."""
    holder = accounts.account(policy.account_id)
    if holder.disabled:
        return
    correspondence.queue(
        QueueMessage(
            kind=kind,
            subject_key=key or str(policy.id),
            recipient=holder.email,
            locale=policy.locale,
            context=context,
            attachments=attachments,
            trail=TrailOf(policy.journey_id, policy.application_id, policy.insurer_id),
        )
    )


def _receipt(kind: EntryType, data: bytes) -> Attachment:
    """Nothing in it is about a person: it lies open in the store."""
    return Attachment(_name_of(kind), "application/octet-stream", storage.put(data))


def _name_of(kind: EntryType) -> str:
    return f"{kind.value.replace(':', '-')}.tlog-proof"


def _receipt_context(policy: Policy) -> dict[str, Any]:
    site = letterhead().public_url
    return {
        "name": _applicant(policy),
        "policy_number": policy.number,
        "product_name": policy.product_name.in_(policy.locale),
        "trust_policy": f"{site}/log/trust.policy",
        "guide_link": f"{site}/verify/evidence",
    }


def _applicant(policy: Policy) -> str:
    persons = policy.body["persons"]
    return str(next(person["name"] for person in persons if person["role"] == PersonRole.APPLICANT))


def _policy_context(policy: Policy) -> dict[str, Any]:
    site = letterhead().public_url
    persons = policy.body["persons"]
    return {
        "name": _applicant(policy),
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
        "ended_on": policy.ended_on.isoformat() if policy.ended_on else "",
        "policy_link": f"{site}/policies/{policy.id}",
        "verify_link": f"{site}/verify?number={policy.number}",
    }


def _queue(
    row: OrderRow,
    kind: MessageKind,
    subject_key: str,
    context: dict[str, Any],
    attachments: tuple[Attachment, ...] = (),
) -> None:
    """Queue it, unless the customer closed the account and left no address; what is done does not wait for it."""
    customer = accounts.account(row.account_id)
    if customer.disabled:
        return
    told = QueueMessage(kind, subject_key, customer.email, row.locale, context, attachments, _trail_of(row))
    correspondence.queue(told)


def _trail_of(row: OrderRow) -> TrailOf:
    """Mail about the money of one application is about that, kept and forgotten with it, and nothing in the evidence of
    another. It is of the journey alone where it is about several, or nothing can be sealed for the application any
    more.
    """
    (line, *others) = lines_of(row.id)
    if others or vault.is_destroyed(line.application_id):
        return TrailOf(row.journey_id)
    return TrailOf(row.journey_id, line.application_id, line.insurer_id)


def _amount(money: Money) -> dict[str, Any]:
    return {"minor": money.minor, "currency": money.currency}

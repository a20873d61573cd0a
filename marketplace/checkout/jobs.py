"""Checkout's later work. Each job may run twice, and beside itself."""

from uuid import UUID

from marketplace.accounts.values import InsurerSuspended
from marketplace.checkout import services
from marketplace.checkout.values import OrderIssued
from marketplace.correspondence.values import MessageBounced, MessageSent
from marketplace.infra.jobs import SOON, task
from marketplace.payment.values import PaymentSucceeded, Purpose, RefundSucceeded
from marketplace.policy.values import PaperFinished, PolicyDocumentReady


@task("checkout.take_payment", moves_money=True, priority=SOON)
def take_payment(fact: PaymentSucceeded) -> None:
    if fact.purpose is Purpose.NEW_BUSINESS:
        services.take_payment(fact.subject_id, fact.attempt_id)


@task("checkout.issue_contracts", moves_money=True, priority=SOON)
def issue_contracts(order_id: UUID) -> None:
    services.issue_contracts(order_id)


@task("checkout.issue_overdue", attempts=1)
def issue_overdue(order_id: UUID) -> None:
    """Asked for by the sweep, which asks again by itself."""
    services.issue_contracts(order_id)


@task("checkout.note_refund", moves_money=True)
def note_refund(fact: RefundSucceeded) -> None:
    if fact.purpose is Purpose.NEW_BUSINESS:
        services.note_refund(fact.subject_id, fact.refund_id)


@task("checkout.order_receipt")
def order_receipt(fact: OrderIssued) -> None:
    services.order_receipt(fact.order_id)


@task("checkout.send_paper")
def send_paper(fact: PaperFinished) -> None:
    services.send_paper(fact)


@task("checkout.send_payment_receipt")
def send_payment_receipt(order_id: UUID) -> None:
    services.send_payment_receipt(order_id)


@task("checkout.send_policy")
def send_policy(fact: PolicyDocumentReady) -> None:
    services.send_policy(fact.policy_id)


@task("checkout.send_receipts")
def send_receipts(policy_id: UUID) -> None:
    services.send_receipts(policy_id)


@task("checkout.count_working_days")
def count_working_days(policy_id: UUID) -> None:
    services.count_working_days(policy_id)


@task("checkout.note_mailed")
def note_mailed(fact: MessageSent) -> None:
    services.note_mailed(fact.message_id)


@task("checkout.note_bounced")
def note_bounced(fact: MessageBounced) -> None:
    services.note_bounced(fact.message_id)


@task("checkout.watch_deliveries", every="*/10 * * * *", attempts=1)
def watch_deliveries() -> None:
    services.watch_deliveries()


@task("checkout.watch_calendars", every="40 1 * * *", attempts=1)
def watch_calendars() -> None:
    services.watch_calendars()


@task("checkout.lapse_order", attempts=1)
def lapse_order(order_id: UUID) -> None:
    """Asked for by the sweep, which asks again by itself."""
    services.lapse_order(order_id)


@task("checkout.close_orders")
def close_orders(fact: InsurerSuspended) -> None:
    services.close_orders(fact.insurer_id)


@task("checkout.sweep", every="*/5 * * * *", attempts=1)
def sweep() -> None:
    services.sweep()

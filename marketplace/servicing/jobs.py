"""Servicing's later work. Each job may run twice, and beside itself."""

from marketplace.infra.db import db
from marketplace.infra.jobs import task
from marketplace.payment.values import CardKept, PaymentFailed, PaymentSucceeded, Purpose, RefundSucceeded
from marketplace.policy.values import PolicyEnded, PolicyIssued
from marketplace.servicing import services


@task("servicing.take_up")
def take_up(fact: PolicyIssued) -> None:
    services.take_up(fact.policy_id)


@task("servicing.run", every="*/10 * * * *", attempts=1)
def run() -> None:
    """Every ten minutes, because days begin at another hour in each time zone. A transaction for each chunk."""
    for _ in services.run():
        db.session.commit()


@task("servicing.take_payment", moves_money=True)
def take_payment(fact: PaymentSucceeded) -> None:
    if fact.purpose is Purpose.INSTALMENT:
        services.take_payment(fact.subject_id, fact.attempt_id)


@task("servicing.note_failure")
def note_failure(fact: PaymentFailed) -> None:
    if fact.purpose is Purpose.INSTALMENT:
        services.note_failure(fact.subject_id, fact.attempt_id)


@task("servicing.tell_refunded")
def tell_refunded(fact: RefundSucceeded) -> None:
    if fact.purpose is Purpose.INSTALMENT:
        services.tell_refunded(fact.subject_id, fact.refund_id)


@task("servicing.tell_card_kept")
def tell_card_kept(fact: CardKept) -> None:
    services.tell_card_kept(fact.mandate_id)


@task("servicing.drop", moves_money=True)
def drop(fact: PolicyEnded) -> None:
    services.drop(fact.policy_id)

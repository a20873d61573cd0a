"""Screening's later work: after the facts, once each, on any worker."""

from marketplace.application.values import ApplicationHeld, ApplicationSubmitted
from marketplace.infra.jobs import task
from marketplace.payment.values import PaymentSucceeded, Purpose, RefundSucceeded
from marketplace.screening import services


@task("screening.note_application")
def note_application(fact: ApplicationSubmitted) -> None:
    services.note_application(fact.application_id)


@task("screening.open_for_list")
def open_for_list(fact: ApplicationHeld) -> None:
    services.open_for_list(fact.application_id)


@task("screening.note_payment")
def note_payment(fact: PaymentSucceeded) -> None:
    services.note_payment(fact.attempt_id)


@task("screening.note_refund")
def note_refund(fact: RefundSucceeded) -> None:
    if fact.purpose is Purpose.NEW_BUSINESS:  # a later premium that came in twice is nobody's leaving
        services.note_refund(fact.refund_id, fact.subject_id)


@task("screening.watch_cases", every="52 * * * *", attempts=1)
def watch_cases() -> None:
    """Once an hour: ring while cases wait longer than their rule says."""
    services.watch_cases()

"""Consultation's later work. Each job may run twice, and beside itself."""

from marketplace.consultation import services
from marketplace.consultation.values import QuestionAnswered
from marketplace.infra.jobs import task


@task("consultation.tell_answered")
def tell_answered(fact: QuestionAnswered) -> None:
    services.tell_answered(fact)


@task("consultation.watch", every="20 * * * *", attempts=1)
def watch() -> None:
    services.watch()


@task("consultation.forget_unconfirmed", every="40 * * * *", attempts=1)
def forget_unconfirmed() -> None:
    services.forget_unconfirmed()

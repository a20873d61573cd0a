"""Later work of applications."""

from marketplace.application import services
from marketplace.application.values import ApplicationSubmitted
from marketplace.infra.jobs import task


@task("application.tell_outcome")
def tell_outcome(fact: ApplicationSubmitted) -> None:
    services.tell_outcome(fact.application_id)


@task("application.lapse_overdue", every="17 * * * *")
def lapse_overdue() -> None:
    """Once an hour: applications whose offer expired unpaid lapse."""
    services.lapse_overdue()

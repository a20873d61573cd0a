"""Later work of applications."""

from marketplace.application import services
from marketplace.application.values import ApplicantAsked, ApplicationMoved, ApplicationSubmitted
from marketplace.infra.jobs import task


@task("application.tell_outcome")
def tell_outcome(fact: ApplicationSubmitted) -> None:
    services.tell_outcome(fact.application_id)


@task("application.tell_moved")
def tell_moved(fact: ApplicationMoved) -> None:
    services.tell_outcome(fact.application_id)


@task("application.tell_asked")
def tell_asked(fact: ApplicantAsked) -> None:
    services.tell_asked(fact.application_id, fact.number)


@task("application.watch_referrals", every="37 * * * *")
def watch_referrals() -> None:
    """Once an hour: ring while insurers let referred applications wait longer than was promised."""
    services.watch_referrals()


@task("application.lapse_overdue", every="17 * * * *")
def lapse_overdue() -> None:
    """Once an hour: applications whose offer expired unpaid lapse."""
    services.lapse_overdue()

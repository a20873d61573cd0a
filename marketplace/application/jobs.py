"""Later work of applications."""

import logging
from uuid import UUID

from marketplace.application import services
from marketplace.application.values import ApplicantAsked, ApplicationMoved, ApplicationSubmitted
from marketplace.infra.jobs import SOON, task
from marketplace.payment.services import mark_handled
from marketplace.payment.values import IdentityCheckMoved

log = logging.getLogger(__name__)


@task("application.tell_outcome")
def tell_outcome(fact: ApplicationSubmitted) -> None:
    services.tell_outcome(fact.application_id, moved=False)


@task("application.tell_moved")
def tell_moved(fact: ApplicationMoved) -> None:
    services.tell_outcome(fact.application_id, moved=True)


@task("application.tell_asked")
def tell_asked(fact: ApplicantAsked) -> None:
    services.tell_asked(fact.application_id, fact.number)


@task("application.settle_identity", priority=SOON)
def settle_identity(fact: IdentityCheckMoved) -> None:
    """The verifier told that a check has moved: how it stands, it is asked itself."""
    ours = services.settle_identity(fact.reference)
    if not ours:
        log.error("the provider knows check %s, we do not (event %s)", fact.reference, fact.event_id)
    mark_handled(fact.event_id, ours=ours)


@task("application.look_after_identity")
def look_after_identity(session_id: UUID) -> None:
    services.look_after_identity(session_id)


@task("application.look_after_identities", every="*/5 * * * *", attempts=1)
def look_after_identities() -> None:
    """Every five minutes: checks of which no word came."""
    services.look_after_identities()


@task("application.close_identity")
def close_identity(reference: str) -> None:
    services.close_identity(reference)


@task("application.forget_identity")
def forget_identity(application_id: UUID) -> None:
    services.forget_identity(application_id)


@task("application.watch_referrals", every="37 * * * *")
def watch_referrals() -> None:
    """Once an hour: ring while insurers let referred applications wait longer than was promised."""
    services.watch_referrals()


@task("application.lapse_overdue", every="17 * * * *")
def lapse_overdue() -> None:
    """Once an hour: applications whose offer expired unpaid lapse."""
    services.lapse_overdue()

"""Later work on messages."""

import logging
from uuid import UUID

from marketplace.accounts.values import AccessEnded, InvitationWithdrawn, StaffInvited
from marketplace.correspondence import services
from marketplace.infra.db import db
from marketplace.infra.jobs import SOON, task
from marketplace.kernel.errors import Unavailable

log = logging.getLogger(__name__)


@task("correspondence.compose_message", priority=SOON)
def compose_message(message_id: UUID) -> None:
    services.compose_message(message_id)


@task("correspondence.invite_staff")
def invite_staff(fact: StaffInvited) -> None:
    services.invite_staff(fact.invitation_id)


@task("correspondence.tell_withdrawn")
def tell_withdrawn(fact: InvitationWithdrawn) -> None:
    services.tell_withdrawn(fact.invitation_id)


@task("correspondence.tell_access_ended")
def tell_access_ended(fact: AccessEnded) -> None:
    services.tell_access_ended(fact.account_id)


@task("correspondence.send_message", priority=SOON)
def send_message(message_id: UUID) -> None:
    services.send_message(message_id)


@task("correspondence.read_reports", every="*/5 * * * *", attempts=1)
def read_reports() -> None:
    """What mail servers sent back, a transaction for each; the next run takes what this one could not."""
    try:
        for _ in services.take_reports():
            db.session.commit()
    except Unavailable as failure:
        db.session.rollback()
        log.error("ALARM what mail servers send back cannot be read: %s", failure)  # noqa: TRY400  the cause is named

"""Later work on messages."""

from uuid import UUID

from marketplace.accounts.values import AccessEnded, InvitationWithdrawn, StaffInvited
from marketplace.correspondence import services
from marketplace.infra.jobs import task


@task("correspondence.compose_message")
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


@task("correspondence.send_message")
def send_message(message_id: UUID) -> None:
    services.send_message(message_id)

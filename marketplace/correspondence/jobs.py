"""Later work on messages."""

from uuid import UUID

from marketplace.correspondence import services
from marketplace.infra.jobs import task


@task("correspondence.compose_message")
def compose_message(message_id: UUID) -> None:
    services.compose_message(message_id)


@task("correspondence.send_message")
def send_message(message_id: UUID) -> None:
    services.send_message(message_id)

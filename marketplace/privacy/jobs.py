"""Later work of privacy."""

from uuid import UUID

from marketplace.infra.jobs import task
from marketplace.privacy import services


@task("privacy.make_export")
def make_export(export_id: UUID) -> None:
    services.make_export(export_id)


@task("privacy.forget", every="40 19 * * *")
def forget() -> None:
    """Once a day, at twenty to four in the morning in Beijing."""
    services.forget()

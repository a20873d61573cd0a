"""Later work of applications."""

from marketplace.application import services
from marketplace.infra.jobs import task


@task("application.lapse_overdue", every="17 * * * *")
def lapse_overdue() -> None:
    """Once an hour: applications whose offer expired unpaid lapse."""
    services.lapse_overdue()

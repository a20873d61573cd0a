"""Disclosure's later work. The job may run twice, and beside itself."""

from marketplace.disclosure import services
from marketplace.infra.jobs import task


@task("disclosure.forget_reports", every="50 3 * * *", attempts=1)
def forget_reports() -> None:
    services.forget_reports()

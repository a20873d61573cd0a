"""Later work of accounts."""

from uuid import UUID

from marketplace.accounts import services
from marketplace.infra.jobs import task


@task("accounts.forget_expired", every="17 * * * *")
def forget_expired() -> None:
    services.forget_expired()


@task("accounts.refresh_payee", attempts=5)
def refresh_payee(payee_id: UUID) -> None:
    """Asked for each hour, so a few tries are enough."""
    services.refresh_payee(payee_id)


@task("accounts.stop_unpayable")
def stop_unpayable(insurer_id: UUID) -> None:
    """Nothing more is sold for an insurer that cannot be paid."""
    services.stop_unpayable(insurer_id)


@task("accounts.refresh_payees", every="41 * * * *", attempts=1)
def refresh_payees() -> None:
    services.refresh_payees()

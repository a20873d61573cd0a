"""Later work of accounts."""

from marketplace.accounts import services
from marketplace.infra.jobs import task


@task("accounts.forget_expired", every="17 * * * *")
def forget_expired() -> None:
    services.forget_expired()

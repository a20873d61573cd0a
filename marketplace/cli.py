"""Commands for those who run the marketplace: `python -m marketplace.cli --help`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
from flask import current_app

from config import Settings
from marketplace.accounts import queries as accounts_queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Ended, NewStaff, Role
from marketplace.app import create_app
from marketplace.disclosure import services as disclosure
from marketplace.infra import backup, readiness, vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.errors import Invalid, MarketplaceError
from marketplace.oversight import services as oversight
from marketplace.policy import queries as policies
from marketplace.web.customer.correspondence import send
from marketplace.wiring import MACHINES

F = TypeVar("F", bound=Callable[..., object])


def _with_key(command: F) -> F:
    """The options that backup and restore share."""
    path = click.Path(path_type=Path, exists=True)
    key = click.option("--key-file", type=path, envvar="BACKUP_KEY_FILE", help="64 hex digits; encrypts the backup.")
    programs = click.option("--programs", type=path, help="Folder of pg_dump and pg_restore, if not on PATH.")
    return key(programs(command))


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except MarketplaceError as error:
        raise click.ClickException(str(error)) from error


def _place(settings: Settings, programs: Path | None) -> backup.Place:
    if settings.database_owner_url is None:
        raise click.ClickException("DATABASE_OWNER_URL is missing: the owner of the tables backs up and restores.")
    return backup.Place(settings.database_owner_url.get_secret_value(), settings.storage_folder, programs)


def _key(file: Path | None) -> bytes | None:
    if file is None:
        return None
    try:
        key = bytes.fromhex(file.read_text())
    except ValueError:
        key = b""
    if len(key) != backup.KEY_BYTES:
        raise click.ClickException("The key of backups is 64 hex digits: openssl rand -hex 32 > FILE")
    return key


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    """Commands of the marketplace, with the same settings as the site."""
    if context.invoked_subcommand != "draw":
        context.obj = Settings.or_exit()
        app = create_app(context.obj)
        context.with_resource(app.app_context())
        context.with_resource(use_scope(Scope.all()))


@main.command()
def publish_wordings() -> None:
    """Put our own texts on the site: a text that changed becomes a new version."""
    published = disclosure.publish_wordings()
    db.session.commit()
    click.echo(f"{len(published)} new versions")


@main.command()
@click.argument("email")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role if role.value.startswith("admin_")]))
@click.password_option(help="Asked for when not given; at least 12 characters.")
def add_admin(email: str, name: str, role: str | None, password: str) -> None:
    """Make an account for a member of the marketplace's staff."""
    try:
        account = accounts.create_staff(NewStaff(email, name, Role(role or Role.ADMIN_OWNER), password))
    except Invalid as error:
        raise click.ClickException("; ".join(f"{field}: {what}" for field, what in error.fields.items())) from error
    except MarketplaceError as error:
        raise click.ClickException(str(error)) from error
    db.session.commit()
    click.echo(f"{account.email} may sign in as {account.role.value}")


@main.command()
@click.argument("email")
def lock_out(email: str) -> None:
    """Close an account of staff to its owner: every session ends at once, nobody signs in with it again."""
    accounts.disable_account(_staff(email).id)
    db.session.commit()
    click.echo(f"{email} is locked out")


@main.command()
@click.argument("email")
def forget_second_steps(email: str) -> None:
    """Let a member of staff who lost every second step set up a new one, once you have made sure who asks.

    The password stays and is still needed; every session ends, and the owner gets a mail.
    """
    account = _staff(email)
    mail = accounts.forget_factors(account.id)
    accounts.end_sessions(account.id, Ended.FACTOR_CHANGED)
    with current_app.test_request_context():  # a mail holds addresses of pages
        send(mail)
    db.session.commit()
    click.echo(f"{email} sets up a new second step at the next sign-in")


def _staff(email: str) -> Account:
    for account in accounts_queries.staff():
        if account.email == email.lower():
            return account
    raise click.ClickException(f"there is no account of staff with the address {email}")


@main.command()
def rebuild_sales_log() -> None:
    """Make the sales log again from the state of the features."""
    oversight.rebuild()
    db.session.commit()
    click.echo("the sales log is rebuilt")


@main.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@_with_key
@click.pass_obj
def make_backup(settings: Settings, folder: Path, key_file: Path | None, programs: Path | None) -> None:
    """Write a backup of database and files into FOLDER, which must not exist yet."""
    with _refusals():
        manifest = backup.make(folder, _place(settings, programs), _key(key_file))
    click.echo(f"{sum(manifest.rows.values())} rows of {len(manifest.rows)} tables at {manifest.revision}")


@main.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@_with_key
@click.pass_obj
def restore_backup(settings: Settings, folder: Path, key_file: Path | None, programs: Path | None) -> None:
    """Bring the backup in FOLDER back into an empty database and an empty folder of files."""
    with _refusals():
        manifest = backup.restore(folder, _place(settings, programs), _key(key_file))
    click.echo(f"{sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, as on {manifest.made_at}")


@main.command("check")
@click.pass_context
def check_soundness(context: click.Context) -> None:
    """Hold the database against this code, and every sealed paper against its hash and its seal."""
    found = [problem.detail for problem in readiness.problems(str(Path(__file__).parent.parent))]
    found = found or [f"{number}: {reason}" for number, reason in policies.unsound_papers()]
    for line in found or ["sound"]:
        click.echo(line)
    context.exit(1 if found else 0)


@main.command()
def rewrap_keys() -> None:
    """After the keeper's keys were rotated: wrap every data key with the new one."""
    total = 0
    while number := vault.rewrap():
        db.session.commit()
        total += number
    click.echo(f"{total} data keys are wrapped anew")


@main.command()
@click.argument("machine", type=click.Choice(sorted(MACHINES)))
def draw(machine: str) -> None:
    """Draw a state machine as a Mermaid diagram."""
    click.echo(MACHINES[machine].mermaid())


if __name__ == "__main__":
    main()

"""Commands for those who run the marketplace: `python -m marketplace.cli --help`.

Each reads the settings that it needs and no others: most those of the site, backing up and restoring two, drawing none.
`flask --app wsgi COMMAND` runs the same functions inside the site's application, which reads the site's settings first.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

import click
from flask import current_app, has_app_context

from config import BackupSettings, Settings
from marketplace.accounts import queries as accounts_queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Ended, NewStaff, Role
from marketplace.app import create_app
from marketplace.disclosure import services as disclosure
from marketplace.infra import backup, readiness, seals, storage, vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.storage.objects import PATIENCE_OF_COMMANDS
from marketplace.kernel.errors import Invalid, MarketplaceError
from marketplace.oversight import queries as oversight_queries
from marketplace.oversight import services as oversight
from marketplace.payment import queries as payments
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from marketplace.privacy import services as privacy
from marketplace.traceability import services as trail
from marketplace.traceability.values import NewRelease
from marketplace.web import released
from marketplace.web.mails import send
from marketplace.wiring import MACHINES, store_of

F = TypeVar("F", bound=Callable[..., object])
P = ParamSpec("P")


def _in_application(command: Callable[P, None]) -> Callable[P, None]:
    """The command runs in the application, in everybody's scope: in that of `flask`, else in one of the settings."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        with ExitStack() as stack:
            if not has_app_context():
                stack.enter_context(create_app(Settings.or_exit()).app_context())
            stack.enter_context(use_scope(Scope.all()))
            stack.enter_context(_refusals())
            command(*arguments, **options)

    return run


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


def _place(programs: Path | None) -> backup.Place:
    settings = BackupSettings.or_exit()
    files = store_of(settings, PATIENCE_OF_COMMANDS)
    return backup.Place(settings.database_owner_url.get_secret_value(), files, programs)


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
def main() -> None:
    """Commands of the marketplace."""


@main.command()
@_in_application
def publish_wordings() -> None:
    """Put our own texts on the site: a text that changed becomes a new version."""
    published = disclosure.publish_wordings()
    db.session.commit()
    click.echo(f"{len(published)} new versions")


@main.command()
@click.option("--author", required=True, help="Who made the pages as they are now.")
@click.option("--reviewer", required=True, help="Who looked at them: somebody else.")
@click.option("--reason", required=True, help="Why they are as they are now.")
@click.option("--build", default="", help="From which build they come; else the revision that git tells.")
@_in_application
def release_pages(author: str, reviewer: str, reason: str, build: str) -> None:
    """Release the sales pages of this code: what they are made of is stored, and may be shown from now on.

    Where that is released already, nothing changes. Without a release the site sells nothing.
    """
    try:
        found = released.release(NewRelease(author, reviewer, reason, build or _revision()))
    except Invalid as error:
        raise click.ClickException("; ".join(f"{field}: {what}" for field, what in error.fields.items())) from error
    db.session.commit()
    click.echo(f"release {found.number}: {found.content.id}")


def _revision() -> str:
    """The revision of the code, where git is there and knows it."""
    folder = Path(__file__).parent.parent
    asked = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), "describe", "--always", "--dirty"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603  our own words
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return told.stdout.strip()[:80]


@main.command()
@click.argument("email")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role if role.value.startswith("admin_")]))
@click.password_option(help="Asked for when not given; at least 12 characters.")
@_in_application
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
@_in_application
def lock_out(email: str) -> None:
    """Close an account of staff to its owner: every session ends at once, nobody signs in with it again."""
    accounts.disable_account(_staff(email).id)
    db.session.commit()
    click.echo(f"{email} is locked out")


@main.command()
@click.argument("email")
@_in_application
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
@click.argument("insurer")
@click.argument("prefix")
@click.argument("first")
@click.argument("last")
@_in_application
def allot_numbers(insurer: str, prefix: str, first: str, last: str) -> None:
    """Number contracts from a range of their insurer (its code): PREFIX and the digits from FIRST to LAST."""
    try:
        found = policy.allot_numbers(accounts_queries.insurer_by_code(insurer.lower()).id, prefix, first, last)
    except Invalid as error:
        raise click.ClickException("; ".join(f"{field}: {what}" for field, what in error.fields.items())) from error
    db.session.commit()
    click.echo(f"{found} numbers, from {prefix}{first} on")


@main.command()
@_in_application
def rebuild_sales_log() -> None:
    """Make the sales log again from the state of the features."""
    oversight.rebuild()
    db.session.commit()
    click.echo("the sales log is rebuilt")


@main.command("backup")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--keep", type=click.IntRange(min=1), help="Afterwards remove whole backups older than so many days.")
@_with_key
def make_backup(folder: Path, keep: int | None, key_file: Path | None, programs: Path | None) -> None:
    """Write a backup of database and files into FOLDER, named by the day (UTC)."""
    with _refusals():
        made = backup.make(folder, _place(programs), _key(key_file))
        removed = backup.prune(folder, keep) if keep else ()
    rows = made.manifest.rows
    click.echo(f"{made.folder}: {sum(rows.values())} rows of {len(rows)} tables at {made.manifest.revision}")
    for old in removed:
        click.echo(f"{old}: removed, older than {keep} days")


@main.command("restore")
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@_with_key
def restore_backup(folder: Path, key_file: Path | None, programs: Path | None) -> None:
    """Bring the backup in FOLDER back into an empty database and an empty store of files."""
    with _refusals():
        manifest = backup.restore(folder, _place(programs), _key(key_file))
    click.echo(f"{sum(manifest.rows.values())} rows of {len(manifest.rows)} tables, as on {manifest.made_at}")


@main.command("check")
@_in_application
def check_soundness() -> None:
    """Hold the database against this code, orders, money, contracts and papers against each other and against what the
    log says of them, and every sealed paper against its hash and its seal. Ends with 1 and a line for each fault.
    """
    unready = [problem.detail for problem in readiness.problems(str(Path(__file__).parent.parent))]
    found = unready or [*seals.problems(), *storage.problems(), *_faults()]
    for number, what in () if found else oversight_queries.under_way():
        click.echo(f"waits for the worker: {number} {what}")
    for line in found or ["sound"]:
        click.echo(line)
    click.get_current_context().exit(1 if found else 0)


def _faults() -> Iterator[str]:
    for name, fault in (*oversight_queries.disagreements(), *oversight_queries.contradictions()):
        yield f"{name}: {fault}"
    for number, reason in policies.unsound_papers() if not seals.problems() else ():
        yield f"{number}: {reason}"


@main.command()
@click.argument("since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]))
@_in_application
def unknown_payments(since: datetime) -> None:
    """List what was paid since SINCE (an instant, or a day in UTC) at the provider and stands in no row of ours.

    After a restore these are the payments of the lost hours, which nobody else will find. Ends with 1 if there are any.
    """
    found = payments.unknown_since(since if since.tzinfo else since.replace(tzinfo=UTC))
    for session in found:
        amount = session.amount and f"{session.amount.currency} {session.amount.minor} minor units"
        click.echo(f"{session.id}: {amount}, order {session.metadata.get('reference', 'of another system')}")
    click.echo(f"{len(found)} unknown payments")
    click.get_current_context().exit(1 if found else 0)


@main.command()
@click.argument("journal", type=click.File())
@_in_application
def replay_erasures(journal: IO[str]) -> None:
    """Erase again whom lines of the log in JOURNAL (a file, or - for standard input) name as erased.

    For a database that was brought back from before that. Repeating it changes nothing. Ends with 1 while somebody has
    to wait for the end of a sale or a dispute.
    """
    done = privacy.erase_again(vault.subjects_told(journal))
    db.session.commit()
    click.echo(f"{done.erased} subjects erased again, {done.known} were erased already")
    for account_id in done.waiting:
        click.echo(f"{account_id}: this account has a sale under way or is in dispute; repeat this at the end of that")
    for subject_id in done.kept:
        click.echo(f"{subject_id}: this is of a contract that has to be kept here; repeat this when that has ended")
    click.get_current_context().exit(1 if done.waiting or done.kept else 0)


@main.command()
@_in_application
def retry_papers() -> None:
    """Have every paper made that could not be printed, once the cause is mended."""
    number = policy.retry_failed()
    db.session.commit()
    click.echo(f"{number} papers are made again")


@main.command()
@_in_application
def rewrap_keys() -> None:
    """After the keeper's keys were rotated: wrap every data key with the new one."""
    total = 0
    while number := vault.rewrap():
        db.session.commit()
        total += number
    click.echo(f"{total} data keys are wrapped anew")


@main.command()
@click.argument("statement", type=click.File())
@_in_application
def log_key_rotation(statement: IO[str]) -> None:
    """Enter into the evidence log that its key changes, as STATEMENT says (a file, or - for standard input): what
    `marketplace.sequencer rotate-key` printed. Once that is in the log, the new key signs.
    """
    try:
        said = json.load(statement)
    except ValueError as error:
        raise click.ClickException("this is not what rotate-key printed") from error
    trail.record_rotation(current_app.config["LOG_ORIGIN"], said)
    db.session.commit()
    click.echo(f"entered; the new key is {said['new']}")


@main.command()
@click.argument("machine", type=click.Choice(sorted(MACHINES)))
def draw(machine: str) -> None:
    """Draw a state machine as a Mermaid diagram."""
    click.echo(MACHINES[machine].mermaid())


if __name__ == "__main__":
    main()

"""Commands for those who run the marketplace: `python -m marketplace.cli --help`."""

import click

from config import Settings
from marketplace.accounts import services as accounts
from marketplace.accounts.values import NewStaff, Role
from marketplace.app import create_app
from marketplace.disclosure import services as disclosure
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.errors import Invalid, MarketplaceError
from marketplace.oversight import services as oversight
from marketplace.wiring import MACHINES


@click.group()
@click.pass_context
def main(context: click.Context) -> None:
    """Commands of the marketplace, with the same settings as the site."""
    if context.invoked_subcommand != "draw":
        app = create_app(Settings.or_exit())
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
def rebuild_sales_log() -> None:
    """Make the sales log again from the state of the features."""
    oversight.rebuild()
    db.session.commit()
    click.echo("the sales log is rebuilt")


@main.command()
@click.argument("machine", type=click.Choice(sorted(MACHINES)))
def draw(machine: str) -> None:
    """Draw a state machine as a Mermaid diagram."""
    click.echo(MACHINES[machine].mermaid())


if __name__ == "__main__":
    main()

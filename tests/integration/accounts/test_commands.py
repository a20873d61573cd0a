"""What an administrator does for staff on the server: lock out, and let begin again."""

import pytest
from click.testing import CliRunner
from flask import Flask

from config import Settings
from marketplace import cli
from marketplace.accounts import queries, services
from marketplace.accounts.services import entering, factors, sessions
from marketplace.accounts.values import OPERATOR, EventOutcome, Role, SecurityEventFilter, SecurityEventType
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from tests.factories.accounts import PASSWORD, a_member_of_staff, an_authenticator


@pytest.fixture
def run(app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch, database: None):
    """One command, in the application of the tests."""
    monkeypatch.setattr(cli.Settings, "or_exit", lambda: settings)
    monkeypatch.setattr(cli, "create_app", lambda _settings: app)
    return lambda *words: CliRunner().invoke(cli.main, words)


@pytest.fixture
def staff(database: None):
    account = a_member_of_staff()
    an_authenticator(account)
    db.session.commit()
    return account


def kept(account):
    """What is kept of an account: what happened, who did it, and the rest that is told."""
    events = queries.security_events(SecurityEventFilter(account_id=account.id)).events
    assert {each.outcome for each in events} <= {EventOutcome.DONE}
    return [(each.type, each.actor, dict(each.detail)) for each in reversed(events)]


ADDED = (SecurityEventType.STAFF_ADDED, OPERATOR, {"role": Role.ADMIN_SALES})
COMMANDS = {
    "lock-out": (SecurityEventType.ACCOUNT_DISABLED, OPERATOR, {}),
    "forget-second-steps": (SecurityEventType.FACTOR_REMOVED, OPERATOR, {"which": "all"}),
}


@pytest.mark.asvs("16.3.3")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_about_staff_is_kept(run, staff, command):
    assert run(command, staff.email).exit_code == 0
    assert kept(staff) == [ADDED, COMMANDS[command]]


@pytest.mark.asvs("16.3.3")
def test_a_new_account_of_staff_is_kept_with_its_role(run):
    result = run("add-admin", "new@evenfold.example", "New", "--role", "admin_finance", "--password", PASSWORD)
    assert result.exit_code == 0, result.output
    (account,) = queries.staff()
    assert kept(account) == [(SecurityEventType.STAFF_ADDED, OPERATOR, {"role": Role.ADMIN_FINANCE})]
    again = run("add-admin", "new@evenfold.example", "New", "--password", PASSWORD)
    assert again.exit_code == 1
    assert len(kept(account)) == 1, "nothing was made"


@pytest.mark.asvs("16.5.3")
@pytest.mark.parametrize(("command", "service"), [("lock-out", sessions), ("forget-second-steps", factors)])
def test_what_cannot_be_kept_is_not_done(run, session, monkeypatch, command, service):
    staff = queries.account(session.session.account_id)
    monkeypatch.setattr(service, "OPERATOR", "x" * 41)
    assert run(command, staff.email).exit_code == 1
    db.session.rollback()
    assert not queries.account(staff.id).disabled
    assert queries.factors(staff.id).factors
    assert queries.session_behind(session.token) is not None


@pytest.mark.asvs("16.5.3")
def test_an_account_that_cannot_be_kept_is_not_made(run, monkeypatch):
    monkeypatch.setattr(entering, "OPERATOR", "x" * 41)
    assert run("add-admin", "new@evenfold.example", "New", "--password", PASSWORD).exit_code == 1
    db.session.rollback()
    assert queries.staff() == ()


@pytest.fixture
def session(staff):
    begun = services.begin_session(staff.id, "", None)
    db.session.commit()
    return begun


@pytest.mark.asvs("7.4.2", "7.4.5")
def test_locking_out_ends_every_session(run, staff, session):
    assert run("lock-out", staff.email).output == f"{staff.email} is locked out\n"
    db.session.expire_all()
    assert queries.account(staff.id).disabled
    assert queries.session_behind(session.token) is None


def test_whoever_lost_every_second_step_begins_again_and_is_told(run, staff, session):
    result = run("forget-second-steps", staff.email.upper())
    assert result.exit_code == 0, result.output
    db.session.expire_all()
    assert queries.factors(staff.id).factors == ()
    assert queries.factors(staff.id).recovery_codes == 0
    assert queries.session_behind(session.token) is None
    assert [mail.kind for mail in correspondence.inbox(recipient=staff.email)] == ["factor_changed"]


@pytest.mark.parametrize("command", ["lock-out", "forget-second-steps"])
def test_an_unknown_address_is_named(run, staff, session, command):
    result = run(command, "nobody@example.com")
    assert result.exit_code == 1
    assert "no account of staff with the address nobody@example.com" in result.output
    assert queries.session_behind(session.token) is not None

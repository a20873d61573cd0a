"""What an administrator does for staff on the server: lock out, and let begin again."""

import pytest
from click.testing import CliRunner
from flask import Flask

from config import Settings
from marketplace import cli
from marketplace.accounts import queries, services
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from tests.factories.accounts import a_member_of_staff, an_authenticator


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

"""What the commands of whoever runs the marketplace say, in either spelling."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from config import Settings
from marketplace import cli
from marketplace.correspondence import services as mails
from marketplace.infra import seals
from marketplace.infra.db import db
from marketplace.infra.readiness import Problem
from marketplace.policy import services as policy
from sandbox.embedded_db import find_server
from tests.deferred_jobs import drain
from tests.environment import ROOT, environment_of
from tests.factories.correspondence import a_message
from tests.factories.policy import a_contract


@pytest.fixture
def check(database: None) -> Callable[[], Result]:
    """In the application of the tests."""
    return lambda: CliRunner().invoke(cli.main, ["check"])


@pytest.mark.requirement("T26-49")
def test_a_sound_house_says_what_waits_and_that_it_is_sound(check: Callable[[], Result]) -> None:
    assert (check().exit_code, check().output) == (0, "sound\n")
    mails.queue(a_message())
    db.session.commit()
    assert (check().exit_code, check().output) == (0, "waits for the worker: 1 mails to be sent\nsound\n")


@pytest.mark.requirement("T26-49")
def test_every_fault_is_a_line(check: Callable[[], Result]) -> None:
    number = policy.issue(a_contract()).number  # of no order: nobody paid for it
    drain("policy")
    said = check()
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        f"{number}: the contract is no line of a paid order at its premium",
        f"{number}: nobody counts the time in which the policy is to be mailed",
    ]


@pytest.mark.requirement("T26-49")
def test_a_database_of_another_version_is_not_asked_further(
    check: Callable[[], Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        cli.readiness,
        "problems",
        lambda _root: [Problem("migrations", "the database is at 0001, this code expects 0021")],
    )
    monkeypatch.setattr(
        cli.oversight_queries, "disagreements", lambda: pytest.fail("asked of tables that may not be there")
    )
    assert (check().exit_code, check().output) == (1, "the database is at 0001, this code expects 0021\n")


def test_without_seals_papers_cannot_be_judged_and_that_is_said(
    check: Callable[[], Result], settings: Settings
) -> None:
    policy.issue(a_contract())
    drain("policy")
    seals.configure(None, "")
    try:
        said = check()
    finally:
        seals.configure(settings.seals_folder, settings.timestamp_url)
    assert said.exit_code == 1
    assert said.output.splitlines()[0] == "SEALS_FOLDER is not set: this process was given no seals"
    assert len(said.output.splitlines()) == 3, "and not once more for each paper"


# --- flask ------------------------------------------------------------------------------------------------------------


def ran(settings: Settings, *words: str, **other: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        env=environment_of(settings, **other), cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_flask_knows_every_command(app: Flask, settings: Settings) -> None:
    listed = ran(settings, "flask", "--app", "wsgi", "--help").stdout
    assert [name for name in cli.main.commands if f"\n  {name} " not in listed] == []


@pytest.mark.parametrize("spelling", [("marketplace.cli",), ("flask", "--app", "wsgi")])
def test_both_spellings_run_the_same_command(app: Flask, settings: Settings, spelling: tuple[str, ...]) -> None:
    done = ran(settings, *spelling, "check")
    assert (done.returncode, done.stdout) == (0, "sound\n"), done.stderr


@pytest.mark.requirement("T26-49")
def test_flask_backs_up(app: Flask, settings: Settings, tmp_path: Path) -> None:
    """The spelling that people know; the one definition stands in the commands."""
    done = ran(
        settings, "flask", "--app", "wsgi", "backup", str(tmp_path / "backups"), "--programs", str(find_server().folder)
    )
    assert done.returncode == 0, done.stderr
    (made,) = (tmp_path / "backups").iterdir()
    assert done.stdout.startswith(f"{made}: ")


def test_the_site_carries_no_commands_and_no_library_of_buckets_for_a_folder(app: Flask, settings: Settings) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, wsgi; print(*sys.modules)"],
        env=environment_of(settings), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = loaded.stdout.split()
    assert [name for name in ("marketplace.app", "marketplace.cli", "obstore") if name in modules] == [
        "marketplace.app"
    ]

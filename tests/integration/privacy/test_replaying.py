"""A restored database learns from the log whom it has to forget again."""

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace import cli
from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account
from marketplace.app import create_app
from marketplace.application import queries as applications
from marketplace.application.values import Application, State, Step
from marketplace.catalog.values import Line
from marketplace.correspondence import services as mails
from marketplace.infra import backup, jobs, logs, payment_gateway, seals, storage, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.storage.folder import Folder
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.privacy import queries, services
from marketplace.privacy.services import erasing
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.factories.accounts import a_customer, a_guest
from tests.factories.application import an_application
from tests.factories.correspondence import a_message
from tests.factories.quoting import an_offer
from tests.factories.retention import a_concluded_contract, an_open_dispute, on, ran_out
from tests.factories.traceability import a_journey
from tests.integration.privacy.test_closing import a_policy_of

DRILL = "replay"
KEY = bytes(range(32))


@pytest.fixture
def journal(app: Flask) -> Iterator[Callable[[], str]]:
    """What this process writes to standard error from here on, as the journal keeps it."""
    written: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.configure()
    kept = Kept()
    kept.setFormatter(root.handlers[0].formatter)
    root.handlers = [kept]
    yield lambda: "\n".join(["-- Journal begins --", *written, ""])
    root.handlers = before
    root.setLevel(level)


@pytest.fixture
def restored(
    database: None, settings: Settings, server: EmbeddedServer, instance_folder: Path, tmp_path: Path
) -> Iterator[Callable[[], None]]:
    """Make a backup now; the function that is given brings it back and continues in what was brought back."""
    place = backup.Place(server.url("marketplace_owner"), Folder(instance_folder / "files"), find_server().folder)
    drill = backup.Place(server.url("marketplace_owner", DRILL), Folder(tmp_path / "files"), place.programs)
    server.create_database(DRILL)
    roles = {"database_url": "app", "database_owner_url": "owner", "database_reader_url": "reader"}
    urls = {field: server.url(f"marketplace_{role}", DRILL) for field, role in roles.items()}
    there = Settings.model_validate(settings.model_dump() | urls | {"storage_folder": tmp_path / "files"})
    gateway = payment_gateway.gateway()
    made: list[Path] = []
    contexts: list[object] = []

    def keep() -> Callable[[], None]:
        made.append(backup.make(tmp_path / "backups", place, KEY).folder)
        return back

    def back() -> None:
        backup.restore(made[0], drill, KEY)
        context = create_app(there).app_context()
        context.push()
        contexts.append(context)
        vault.forget()

    yield keep
    for context in contexts:
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()
        context.pop()
    payment_gateway.configure(gateway)
    storage.configure(Folder(instance_folder / "files"))
    seals.configure(settings.seals_folder, settings.timestamp_url)
    vault.forget()
    server.drop_database(DRILL)


def replayed(lines: str) -> Result:
    result = CliRunner().invoke(cli.main, ["replay-erasures", "-"], input=lines)
    db.session.expire_all()
    vault.forget()
    return result


def an_application_of(customer: Account) -> Application:
    """For the product of whoever bought before."""
    offer = an_offer(a_journey(), Line.TRAVEL, start_on=clock.today(ZONE) + timedelta(days=7))
    return an_application(offer, upto=Step.DOCUMENTS, account=customer)[1]


def mailed(policy: Policy) -> None:
    """Without that its account cannot be closed."""
    mails.queue(a_message(subject_key=str(policy.id), recipient="buyer@example.com"))


@pytest.mark.requirement("T26-47", "T26-49")
def test_whoever_was_erased_after_the_backup_is_erased_again(
    restored: Callable[[], Callable[[], None]], journal: Callable[[], str]
) -> None:
    leaving, staying = a_customer("leaving@example.com"), a_customer("staying@example.com")
    policy = a_policy_of(a_guest("buyer@example.com"))
    mailed(policy)
    told = an_application_of(leaving)
    db.session.commit()
    bring_back = restored()
    services.close_account(leaving.id)
    services.close_account(policy.account_id)
    db.session.commit()
    lines = journal()

    bring_back()
    assert accounts.account(leaving.id).email == "leaving@example.com", "the backup remembers"
    assert applications.application(told.id).people is not None
    assert queries.restriction_on(policy.journey_id, policy.application_id) is None

    result = replayed(lines)
    assert (result.exit_code, result.output.split(",")[1]) == (0, " 0 were erased already\n")
    gone = accounts.account(leaving.id)
    assert (gone.email, gone.disabled) == ("", True)
    assert (applications.application(told.id).people, applications.application(told.id).state) == (None, State.LAPSED)
    assert trail.journey_entries(told.journey_id)[-1].type is EntryType.DATA_ERASED
    assert accounts.account(staying.id).email == "staying@example.com"
    assert queries.restriction_on(policy.journey_id, policy.application_id), "kept, and for few eyes again"
    assert policies.policy(policy.id).body["persons"]
    proven = db.session.execute(text("SELECT subject, subject_id FROM privacy_erasure")).all()
    assert {("account", leaving.id), ("application", told.id), ("journey", told.journey_id)} <= {
        tuple(row) for row in proven
    }

    again = replayed(lines)
    number = int(result.output.split()[0])
    assert again.output == f"0 subjects erased again, {number} were erased already\n"
    assert db.session.execute(text("SELECT count(*) FROM privacy_erasure")).scalar_one() == len(proven)
    jobs.run_once(jobs.known_tasks()["privacy.forget"])  # it finds nothing that it stumbles over


def test_who_came_and_left_after_the_backup_is_never_sealed_for(
    restored: Callable[[], Callable[[], None]], journal: Callable[[], str]
) -> None:
    bring_back = restored()
    stranger = a_customer("stranger@example.com")
    db.session.commit()
    services.close_account(stranger.id)
    db.session.commit()
    bring_back()
    assert replayed(journal()).exit_code == 0
    with pytest.raises(vault.DataDestroyed):
        vault.seal(stranger.id, "place", b"something")


@pytest.mark.requirement("T26-44", "T26-49")
def test_a_contract_that_was_destroyed_after_the_backup_is_destroyed_again(
    restored: Callable[[], Callable[[], None]], journal: Callable[[], str], frozen_clock: datetime
) -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    bring_back = restored()
    until = queries.kept_contract(policy.id).kept_until
    for days in (1, 15):
        with on(until + timedelta(days=days)):
            jobs.run_once(jobs.known_tasks()["privacy.forget"])
    lines = journal()
    with on(until + timedelta(days=20)):
        bring_back()
        assert policies.policy(policy.id).body == policy.body, "the backup remembers"
        assert replayed(lines).exit_code == 0
        assert policies.policy(policy.id).erased
        assert applications.application(policy.application_id).erased
        assert replayed(lines).output.startswith("0 subjects erased again")
    proven = set(db.session.scalars(text("SELECT subject_id FROM privacy_erasure WHERE reason = 'retention'")))
    assert {policy.application_id, policy.journey_id} <= proven


@pytest.mark.requirement("T26-45")
def test_a_contract_that_is_in_dispute_since_the_backup_came_back_waits_and_is_named(
    restored: Callable[[], Callable[[], None]], journal: Callable[[], str], frozen_clock: datetime
) -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    bring_back = restored()
    until = queries.kept_contract(policy.id).kept_until
    with on(until + timedelta(days=1)):
        assert erasing.erase_contract(policy.id)
        db.session.commit()
    lines = journal()
    with on(until + timedelta(days=2)):
        bring_back()
        an_open_dispute(policy)
        result = replayed(lines)
        assert result.exit_code == 1
        assert f"{policy.application_id}: this is of a contract that has to be kept here" in result.output
        assert policies.policy(policy.id).body == policy.body


def test_an_account_whose_sale_is_under_way_again_waits_and_is_named(
    restored: Callable[[], Callable[[], None]], journal: Callable[[], str]
) -> None:
    policy = a_policy_of(a_guest("buyer@example.com"))
    db.session.commit()
    bring_back = restored()
    mailed(policy)
    services.close_account(policy.account_id)
    db.session.commit()
    lines = journal()
    bring_back()
    result = replayed(lines)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1].startswith(f"{policy.account_id}: this account has a sale under way")
    assert accounts.account(policy.account_id).email == "buyer@example.com"
    mailed(policy)
    db.session.commit()
    assert replayed(lines).exit_code == 0
    assert accounts.account(policy.account_id).email == ""


# --- the lines --------------------------------------------------------------------------------------------------------


def told_by(lines: str) -> list[UUID]:
    return list(vault.subjects_told(lines.splitlines()))


def test_an_erasure_is_told_when_it_is_committed(database: None, journal: Callable[[], str]) -> None:
    anna, ben, eve = (ids.new_id() for _ in range(3))
    vault.destroy(anna)
    db.session.rollback()
    vault.destroy(ben)
    vault.destroy(eve)
    assert told_by(journal()) == []
    db.session.commit()
    assert told_by(journal()) == [ben, eve]
    db.session.commit()
    assert told_by(journal()) == [ben, eve], "once"


def test_no_line_is_longer_than_the_journal_takes(database: None, journal: Callable[[], str]) -> None:
    subjects = [ids.new_id() for _ in range(1500)]
    for each in subjects:
        vault.destroy(each)
    db.session.commit()
    assert told_by(journal()) == subjects
    assert max(map(len, journal().splitlines())) < 48 * 1024


def test_the_journals_own_words_and_other_lines_do_not_matter(database: None, journal: Callable[[], str]) -> None:
    anna = ids.new_id()
    vault.destroy(anna)
    db.session.commit()
    (line,) = (each for each in journal().splitlines() if str(anna) in each)
    other = json.dumps({"logger": "marketplace.web", "event": line})  # somebody got our words into a line of theirs
    assert told_by(f"Nov 22 03:17:00 host python[7]: {line}\n{other}\nnot ours\n") == [anna]


def test_a_line_that_was_cut_is_not_passed_over(database: None, journal: Callable[[], str]) -> None:
    logs.bind()
    vault.destroy(ids.new_id())
    db.session.commit()
    (line,) = (each for each in journal().splitlines() if vault.__name__ in each)
    with pytest.raises(Invalid, match="line 1"):
        told_by(line[:-1])


def test_a_line_names_the_subjects_and_nothing_else(database: None, journal: Callable[[], str]) -> None:
    logs.bind()
    vault.destroy(ids.new_id())
    db.session.commit()
    (line,) = (each for each in journal().splitlines() if vault.__name__ in each)
    assert json.loads(line).keys() == {"event", "level", "logger", "at", "subjects"}

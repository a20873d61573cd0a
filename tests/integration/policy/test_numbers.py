"""Who numbers a contract: its insurer, by a range that it set aside or by a system of its own, or we."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts.values import Insurer
from marketplace.cli import main as cli
from marketplace.infra import jobs
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, Unavailable
from marketplace.kernel.ids import new_id
from marketplace.oversight.queries import broken
from marketplace.policy import queries, services
from marketplace.policy.services import numbers
from marketplace.policy.values import IssuePolicy, PolicyIssued, PolicyNotFound
from tests.factories import accounts
from tests.factories.policy import a_contract

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")
OURS = "EF-HARBOUR-2026-00000"


@pytest.fixture(autouse=True)
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_subscribers", {PolicyIssued: ("policy.make_document",)})


@pytest.fixture
def command() -> IssuePolicy:
    found = a_contract()
    db.session.commit()
    return found


def issue(command: IssuePolicy, number: int = 1) -> list[str]:
    """The numbers of so many contracts of other applications."""
    return [services.issue(replace(command, application_id=new_id())).number for _ in range(number)]


def given_again() -> list[str]:
    return [name for name, sentence in broken(db.session.connection()) if sentence == "the number would be given again"]


def test_a_contract_has_the_next_number_of_its_insurers_range(command: IssuePolicy) -> None:
    assert services.allot_numbers(command.insurer_id, "HL26-", "004711", "004799") == 89
    assert issue(command, 2) == ["HL26-004711", "HL26-004712"]
    assert given_again() == []
    db.session.execute(text("UPDATE policy_allotted_range SET next = first"))
    assert given_again() == ["HL26-004711", "HL26-004712"]


def test_the_contract_that_stands_keeps_its_number(command: IssuePolicy) -> None:
    services.allot_numbers(command.insurer_id, "HL26-", "001", "100")
    assert services.issue(command).number == services.issue(command).number == "HL26-001"
    assert issue(command) == ["HL26-002"], "asking again used up no number"


def test_of_two_ranges_the_older_one_is_used_up_first_and_then_we_number(
    command: IssuePolicy, caplog: pytest.LogCaptureFixture
) -> None:
    services.allot_numbers(command.insurer_id, "HL26-", "001", "002")
    with clock.frozen(clock.now() + timedelta(days=1)):
        services.allot_numbers(command.insurer_id, "HL27-", "001", "010")
    with caplog.at_level(logging.ERROR):
        given = issue(command, 14)
    assert given[:3] == ["HL26-001", "HL26-002", "HL27-001"]
    assert given[11:] == ["HL27-010", f"{OURS}1", f"{OURS}2"]
    rung = [each.message for each in caplog.records if "are left" in each.message]
    assert rung == [
        "ALARM of the numbers of harbour that begin with HL26-, 0 are left",
        "ALARM of the numbers of harbour that begin with HL27-, 1 are left",
        "ALARM of the numbers of harbour that begin with HL27-, 0 are left",
    ]
    assert given_again() == []


def test_a_range_is_its_insurers_alone(command: IssuePolicy) -> None:
    north = accounts.an_insurer("north")
    services.allot_numbers(north.id, "NO-", "001", "100")
    assert issue(command) == [f"{OURS}1"]
    assert issue(a_contract(north, account_id=command.account_id)) == ["NO-001"]


def test_many_at_once_get_numbers_without_gap_or_double(app: Flask, command: IssuePolicy) -> None:
    services.allot_numbers(command.insurer_id, "HL26-", "001", "100")
    db.session.commit()

    def conclude(place: int) -> str | None:
        with use_scope(Scope.all()), app.app_context():
            (number,) = issue(command)
            if place % 6 == 0:
                db.session.rollback()  # a fault in the middle: its number goes to the next
                return None
            db.session.commit()
            return number

    with ThreadPoolExecutor(8) as threads:
        given = sorted(filter(None, threads.map(conclude, range(24))))
    assert given == [f"HL26-{number:03}" for number in range(1, 21)]


@pytest.mark.parametrize("typed", ["HL26-004711", "hl26 004711", "HL26004711", " hl-26–004711 "])
def test_a_policy_is_found_by_its_insurers_number_however_it_is_spaced(command: IssuePolicy, typed: str) -> None:
    services.allot_numbers(command.insurer_id, "HL26-", "004711", "004799")
    policy = services.issue(command)
    assert queries.policy_by_number(typed) == policy
    assert queries.check(typed, policy.check_code) is not None
    assert queries.check(typed, "AAAAAAAA") is None
    assert queries.applications_in("关于保单HL26-004711的投诉", 50) == {policy.application_id}
    with pytest.raises(PolicyNotFound):
        queries.policy_by_number(typed.replace("4711", "4712"))


@pytest.mark.parametrize(
    ("prefix", "first", "last"),
    [
        ("HL26-", "000500", "000600"),
        ("HL26-", "000000", "000001"),
        ("HL-26", "000100", "000100"),
        ("HL2", "6000000", "6000001"),
        ("HL26-0", "00000", "99999"),
    ],
)
def test_a_number_is_in_one_range_only(command: IssuePolicy, prefix: str, first: str, last: str) -> None:
    services.allot_numbers(command.insurer_id, "HL26-", "000001", "000500")
    with pytest.raises(Invalid, match="another range"):
        services.allot_numbers(accounts.an_insurer("north").id, prefix, first, last)
    assert services.allot_numbers(command.insurer_id, "HL26-", "000501", "000600") == 100
    assert services.allot_numbers(command.insurer_id, "HL26-", "00001", "00500") == 500, "shorter ones are others"


def test_no_number_is_another_one_spaced_otherwise(command: IssuePolicy) -> None:
    """Whatever a system of an insurer's own may say."""
    services.issue(command)
    with pytest.raises(IntegrityError, match="uq_policy_policy_compact_number"):
        db.session.execute(
            text("""
                INSERT INTO policy_policy SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
                    'application_id', gen_random_uuid(), 'number', replace(number, '-2', '2')))).*
                FROM policy_policy p
            """)
        )


class OwnSystem:
    """Answers when it pleases."""

    def __init__(self) -> None:
        self.answers: dict[UUID, str] = {}

    def number(self, insurer: Insurer, application_id: UUID, year: int) -> str:
        if application_id not in self.answers:
            raise Unavailable(f"{insurer.code} has not numbered it yet")
        return f"{self.answers[application_id]}/{year}"


@pytest.fixture
def own_system() -> Iterator[OwnSystem]:
    system = OwnSystem()
    numbers.configure({"harbour": system})
    yield system
    numbers.configure({})


def test_a_system_of_the_insurers_own_numbers_when_it_has_answered(command: IssuePolicy, own_system: OwnSystem) -> None:
    with pytest.raises(Unavailable):
        services.issue(command)
    db.session.rollback()
    assert db.session.scalar(text("SELECT count(*) FROM policy_policy")) == 0
    own_system.answers[command.application_id] = "P-88"
    assert services.issue(command).number == "P-88/2026"
    assert queries.policy_by_number("p88 2026").application_id == command.application_id
    north = a_contract(accounts.an_insurer("north"), account_id=command.account_id)
    assert services.issue(north).number.startswith("EF-NORTH-"), "of other insurers it is not asked"


def test_the_command_says_what_it_took_and_what_not(app: Flask, command: IssuePolicy) -> None:
    run = app.test_cli_runner().invoke
    assert "100 numbers, from HL26-001 on" in run(cli, ["allot-numbers", "Harbour", "HL26-", "001", "100"]).output
    refused = run(cli, ["allot-numbers", "harbour", "EF-", "001", "100"])
    assert (refused.exit_code, "prefix: numbers that begin with EF" in refused.output) == (1, True)
    unknown = run(cli, ["allot-numbers", "nobody", "HL", "001", "100"])
    assert unknown.exit_code == 1
    assert db.session.scalar(text("SELECT count(*) FROM policy_allotted_range")) == 1

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


class OwnSystem:
    """Answers when it pleases."""

    def __init__(self) -> None:
        self.answers: dict[UUID, str] = {}

    def number(self, insurer: Insurer, application_id: UUID, year: int) -> str:
        if application_id not in self.answers:
            raise Unavailable(f"{insurer.code} has not numbered it yet")
        return f"{self.answers[application_id]}-{year}"


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
    assert services.issue(command).number == "P-88-2026"
    assert queries.policy_by_number("p88 2026").application_id == command.application_id
    north = a_contract(accounts.an_insurer("north"), account_id=command.account_id)
    assert services.issue(north).number.startswith("EF-NORTH-"), "of other insurers it is not asked"


@pytest.mark.parametrize("number", ["P 88", "../../etc/passwd", "p-88", "保单88", "-88", "8" * 60])
def test_what_can_be_no_number_is_waited_for(
    command: IssuePolicy, own_system: OwnSystem, number: str, caplog: pytest.LogCaptureFixture
) -> None:
    own_system.answers[command.application_id] = number
    with pytest.raises(Unavailable):
        services.issue(command)
    assert "gave a number that its contract cannot have" in caplog.text
    assert db.session.scalar(text("SELECT count(*) FROM policy_policy")) == 0


def test_no_number_is_another_one_spaced_otherwise(command: IssuePolicy, own_system: OwnSystem) -> None:
    other = replace(command, application_id=new_id())
    own_system.answers |= {command.application_id: "P-88", other.application_id: "P8-8"}
    services.issue(command)
    with pytest.raises(Unavailable):
        services.issue(other)


def test_a_number_that_a_contract_has_is_passed_over(command: IssuePolicy) -> None:
    """The system of another insurer gave it."""
    services.allot_numbers(command.insurer_id, "HL-0012", "024", "027")
    north = a_contract(accounts.an_insurer("north"), account_id=command.account_id)
    system = OwnSystem()
    system.answers[north.application_id] = "HL-001"
    numbers.configure({"north": system})
    try:
        assert services.issue(north).number == "HL-001-2026"
    finally:
        numbers.configure({})
    assert issue(command, 3) == ["HL-0012024", "HL-0012025", "HL-0012027"]


def test_when_a_range_that_ends_in_nines_is_used_up_nothing_is_wrong(command: IssuePolicy) -> None:
    services.allot_numbers(command.insurer_id, "HL-", "998", "999")
    assert issue(command, 2) == ["HL-998", "HL-999"]
    assert given_again() == []


def test_two_who_allot_at_once_do_not_give_a_number_twice(app: Flask, command: IssuePolicy) -> None:
    north = accounts.an_insurer("north").id
    db.session.commit()

    def allot(insurer_id: UUID) -> int:
        with use_scope(Scope.all()), app.app_context():
            try:
                return services.allot_numbers(insurer_id, "HL-", "001", "100")
            except Invalid:
                return 0
            finally:
                db.session.commit()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(allot, [command.insurer_id, north])) == [0, 100]


def test_looking_for_a_number_uses_its_index_for_an_insurer_too(command: IssuePolicy) -> None:
    services.issue(command)
    db.session.commit()
    with use_scope(Scope.insurer(command.insurer_id)):
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = "EXPLAIN SELECT id FROM policy_policy WHERE compact_number = 'HL26004711'"
        plan = "\n".join(db.session.execute(text(asked)).scalars())
    assert "Index Cond: ((compact_number)::text = 'HL26004711'::text)" in plan


def test_the_command_says_what_it_took_and_what_not(app: Flask, command: IssuePolicy) -> None:
    run = app.test_cli_runner().invoke
    assert "100 numbers, from HL26-001 on" in run(cli, ["allot-numbers", "Harbour", "HL26-", "001", "100"]).output
    refused = run(cli, ["allot-numbers", "harbour", "EF-", "001", "100"])
    assert (refused.exit_code, "prefix: numbers that begin with EF" in refused.output) == (1, True)
    unknown = run(cli, ["allot-numbers", "nobody", "HL", "001", "100"])
    assert unknown.exit_code == 1
    assert db.session.scalar(text("SELECT count(*) FROM policy_allotted_range")) == 1

"""A contract is concluded once, under the next number, with what it says fixed for good."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Frequency, Payment, Profile
from marketplace.infra import jobs
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.canonical import digest
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.policy import queries, services
from marketplace.policy.values import (
    CoverPeriod,
    CoverState,
    DocumentNotReady,
    DocumentState,
    NotForSale,
    PolicyIssued,
    PolicyNotFound,
)
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import EntryType
from tests.factories import accounts
from tests.factories.policy import a_contract, a_published_version

pytestmark = pytest.mark.usefixtures("database")

CONCLUDED = [EntryType.PREMIUMS_PLANNED, EntryType.CONTRACT_CONCLUDED]


@pytest.fixture(autouse=True)
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_subscribers", {PolicyIssued: ("policy.make_document",)})


def count(table: str) -> int:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


@pytest.mark.usefixtures("frozen_clock")
def test_a_contract_gets_the_first_number_of_its_insurer_and_year() -> None:
    command = a_contract()
    policy = services.issue(command)
    db.session.commit()
    assert policy == queries.policy(policy.id)
    assert policy.number == "EF-HARBOUR-2026-000001"
    assert policy.period == CoverPeriod(date(2027, 3, 1), date(2047, 2, 28), "Asia/Shanghai")
    assert policy.premium == Money(128_400, "CNY")
    assert (policy.version, policy.document_state) == (1, DocumentState.DUE)
    assert policy.body["number"] == policy.number
    assert policy.body_sha256 == digest(policy.body)
    assert policy.body["insurer"]["code"] == "harbour"
    assert policy.body["demonstration"] is True
    assert policy.product_name.en == "Harbour Term 20"
    assert len(policy.check_code) == 8


def test_act_and_fact_are_committed_with_the_contract() -> None:
    command = a_contract()
    policy = services.issue(command)
    db.session.commit()
    _planned, entry = journey_entries(command.journey_id)
    assert entry.type is EntryType.CONTRACT_CONCLUDED
    assert (entry.application_id, entry.insurer_id) == (command.application_id, command.insurer_id)
    said = {"number": policy.number, "version": 1, "body_sha256": policy.body_sha256, "head": None}
    assert entry.body == said, "nothing of the journey is in a log yet"
    job = db.session.execute(text("SELECT task_name, args FROM procrastinate_jobs")).one()
    assert (job.task_name, job.args) == ("policy.make_document", {"fact": {"policy_id": str(policy.id)}})


def test_one_application_is_concluded_once_however_often_it_is_asked() -> None:
    command = a_contract()
    first = services.issue(command)
    db.session.commit()
    second = services.issue(replace(command, locale="zh_Hans_CN"))
    db.session.commit()
    assert second == first
    assert (count("policy_policy"), count("policy_version"), count("policy_document")) == (1, 1, 2), (
        "the policy and its certificate"
    )
    assert count("procrastinate_jobs") == 1
    assert [each.type for each in journey_entries(command.journey_id)] == CONCLUDED
    other = services.issue(replace(command, application_id=new_id()))
    assert other.number == "EF-HARBOUR-2026-000002"  # the repeated request used up no number


def test_a_contract_that_is_rolled_back_leaves_its_number_to_the_next() -> None:
    command = a_contract()
    db.session.commit()
    assert services.issue(command).number == "EF-HARBOUR-2026-000001"
    db.session.rollback()
    assert count("policy_policy") == 0
    assert journey_entries(command.journey_id) == ()
    assert services.issue(command).number == "EF-HARBOUR-2026-000001"


def test_insurers_and_years_count_for_themselves() -> None:
    harbour, north = accounts.an_insurer(), accounts.an_insurer("north")
    command = a_contract(harbour)
    assert services.issue(command).number.startswith("EF-HARBOUR-")
    assert services.issue(a_contract(north, account_id=command.account_id)).number.endswith("000001")
    # 2026-12-31 16:30 in London is half past midnight of the new year in Shanghai.
    with clock.frozen(datetime(2026, 12, 31, 16, 30, tzinfo=UTC)):
        turned = services.issue(replace(command, application_id=new_id()))
    assert turned.number == "EF-HARBOUR-2027-000001"


@pytest.mark.asvs("2.3.4")
def test_many_at_once_get_numbers_without_gap_or_double(app: Flask) -> None:
    command = a_contract()
    db.session.commit()
    commands = [replace(command, application_id=new_id()) for _ in range(24)]

    def conclude(one) -> str:
        with use_scope(Scope.all()), app.app_context():
            number = services.issue(one).number
            if one in commands[::6]:
                db.session.rollback()  # a fault in the middle: its number goes to the next
                return ""
            db.session.commit()
            return number

    with ThreadPoolExecutor(8) as threads:
        numbers = sorted(filter(None, threads.map(conclude, commands)))
    assert [int(number[-6:]) for number in numbers] == list(range(1, 21))


def test_the_same_application_at_once_is_concluded_once(app: Flask) -> None:
    command = a_contract()
    db.session.commit()

    def conclude(_) -> str:
        with use_scope(Scope.all()), app.app_context():
            number = services.issue(command).number
            db.session.commit()
            return number

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(conclude, range(16))) == {f"EF-HARBOUR-{clock.today('Asia/Shanghai').year}-000001"}
    assert (count("policy_policy"), count("procrastinate_jobs")) == (1, 1)
    assert [each.type for each in journey_entries(command.journey_id)] == CONCLUDED


def test_a_premium_that_does_not_add_up_writes_nothing() -> None:
    command = a_contract(premium=Money(1, "CNY"))
    db.session.commit()
    with pytest.raises(Invalid):
        services.issue(command)
    db.session.commit()
    assert (count("policy_policy"), count("policy_number_range"), count("procrastinate_jobs")) == (0, 0, 0)
    assert journey_entries(command.journey_id) == ()


def test_mere_rates_never_become_a_contract() -> None:
    insurer = accounts.an_insurer()
    a_published_version(insurer.id, profile=Profile.RATES_ONLY)
    with pytest.raises(NotForSale):
        services.issue(a_contract(insurer))
    assert count("policy_policy") == 0


def test_what_a_contract_says_cannot_be_changed_or_deleted() -> None:
    services.issue(a_contract())
    db.session.commit()
    for statement in ("UPDATE policy_version SET body = '{}'", "DELETE FROM policy_version"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text(statement))
        db.session.rollback()


def test_contracts_are_found_by_number_application_order_customer_and_insurer() -> None:
    command = a_contract()
    policy = services.issue(command)
    db.session.commit()
    assert queries.policy_by_number(policy.number.lower().replace("-", " ")) == policy
    assert queries.policy_of_application(command.application_id) == policy
    assert queries.policies_of_order(command.order_id) == (policy,)
    assert queries.policies_of_account(command.account_id) == (policy,)
    assert queries.policies_of_insurer(command.insurer_id) == (policy,)


def test_a_stranger_finds_nothing() -> None:
    policy = services.issue(a_contract())
    db.session.commit()
    assert queries.policies_of_account(new_id()) == ()
    assert queries.policies_of_insurer(new_id()) == ()
    with pytest.raises(PolicyNotFound):
        queries.policy(new_id())
    with pytest.raises(PolicyNotFound):
        queries.policy_by_number(policy.number[:-1] + "9")
    with pytest.raises(DocumentNotReady):
        queries.document_bytes(policy.id)


@pytest.mark.asvs("14.2.6")
@pytest.mark.requirement("O13-04")
def test_the_public_check_tells_status_product_and_period_and_nobody() -> None:
    policy = services.issue(a_contract())
    answers = {}
    for day, at in (("before", (2027, 2, 28)), ("during", (2027, 3, 1)), ("after", (2047, 3, 1))):
        with clock.frozen(datetime(*at, 4, 0, tzinfo=UTC)):
            found = queries.check(policy.number.lower(), f" {policy.check_code.lower()} ")
        assert found is not None
        answers[day] = found.state
    assert answers == {
        "before": CoverState.NOT_STARTED,
        "during": CoverState.IN_FORCE,
        "after": CoverState.ENDED,
    }
    assert found.product_name.en == "Harbour Term 20"
    assert found.period == policy.period
    assert "张伟" not in repr(found)
    assert "Zhang" not in repr(found)


@pytest.mark.requirement("O13-04")
def test_a_wrong_code_and_an_unknown_number_are_told_the_same() -> None:
    policy = services.issue(a_contract())
    assert queries.check(policy.number, "AAAAAAAA") is None
    assert queries.check(policy.number, "") is None
    assert queries.check(policy.number, "00000000") is None
    assert queries.check(policy.number[:-1] + "9", policy.check_code) is None
    assert queries.check(policy.number[:-1] + "9", "00000000") is None
    assert queries.check("nonsense", policy.check_code) is None
    assert queries.check("", "") is None


@pytest.mark.requirement("PER-03")
@pytest.mark.usefixtures("frozen_clock")
def test_the_days_of_later_premiums_stand_with_the_contract_as_they_were_shown_before_it(app: Flask) -> None:
    command = a_contract()
    payment = catalog.product_version(command.product_version_id).content.payment
    frequency, times = payment.frequency_of(command.risk), payment.times_of(command.risk)
    shown = queries.instalments_ahead(command.start_on, frequency, times, command.premium)
    policy = services.issue(command)
    services.issue(command)
    db.session.commit()
    assert queries.instalments_of(policy.id) == shown
    assert (len(shown), shown[0].due_on, shown[-1].due_on) == (19, date(2028, 3, 1), date(2046, 3, 1))
    assert {each.amount for each in shown} == {policy.premium}
    (entry,) = [each for each in journey_entries(policy.journey_id) if each.type is EntryType.PREMIUMS_PLANNED]
    assert entry.body["times"] == policy.body["premium"]["times"] == 20
    assert (entry.body["due_on"], entry.body["last_due_on"]) == ("2028-03-01", "2046-03-01")
    for sentence in ("UPDATE policy_instalment SET amount_minor = 1", "DELETE FROM policy_instalment"):
        with app.app_context(), pytest.raises(ProgrammingError, match="permission denied"):
            db.session.execute(text(sentence))
    db.session.rollback()
    assert queries.instalments_of(policy.id) == shown


def test_what_is_paid_once_or_costs_nothing_has_no_later_premiums() -> None:
    version = a_published_version(accounts.an_insurer("once").id, payment=Payment(Frequency.SINGLE))
    policy = services.issue(a_contract(insurer=accounts.an_insurer("free"), product_version_id=version.id))
    assert queries.instalments_of(policy.id) == ()
    assert count("policy_instalment") == 0

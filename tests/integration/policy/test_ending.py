"""A contract ends once, on a day that can be its last, whatever ends it; its time of keeping is counted from there."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.infra.db import db
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.policy import queries, services
from marketplace.policy.services import contracts
from marketplace.policy.values import (
    ContractEnded,
    ContractInForce,
    CoverState,
    EndContract,
    Ending,
    Policy,
    PolicyNotFound,
    PolicyState,
)
from marketplace.privacy import queries as privacy
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import Entry, EntryType
from tests.factories.accounts import a_guest
from tests.factories.retention import TWO_YEARS, a_concluded_contract, on, ran_out, run

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

EARLY = [each for each in Ending if each is not Ending.EXPIRED]
JUNE = date(2027, 6, 10)


def endings(policy: Policy) -> list[Entry]:
    return [entry for entry in journey_entries(policy.journey_id) if entry.type is EntryType.CONTRACT_ENDED]


@pytest.mark.requirement("T26-46")
@pytest.mark.parametrize("how", EARLY)
def test_whatever_ends_a_contract_its_records_are_kept_from_that_day(how: Ending) -> None:
    policy = a_concluded_contract(term=TWO_YEARS)
    assert privacy.kept_contract(policy.id).kept_until == date(2039, 2, 28), "if it ran its whole period"
    with on(JUNE):
        services.end_contract(EndContract(policy.id, how, JUNE))
        db.session.commit()
        ended = queries.policy(policy.id)
        kept = privacy.kept_contract(policy.id)
    assert (ended.state, ended.ended_on, ended.ending) == (PolicyState.ENDED, JUNE, how)
    assert (kept.ended_on, kept.ending, kept.kept_until) == (JUNE, how, date(2037, 6, 10))
    (entry,) = endings(policy)
    assert entry.body == {"number": policy.number, "ending": how, "on": "2027-06-10"}
    assert (entry.application_id, entry.insurer_id) == (policy.application_id, policy.insurer_id)


@pytest.mark.requirement("T26-46")
def test_one_that_runs_out_ends_with_its_last_day_by_the_clock() -> None:
    policy = a_concluded_contract()
    assert policy.period.end_on == date(2028, 2, 29)
    with on(policy.period.end_on, time(23, 59)):
        run("policy.end_expired")
        assert queries.policy(policy.id).state is PolicyState.IN_FORCE
    with on(date(2028, 3, 1), time(0)):
        run("policy.end_expired")
        run("policy.end_expired")
    ended = queries.policy(policy.id)
    assert (ended.state, ended.ended_on, ended.ending) == (PolicyState.ENDED, date(2028, 2, 29), Ending.EXPIRED)
    assert len(endings(policy)) == 1, "once"


@pytest.mark.requirement("T26-46")
def test_the_day_is_over_where_the_contract_is_at_home() -> None:
    """Midnight in Shanghai is four in the afternoon of the day before by the clock of the world."""
    policy = a_concluded_contract()
    over = datetime(2028, 2, 29, 16, tzinfo=UTC)
    with on((over - timedelta(seconds=1)).date(), time(15, 59, 59), "UTC"):
        run("policy.end_expired")
        assert queries.policy(policy.id).ended_on is None
    with on(over.date(), time(16), "UTC"):
        run("policy.end_expired")
    assert queries.policy(policy.id).ended_on == date(2028, 2, 29)


@pytest.mark.requirement("T26-46")
def test_a_day_in_brussels_ends_later_than_in_shanghai() -> None:
    policy = a_concluded_contract()
    db.session.execute(text("UPDATE policy_policy SET zone = 'Europe/Brussels'"))
    db.session.commit()
    with on(date(2028, 2, 29), time(22, 59), "UTC"):
        run("policy.end_expired")
        assert queries.policy(policy.id).ended_on is None
    with on(date(2028, 2, 29), time(23), "UTC"):
        run("policy.end_expired")
    assert queries.policy(policy.id).ended_on == date(2028, 2, 29)


def test_many_end_in_one_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "BATCH", 1)
    first = a_concluded_contract(customer := a_guest("li.na@example.com"))
    policies = [first, a_concluded_contract(customer, beside=first)]
    ran_out(first)
    assert [queries.policy(each.id).ending for each in policies] == [Ending.EXPIRED] * 2


@pytest.mark.requirement("T26-46")
@pytest.mark.parametrize(
    ("how", "day"),
    [
        (Ending.CANCELLED, JUNE + timedelta(days=1)),  # tomorrow
        (Ending.WITHDRAWN, date(2026, 11, 21)),  # before it was concluded
        (Ending.EXPIRED, date(2028, 2, 29)),  # not over yet
        (Ending.EXPIRED, JUNE),
    ],
)
def test_a_day_that_cannot_be_the_end_is_refused(how: Ending, day: date) -> None:
    policy = a_concluded_contract()
    with on(JUNE), pytest.raises(Invalid) as refused:
        services.end_contract(EndContract(policy.id, how, day))
    assert set(refused.value.fields) == {"on"}
    assert (queries.policy(policy.id), endings(policy)) == (policy, [])


def test_one_cannot_end_after_it_would_have_run_out() -> None:
    policy = a_concluded_contract()
    with on(date(2028, 6, 1)), pytest.raises(Invalid):
        services.end_contract(EndContract(policy.id, Ending.CANCELLED, date(2028, 3, 1)))


@pytest.mark.requirement("T26-46")
def test_a_contract_ends_once() -> None:
    policy = a_concluded_contract()
    with on(JUNE):
        services.end_contract(EndContract(policy.id, Ending.WITHDRAWN, JUNE))
        services.end_contract(EndContract(policy.id, Ending.WITHDRAWN, JUNE))
        for how, day in ((Ending.VOID, JUNE), (Ending.WITHDRAWN, JUNE - timedelta(days=1))):
            with pytest.raises(ContractEnded):
                services.end_contract(EndContract(policy.id, how, day))
    db.session.commit()
    assert len(endings(policy)) == 1
    ran_out(policy)
    assert queries.policy(policy.id).ending is Ending.WITHDRAWN, "the clock does not end it again"
    with pytest.raises(PolicyNotFound):
        services.end_contract(EndContract(new_id(), Ending.VOID, JUNE))


@pytest.mark.requirement("T26-46")
@pytest.mark.parametrize(
    "change", ["ended_on = ended_on - 1", "ending = 'void'", "ended_at = now()", "ended_on = NULL"]
)
def test_nobody_moves_the_end_of_a_contract_afterwards(change: str) -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with pytest.raises(ProgrammingError, match="how a contract ended is written once"):
        db.session.execute(text(f"UPDATE policy_policy SET {change}"))


@pytest.mark.requirement("T26-46")
def test_what_is_in_force_cannot_be_noted_as_erased() -> None:
    policy = a_concluded_contract()
    with pytest.raises(ContractInForce):
        services.erase_contract(policy.id)
    assert not queries.frame(policy.id).erased
    with pytest.raises((IntegrityError, ProgrammingError), match="a contract in force or in dispute is kept"):
        db.session.execute(text("UPDATE policy_policy SET erased_at = now()"))


@pytest.mark.requirement("PER-13")
def test_a_contract_is_looked_up_long_after_its_end() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with on(policy.period.end_on + timedelta(days=93)):
        check = queries.check(policy.number, policy.check_code)
        assert check is not None
        assert check.state is CoverState.ENDED
        assert queries.policy_of_application(policy.application_id) == queries.policy(policy.id)


def test_a_contract_that_ended_early_covers_no_more() -> None:
    policy = a_concluded_contract(start_on=date(2026, 12, 1))
    version = {policy.product_version_id}
    with on(JUNE):
        services.end_contract(EndContract(policy.id, Ending.CANCELLED, JUNE))
        check = queries.check(policy.number, policy.check_code)
        assert check is not None
        assert check.state is CoverState.IN_FORCE, "to the end of the day"
    with on(JUNE + timedelta(days=1)):
        check = queries.check(policy.number, policy.check_code)
        assert check is not None
        assert check.state is CoverState.ENDED
        assert queries.in_force_on(version, JUNE) == {policy.product_version_id: 1}
        assert queries.in_force_on(version, JUNE + timedelta(days=1)) == {}
        assert queries.ending_between(version, JUNE, JUNE) == {policy.product_version_id: 1}
        assert queries.ending_between(version, policy.period.end_on, policy.period.end_on) == {}

"""Records of contracts are destroyed when nothing asks to keep them any more: not a day earlier, never in dispute, and
after two weeks of notice (T26-44, T26-45, T26-46).
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from config import Settings
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.catalog.values import Term
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence import services as mails
from marketplace.correspondence.values import TrailOf
from marketplace.infra import storage, vault
from marketplace.infra.db import db
from marketplace.oversight import services as oversight
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import EndContract, Ending, Policy, PolicyNotFound
from marketplace.privacy import queries, services
from marketplace.privacy.services import erasing, forgetting
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import HoldClosed, HoldTooLate
from marketplace.traceability import queries as trail
from marketplace.traceability.services import begin_visit, record_view
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application
from tests.factories.correspondence import a_message
from tests.factories.evidence import acting
from tests.factories.retention import (
    ONE_YEAR,
    TWO_YEARS,
    a_concluded_contract,
    an_offer_beside,
    an_open_dispute,
    on,
    ran_out,
    run,
)
from tests.factories.traceability import a_view

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

DAY = timedelta(days=1)
SHORT_UNTIL = date(2033, 2, 28)
"""The last day of keeping of a contract of a year that ran out on 29 February 2028."""


def numbers_due() -> list[str]:
    return [each.number for each in queries.contracts_due()]


def erased(policy: Policy) -> bool:
    return policies.frame(policy.id).erased


def night(day: date) -> None:
    """What the daily forgetting does in the night of this day."""
    with on(day):
        run("privacy.forget")


def two_nights(until: date) -> None:
    """Notice is given on the first day on which it can be, and two weeks later the records are destroyed."""
    night(until + DAY)
    night(until + 15 * DAY)
    vault.forget()


# --- the day ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-44")
@pytest.mark.parametrize(
    ("term", "start_on", "ended_on", "kept_until"),
    [
        (ONE_YEAR, date(2027, 3, 1), date(2028, 2, 29), date(2033, 2, 28)),  # it ends on a day that five years lack
        (ONE_YEAR, date(2027, 2, 1), date(2028, 1, 31), date(2033, 1, 31)),  # the end of a month
        (TWO_YEARS, date(2027, 3, 1), date(2029, 2, 28), date(2039, 2, 28)),
        (TWO_YEARS, date(2026, 12, 31), date(2028, 12, 30), date(2038, 12, 30)),
    ],
)
def test_kept_to_the_last_day_and_due_on_the_next(term: Term, start_on: date, ended_on: date, kept_until: date) -> None:
    policy = a_concluded_contract(term=term, start_on=start_on)
    ran_out(policy)
    assert queries.kept_contract(policy.id).ended_on == ended_on
    for day, due in ((kept_until - DAY, []), (kept_until, []), (kept_until + DAY, [policy.number])):
        with on(day):
            assert numbers_due() == due, day


@pytest.mark.requirement("T26-44")
def test_a_day_is_over_at_midnight_where_the_contract_is_at_home() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with on(SHORT_UNTIL, time(15, 59), "UTC"):
        assert numbers_due() == [], "23:59 in Shanghai"
    with on(SHORT_UNTIL, time(16), "UTC"):
        assert numbers_due() == [policy.number], "midnight in Shanghai, four in the afternoon in Greenwich"


@pytest.mark.requirement("T26-46")
def test_what_is_in_force_is_never_due() -> None:
    policy = a_concluded_contract()
    with on(date(2090, 1, 1)):
        assert numbers_due() == [], "nobody noted its end"
        assert erasing.erase_contract(policy.id) is False
    night(date(2090, 1, 1))
    assert not erased(policy)


@pytest.mark.requirement("T26-46")
def test_an_early_end_moves_the_day() -> None:
    policy = a_concluded_contract()
    with on(date(2027, 3, 10)):
        policy_services.end_contract(EndContract(policy.id, Ending.WITHDRAWN, date(2027, 3, 10)))
        db.session.commit()
    with on(date(2032, 3, 10)):
        assert numbers_due() == []
    with on(date(2032, 3, 11)):
        assert numbers_due() == [policy.number]


# --- notice and destruction -------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-44")
def test_it_is_destroyed_two_weeks_after_the_desk_was_told() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    night(SHORT_UNTIL)
    assert counts() == {"contracts": 0, "contracts_noticed": 0, "contracts_due": 0}
    night(SHORT_UNTIL + DAY)
    assert counts() == {"contracts": 0, "contracts_noticed": 1, "contracts_due": 1}
    (due,) = queries.noticed([queries.kept_contract(policy.id)])
    assert (due.noticed_on, due.erased_from) == (SHORT_UNTIL + DAY, SHORT_UNTIL + 15 * DAY)
    night(SHORT_UNTIL + 14 * DAY)
    assert not erased(policy)
    night(SHORT_UNTIL + 15 * DAY)
    assert counts() == {"contracts": 1, "contracts_noticed": 0, "contracts_due": 0}
    assert erased(policy)
    night(SHORT_UNTIL + 16 * DAY)
    assert counts() == {"contracts": 0, "contracts_noticed": 0, "contracts_due": 0}


def counts() -> dict[str, int]:
    """Of the latest run."""
    found = max(queries.latest_runs(), key=lambda run: run.ran_at).counts
    return {name: found[name] for name in ("contracts", "contracts_noticed", "contracts_due")}


def test_a_clock_that_jumps_ahead_destroys_nothing_unseen() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    night(date(2060, 1, 1))
    assert not erased(policy), "the desk is told first, whenever that is"
    assert counts()["contracts_noticed"] == 1


@pytest.mark.requirement("T26-44")
def test_all_that_names_anybody_is_gone_and_what_the_books_need_stays() -> None:
    policy = a_concluded_contract()
    about = TrailOf(policy.journey_id, policy.application_id, policy.insurer_id)
    mails.queue(a_message(subject_key=str(policy.id), recipient="li.na@example.com", trail=about))
    pages = [
        record_view(a_view(policy.journey_id, b"<p>page", application_id=of)) for of in (policy.application_id, None)
    ]
    paper = storage.put_sealed(b"%PDF the policy", policy.application_id)
    picture = storage.put_sealed(b"a picture", policy.application_id)
    drain("correspondence")
    before = trail.journey_entries(policy.journey_id)
    ran_out(policy)
    two_nights(SHORT_UNTIL)

    kept = policies.policy(policy.id)
    assert (kept.erased, dict(kept.body)) == (True, {})
    assert (kept.number, kept.premium, kept.period) == (policy.number, policy.premium, policy.period)
    told = applications.application(policy.application_id)
    assert (told.erased, told.state, told.email, told.account_id, told.people) == (
        True,
        State.CONTRACTED,
        None,
        None,
        None,
    )
    assert applications.application_view(policy.application_id).offer.need.risk == {}
    assert [mail.recipient for mail in correspondence.inbox()] == [""]
    for sha256 in (paper, picture):
        with pytest.raises(vault.DataDestroyed):
            storage.get(sha256)
    for page in pages:
        with pytest.raises(vault.DataDestroyed):
            trail.page_bytes(page)
    after = {entry.id: entry for entry in trail.journey_entries(policy.journey_id)}
    assert {str(entry.body) for entry in after.values()} == {"{}"}
    assert all(after[entry.id].body_sha256 == entry.body_sha256 for entry in before), "the leaves stay as they were"
    erasures = [entry.application_id for entry in after.values() if entry.type is EntryType.DATA_ERASED]
    assert sorted(erasures, key=str) == sorted([policy.application_id, None], key=str)
    assert proofs(policy) == {"application", "journey"}
    assert policies.policies_of_account(policy.account_id) == ()
    assert policies.check(policy.number, policy.check_code) is None
    waiting = text("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'")
    assert "oversight.note_erased" in set(db.session.scalars(waiting)), "the sales log forgets the address too"
    oversight.refresh_application(policy.application_id)


def proofs(policy: Policy) -> set[str]:
    """Of what about the contract it is proven that it was erased because its time was over."""
    asked = "SELECT subject FROM privacy_erasure WHERE reason = 'retention' AND subject_id IN (:application, :journey)"
    own = {"application": policy.application_id, "journey": policy.journey_id}
    return set(db.session.scalars(text(asked), own))


@pytest.mark.requirement("T26-44")
def test_the_visit_stays_while_another_contract_rests_on_it() -> None:
    customer = a_guest("li.na@example.com")
    short = a_concluded_contract(customer)
    long = a_concluded_contract(customer, TWO_YEARS, beside=short)
    page = record_view(a_view(short.journey_id, b"<p>before any application"))
    for each in (short, long):
        ran_out(each)
    two_nights(SHORT_UNTIL)
    assert (erased(short), erased(long)) == (True, False)
    assert trail.page_bytes(page) == b"<p>before any application"
    assert policies.policy(long.id).body == long.body
    assert proofs(short) == {"application"}
    two_nights(queries.kept_contract(long.id).kept_until)
    assert erased(long)
    with pytest.raises(vault.DataDestroyed):
        trail.page_bytes(page)


@pytest.mark.requirement("T26-44")
def test_a_visit_that_goes_on_is_forgotten_a_year_after_it() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with on(SHORT_UNTIL):
        page = record_view(a_view(policy.journey_id, b"<p>comparing again"))
    two_nights(SHORT_UNTIL)
    assert erased(policy)
    assert trail.page_bytes(page) == b"<p>comparing again"
    night(SHORT_UNTIL + 370 * DAY)
    vault.forget()
    with pytest.raises(vault.DataDestroyed):
        trail.page_bytes(page)


@pytest.mark.requirement("T26-44")
def test_a_look_at_the_policy_itself_hurries_and_hinders_nothing() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with on(SHORT_UNTIL):
        record_view(a_view(policy.journey_id, b"<p>my policy", application_id=policy.application_id))
    two_nights(SHORT_UNTIL)
    assert "journey" in proofs(policy)


def test_an_application_beside_it_keeps_the_visit_until_it_is_forgotten_itself() -> None:
    customer = a_guest("li.na@example.com")
    policy = a_concluded_contract(customer)
    ran_out(policy)
    other = an_accepted_application(a_guest("zhou.min@example.com"), an_offer_beside(policy))
    with on(SHORT_UNTIL):
        record_view(a_view(policy.journey_id, b"<p>still at it", application_id=other.id))
    two_nights(SHORT_UNTIL)
    assert erased(policy)
    assert "journey" not in proofs(policy)
    assert applications.application(other.id).people is not None
    night(SHORT_UNTIL + 370 * DAY)
    assert applications.application(other.id).erased
    assert "journey" in proofs(policy)


def test_nothing_is_opened_for_it(settings: Settings, tmp_path: Path) -> None:
    """A keeper at its limit, or away, keeps nothing longer than it may be kept."""
    policy = a_concluded_contract()
    ran_out(policy)
    vault.configure(vault.RemoteKeeper(tmp_path / "nobody"))
    try:
        night(SHORT_UNTIL + DAY)
        night(SHORT_UNTIL + 15 * DAY)
    finally:
        vault.configure(vault.RemoteKeeper(settings.keeper_socket))
    assert erased(policy)


@pytest.mark.requirement("T26-44")
def test_a_run_that_is_killed_has_destroyed_what_it_did_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    customer = a_guest("li.na@example.com")
    first = a_concluded_contract(customer)
    both = sorted([first, a_concluded_contract(customer, beside=first)], key=lambda each: each.number)
    ran_out(first)
    night(SHORT_UNTIL + DAY)
    monkeypatch.setattr(forgetting, "BATCH", 1)
    follow = erasing.correspondence.forget_application
    done: list[UUID] = []

    def fail_at_the_second(application_id: UUID) -> int:
        done.append(application_id)
        if len(done) == 2:
            raise vault.VaultUnavailable
        return follow(application_id)

    with monkeypatch.context() as patched:
        patched.setattr(erasing.correspondence, "forget_application", fail_at_the_second)
        with pytest.raises(vault.VaultUnavailable):
            night(SHORT_UNTIL + 15 * DAY)
    db.session.rollback()
    assert [erased(each) for each in both] == [True, False]
    second = both[1]
    vault.forget()
    assert policies.policy(second.id).body == second.body, "all of it is there"
    night(SHORT_UNTIL + 16 * DAY)
    assert [erased(each) for each in both] == [True, True]
    assert [proofs(each) for each in both] == [{"application", "journey"}] * 2


def test_erasing_again_changes_nothing() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with on(SHORT_UNTIL + DAY):
        assert erasing.erase_contract(policy.id) is True
        db.session.commit()
        entries = trail.journey_entries(policy.journey_id)
        assert erasing.erase_contract(policy.id) is False
        db.session.commit()
    assert trail.journey_entries(policy.journey_id) == entries


def test_customers_find_it_no_more_and_a_copy_does_not_stumble() -> None:
    customer = a_guest("li.na@example.com")
    policy = a_concluded_contract(customer)
    ran_out(policy)
    two_nights(SHORT_UNTIL)
    with on(SHORT_UNTIL + 20 * DAY):
        assert copy_of(customer, datetime(2033, 4, 1, tzinfo=UTC)).startswith(b"PK")
    assert queries.contracts_of_account(customer.id) == ()
    with pytest.raises(PolicyNotFound):
        policies.frame_by_number("EF-NOBODY-2026-000001")


# --- disputes ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-45")
def test_in_dispute_nothing_is_destroyed_however_long() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    an_open_dispute(policy)
    for day in (SHORT_UNTIL + DAY, SHORT_UNTIL + 15 * DAY, date(2090, 1, 1), date(2090, 2, 1)):
        night(day)
    with on(date(2090, 3, 1)):
        assert numbers_due() == []
        assert erasing.erase_contract(policy.id) is False
    assert not erased(policy)
    assert policies.policy(policy.id).body == policy.body


@pytest.mark.requirement("T26-45")
@pytest.mark.parametrize(
    ("closed_on", "kept_until"),
    [
        (date(2029, 1, 1), SHORT_UNTIL),
        (date(2030, 2, 28), SHORT_UNTIL),
        (date(2030, 3, 1), date(2033, 3, 1)),
        (date(2032, 2, 29), date(2035, 2, 28)),
        (date(2040, 7, 7), date(2043, 7, 7)),
    ],
)
def test_afterwards_the_later_of_both_days_counts(closed_on: date, kept_until: date) -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    dispute = an_open_dispute(policy)
    with on(closed_on):
        services.close_hold(dispute.id, "It was settled.", acting(a_guest("somebody@example.com")))
        db.session.commit()
    for day, due in ((kept_until - DAY, []), (kept_until, []), (kept_until + DAY, [policy.number])):
        with on(day):
            assert numbers_due() == due, day


@pytest.mark.requirement("T26-45")
def test_of_two_disputes_the_last_one_frees_it() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    first, second = an_open_dispute(policy), an_open_dispute(policy)
    by = acting(a_guest("somebody@example.com"))
    with on(date(2029, 1, 1)):
        services.close_hold(first.id, "Withdrawn.", by)
        db.session.commit()
    assert queries.kept_contract(policy.id).held
    with on(date(2034, 5, 5)):
        services.close_hold(second.id, "Dismissed.", by)
        db.session.commit()
    kept = queries.kept_contract(policy.id)
    assert (kept.held, kept.kept_until) == (False, date(2037, 5, 5))


@pytest.mark.requirement("T26-45")
def test_a_dispute_that_comes_within_the_notice_stops_it_and_a_new_notice_is_given() -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    night(SHORT_UNTIL + DAY)
    with on(SHORT_UNTIL + 10 * DAY):
        dispute = an_open_dispute(policy)
    night(SHORT_UNTIL + 15 * DAY)
    assert not erased(policy)
    with on(SHORT_UNTIL + 20 * DAY):
        services.close_hold(dispute.id, "It was settled.", acting(a_guest("somebody@example.com")))
        db.session.commit()
    until = queries.kept_contract(policy.id).kept_until
    assert until == date(2036, 3, 20)
    night(until + DAY)
    assert not erased(policy), "the notice of three years ago counts no more"
    night(until + 15 * DAY)
    assert erased(policy)


@pytest.mark.requirement("T26-45")
@pytest.mark.parametrize("whose", ["application_id", "journey_id"])
@pytest.mark.parametrize("standing", ["in force", "in dispute"])
def test_not_even_the_database_lets_its_key_be_destroyed(whose: str, standing: str) -> None:
    policy = a_concluded_contract()
    if standing == "in dispute":
        ran_out(policy)
        an_open_dispute(policy)
    with pytest.raises(ProgrammingError, match="a contract in force or in dispute is kept"):
        vault.destroy(getattr(policy, whose))
    db.session.rollback()
    with pytest.raises(ProgrammingError, match="a contract in force or in dispute is kept"):
        db.session.execute(text("UPDATE policy_policy SET erased_at = now()"))
    db.session.rollback()
    vault.forget()
    assert policies.policy(policy.id).body == policy.body


def test_beside_a_contract_in_force_others_are_still_forgotten() -> None:
    customer = a_guest("li.na@example.com")
    policy = a_concluded_contract(customer)
    _, other = an_application(an_offer_beside(policy), account=a_guest("zhou.min@example.com"))
    db.session.commit()
    night(date(2027, 12, 31))
    assert applications.application(other.id).erased
    assert not erased(policy)


@pytest.mark.requirement("T26-45")
@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("UPDATE privacy_hold SET kind = 'lawsuit'", "nothing else of it changes"),
        ("UPDATE privacy_hold SET opened_at = now()", "nothing else of it changes"),
        ("DELETE FROM privacy_hold", "permission denied"),
        ("UPDATE privacy_notice SET given_on = given_on - 30", "permission denied"),
        ("DELETE FROM privacy_notice", "permission denied"),
    ],
)
def test_what_was_noted_of_a_dispute_or_a_notice_stays_as_it_is(act: str, why: str) -> None:
    an_open_dispute(a_concluded_contract())
    with pytest.raises(ProgrammingError, match=why):
        db.session.execute(text(act))


@pytest.mark.requirement("T26-45")
def test_a_closed_dispute_is_neither_moved_nor_opened_again() -> None:
    policy = a_concluded_contract()
    dispute = an_open_dispute(policy)
    by = acting(a_guest("somebody@example.com"))
    services.close_hold(dispute.id, "It was settled.", by)
    db.session.commit()
    with pytest.raises(HoldClosed):
        services.close_hold(dispute.id, "Once more.", by)
    for change in (
        "closed_on = closed_on - 365",
        "closed_at = NULL, closed_on = NULL, closed_by = NULL, outcome = NULL",
    ):
        with pytest.raises(ProgrammingError, match="a dispute is closed once"):
            db.session.execute(text(f"UPDATE privacy_hold SET {change}"))
        db.session.rollback()
    (closed,) = queries.holds_of(policy.id)
    assert (closed.outcome, closed.closed_on) == ("It was settled.", date(2026, 11, 22))


@pytest.mark.requirement("T26-45")
@pytest.mark.requirement("T26-44", "T26-45")
def test_later_visits_are_kept_as_long_as_the_contract_and_go_with_it() -> None:
    policy = a_concluded_contract()
    visit = begin_visit(policy.application_id, uuid4(), {})
    seen = record_view(
        a_view(visit, b"<!doctype html>seen", application_id=policy.application_id, body={"status": 200})
    )
    ran_out(policy)
    until = queries.kept_contract(policy.id).kept_until
    night(until)
    assert trail.page_bytes(seen) == b"<!doctype html>seen", "for years nobody came"
    assert [each.body for each in trail.journey_entries(visit)] == [{"status": 200}]
    dispute = an_open_dispute(policy)
    two_nights(until)
    assert trail.page_bytes(seen) == b"<!doctype html>seen", "held"
    services.close_hold(dispute.id, "It was settled.", acting(a_guest("somebody@example.com")))
    db.session.commit()
    two_nights(queries.kept_contract(policy.id).kept_until)
    assert erased(policy)
    (left,) = trail.journey_entries(visit)
    assert (left.id, left.body, bool(left.page_sha256)) == (seen, {}, True)
    with pytest.raises(vault.DataDestroyed):
        trail.page_bytes(seen)


def test_nothing_is_left_to_hold_of_what_is_erased() -> None:
    policy = a_concluded_contract()
    dispute = an_open_dispute(policy)
    ran_out(policy)
    services.close_hold(dispute.id, "It was settled.", acting(a_guest("somebody@example.com")))
    db.session.commit()
    two_nights(queries.kept_contract(policy.id).kept_until)
    with pytest.raises(HoldTooLate):
        an_open_dispute(policy)
    (kept,) = queries.holds_of(policy.id)
    assert (kept.kind, kept.reference, kept.reason, kept.outcome) == ("complaint", "", "", None), "its words went too"


@pytest.mark.requirement("T26-44")
def test_while_money_is_owed_everything_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = a_concluded_contract()
    ran_out(policy)
    with monkeypatch.context() as owing:
        owing.setattr(erasing.orders, "unfinished_journeys", frozenset)
        two_nights(SHORT_UNTIL)
        assert not erased(policy)
    night(SHORT_UNTIL + 16 * DAY)
    assert erased(policy)

"""What is found opens one case, people decide it, and whoever it is about learns nothing of it (O13-44)."""

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.correspondence import queries as correspondence
from marketplace.infra import watchlist
from marketplace.infra.db import db
from marketplace.infra.watchlist import Listed, Watchlist
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason
from marketplace.screening import queries, services
from marketplace.screening.values import Case, CaseState, Decision, EventKind, RuleCode, SecondPersonNeeded
from marketplace.traceability import queries as trail
from sandbox.demo.visitor import Identity, Visitor, words
from tests.everything import every_row
from tests.simulator_server import PATIENCE, SimulatorServer
from tests.web.conftest import NothingWritten, count, run_jobs, step_of
from tests.web.desk_visits import LI_NA, at_the_desk
from tests.web.test_payment_faults import hear, to_stripe

AtStep = Callable[..., Visitor]
Work = Callable[[], list[str]]
LIST = Watchlist("tests", date(2026, 11, 1), [Listed("T-7", ("Na Li",), 1992)])


@pytest.fixture
def listed(shop: Flask) -> Iterator[None]:
    """Li Na has a namesake on the list."""
    watchlist.configure(LIST)
    yield
    watchlist.configure(None)


@pytest.fixture
def compliance(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_COMPLIANCE)


@pytest.fixture
def other_compliance(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_COMPLIANCE)


def act(clerk: Visitor, case: Case, what: str, **fields: str) -> int:
    """Open the case and answer on it; the status."""
    clerk.get(f"/admin/screening/{case.id}")
    clerk.post(fields, f"/admin/screening/{case.id}/{what}")
    return clerk.status


@pytest.fixture
def held(listed: None, at_step: AtStep, work: Work) -> Visitor:
    """Li Na has declared, and waits."""
    visitor = at_step("review")
    visitor.post({"declare": "yes"})
    work()
    return visitor


def waiting(shop: Flask) -> list[Case]:
    with shop.app_context():
        return [queries.case(each.id) for each in queries.waiting_cases()]


def state(shop: Flask, visitor: Visitor) -> State:
    with shop.app_context():
        return applications.application(UUID(visitor.at.split("/")[2])).state


def mails(shop: Flask) -> list[str]:
    with shop.app_context():
        return [each.kind for each in correspondence.inbox(recipient=LI_NA.email) if "code" not in each.kind]


@pytest.mark.requirement("O13-44")
def test_a_name_on_the_list_waits_before_anything_is_decided_and_nobody_is_told_why(
    shop: Flask, held: Visitor, nothing_written: NothingWritten
) -> None:
    assert state(shop, held) is State.SUBMITTED
    said = words(held.text)
    assert "Somebody looks at your application first" in said
    for word in ("list", "screening", "fraud", "launder", "T-7"):
        assert word not in said.split("Licence of the agency")[0].lower().replace("listed", ""), word
    assert count(shop, "underwriting_decision") == 0
    (case,) = waiting(shop)
    assert (case.rule, case.holds, case.state) == (RuleCode.LIST_MATCH, True, CaseState.OPEN)
    (match,) = case.facts[0].numbers["matches"]
    assert (match["entry"], match["listed"], match["likeness"]) == ("T-7", "Na Li", "normalised")
    application = UUID(held.at.split("/")[2])
    with shop.app_context():
        entries = trail.entries_of_application(application)
    assert not [each for each in entries if "T-7" in str(each.body) or "screening" in each.type]
    tab = Visitor(held.client)
    with nothing_written():
        tab.get(f"/application/{application}/pay")
    assert step_of(tab.at) != "pay"
    assert count(shop, "payment_attempt") == 0
    assert mails(shop) == []


@pytest.mark.requirement("O13-44")
def test_a_namesake_is_cleared_by_one_person_and_goes_on_by_mail(
    shop: Flask, held: Visitor, compliance: Visitor
) -> None:
    desk = compliance.get("/admin/screening")
    (case,) = waiting(shop)
    assert case.reference in desk
    assert "an application waits for it" in words(desk)
    act(compliance, case, "decide", decision="cleared")
    assert compliance.status == 422
    assert "“Li Na” may be “Na Li”, entry T-7" in words(compliance.text)
    assert state(shop, held) is State.SUBMITTED
    act(compliance, case, "decide", decision="cleared", reason="Another date of birth.")
    run_jobs(shop)
    with shop.app_context():
        decided = queries.case(case.id)
    assert (decided.state, decided.decision) == (CaseState.CLOSED, Decision.CLEARED)
    kinds = [each.kind for each in decided.events]
    assert kinds == [EventKind.OPENED, EventKind.LOOKED, EventKind.LOOKED, EventKind.DECIDED, EventKind.LOOKED]
    assert [each.reason for each in decided.events if each.reason] == ["Another date of birth."]
    assert state(shop, held) is State.ACCEPTED
    assert mails(shop) == ["application_accepted"]
    held.get(f"/application/{held.at.split('/')[2]}/pay")
    assert held.pay()


@pytest.mark.requirement("O13-44")
def test_a_refusal_needs_a_second_person_and_says_no_reason(
    shop: Flask, held: Visitor, compliance: Visitor, other_compliance: Visitor
) -> None:
    (case,) = waiting(shop)
    act(compliance, case, "decide", decision="refused", reason="It is him.")
    assert state(shop, held) is State.SUBMITTED
    assert "Another person than you has to answer" in words(compliance.get(f"/admin/screening/{case.id}"))
    (case,) = waiting(shop)
    first = next(each.account_id for each in case.events if each.kind is EventKind.PROPOSED)
    assert first is not None
    with shop.app_context(), pytest.raises(SecondPersonNeeded):
        services.agree(case.id, "Yes.", first)
    assert state(shop, held) is State.SUBMITTED
    act(other_compliance, case, "answer", reason="Not sure yet.", disagree="yes")
    (case,) = waiting(shop)
    assert (case.state, case.decision) == (CaseState.OPEN, None)
    act(compliance, case, "decide", decision="refused", reason="It is him: passport.")
    act(other_compliance, case, "answer", reason="Agreed.")
    run_jobs(shop)
    assert waiting(shop) == []
    assert state(shop, held) is State.DECLINED
    held.get(f"/application/{held.at.split('/')[2]}/ended")
    assert "We cannot conclude this contract" in words(held.text)
    assert "passport" not in held.text
    assert mails(shop) == ["application_declined"]


@pytest.mark.requirement("O13-43", "O13-44")
@pytest.mark.parametrize(("payer", "cases"), [("Zhao Qian", 1), ("NA LI", 0), ("", 0)])
def test_a_payer_of_another_name_opens_one_case_and_stops_nothing(
    shop: Flask, at_step: AtStep, simulator: SimulatorServer, payer: str, cases: int
) -> None:
    visitor = at_step("pay")
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    form = {"email": "x@example.com", "number": "4242424242424242", "expiry": "12/34", "cvc": "123", "name": payer}
    requests.post(to_stripe(visitor), data=form, allow_redirects=False, timeout=PATIENCE).raise_for_status()
    hear(shop, simulator)
    run_jobs(shop)
    assert count(shop, "policy_policy") == 1
    found = [each for each in waiting(shop) if each.rule is RuleCode.PAYER_DIFFERS]
    assert len(found) == cases
    assert not [each for each in found if each.holds]
    with shop.app_context(), every_row() as owner:
        kept = owner.execute(text("SELECT payer, instrument FROM payment_attempt")).one()
    assert (kept.payer is not None, b"Zhao" in (kept.payer or b"")) == (bool(payer), False)
    assert len(kept.instrument) == 64


@pytest.mark.requirement("O13-44")
def test_a_card_that_pays_for_many_people_opens_a_case(
    shop: Flask, at_step: AtStep, work: Work, compliance: Visitor
) -> None:
    assert at_step("pay").pay()
    work()
    with shop.app_context(), every_row() as owner:
        owner.execute(
            text(
                "INSERT INTO screening_trace SELECT gen_random_uuid(), kind, gen_random_uuid(), application_id, "
                "insurer_id, md5(n::text) || md5(n::text), md5(n::text) || md5(n::text), instrument, NULL, "
                "currency, 0, 0, 0, '{}', at "
                "FROM screening_trace, generate_series(1, 2) n WHERE kind = 'paid'"
            )
        )
        owner.commit()
    assert waiting(shop) == [], "three people are a family"
    other = Identity("Zhao Qian", date(1992, 3, 5), "zhao.qian@example.com", LI_NA.sex)
    assert at_step("pay", other).pay()
    work()
    (case,) = waiting(shop)
    assert (case.rule, case.holds) == (RuleCode.ONE_INSTRUMENT, False)
    page = words(compliance.get(f"/admin/screening/{case.id}"))
    assert "Different applicants" in page
    assert "Zhao" not in page, "who they are is read in the sale, for a reason"


@pytest.mark.requirement("O13-44")
def test_the_same_facts_open_no_second_case_however_often_they_are_noted(
    shop: Flask, held: Visitor, compliance: Visitor
) -> None:
    application_id = UUID(held.at.split("/")[2])
    (case,) = waiting(shop)
    with shop.app_context():
        services.open_for_list(application_id)
        services.note_application(application_id)
        services.note_application(application_id)
        db.session.commit()
    assert [each.id for each in waiting(shop)] == [case.id]
    assert count(shop, "screening_trace") == 1
    act(compliance, case, "decide", decision="cleared", reason="A namesake.")
    with shop.app_context():
        services.open_for_list(application_id)
        db.session.commit()
    assert waiting(shop) == []


@pytest.mark.requirement("O13-44")
@pytest.mark.parametrize("role", [Role.ADMIN_SALES, Role.ADMIN_OWNER])
def test_nobody_else_comes_to_the_desk(shop: Flask, held: Visitor, role: Role) -> None:
    (case,) = waiting(shop)
    other = at_the_desk(shop, role)
    for path in ("/admin/screening", f"/admin/screening/{case.id}"):
        other.get(path)
        assert other.status == 403
    assert [each.kind for each in waiting(shop)[0].events] == [EventKind.OPENED]


@pytest.mark.requirement("O13-44")
def test_what_is_late_rings(shop: Flask, held: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    with shop.app_context():
        assert services.watch_cases() == 0
    with shop.app_context(), every_row() as owner:
        owner.execute(text("UPDATE screening_case SET due_at = opened_at - interval '1 minute'"))
        owner.commit()
    with shop.app_context():
        assert services.watch_cases() == 1
    assert "ALARM 1 screening cases should have been decided" in caplog.text


def test_no_person_is_in_the_tables_in_clear_and_traces_go_with_the_application(
    shop: Flask, held: Visitor, work: Work
) -> None:
    with shop.app_context(), every_row() as owner:
        kept = [
            row
            for table in ("screening_trace", "screening_case", "screening_fact", "screening_event")
            for row in owner.execute(text(f"SELECT t::text FROM {table} t")).scalars()
        ]
    assert kept
    assert not [row for row in kept if "Li" in row or "1992" in row]
    with shop.app_context():
        erasing.erase_application(UUID(held.at.split("/")[2]), ErasureReason.CLOSING)
        db.session.commit()
    work()
    assert count(shop, "screening_trace") == 0
    (case,) = waiting(shop)
    assert case.facts, "what stands in a case is kept with the case"

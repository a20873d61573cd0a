"""The daily forgetting: who stayed away for a year is forgotten, contracts are not, and every run leaves its count."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from config import Settings
from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, SecurityEventFilter, SecurityEventType
from marketplace.application import queries as applications
from marketplace.application import services as application_services
from marketplace.application.values import Application, State, Step
from marketplace.catalog.values import Line
from marketplace.checkout import services as checkout
from marketplace.checkout.values import PaymentUrls
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence import services as mails
from marketplace.infra import business_clock, jobs, vault
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.payment import services as payment
from marketplace.policy import services as policies
from marketplace.privacy import queries, services
from marketplace.privacy.services import erasing, forgetting
from marketplace.privacy.values import ErasureReason
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_act, record_reading, record_view
from marketplace.traceability.values import SYSTEM, Actor, ActorRole, EntryType, journey_of_readings
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.correspondence import a_message
from tests.factories.policy import a_contract
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_journey, a_view, an_act, still_opens
from tests.simulator_server import SimulatorServer

YEAR = timedelta(days=366)


@contextmanager
def after(time: timedelta) -> Iterator[None]:
    """Both clocks this much later."""
    with clock.frozen(clock.now() + time):
        yield


def forgotten() -> Mapping[str, int]:
    """Run the daily job, and what it noted."""
    before = runs()
    jobs.run_once(jobs.known_tasks()["privacy.forget"])
    (run,) = (runs() - before).elements()
    return dict(run)


def runs() -> Counter[tuple[tuple[str, int], ...]]:
    return Counter(tuple(run.counts.items()) for run in queries.latest_runs())


@pytest.mark.asvs("14.2.7")
@pytest.mark.requirement("T26-30")
def test_an_application_left_alone_for_a_year_is_forgotten(database: None, frozen_clock: datetime) -> None:
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS)
    db.session.commit()
    with after(YEAR - timedelta(days=2)):
        assert forgotten()["journeys"] == 0
    with after(YEAR):
        assert forgotten() | {"mails": 0} == {
            "journeys": 1, "applications": 1, "contracts": 0, "mails": 0, "questions": 0, "copies": 0,
            "requests_pressing": 0, "contracts_noticed": 0, "contracts_due": 0,
        }  # fmt: skip
        assert forgotten()["journeys"] == 0, "once"
    kept = applications.application(told.id)
    assert (kept.people, kept.answers, kept.email, kept.state) == (None, {}, None, State.LAPSED)
    assert kept.reference == told.reference
    kept_entries = trail.journey_entries(told.journey_id)
    types = [entry.type for entry in kept_entries]
    assert types.count(EntryType.DATA_ERASED) == 2, "the application's and the journey's"
    assert EntryType.FIELD_ENTERED in types, "that it happened stays"
    assert {str(entry.body) for entry in kept_entries} == {"{}"}, "what was said does not"
    assert all(entry.body_sha256 for entry in kept_entries)
    assert proofs() == [("application", "retention"), ("journey", "retention")]
    events = accounts.security_events(SecurityEventFilter(type=SecurityEventType.DATA_ERASED)).events
    assert len(events) == 2
    assert sorted(run.counts["journeys"] for run in queries.latest_runs()) == [0, 0, 1], "each run left its count"
    assert "oversight.note_erased" in drain("oversight"), "the sales log forgets the address too"


def proofs() -> list[tuple[str, str]]:
    rows = db.session.execute(text("SELECT subject, reason FROM privacy_erasure ORDER BY erased_at, subject"))
    return [(row.subject, row.reason) for row in rows]


def test_a_visit_in_between_keeps_it(database: None, frozen_clock: datetime) -> None:
    by, told = an_application(an_offer_of(), upto=Step.PEOPLE)
    db.session.commit()
    with after(timedelta(days=300)):
        look_again(by.journey_id)
    with after(YEAR):
        assert forgotten()["journeys"] == 0
    assert applications.application(told.id).email is not None


def look_again(journey_id: UUID) -> None:
    """The person looks at a page again."""
    record_view(a_view(journey_id))


@pytest.mark.asvs("14.2.7")
def test_the_words_of_old_mails_are_forgotten(database: None, frozen_clock: datetime) -> None:
    mails.queue(a_message(recipient="li.na@example.com"))
    drain("correspondence")
    with after(YEAR):
        mails.queue(a_message(recipient="new@example.com"))
        assert forgotten()["mails"] == 1
        db.session.commit()
        assert correspondence.inbox(recipient="li.na@example.com") == ()
        assert [mail.recipient for mail in correspondence.inbox()] == ["new@example.com", ""]
        assert forgotten()["mails"] == 0


def test_the_business_clock_decides_about_visits(database: None, frozen_clock: datetime) -> None:
    an_application(an_offer_of(), upto=Step.PEOPLE)
    db.session.commit()
    business_clock.move_to_offset(YEAR)
    assert forgotten()["journeys"] == 1


def idle(number: int) -> list[UUID]:
    """Journeys that began one after the other, the oldest first, each with an application."""
    begun = [an_offer_of()]
    for minutes in range(1, number):
        with after(timedelta(minutes=minutes)):
            begun.append(an_offer(a_journey(), Line.TRAVEL, start_on=begun[0].need.start_on))
    customer = a_guest()
    journeys = [an_application(offer, upto=Step.PEOPLE, account=customer)[1].journey_id for offer in begun]
    db.session.commit()
    return journeys


def all_erased(journey_ids: list[UUID]) -> list[bool]:
    return [vault.is_destroyed(each) for each in journey_ids]


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 1)


def test_many_are_forgotten_on_one_day(database: None, frozen_clock: datetime, one_by_one: None) -> None:
    journeys = idle(3)
    mails.queue(a_message(recipient="li.na@example.com"))
    mails.queue(a_message(recipient="zhou.min@example.com"))
    db.session.commit()
    with after(YEAR):
        counts = forgotten()
    assert (counts["journeys"], counts["applications"], counts["mails"]) == (3, 3, 2)
    assert all_erased(journeys) == [True, True, True]


@pytest.mark.asvs("14.2.7")
def test_what_stops_in_the_middle_has_forgotten_what_it_did(
    database: None, frozen_clock: datetime, one_by_one: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys = idle(3)
    erase = erasing.erase_journey

    def fail_at_the_second(journey_id: UUID, reason: ErasureReason) -> None:
        if journey_id == journeys[1]:
            raise vault.VaultUnavailable
        erase(journey_id, reason)

    with after(YEAR):
        with monkeypatch.context() as patched:
            patched.setattr(erasing, "erase_journey", fail_at_the_second)
            with pytest.raises(vault.VaultUnavailable):
                jobs.run_once(jobs.known_tasks()["privacy.forget"])
        assert all_erased(journeys) == [True, False, False]
        (run,) = queries.latest_runs()
        assert (run.counts["journeys"], run.counts["contracts_due"]) == (1, 0), "it is noted, and the rest was done"
        assert forgotten()["journeys"] == 2
    assert all_erased(journeys) == [True, True, True]


def test_who_stayed_away_is_forgotten_though_another_step_fails(
    database: None, frozen_clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys = idle(1)
    monkeypatch.setattr(forgetting, "drop_expired_exports", lambda: 1 / 0)
    with after(YEAR), pytest.raises(ZeroDivisionError):
        jobs.run_once(jobs.known_tasks()["privacy.forget"])
    assert all_erased(journeys) == [True]
    assert [run.counts["journeys"] for run in queries.latest_runs()] == [1]


def test_nothing_is_opened_to_be_forgotten(
    database: None, frozen_clock: datetime, settings: Settings, tmp_path: Path
) -> None:
    """A keeper at its limit, or away, hinders nobody from being forgotten."""
    journeys = idle(2)
    mails.queue(a_message())
    db.session.commit()
    vault.configure(vault.RemoteKeeper(tmp_path / "nobody"))
    try:
        with after(timedelta(days=366 * 40)):
            counts = forgotten()
    finally:
        vault.configure(vault.RemoteKeeper(settings.keeper_socket))
    assert (counts["journeys"], counts["applications"], counts["mails"]) == (2, 2, 1)
    assert all_erased(journeys) == [True, True]


def test_a_journey_in_which_money_is_owed_is_kept(simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund that the provider could not send waits for a person, who needs the record."""
    create = Gateway.create_refund
    monkeypatch.setattr(Gateway, "create_refund", lambda *given: replace(create(*given), status="failed"))
    customer = a_guest("li.na@example.com")
    order = checkout.place_order([an_accepted_application(customer).id], customer.id)
    attempt = checkout.pay(order.id, PaymentUrls("http://localhost:8000/a", "http://localhost:8000/b"))
    db.session.commit()
    page = payment.open_session(attempt.id)
    checkout.lapse_order(order.id)
    db.session.commit()
    simulator.pay(page)
    drain("payment", "checkout")
    other = a_journey()
    with after(YEAR):
        assert forgotten()["journeys"] == 1
    assert all_erased([order.journey_id, other]) == [False, True]


def a_second_application(beside: Application, upto: Step = Step.CODE, account: Account | None = None) -> Application:
    """Another application in the same journey."""
    need = applications.application_view(beside.id).offer.need
    offer = an_offer(need.journey_id, need.line, start_on=need.start_on)
    _, told = an_application(offer, upto=upto, account=account)
    db.session.commit()
    return told


def a_concluded_application(account: Account) -> Application:
    """One that became a contract, with the entry that says so."""
    told = an_accepted_application(account)
    policies.issue(a_contract(application_id=told.id, journey_id=told.journey_id, account_id=account.id))
    application_services.conclude(told.id)
    db.session.commit()
    return told


@pytest.mark.asvs("14.2.7")
def test_an_application_abandoned_beside_a_contract_is_forgotten_alone(database: None, frozen_clock: datetime) -> None:
    customer = a_guest("li.na@example.com")
    concluded = a_concluded_application(customer)
    abandoned = a_second_application(concluded, Step.DOCUMENTS, customer)
    page = record_view(a_view(concluded.journey_id, b"<p>abandoned", application_id=abandoned.id))
    with after(timedelta(days=300)):
        record_view(a_view(concluded.journey_id, b"<p>policy", application_id=concluded.id))  # of the contract only
    with after(YEAR):
        assert forgotten()["applications"] == 1
        db.session.commit()
        assert forgotten()["applications"] == 0, "once"
        db.session.commit()
    vault.forget()
    assert applications.application(abandoned.id).erased
    assert applications.application(concluded.id).people is not None
    with pytest.raises(vault.DataDestroyed):
        trail.page_bytes(page)
    for entry in trail.journey_entries(concluded.journey_id):
        if entry.application_id != abandoned.id:
            assert still_opens(entry)
    assert ("application", "retention") in proofs()
    assert not erased(concluded.journey_id)


def erased(subject_id: UUID) -> bool:
    wanted = text("SELECT EXISTS (SELECT FROM privacy_erasure WHERE subject_id = :id)")
    return bool(db.session.scalar(wanted, {"id": subject_id}))


@pytest.mark.asvs("14.2.7")
def test_a_second_application_is_forgotten_though_the_first_one_was_erased(
    database: None, frozen_clock: datetime
) -> None:
    """Its owner closed the account; the other one was never proven, and nobody came back to it."""
    customer = a_guest("li.na@example.com")
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS, account=customer)
    unproven = a_second_application(told)
    services.close_account(customer.id)
    db.session.commit()
    assert not applications.application(unproven.id).erased
    with after(YEAR):
        counts = forgotten()
        db.session.commit()
    assert (counts["journeys"], counts["applications"]) == (1, 1)
    assert applications.application(unproven.id).email is None
    assert sorted(proofs()) == [
        ("account", "closing"), ("application", "closing"), ("application", "retention"), ("journey", "retention"),
    ]  # fmt: skip


def test_what_staff_and_the_system_do_is_no_visit(database: None, frozen_clock: datetime) -> None:
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS)
    db.session.commit()
    with after(timedelta(days=300)):
        for actor in (SYSTEM, Actor(ActorRole.ADMIN, None, "admin_sales")):
            look = an_act(told.journey_id, EntryType.SALE_VIEWED, actor=actor, application_id=told.id)
            record_act(look)
        db.session.commit()
    with after(YEAR):
        assert forgotten()["journeys"] == 1


@pytest.mark.requirement("T26-48")
def test_who_read_about_a_contract_is_kept_with_it_and_about_a_visit_for_a_year(
    database: None, frozen_clock: datetime
) -> None:
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS)
    visit, by = a_journey(), Actor(ActorRole.ADMIN, a_guest().id, "admin_sales")
    of_visit, of_contract = journey_of_readings(visit), journey_of_readings(told.id)
    said = {"reason": "C-17"}
    for days in (0, 300):
        with after(timedelta(days=days)):
            look = an_act(of_visit, EntryType.SALE_VIEWED, actor=by, body=said)
            record_reading(look, of_visit=visit)
    record_reading(an_act(of_contract, EntryType.SALE_VIEWED, actor=by, application_id=told.id, body=said))
    record_view(a_view(told.journey_id, application_id=told.id))
    db.session.commit()
    with after(YEAR):
        forgotten()
        db.session.commit()
        assert [each.body for each in trail.journey_entries(of_visit)] == [said, said]
    with after(timedelta(days=301) + YEAR):
        forgotten()
        db.session.commit()
    *looks, end = trail.journey_entries(of_visit)
    assert [(each.type, each.body) for each in looks] == [(EntryType.SALE_VIEWED, {})] * 2
    assert end.type is EntryType.DATA_ERASED
    (look,) = trail.journey_entries(of_contract)
    assert look.type is EntryType.SALE_VIEWED, "of an application it ends with that, and has no end of its own"


def test_a_visit_to_one_application_does_not_keep_the_other(database: None, frozen_clock: datetime) -> None:
    _, first = an_application(an_offer_of(), upto=Step.DOCUMENTS)
    second = a_second_application(first)
    with after(timedelta(days=300)):
        record_view(a_view(first.journey_id, application_id=first.id))
    with after(YEAR):
        counts = forgotten()
        db.session.commit()
    assert (counts["journeys"], counts["applications"]) == (0, 1)
    assert applications.application(second.id).erased
    assert not applications.application(first.id).erased


def test_applications_beside_a_contract_are_forgotten_batch_by_batch(
    database: None, frozen_clock: datetime, one_by_one: None
) -> None:
    concluded = a_concluded_application(a_guest("li.na@example.com"))
    for _ in range(2):
        a_second_application(concluded)
    with after(YEAR):
        assert forgotten()["applications"] == 2
        assert forgotten()["applications"] == 0


@pytest.mark.parametrize("table", ["privacy_erasure", "privacy_run"])
@pytest.mark.parametrize("act", ["DELETE FROM {}", "UPDATE {} SET id = id"])
@pytest.mark.asvs("16.4.2")
def test_the_site_cannot_take_back_what_it_noted(database: None, table: str, act: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        db.session.execute(text(act.format(table)))

"""Later premiums: told of, collected by a card or a link, refused, paid, overdue, dropped; and never twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from flask import Flask

from marketplace.correspondence import queries as correspondence
from marketplace.infra import business_clock, failpoints, present
from marketplace.infra.db import db
from marketplace.infra.failpoints import At
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import AttemptState, LedgerAccount, Mandate, MandateState, Purpose, TransferState
from marketplace.policy import queries as policies
from marketplace.policy import services as contracts
from marketplace.policy.values import EndContract, Ending, Policy
from marketplace.servicing import queries, services
from marketplace.servicing.values import Premium, PremiumNotPayable, PremiumState, Refusal
from marketplace.traceability.queries import journey_entries
from tests.at_once import at_once
from tests.deferred_jobs import drain
from tests.factories.payment import a_consent, an_open_setup
from tests.simulator_server import GOOD_CARD, SimulatorServer

ALWAYS_ASKED, DECLINED_LATER = "4000002760003184", "4000000000000341"
P = PremiumState


def on_the_day(day: date) -> None:
    """The business clock stands at the beginning of a day of the contract, or some hours after."""
    ahead = (day - clock.today("Asia/Shanghai")).days
    business_clock.move_to_offset(clock.business_now() - clock.now() + timedelta(days=ahead))
    db.session.commit()


def work() -> None:
    """What the jobs do on a day."""
    for _ in services.run():
        db.session.commit()
    drain("payment", "servicing")


def until(day: date) -> None:
    on_the_day(day)
    work()


def standing(policy: Policy) -> list[PremiumState]:
    return [each.state for each in queries.premiums_of(policy.id)]


def first(policy: Policy) -> Premium:
    return queries.premiums_of(policy.id)[0]


def mails() -> list[str]:
    return [each.kind.value for each in reversed(correspondence.inbox())]


def journal(policy: Policy) -> list[str]:
    types = [entry.type.value for entry in journey_entries(policy.journey_id)]
    return [each for each in types if each.split(":")[0] in {"premium", "card", "payment"}]


def kept(policy: Policy, simulator: SimulatorServer, card: str = GOOD_CARD) -> Mandate:
    """Its customer lets us keep a card."""
    consent = a_consent(
        policy.id,
        journey_id=policy.journey_id,
        application_id=policy.application_id,
        insurer_id=policy.insurer_id,
    )
    mandate, page = an_open_setup(consent)
    led = simulator.pay(page, card).headers["Location"]
    if "/kept" not in led:
        requests.post(led, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    done = payment.settle_mandate(mandate.id)
    db.session.commit()
    drain("payment", "servicing")
    assert done.state is MandateState.KEPT
    return done


def charged(simulator: SimulatorServer) -> list[tuple[str, int]]:
    return [(each["status"], each["amount_received"]) for each in simulator.listed("/v1/payment_intents")]


def open_page(policy: Policy, premium: Premium) -> str:
    """The page of the provider on which a premium is paid."""
    attempt = services.pay(premium, policy.account_id, "http://localhost:8000/back", "http://localhost:8000/policy")
    db.session.commit()
    page = payment.open_session(attempt.id)
    db.session.commit()
    return page


def paid_by_link(policy: Policy, premium: Premium, simulator: SimulatorServer, card: str = GOOD_CARD) -> None:
    """The customer pays on the page of the provider."""
    page = open_page(policy, premium)
    led = simulator.pay(page, card).headers["Location"]
    if "/back" not in led:
        requests.post(led, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    payment.settle_latest(Purpose.INSTALMENT, premium.id)
    drain("payment", "servicing")


@pytest.mark.requirement("PER-03")
def test_nothing_is_collected_without_a_mail_a_week_before(contract: Policy, simulator: SimulatorServer) -> None:
    kept(contract, simulator)
    due = first(contract).due_on
    until(due - timedelta(days=8))
    assert standing(contract) == [P.PLANNED] * 3
    assert mails() == ["card_kept"]
    until(due - timedelta(days=7))
    assert standing(contract) == [P.ANNOUNCED, P.PLANNED, P.PLANNED]
    assert mails() == ["card_kept", "premium_announced"]
    until(due - timedelta(days=1))
    work()
    assert charged(simulator) == []
    assert mails() == ["card_kept", "premium_announced"]


@pytest.mark.requirement("PER-03")
def test_what_is_charged_is_what_was_shown_and_the_insurer_has_its_share(
    contract: Policy, simulator: SimulatorServer
) -> None:
    kept(contract, simulator)
    agreed = policies.instalments_of(contract.id)
    for each in agreed:
        until(each.due_on - timedelta(days=7))
        until(each.due_on)
    assert standing(contract) == [P.PAID] * 3
    assert charged(simulator) == [("succeeded", each.amount.minor) for each in agreed]
    assert mails().count("premium_paid") == 3
    assert journal(contract)[-6:] == [
        "premium:announced", "payment:started", "premium:due", "payment:succeeded", "premium:paid", "card:stopped",
    ]  # fmt: skip
    assert payments.mandate_of(contract.id) is None, "after the last premium nothing is kept"
    whole = sum(each.amount.minor for each in agreed)
    posted = {each.account: each.total.minor for each in payments.account_totals()}
    assert posted[LedgerAccount.PROVIDER_BALANCE] == whole
    assert posted.get(LedgerAccount.CUSTOMER_HELD, 0) == 0
    assert posted[LedgerAccount.INSURER_PAYABLE] + posted[LedgerAccount.COMMISSION] == -whole
    assert payments.transfer_of(contract.id).state is TransferState.WAITING
    assert [line.premium.minor for line in payments.latest_share_lines(contract.insurer_id, 9)] == [128_400] * 3


def test_without_a_card_the_link_is_mailed_and_the_page_counts_once(
    contract: Policy, simulator: SimulatorServer
) -> None:
    due = first(contract).due_on
    until(due - timedelta(days=7))
    until(due)
    work()
    assert standing(contract)[0] is P.DUE
    assert mails() == ["premium_announced", "premium_due"]
    assert charged(simulator) == []
    paid_by_link(contract, first(contract), simulator)
    work()
    assert standing(contract)[0] is P.PAID
    assert mails() == ["premium_announced", "premium_due", "premium_paid"]
    with pytest.raises(PremiumNotPayable):
        services.pay(first(contract), contract.account_id, "", "")


@pytest.mark.requirement("O13-23")
def test_a_bank_that_wants_its_customer_gets_a_mailed_link_and_counts_once(
    contract: Policy, simulator: SimulatorServer
) -> None:
    kept(contract, simulator, ALWAYS_ASKED)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    until(due)
    premium = first(contract)
    assert (premium.state, premium.why) == (P.DUE, Refusal.BANK_ASKS)
    assert charged(simulator) == [("canceled", 0)]
    assert payments.account_totals() == (), "no money has moved"
    mail = next(each for each in correspondence.inbox() if each.kind == "premium_failed")
    assert mail.recipient == "zhang@customer.example"
    for later in (3, 7, 14):
        until(due + timedelta(days=later))
    assert charged(simulator) == [("canceled", 0)], "with nobody there the bank is not asked again"
    paid_by_link(contract, premium, simulator, ALWAYS_ASKED)
    assert standing(contract)[0] is P.PAID
    assert sorted(charged(simulator)) == [("canceled", 0), ("succeeded", 128_400)]
    assert mails() == ["card_kept", "premium_announced", "premium_failed", "premium_paid"]


def failing_for_want_of_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank's word, changed on its way to us: the simulator's cards that can be kept say `generic_decline`."""
    real = Gateway.charge_card

    def charge(self: Gateway, new: Any) -> Any:
        found = real(self, new)
        return replace(found, declined="insufficient_funds") if found.declined else found

    monkeypatch.setattr(Gateway, "charge_card", charge)


def test_for_want_of_money_it_is_tried_again_by_plan_and_then_no_more(
    contract: Policy, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing_for_want_of_money(monkeypatch)
    kept(contract, simulator, DECLINED_LATER)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    tries = []
    for day in range(20):
        until(due + timedelta(days=day))
        tries.append(len(payments.attempts_of(Purpose.INSTALMENT, first(contract).id)))
    assert [tries.index(number) for number in (1, 2, 3, 4)] == [0, 3, 7, 14]
    assert tries[-1] == 4
    assert mails().count("premium_failed") == 4
    assert {each[0] for each in charged(simulator)} == {"canceled"}


def test_when_grace_is_over_it_is_overdue_and_rings_once(
    contract: Policy, simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    due = first(contract).due_on
    until(due - timedelta(days=7))
    until(due)
    last = first(contract).grace_until
    assert last == due + timedelta(days=60)
    until(last)
    assert standing(contract)[0] is P.DUE
    caplog.clear()
    until(last + timedelta(days=1))
    work()
    assert standing(contract)[0] is P.OVERDUE
    alarms = [each.getMessage() for each in caplog.records if "ALARM" in each.getMessage()]
    assert alarms == [f"ALARM a premium of the contract {contract.number} is not paid and its time of grace is over"]
    paid_by_link(contract, first(contract), simulator)
    assert standing(contract)[0] is P.PAID, "its cover was not suspended, so it counts"


def end(policy: Policy) -> None:
    contracts.end_contract(EndContract(policy.id, Ending.CANCELLED, clock.today("Asia/Shanghai")))
    db.session.commit()


def test_a_contract_that_ended_is_charged_nothing_and_its_link_is_closed(
    contract: Policy, simulator: SimulatorServer
) -> None:
    mandate = kept(contract, simulator)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    page = open_page(contract, first(contract))
    end(contract)
    drain("payment", "servicing")
    assert standing(contract) == [P.DROPPED] * 3
    assert simulator.pay(page).status_code == 410
    assert payments.mandate(mandate.id).state is MandateState.STOPPED
    for day in (0, 3, 40):
        until(due + timedelta(days=day))
    assert charged(simulator) == []
    assert "premium_due" not in mails()


def test_what_is_paid_while_the_contract_ends_goes_back(contract: Policy, simulator: SimulatorServer) -> None:
    due = first(contract).due_on
    until(due - timedelta(days=7))
    attempt = services.pay(first(contract), contract.account_id, "http://localhost:8000/back", "http://localhost/")
    db.session.commit()
    page = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(page)
    payment.settle(attempt.id)
    end(contract)
    drain("payment", "servicing")
    assert payments.attempt(attempt.id).state is AttemptState.REFUNDED
    assert standing(contract) == [P.DROPPED] * 3
    assert mails()[-1] == "refund_made"
    assert LedgerAccount.INSURER_PAYABLE not in {each.account for each in payments.account_totals() if each.total}


def test_a_card_that_was_stopped_on_the_day_is_not_charged_and_the_link_is_mailed(
    contract: Policy, simulator: SimulatorServer
) -> None:
    kept(contract, simulator)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    on_the_day(due)
    for _ in services.run():
        db.session.commit()
    payment.stop_mandates(contract.id)
    db.session.commit()
    drain("payment", "servicing")
    assert charged(simulator) == []
    assert mails()[-1] == "premium_failed"
    until(due + timedelta(days=3))
    assert charged(simulator) == []


def test_told_late_it_is_collected_a_week_after_it_was_told(contract: Policy, simulator: SimulatorServer) -> None:
    kept(contract, simulator)
    due = first(contract).due_on
    until(due + timedelta(days=2))
    assert standing(contract)[0] is P.ANNOUNCED
    assert first(contract).collect_on == due + timedelta(days=9)
    until(due + timedelta(days=8))
    assert charged(simulator) == []
    until(due + timedelta(days=9))
    assert charged(simulator) == [("succeeded", 128_400)]


def test_two_workers_at_once_tell_and_charge_once(contract: Policy, simulator: SimulatorServer, app: Flask) -> None:
    kept(contract, simulator)
    due = first(contract).due_on

    def run() -> None:
        present.load_for_job()
        for _ in services.run():
            db.session.commit()

    for day in (due - timedelta(days=7), due):
        on_the_day(day)
        at_once(app, 3, run)
        drain("payment", "servicing")
    assert standing(contract)[0] is P.PAID
    assert charged(simulator) == [("succeeded", 128_400)]
    assert mails() == ["card_kept", "premium_announced", "premium_paid"]


class KilledError(BaseException):
    """The process is gone."""


@contextmanager
def killed_at(moment: At) -> Iterator[None]:
    """Whoever comes to this moment dies there, and nothing of it is kept."""

    def die(point: At) -> None:
        if point is moment:
            raise KilledError

    failpoints.arm(die)
    try:
        with pytest.raises(KilledError):
            yield
    finally:
        failpoints.arm(None)
    db.session.rollback()


MOMENTS = (
    At.CHARGE_ASKED, At.PREMIUMS_WORKED, At.CHARGE_STANDS, At.CARD_CHARGED, At.CHARGE_ANSWERED, At.MONEY_BOOKED,
    At.PAYMENT_COUNTED, At.PREMIUM_TAKEN, At.FAILURE_TOLD, At.CARD_DETACHED,
)  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("card", [GOOD_CARD, ALWAYS_ASKED])
def test_a_process_that_dies_at_any_moment_leaves_nothing_undone_or_doubled(
    contract: Policy, simulator: SimulatorServer, moment: At, card: str
) -> None:
    kept(contract, simulator, card)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    on_the_day(due)
    left = [1]

    def die(point: At) -> None:
        if point is moment and left:
            left.pop()
            raise KilledError

    failpoints.arm(die)
    try:
        again(lambda: [db.session.commit() for _ in services.run()])
        again(lambda: payments_of_today(contract))
    finally:
        failpoints.arm(None)
    work()
    paid = card == GOOD_CARD
    assert standing(contract)[0] is (P.PAID if paid else P.DUE)
    assert charged(simulator) == [("succeeded", 128_400) if paid else ("canceled", 0)]
    told = "premium_paid" if paid else "premium_failed"
    assert mails() == ["card_kept", "premium_announced", told]
    assert journal(contract).count("payment:started") == 1


def payments_of_today(policy: Policy) -> None:
    """The jobs of the day, as often as they are given to a worker again."""
    for attempt in payments.attempts_of(Purpose.INSTALMENT, first(policy).id):
        charge = payment.send_charge(attempt.id)
        db.session.commit()
        (services.take_payment if charge.succeeded_at else services.note_failure)(charge.subject_id, charge.id)
        db.session.commit()


def again(act: Callable[[], object]) -> None:
    try:
        act()
    except KilledError:
        db.session.rollback()
        act()

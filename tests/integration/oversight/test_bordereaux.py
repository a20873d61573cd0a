"""What an insurer is handed of its account: by day with the contracts, by month with where it began and ended. Its sums
are those of the ledger (O13-24).
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from marketplace.accounts.values import Insurer
from marketplace.catalog.values import Line
from marketplace.checkout import services as checkout
from marketplace.checkout.values import Order, PaymentUrls
from marketplace.infra.db import Scope, db, narrow_scope, use_scope
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight import queries
from marketplace.oversight.values import SETTLED_AFTER, Bordereau, BordereauNotReady
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import LedgerAccount, Purpose, RefundReason, ShareEvent
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest, agreed_terms
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.payment import a_payable_insurer
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_journey
from tests.simulator_server import SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
PREMIUM, COMMISSION = Money(10_600, "CNY"), Money(1_590, "CNY")
OWED = PREMIUM - COMMISSION


@pytest.fixture
def insurer(simulator: SimulatorServer) -> Insurer:
    insurer = a_payable_insurer()
    agreed_terms(insurer)
    an_offer_of(insurer)
    db.session.commit()
    return insurer


def sold(simulator: SimulatorServer, email: str = "li.na@example.com") -> Policy:
    customer = a_guest(email)
    offer = an_offer(a_journey(), Line.TRAVEL, start_on=clock.today(ZONE) + timedelta(days=7))
    order = checkout.place_order([an_accepted_application(customer, offer).id], customer.id)
    return _concluded(simulator, order)


def _concluded(simulator: SimulatorServer, order: Order) -> Policy:
    attempt = checkout.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(url)
    checkout.check_payment(order.id)
    drain("payment", "checkout")
    (policy,) = policies.policies_of_order(order.id)
    return policy


def passed_on(policy: Policy) -> None:
    clock.set_business_offset(timedelta(days=30))
    payment.release_transfer(payments.transfer_of(policy.id).id)
    clock.set_business_offset(timedelta())
    drain("payment")


def today() -> date:
    return clock.now().astimezone(ZoneInfo(ZONE)).date()


def of_today(insurer: Insurer) -> Bordereau:
    """Looked at on the next day, in the scope of the insurer's desk."""
    db.session.commit()
    day = today()
    with clock.frozen(clock.now() + timedelta(days=1) + SETTLED_AFTER), use_scope(Scope.all()):
        narrow_scope(insurer.id)
        found = queries.bordereau(insurer.id, day)
        db.session.commit()
    return found


def in_the_ledger(insurer: Insurer) -> dict[LedgerAccount, int]:
    return {each.account: each.total.minor for each in payments.account_totals() if each.insurer_id == insurer.id}


@pytest.mark.requirement("O13-24")
def test_a_day_tells_each_contract_and_its_sums_are_the_ledgers(simulator: SimulatorServer, insurer: Insurer) -> None:
    policy = sold(simulator)
    other = sold(simulator, "wang.fang@example.com")
    passed_on(policy)
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, policy.order_id)
    payment.request_refund(attempt.id, PREMIUM, RefundReason.CONTRACT_ENDED)
    drain("payment")
    found = of_today(insurer)
    told = [(line.share.event, line.number, line.share.owed.minor) for line in found.lines]
    assert told == [
        (ShareEvent.PREMIUM, policy.number, OWED.minor),
        (ShareEvent.PREMIUM, other.number, OWED.minor),
        (ShareEvent.TRANSFER_SENT, policy.number, -OWED.minor),
        (ShareEvent.PREMIUM_RETURNED, policy.number, -OWED.minor),
        (ShareEvent.TRANSFER_REVERSED, policy.number, OWED.minor),
    ]
    (sums,) = found.sums
    ledger = in_the_ledger(insurer)
    assert (sums.before.minor, sums.after.minor) == (0, -ledger[LedgerAccount.INSURER_PAYABLE])
    assert sums.commission.minor == -ledger[LedgerAccount.COMMISSION] == COMMISSION.minor
    assert (sums.premium, sums.passed_on) == (PREMIUM, Money(0, "CNY"))
    assert queries.disagreements() == ()


def test_it_names_the_persons_and_the_lines_of_the_premium(simulator: SimulatorServer, insurer: Insurer) -> None:
    policy = sold(simulator)
    (line,) = of_today(insurer).lines
    assert [(person.role, person.name) for person in line.persons] == [("applicant", "Lin Yue"), ("insured", "Lin Yue")]
    assert sum((amount for _, amount in line.premium_lines), Money.zero("CNY")) == PREMIUM
    assert line.product_name == policy.product_name
    assert (line.period, line.share.reference) == (policy.period, None)


def test_of_what_is_erased_it_tells_no_person(
    simulator: SimulatorServer, insurer: Insurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold(simulator)
    monkeypatch.setattr(Policy, "erased", property(lambda _: True))
    (line,) = of_today(insurer).lines
    assert (line.persons, line.premium_lines, line.product_name) == ((), (), None)
    assert line.share.premium == PREMIUM


def test_of_whoever_closed_the_account_it_tells_no_person_once_nothing_is_covered(
    simulator: SimulatorServer, insurer: Insurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = sold(simulator)
    monkeypatch.setattr(
        "marketplace.oversight.queries.bordereaux.privacy.restricted_journeys", lambda _: frozenset({policy.journey_id})
    )
    assert of_today(insurer).lines[0].persons != (), "restricted is another contract of the journey"
    monkeypatch.setattr("marketplace.oversight.queries.bordereaux._is_restricted", lambda _: True)
    assert of_today(insurer).lines[0].persons == ()


def test_another_insurer_has_none_of_it(simulator: SimulatorServer, insurer: Insurer) -> None:
    sold(simulator)
    other = a_payable_insurer("meadow")
    found = of_today(other)
    assert (found.lines, found.sums) == ((), ())
    day = today()
    with clock.frozen(clock.now() + timedelta(days=1) + SETTLED_AFTER), use_scope(Scope.all()):
        narrow_scope(other.id)
        assert queries.bordereau(insurer.id, day).lines == (), "whatever it is asked for"
        db.session.commit()


def test_a_day_or_a_month_that_is_not_over_has_none(insurer: Insurer) -> None:
    with pytest.raises(BordereauNotReady):
        queries.bordereau(insurer.id, today())
    with pytest.raises(BordereauNotReady):
        queries.statement(insurer.id, today().replace(day=1))


@pytest.mark.parametrize(
    ("after", "is_told"), [(timedelta(minutes=9, seconds=59), False), (timedelta(minutes=10), True)]
)
def test_a_day_is_told_once_nothing_of_it_can_still_be_committed(
    insurer: Insurer, after: timedelta, *, is_told: bool
) -> None:
    day = today().replace(day=1) - timedelta(days=1)
    midnight = datetime.combine(day + timedelta(days=1), time(0), ZoneInfo(ZONE))
    for ask in (queries.bordereau, lambda who, _day: queries.statement(who, day.replace(day=1))):
        with clock.frozen(midnight + after):
            if is_told:
                assert ask(insurer.id, day)
            else:
                with pytest.raises(BordereauNotReady):
                    ask(insurer.id, day)


def test_a_month_begins_where_the_last_one_ended(simulator: SimulatorServer, insurer: Insurer) -> None:
    policy = sold(simulator)
    this = today().replace(day=1)
    following = (this + timedelta(days=31)).replace(day=1)
    with clock.frozen(datetime.combine(following + timedelta(days=3), time(12), ZoneInfo(ZONE))):
        clock.set_business_offset(timedelta(days=30))
        payment.release_transfer(payments.transfer_of(policy.id).id)
        clock.set_business_offset(timedelta())
        drain("payment")
    with clock.frozen(datetime.combine(following + timedelta(days=40), time(12), ZoneInfo(ZONE))):
        first, second = queries.statement(insurer.id, this), queries.statement(insurer.id, following)
    assert [(line.event, number) for line, number in first.lines] == [(ShareEvent.PREMIUM, policy.number)]
    assert [(line.event, number) for line, number in second.lines] == [(ShareEvent.TRANSFER_SENT, policy.number)]
    assert (first.sums[0].before, first.sums[0].after) == (Money(0, "CNY"), OWED)
    assert (second.sums[0].before, second.sums[0].after) == (OWED, Money(0, "CNY"))
    assert in_the_ledger(insurer)[LedgerAccount.INSURER_PAYABLE] == 0

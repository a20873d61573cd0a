"""An insurer's account at Stripe: one, whatever is clicked, lost or late; only Stripe's present answer is believed."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import requests
from flask import Flask
from sqlalchemy import select, text

from marketplace.accounts import queries, services
from marketplace.accounts.models import PayeeRow
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import Account, PayeeMismatch, PayeeMissing, PayeeNotFound, PayeeState, Role
from marketplace.infra import payment_gateway
from marketplace.infra.db import Scope, db
from marketplace.infra.payment_gateway import NewAccount, PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from sandbox.stripe_simulator.deliveries import signature
from tests.at_once import at_once
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.simulator_server import WEBHOOK_SECRET, SimulatorServer, simulator_in_use

AGAIN, BACK = "http://localhost:8000/insurer/payee", "http://localhost:8000/insurer/payee/returned"


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


@pytest.fixture
def admin(simulator: SimulatorServer) -> Account:
    return a_member_of_staff(Role.INSURER_ADMIN, an_insurer())


def insurer_of(admin: Account) -> UUID:
    assert admin.insurer_id
    return admin.insurer_id


def begun(admin: Account) -> UUID:
    """The row of its account, committed; Stripe has not heard of it."""
    payee = services.begin_payee(admin, "HK")
    db.session.commit()
    return payee.id


def go(admin: Account) -> str:
    link = services.open_payee(insurer_of(admin), AGAIN, BACK)
    db.session.commit()
    return link


def finish(link: str, answer: str = "finish") -> str:
    """What the insurer's people do at Stripe, and where they are led back to."""
    assert requests.get(link, timeout=5).status_code == 200
    return requests.post(link, data={"answer": answer}, timeout=5, allow_redirects=False).headers["Location"]


def state(admin: Account) -> PayeeState | None:
    found = queries.payee(insurer_of(admin))
    return found and found.state


def events(kind: str) -> int:
    with db.engines["reader"].connect() as reader:
        count = text("SELECT count(*) FROM accounts_security_event WHERE type = :kind")
        return int(reader.execute(count, {"kind": kind}).scalar_one())


def test_from_nothing_to_an_account_that_is_paid(simulator: SimulatorServer, admin: Account) -> None:
    assert queries.payee(insurer_of(admin)) is None
    payee_id = begun(admin)
    link = go(admin)
    [account] = simulator.listed("/v1/accounts")
    assert account["metadata"] == {"payee_id": str(payee_id), "insurer_id": str(admin.insurer_id)}
    assert (account["type"], account["country"]) == ("express", "HK")
    assert account["business_profile"]["name"] == "Harbour Life Insurance Co."
    assert set(account["capabilities"]) == {"card_payments", "transfers"}
    found = queries.payee(insurer_of(admin))
    assert found
    assert (found.account_id, found.state) == (account["id"], PayeeState.BEGUN)
    assert found.due == ("business_profile.url", "external_account", "tos_acceptance.date", "tos_acceptance.ip")
    assert finish(link) == BACK
    ready = services.refresh_payee(payee_id)
    assert (ready.state, ready.due) == (PayeeState.READY, ())
    assert events("payee_begun") == 1


def test_leaving_stripes_page_changes_nothing(simulator: SimulatorServer, admin: Account) -> None:
    payee_id = begun(admin)
    finish(go(admin), "leave")
    assert services.refresh_payee(payee_id).state is PayeeState.BEGUN


def test_clicking_again_opens_no_second_account(simulator: SimulatorServer, admin: Account) -> None:
    assert begun(admin) == begun(admin)
    links = {go(admin) for _ in range(3)}
    assert len(links) == 3  # each is good once
    assert len(simulator.listed("/v1/accounts")) == 1
    assert events("payee_begun") == 1


def test_four_clicks_at_once_open_one_account(simulator: SimulatorServer, admin: Account, app: Flask) -> None:
    db.session.commit()

    def click() -> str:
        services.begin_payee(admin, "HK")
        db.session.commit()
        return go(admin)

    links = at_once(app, 4, click, Scope.insurer(insurer_of(admin)))
    assert len(set(links)) == 4
    assert len(simulator.listed("/v1/accounts")) == 1
    assert db.session.query(PayeeRow).count() == 1
    assert events("payee_begun") == 1


def test_no_account_is_opened_for_a_row_that_may_be_rolled_back(simulator: SimulatorServer, admin: Account) -> None:
    db.session.commit()
    services.begin_payee(admin, "HK")
    with pytest.raises(PayeeNotFound):
        services.open_payee(insurer_of(admin), AGAIN, BACK)
    db.session.rollback()
    assert simulator.listed("/v1/accounts") == []
    assert queries.payee(insurer_of(admin)) is None


@pytest.mark.parametrize("how", [{"how": "cut"}, {"how": "answer", "status": 500}])
def test_an_answer_that_was_lost_leads_to_the_same_account(
    simulator: SimulatorServer, admin: Account, how: dict[str, object]
) -> None:
    begun(admin)
    simulator.switch(fail_next=[{"path": "/v1/accounts", "when": "after", "times": 3, **how}])
    with pytest.raises(PaymentsUnavailable):
        services.open_payee(insurer_of(admin), AGAIN, BACK)
    db.session.rollback()
    found = queries.payee(insurer_of(admin))
    assert found
    assert found.account_id is None
    go(admin)
    assert len(simulator.listed("/v1/accounts")) == 1


def test_an_old_call_is_looked_for_before_it_is_repeated(simulator: SimulatorServer, admin: Account) -> None:
    """Stripe may have forgotten the key."""
    payee_id = begun(admin)
    lost = payment_gateway.gateway().create_account(
        NewAccount("Harbour", "HK", {"payee_id": str(payee_id)}, "a key that is forgotten")
    )
    later = clock.now() + party_rules.PAYEE_KEY_TRUSTED_FOR + timedelta(minutes=1)
    with clock.frozen(later):
        go(admin)
    assert [each["id"] for each in simulator.listed("/v1/accounts")] == [lost.id]
    found = queries.payee(insurer_of(admin))
    assert found
    assert found.account_id == lost.id


def test_stripes_word_is_a_hint_to_look(simulator: SimulatorServer, admin: Account) -> None:
    """It may tell of an account whose name we never noted; what it says of its state is not believed."""
    payee_id = begun(admin)
    opened = payment_gateway.gateway().create_account(
        NewAccount("Harbour", "HK", {"payee_id": str(payee_id)}, f"payee-{payee_id}")
    )
    delivery = simulator.webhook("account.updated")
    payment.receive_event(delivery.payload, delivery.signature)
    assert drain("payment") == ["payment.note_account"]
    found = queries.payee(insurer_of(admin))
    assert found
    assert (found.account_id, found.state) == (opened.id, PayeeState.BEGUN)
    assert payments.event_counts() == {("account.updated", "handled"): 1}
    kept = db.session.execute(text("SELECT count(*) FROM payment_provider_event WHERE payload IS NOT NULL"))
    assert kept.scalar_one() == 0  # it would name the insurer's people and its bank
    lie = json.loads(delivery.payload)
    lie["id"], lie["data"]["object"] = "evt_lie", lie["data"]["object"] | {"charges_enabled": True}
    said = json.dumps(lie).encode()
    payment.receive_event(said, signature(said, [WEBHOOK_SECRET], int(time.time())))
    drain("payment")
    assert state(admin) is PayeeState.BEGUN


def test_what_stripe_restricts_is_known_by_its_word_and_by_asking_each_hour(
    simulator: SimulatorServer, admin: Account
) -> None:
    begun(admin)
    finish(go(admin))
    services.refresh_payees()
    assert drain("accounts") == ["accounts.refresh_payee"]
    assert state(admin) is PayeeState.READY
    [account] = simulator.listed("/v1/accounts")
    put = f"{simulator.url}/_simulator/accounts/{account['id']}"
    requests.post(put, json={"state": "restricted"}, timeout=5).raise_for_status()
    services.refresh_payees()
    drain("accounts")
    found = queries.payee(insurer_of(admin))
    assert found
    assert (found.state, found.due) == (PayeeState.RESTRICTED, ("business_profile.url",))
    requests.post(put, json={"state": "rejected"}, timeout=5).raise_for_status()
    services.refresh_payee(found.id)
    assert state(admin) is PayeeState.RESTRICTED


def test_an_answer_that_comes_late_does_not_undo_a_later_one(simulator: SimulatorServer, admin: Account) -> None:
    payee_id = begun(admin)
    finish(go(admin))
    services.refresh_payee(payee_id)
    seen_at = queries.payee(insurer_of(admin)).seen_at  # type: ignore[union-attr]  # it was asked a line ago
    [account] = simulator.listed("/v1/accounts")
    requests.post(f"{simulator.url}/_simulator/accounts/{account['id']}", json={"state": "restricted"}, timeout=5)
    with clock.frozen(seen_at - timedelta(seconds=1)):
        assert services.refresh_payee(payee_id).state is PayeeState.READY


def test_an_account_of_somebody_else_is_not_taken(simulator: SimulatorServer, admin: Account) -> None:
    payee_id = begun(admin)
    strange = payment_gateway.gateway().create_account(NewAccount("Other", "HK", {"payee_id": str(new_id())}, "other"))
    with pytest.raises(PayeeMismatch):
        services.refresh_payee(payee_id, strange.id)
    go(admin)
    second = payment_gateway.gateway().create_account(NewAccount("X", "HK", {"payee_id": str(payee_id)}, "second"))
    before = queries.payee(insurer_of(admin))
    assert before
    assert services.refresh_payee(payee_id, second.id).account_id == before.account_id != second.id


def test_an_event_about_an_account_that_is_not_ours_is_kept_and_counted(
    simulator: SimulatorServer, admin: Account
) -> None:
    payment_gateway.gateway().create_account(NewAccount("Other", "HK", {"payee_id": str(new_id())}, "other"))
    delivery = simulator.webhook("account.updated")
    payment.receive_event(delivery.payload, delivery.signature)
    drain("payment")
    assert payments.event_counts() == {("account.updated", "not_ours"): 1}
    assert db.session.scalars(select(PayeeRow)).all() == []


def test_what_is_not_there_or_not_offered_is_refused(simulator: SimulatorServer, admin: Account) -> None:
    with pytest.raises(Invalid) as refusal:
        services.begin_payee(admin, "CN")
    assert set(refusal.value.fields) == {"country"}
    for act in (lambda: services.open_payee(insurer_of(admin), AGAIN, BACK), lambda: services.refresh_payee(new_id())):
        with pytest.raises(PayeeNotFound):
            act()
    assert queries.payee(insurer_of(admin)) is None
    assert simulator.listed("/v1/accounts") == []
    assert services.refresh_payee(begun(admin)).account_id is None  # nobody has gone to Stripe yet


@pytest.mark.parametrize(
    ("works", "given", "reason", "state"),
    [
        (True, True, None, PayeeState.READY),
        (False, False, "requirements.past_due", PayeeState.BEGUN),
        (False, True, "requirements.pending_verification", PayeeState.CHECKING),
        (False, True, "under_review", PayeeState.CHECKING),
        (False, True, None, PayeeState.CHECKING),
        (False, True, "requirements.past_due", PayeeState.RESTRICTED),
        (False, True, "rejected.fraud", PayeeState.RESTRICTED),
    ],
)
def test_the_state_is_what_stripe_says(works: bool, given: bool, reason: str | None, state: PayeeState) -> None:  # noqa: FBT001  as it is said
    assert party_rules.payee_state(works=works, given=given, disabled_reason=reason) is state


class TestARestrictedInsurerStopsSelling:
    """It could not be paid for what it sells (dependencies.md 2.6)."""

    @pytest.fixture
    def payee_id(self, admin: Account) -> UUID:
        found = begun(admin)
        finish(go(admin))
        services.refresh_payee(found)
        drain("accounts")
        assert queries.may_sell(insurer_of(admin))
        return found

    def put(self, simulator: SimulatorServer, payee_id: UUID, standing: str) -> None:
        """Stripe says that it stands so, and the hour brings that here."""
        (account,) = simulator.listed("/v1/accounts")
        door = f"{simulator.url}/_simulator/accounts/{account['id']}"
        requests.post(door, json={"state": standing}, timeout=5).raise_for_status()
        services.refresh_payee(payee_id)

    def test_at_once_by_nobody_and_its_open_orders_are_closed(
        self, simulator: SimulatorServer, admin: Account, payee_id: UUID
    ) -> None:
        self.put(simulator, payee_id, "restricted")
        assert drain("accounts") == ["accounts.stop_unpayable"]
        assert not queries.may_sell(insurer_of(admin))
        stopped = queries.suspension(insurer_of(admin))
        assert stopped
        assert (stopped.suspended_by, stopped.before_first_sale) == (None, False)
        assert waiting() == ["checkout.close_orders"]
        assert events("insurer_suspended") == 1
        self.put(simulator, payee_id, "restricted")
        drain("accounts")
        assert len(queries.suspensions(insurer_of(admin))) == 1

    def test_two_people_let_it_go_on_once_it_works(
        self, simulator: SimulatorServer, admin: Account, payee_id: UUID
    ) -> None:
        first, second = (a_member_of_staff(Role.ADMIN_OWNER) for _ in range(2))
        self.put(simulator, payee_id, "restricted")
        drain("accounts")
        with pytest.raises(PayeeMissing):
            services.ask_to_lift(insurer_of(admin), "they called", first)
        self.put(simulator, payee_id, "in_good_standing")
        drain("accounts")
        assert not queries.may_sell(insurer_of(admin)), "not by itself"
        services.ask_to_lift(insurer_of(admin), "Stripe lets it work again", first)
        services.lift_suspension(insurer_of(admin), second)
        assert queries.may_sell(insurer_of(admin))

    def test_one_that_works_again_meanwhile_goes_on(
        self, simulator: SimulatorServer, admin: Account, payee_id: UUID
    ) -> None:
        self.put(simulator, payee_id, "restricted")
        self.put(simulator, payee_id, "in_good_standing")
        drain("accounts")
        assert queries.may_sell(insurer_of(admin))
        assert queries.suspension(insurer_of(admin)) is None

    def test_one_that_a_person_stopped_stays_stopped_by_that_person(
        self, simulator: SimulatorServer, admin: Account, payee_id: UUID
    ) -> None:
        owner = a_member_of_staff(Role.ADMIN_OWNER)
        services.suspend_insurer(insurer_of(admin), "solvency below the limit", owner)
        self.put(simulator, payee_id, "restricted")
        drain("accounts")
        (stopped,) = queries.suspensions(insurer_of(admin))
        assert stopped.suspended_by == owner.id

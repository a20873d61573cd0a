"""The sales log follows a sale from the comparison to the mailed policy, whatever order the facts come in."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.application.models import ApplicationRow
from marketplace.application.values import Step
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.checkout.values import Order, PaymentUrls
from marketplace.correspondence import queries as messages
from marketplace.infra import jobs, vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.keeper import Wrapped
from marketplace.kernel.money import Money
from marketplace.oversight import services
from marketplace.oversight.models import lock_journey
from marketplace.oversight.queries import sale, sales, state_counts
from marketplace.oversight.values import Sale, SaleFilter, SaleNotFound, SaleState
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.quoting.queries import offers_for
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.quoting import a_content, a_need, an_offer, publish
from tests.factories.traceability import a_journey
from tests.simulator_server import SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")

pytestmark = pytest.mark.usefixtures("database")


def the_sale() -> Sale:
    """The only row of the log."""
    db.session.commit()
    (found,) = sales(SaleFilter()).sales
    return found


def everything() -> tuple[Sale, ...]:
    db.session.commit()
    return sales(SaleFilter()).sales


def ordered(email: str = "li.na@customer.example") -> Order:
    customer = a_guest(email)
    order = checkout.place_order([an_accepted_application(customer).id], customer.id)
    db.session.commit()
    return order


def paid(simulator: SimulatorServer) -> Order:
    """An order that is paid and whose payment is settled; nothing that follows from it has run."""
    order = ordered()
    attempt = checkout.pay(order.id, URLS)
    db.session.commit()
    simulator.pay(payment.open_session(attempt.id))
    delivery = simulator.webhook("checkout.session.completed")
    payment.receive_event(delivery.payload, delivery.signature)
    drain("payment")
    return order


def test_a_journey_that_only_compared_has_one_line_however_often_it_compares() -> None:
    offer = an_offer_of()
    drain("oversight")
    first = the_sale()
    assert (first.state, first.line, first.journey_id) == (SaleState.COMPARED, offer.need.line, offer.need.journey_id)
    assert (first.application_id, first.insurer_id, first.premium, first.customer) == (None, None, None, None)
    a_need(offer.need.journey_id)
    drain("oversight")
    assert the_sale().id == first.id


def test_the_application_takes_over_the_line_of_its_journey() -> None:
    offer = an_offer_of()
    drain("oversight")
    compared = the_sale()
    _, application = an_application(offer)
    drain("oversight")
    entered = the_sale()
    assert (entered.id, entered.state) == (compared.id, SaleState.ENTERED)
    assert entered.application_reference == application.reference
    assert entered.insurer_id == offer.insurer_id
    assert entered.insurer_name is not None
    assert entered.product_name == offer.version.content.marketing_name
    assert entered.premium == offer.premium
    services.refresh_comparison(offer.need.id)
    assert the_sale() == entered


def test_an_accepted_application_is_told_with_a_masked_address() -> None:
    an_accepted_application(a_guest("li.na@customer.example"))
    drain("oversight")
    assert the_sale().state is SaleState.APPLIED
    assert the_sale().customer == "l…@customer.example"


def test_payment_contract_and_mail_are_told_one_after_the_other(simulator: SimulatorServer) -> None:
    order = paid(simulator)
    drain("oversight")
    seen = the_sale()
    assert (seen.state, seen.order_reference, seen.policy_id) == (SaleState.PAID, order.reference, None)
    drain("checkout")
    drain("oversight")
    (policy,) = policies.policies_of_order(order.id)
    seen = the_sale()
    assert (seen.state, seen.policy_number) == (SaleState.ISSUED, policy.number)
    assert seen.concluded_at == policy.concluded_at
    assert seen.premium == policy.premium == Money(10_600, "CNY")
    drain()
    assert the_sale().state is SaleState.MAILED
    assert "li.na" not in db.session.execute(text("SELECT s::text FROM oversight_sale s")).scalar_one()


def test_money_that_goes_back_is_told(simulator: SimulatorServer) -> None:
    order = paid(simulator)
    db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
    drain("checkout", "oversight")
    assert orders.order(order.id).reason is not None
    assert the_sale().state is SaleState.REFUND_DUE
    drain()
    assert the_sale().state is SaleState.REFUNDED
    assert policies.policies_of_order(order.id) == ()


def test_facts_that_come_twice_or_backwards_do_no_harm(simulator: SimulatorServer) -> None:
    paid(simulator)
    drain()
    seen = the_sale()
    told = db.session.execute(
        text("SELECT task_name, args FROM procrastinate_jobs WHERE task_name LIKE 'oversight.%' ORDER BY id DESC")
    ).all()
    assert len(told) >= 6
    for task_name, arguments in [*told, *told]:
        jobs.run_once(jobs.known_tasks()[task_name], **arguments)
    assert the_sale() == seen


def test_a_log_that_was_lost_or_altered_is_built_again_the_same(simulator: SimulatorServer) -> None:
    paid(simulator)
    drain()
    a_need(a_journey())
    _, second = an_application(an_offer(), Step.PEOPLE)
    drain()
    before = {(each.journey_id, each.state, each.policy_number, each.last_at) for each in everything()}
    assert len(before) == 3
    db.session.execute(text("UPDATE oversight_sale SET state = 'lapsed', policy_number = 'EF-FALSE'"))
    db.session.commit()
    assert services.rebuild() == 3
    assert {(each.journey_id, each.state, each.policy_number, each.last_at) for each in everything()} == before
    db.session.execute(text("DELETE FROM oversight_sale"))
    assert services.rebuild() == 3
    assert {(each.journey_id, each.state, each.policy_number, each.last_at) for each in everything()} == before
    assert second.reference in {each.application_reference for each in everything()}


def test_building_again_asks_for_two_keys_of_each_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the guide says to whoever sets the keeper's limit."""
    told = an_accepted_application()
    drain("oversight")
    vault.forget()
    asked: list[UUID] = []
    unwrap = vault.RemoteKeeper.unwrap

    def counted(self: vault.RemoteKeeper, items: Sequence[Wrapped]) -> list[bytes]:
        asked.extend(each.subject_id for each in items)
        return unwrap(self, items)

    monkeypatch.setattr(vault.RemoteKeeper, "unwrap", counted)
    services.rebuild()
    assert sorted(asked) == sorted([told.id, told.journey_id])


def test_what_no_feature_knows_is_gone_after_building_again() -> None:
    an_offer_of()
    drain("oversight")
    stray = a_journey()
    db.session.execute(
        text(
            "INSERT INTO oversight_sale (id, state, line, journey_id, journey_reference, channel, started_at, last_at) "
            "VALUES (gen_random_uuid(), 'compared', 'travel', :journey, 'J-X', 'self', now(), now())"
        ),
        {"journey": stray},
    )
    assert services.rebuild() == 1
    assert the_sale().journey_id != stray


def test_two_applications_of_one_journey_are_two_sales() -> None:
    for code in ("harbour", "north"):
        publish(an_insurer(code), a_content(f"{code}-trip"))
    need = a_need()
    drain("oversight")
    for offer in offers_for(need.id):
        an_application(offer)
    drain("oversight")
    found = everything()
    assert {each.journey_id for each in found} == {need.journey_id}
    assert {each.state for each in found} == {SaleState.ENTERED}
    assert len({each.insurer_id for each in found}) == len(found) == 2


def test_a_refresh_that_had_to_wait_writes_what_is_true_when_its_turn_comes(app: Flask) -> None:
    _, application = an_application(an_offer_of())
    drain("oversight")
    lock_journey(application.journey_id)
    db.session.execute(text("UPDATE application_application SET state = 'lapsed'"))
    started = Event()

    def refresh() -> None:
        with use_scope(Scope.all()), app.app_context():
            held = db.session.get(ApplicationRow, application.id)  # read before its turn, and kept in the session
            assert held is not None
            started.set()
            services.refresh_application(application.id)
            assert held.state == "lapsed"
            db.session.commit()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(refresh)
        assert started.wait(10)
        db.session.commit()
        waiting.result(10)
    assert the_sale().state is SaleState.LAPSED


def test_sales_that_end_by_the_clock_are_caught_up_with() -> None:
    _, application = an_application(an_offer_of())
    drain("oversight")
    db.session.execute(
        text("UPDATE application_application SET state = 'lapsed' WHERE id = :id"), {"id": application.id}
    )
    services.catch_up()
    drain("oversight")
    assert the_sale().state is SaleState.LAPSED


def test_other_mails_change_nothing() -> None:
    an_accepted_application(a_guest("li.na@customer.example"))
    drain()
    seen = the_sale()
    for message in messages.inbox():
        services.note_message(message.id)
    assert the_sale() == seen


def test_an_insurer_finds_its_own_sales_and_nothing_of_another() -> None:
    harbour, north = an_insurer("harbour"), an_insurer("north")
    offer = an_offer_of(harbour)
    an_application(offer)
    drain("oversight")
    a_need(a_journey())
    drain("oversight")
    own = sales(SaleFilter(), only_insurer=harbour.id)
    assert [each.insurer_id for each in own.sales] == [harbour.id]
    assert sales(SaleFilter(), only_insurer=north.id).sales == ()
    assert sales(SaleFilter(insurer_id=harbour.id), only_insurer=north.id).total == 0
    assert sum(state_counts(only_insurer=north.id).values()) == 0
    assert sale(own.sales[0].id, only_insurer=harbour.id) == own.sales[0]
    with pytest.raises(SaleNotFound):
        sale(own.sales[0].id, only_insurer=north.id)
    with pytest.raises(SaleNotFound):
        sale(UUID(int=1))

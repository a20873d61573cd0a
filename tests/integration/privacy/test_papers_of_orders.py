"""The papers and mails about the money of orders, when somebody is erased or leaves."""

import io
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.accounts.values import Account
from marketplace.checkout import services as checkout
from marketplace.checkout.values import Order, PaymentUrls
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import MessageKind
from marketplace.infra import pdf, vault
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import AttemptState, Purpose
from marketplace.policy import queries as policies
from marketplace.policy.values import PaperFinished, PaperKind
from marketplace.privacy import queries, services
from marketplace.privacy.services import erasing
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import ErasureReason
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain, hasten, waiting
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.retention import on, ran_out
from tests.factories.traceability import a_journey
from tests.simulator_server import SimulatorServer

ADDRESS = "li.na@example.com"


def _cheaper_offer(journey_id: UUID) -> OfferView:
    """Of a new insurer, before all that are there."""
    before = db.session.execute(text("SELECT count(*) FROM accounts_insurer")).scalar_one()
    return an_offer_of(an_insurer(f"cheaper{before}"), f"{90 - 10 * before}.00", journey_id=journey_id)


def bought(simulator: SimulatorServer, customer: Account, *, lines: int = 1, fails: bool = False) -> Order:
    """Paid, and worked at until nothing is left to do."""
    journey_id = a_journey()
    offers = [_cheaper_offer(journey_id) for _ in range(lines)]
    order = checkout.place_order([an_accepted_application(customer, each).id for each in offers], customer.id)
    attempt = checkout.pay(order.id, PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay"))
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(url)
    if fails:
        db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
    checkout.check_payment(order.id)
    drain()
    db.session.expire_all()
    return order


def test_a_copy_does_not_stumble_over_the_papers_of_what_was_erased(simulator: SimulatorServer) -> None:
    customer = a_guest(ADDRESS)
    first, second = bought(simulator, customer), bought(simulator, customer)
    (policy,), (kept,) = policies.policies_of_order(first.id), policies.policies_of_order(second.id)
    ran_out(policy)
    with on(queries.kept_contract(policy.id).kept_until + timedelta(days=1)):
        assert erasing.erase_contract(policy.id)
        db.session.commit()
        copied = zipfile.ZipFile(io.BytesIO(copy_of(customer, clock.now()))).namelist()
    papers = [*policies.papers_of_contract(kept.id), *policies.papers_of_order(second.id)]
    assert len(papers) == 3
    assert sorted(name for name in copied if name.endswith(".pdf")) == sorted(
        f"policies/{each.number}{'-certificate' * (each.kind is PaperKind.CERTIFICATE)}.pdf" for each in papers
    )


@pytest.mark.requirement("T26-47")
def test_who_paid_for_several_applications_without_a_contract_is_forgotten_with_the_last(
    simulator: SimulatorServer,
) -> None:
    customer = a_guest(ADDRESS)
    order = bought(simulator, customer, lines=2, fails=True)
    (attempt,), (letter,) = payments.attempts_of(Purpose.NEW_BUSINESS, order.id), policies.papers_of_order(order.id)
    first, last = (line.application_id for line in order.lines)
    assert (attempt.state, letter.sealed_for) == (AttemptState.REFUNDED, attempt.id)
    assert erasing.erase_application(first, ErasureReason.WITHDRAWAL)
    db.session.commit()
    assert not vault.is_destroyed(attempt.id), "the other application is not erased"
    assert erasing.erase_application(last, ErasureReason.WITHDRAWAL)
    db.session.commit()
    assert vault.destroyed([attempt.id]) == {attempt.id}
    with pytest.raises(vault.DataDestroyed):
        policies.paper_bytes(letter)
    assert payments.attempt(attempt.id).received == order.total, "the books stay"


MAILS_OF_MONEY = ("payment_not_issuable", "refund_made")


def mails_of_money(about: UUID | None) -> list[MessageKind]:
    """What of it is in the trail as about this application."""
    sent = db.session.execute(text("SELECT journey_id FROM checkout_order")).scalars().all()
    return [
        each.body["kind"]
        for journey_id in sent
        for each in trail.journey_entries(journey_id)
        if each.type is EntryType.MAIL_SENT and each.application_id == about
    ]


@pytest.mark.requirement("T26-47", "T26-52")
def test_mail_about_the_money_of_one_application_is_about_it_and_goes_with_it(simulator: SimulatorServer) -> None:
    customer = a_guest(ADDRESS)
    order, beside = (bought(simulator, customer, fails=True) for _ in range(2))
    for each in (order, beside):
        assert mails_of_money(each.lines[0].application_id) == list(MAILS_OF_MONEY)
    assert mails_of_money(None) == []
    erasing.erase_application(order.lines[0].application_id, ErasureReason.WITHDRAWAL)
    db.session.commit()
    asked = "SELECT application_id, recipient, eml FROM correspondence_message WHERE kind = ANY(:kinds)"
    kept = {
        (application_id, recipient is None, eml is None)
        for application_id, recipient, eml in db.session.execute(text(asked), {"kinds": list(MAILS_OF_MONEY)})
    }
    assert kept == {(order.lines[0].application_id, True, True), (beside.lines[0].application_id, False, False)}


def test_mail_about_the_money_of_several_applications_is_of_their_journey(simulator: SimulatorServer) -> None:
    order = bought(simulator, a_guest(ADDRESS), lines=2, fails=True)
    assert mails_of_money(None) == list(MAILS_OF_MONEY)
    assert [mails_of_money(line.application_id) for line in order.lines] == [[], []]


def without_a_receipt(simulator: SimulatorServer, customer: Account, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Its receipt cannot be printed, and is looked for again and again."""
    printed = pdf.render

    def render(template: str, *args: Any, **more: Any) -> bytes:
        if template == PaperKind.RECEIPT:
            raise pdf.Unprintable("no such character")
        return printed(template, *args, **more)

    monkeypatch.setattr(pdf, "render", render)
    order = bought(simulator, customer)
    hasten("checkout.send_payment_receipt")
    drain()
    assert "checkout.send_payment_receipt" in waiting()
    return order


def test_nobody_looks_for_the_receipt_of_who_closed_the_account(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = a_guest(ADDRESS)
    order = without_a_receipt(simulator, customer, monkeypatch)
    services.close_account(customer.id)
    db.session.commit()
    mails = db.session.scalar(text("SELECT count(*) FROM correspondence_message"))
    hasten("checkout.send_payment_receipt")
    drain()
    assert "checkout.send_payment_receipt" not in waiting()
    (receipt,) = policies.papers_of_order(order.id)
    checkout.send_paper(PaperFinished(receipt.id, receipt.kind, receipt.subject_id, order.id))
    assert db.session.scalar(text("SELECT count(*) FROM correspondence_message")) == mails, "nor is anything mailed"


def test_nobody_looks_for_the_receipt_of_what_was_erased(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = without_a_receipt(simulator, a_guest(ADDRESS), monkeypatch)
    (policy,) = policies.policies_of_order(order.id)
    ran_out(policy)
    with on(queries.kept_contract(policy.id).kept_until + timedelta(days=1)):
        assert erasing.erase_contract(policy.id)
        db.session.commit()
    hasten("checkout.send_payment_receipt")
    drain()
    assert "checkout.send_payment_receipt" not in waiting()
    assert correspondence.message_about(MessageKind.PAYMENT_RECEIPT, str(order.id)) is None

"""From the payment page to the mail with the sealed policy, through the real worker."""

import asyncio

import pytest
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace.checkout import queries, services
from marketplace.checkout.values import OrderState, PaymentUrls
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import Attachment, MessageKind
from marketplace.infra import jobs, storage
from marketplace.infra.db import db
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.policy.values import PaperKind
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.simulator_server import DECLINED_CARD, SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")


def work(app: Flask, settings: Settings) -> None:
    """The worker runs until nothing is left to do."""
    db.session.commit()
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)

    async def run() -> None:
        async with worker.open_async():
            await worker.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(run())
    db.session.expire_all()


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_a_declined_card_then_a_good_one_and_the_policy_is_in_the_mail(
    simulator: SimulatorServer, app: Flask, settings: Settings, locale: str
) -> None:
    customer = a_guest("li.na@example.com", locale)
    application = an_accepted_application(customer, an_offer_of(an_insurer("harbour")), locale)
    order = services.place_order([application.id], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    assert simulator.pay(url, DECLINED_CARD).status_code == 402
    assert simulator.pay(url).status_code == 303
    delivery = simulator.webhook("checkout.session.completed")
    payment.receive_event(delivery.payload, delivery.signature)
    work(app, settings)
    assert queries.order(order.id).state is OrderState.ISSUED
    (policy,) = policies.policies_of_order(order.id)
    assert policy.document_sha256 is not None
    assert storage.get(policy.document_sha256).startswith(b"%PDF")
    mail = correspondence.message_about(MessageKind.POLICY_ISSUED, str(policy.id))
    assert (mail.recipient, mail.locale, mail.state) == ("li.na@example.com", locale, "sent")
    papers = (*policies.papers_of_contract(policy.id), *policies.papers_of_order(order.id))
    assert [each.kind for each in papers] == [PaperKind.POLICY, PaperKind.CERTIFICATE, PaperKind.RECEIPT]
    names = (policy.number, f"{policy.number}-certificate", papers[2].number)
    assert mail.attachments == tuple(
        Attachment(f"{name}.pdf", "application/pdf", paper.sha256) for name, paper in zip(names, papers, strict=True)
    )


def test_what_is_not_issuable_is_told_and_given_back(
    simulator: SimulatorServer, app: Flask, settings: Settings
) -> None:
    customer = a_guest("li.na@example.com")
    order = services.place_order([an_accepted_application(customer).id], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    simulator.pay(url)
    db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
    delivery = simulator.webhook("checkout.session.completed")
    payment.receive_event(delivery.payload, delivery.signature)
    work(app, settings)
    assert queries.order(order.id).state is OrderState.REFUNDED
    sent = db.session.execute(text("SELECT kind, state FROM correspondence_message ORDER BY queued_at"))
    assert [tuple(row) for row in sent] == [("payment_not_issuable", "sent"), ("refund_made", "sent")]
    assert policies.policies_of_order(order.id) == ()

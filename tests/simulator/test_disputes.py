"""Disputes: opened by a card or a bank, answered or not, won or lost; the money follows."""

import pytest
import requests
import stripe

from tests.simulator.harness import Running, paid_session


def bought(client: stripe.StripeClient, alias: str) -> stripe.Charge:
    intent = client.v1.payment_intents.create(
        {
            "amount": 10_000,
            "currency": "cny",
            "payment_method": f"pm_card_{alias}",
            "confirm": True,
            "expand": ["latest_charge"],
        }
    )
    assert isinstance(intent.latest_charge, stripe.Charge)
    return client.v1.charges.retrieve(intent.latest_charge.id)


def told(client: stripe.StripeClient) -> list[str]:
    kinds = [event.type for event in client.v1.events.list({"type": "charge.dispute.*"}).data]
    return [kind.removeprefix("charge.dispute.") for kind in kinds][::-1]


def moved(client: stripe.StripeClient, dispute: str) -> list[tuple[int, int, str]]:
    """(amount, fee, reported as) of the dispute's movements, oldest first."""
    found = client.v1.balance_transactions.list({"source": dispute}).data
    return [(m.amount, m.fee, m.reporting_category) for m in found][::-1]


@pytest.mark.parametrize(
    ("alias", "reason"), [("createDispute", "fraudulent"), ("createDisputeProductNotReceived", "product_not_received")]
)
def test_a_chargeback_takes_the_money_and_a_fee(client: stripe.StripeClient, alias: str, reason: str):
    charge = bought(client, alias)
    dispute = client.v1.disputes.list({"charge": charge.id}).data[0]
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", reason, 10_000)
    assert dispute.payment_intent == charge.payment_intent
    assert (charge.disputed, dispute.is_charge_refundable) == (True, False)
    assert [m.id for m in dispute.balance_transactions] == [
        m.id for m in client.v1.balance_transactions.list({"source": dispute.id}).data
    ]
    assert moved(client, dispute.id) == [(-10_000, 1_500, "dispute")]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": charge.id})
    assert refusal.value.code == "charge_disputed"
    assert client.v1.refunds.list().data == []


@pytest.mark.parametrize(
    ("text", "status", "movements", "events"),
    [
        (
            "winning_evidence",
            "won",
            [(-10_000, 1_500, "dispute"), (10_000, 0, "dispute_reversal")],
            ["created", "funds_withdrawn", "updated", "funds_reinstated", "closed"],
        ),
        (
            "losing_evidence",
            "lost",
            [(-10_000, 1_500, "dispute")],
            ["created", "funds_withdrawn", "updated", "closed"],
        ),
    ],
)
def test_the_bank_decides_after_a_while(
    sim: Running,
    text: str,
    status: str,
    movements: list[tuple[int, int, str]],
    events: list[str],
):
    client = sim.client
    charge = bought(client, "createDispute")
    dispute = client.v1.disputes.list().data[0].id
    answered = client.v1.disputes.update(
        dispute, {"evidence": {"uncategorized_text": text, "customer_name": "Li"}, "metadata": {"policy": "7"}}
    )
    assert answered.status == "under_review"
    assert answered.evidence_details.submission_count == 1
    assert answered.evidence.customer_name == "Li"
    with pytest.raises(stripe.InvalidRequestError, match="takes no more evidence"):
        client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "more"}})
    sim.instant.pass_by(10)
    assert client.v1.disputes.retrieve(dispute).status == status
    assert moved(client, dispute) == movements
    assert told(client) == events
    assert client.v1.charges.retrieve(charge.id).disputed
    if status == "won":
        assert client.v1.refunds.create({"charge": charge.id}).status == "succeeded"
    else:
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create({"charge": charge.id})


def test_evidence_can_be_gathered_before_it_is_sent(client: stripe.StripeClient):
    bought(client, "createDispute")
    dispute = client.v1.disputes.list().data[0].id
    kept = client.v1.disputes.update(dispute, {"evidence": {"product_description": "Cover"}, "submit": False})
    assert (kept.status, kept.evidence_details.has_evidence) == ("needs_response", True)
    assert kept.evidence_details.submission_count == 0
    sent = client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "Cover")


def test_a_loss_can_be_accepted_once(sim: Running, client: stripe.StripeClient):
    bought(client, "createDispute")
    dispute = client.v1.disputes.list().data[0].id
    client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert client.v1.disputes.close(dispute).status == "lost"
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.close(dispute)
    sim.instant.pass_by(10)
    assert client.v1.disputes.retrieve(dispute).status == "lost"
    assert moved(client, dispute) == [(-10_000, 1_500, "dispute")]


def test_an_inquiry_moves_no_money_and_the_charge_can_be_refunded(sim: Running, client: stripe.StripeClient):
    charge = bought(client, "createDisputeInquiry")
    dispute = client.v1.disputes.list().data[0]
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert moved(client, dispute.id) == []
    client.v1.refunds.create({"charge": charge.id, "amount": 100})
    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    sim.instant.pass_by(10)
    assert client.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert moved(client, dispute.id) == []


def test_an_inquiry_can_become_a_chargeback(sim: Running, client: stripe.StripeClient):
    bought(client, "createDisputeInquiry")
    dispute = client.v1.disputes.list().data[0].id
    client.v1.disputes.update(dispute, {"evidence": {"uncategorized_text": "escalate_inquiry_evidence"}})
    sim.instant.pass_by(10)
    assert client.v1.disputes.retrieve(dispute).status == "needs_response"
    assert moved(client, dispute) == [(-10_000, 1_500, "dispute")]


def test_a_bank_may_speak_up_about_any_paid_charge_and_once(sim: Running, client: stripe.StripeClient):
    session = paid_session(client)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    client.v1.refunds.create({"payment_intent": session.payment_intent.id, "amount": 28_400})
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    asked = {"charge": charge.id, "reason": "product_not_received"}
    opened = requests.post(f"{sim.url}/_simulator/disputes", json=asked, timeout=5)
    assert (opened.status_code, opened.json()["amount"]) == (200, 100_000)
    again = requests.post(f"{sim.url}/_simulator/disputes", json=asked, timeout=5)
    assert again.status_code == 400
    assert len(client.v1.disputes.list({"payment_intent": session.payment_intent.id}).data) == 1

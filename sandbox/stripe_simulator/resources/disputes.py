"""Disputes: the customer's bank takes the money back, or asks first. https://docs.stripe.com/api/disputes.

Opened by a test card, or by the simulator's own door for any paid charge. Evidence decides as in Stripe's test mode:
the words `winning_evidence` or `losing_evidence` as `uncategorized_text`; any other evidence loses.
"""

from typing import Any

from pydantic import Field, create_model

from sandbox.stripe_simulator import books, wallets
from sandbox.stripe_simulator.cards import DisputeReason
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import ListRequest, Metadata, Part, Request, Text, merged

PATH = "/v1/disputes"
DAYS_TO_ANSWER = 9
WINNING, ESCALATING = "winning_evidence", "escalate_inquiry_evidence"
NETWORK_REASON = {"fraudulent": "10.4", "product_not_received": "13.1"}

EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation",
    "duplicate_charge_explanation", "duplicate_charge_id", "product_description", "receipt", "refund_policy",
    "refund_policy_disclosure", "refund_refusal_explanation", "service_date", "service_documentation",
    "shipping_address", "shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number",
    "uncategorized_file", "uncategorized_text",
)  # fmt: skip
_FIELDS: dict[str, Any] = dict.fromkeys(EVIDENCE, (Text | None, None))
Evidence: type[Part] = create_model("Evidence", __base__=Part, **_FIELDS)


class UpdateDispute(Request):
    evidence: Evidence = Evidence()
    metadata: Metadata = Field(default_factory=dict)
    submit: bool = True


class ListDisputes(ListRequest):
    charge: Text | None = None
    payment_intent: Text | None = None


def open_on(ledger: Ledger, charge: JsonObject, reason: DisputeReason, *, inquiry: bool = False) -> JsonObject:
    """The bank speaks up: an inquiry asks, a chargeback takes the money, and a fee for it.

    :raises ApiError: the charge was not paid, or is disputed already, or all of it was refunded, or paid by a wallet,
        which knows no disputes.
    """
    if charge["payment_method_details"]["type"] in wallets.WALLETS:
        raise invalid_request(f"Charge {charge['id']} was paid by a wallet that knows no disputes.", param="charge")
    amount = charge["amount"] - charge["amount_refunded"]
    if not charge["paid"] or charge["disputed"] or not amount:
        message = f"Charge {charge['id']} has nothing to dispute: unpaid, refunded or disputed already."
        raise invalid_request(message, param="charge")
    dispute = ledger.add(
        {
            "id": new_id("dp"),
            "object": "dispute",
            "amount": amount,
            "balance_transactions": [],
            "charge": charge["id"],
            "created": ledger.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(EVIDENCE) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": books.day_of_availability(ledger.now) + (DAYS_TO_ANSWER - 2) * books.DAY - 1,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "livemode": False,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": _details(charge, reason, inquiry=inquiry),
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        }
    )
    ledger.change(charge, disputed=True)
    ledger.records.save_private(charge["id"], {"refundable": inquiry})
    ledger.announce("charge.dispute.created", dispute)
    if not inquiry:
        _withdraw(ledger, dispute)
    return dispute


def _details(charge: JsonObject, reason: str, *, inquiry: bool) -> JsonObject | None:
    card = charge["payment_method_details"].get("card")
    if card is None:
        return None
    case = "inquiry" if inquiry else "chargeback"
    shown = {"brand": card["brand"], "case_type": case, "network_reason_code": NETWORK_REASON[reason]}
    return {"type": "card", "card": shown | {"network": card["network"]}}


def _withdraw(ledger: Ledger, dispute: JsonObject) -> None:
    fee = books.dispute_fee(dispute["currency"])
    movement = books.post(ledger, "adjustment", -dispute["amount"], dispute, fee=fee, reported_as="dispute")
    moved = [*dispute["balance_transactions"], ledger.look_up(movement)]
    ledger.change(dispute, balance_transactions=moved)
    ledger.announce("charge.dispute.funds_withdrawn", dispute)


def update(ledger: Ledger, asked: UpdateDispute, dispute_id: str) -> JsonObject:
    dispute = ledger.find("dispute", dispute_id)
    given = asked.evidence.model_dump(exclude_none=True)
    if given and dispute["status"] not in {"needs_response", "warning_needs_response"}:
        message = f"This dispute has a status of {dispute['status']} and takes no more evidence."
        raise invalid_request(message, param="evidence")
    ledger.change(
        dispute,
        evidence=dispute["evidence"] | given,
        evidence_details=dispute["evidence_details"] | ({"has_evidence": True} if given else {}),
        metadata=merged(dispute["metadata"], asked.metadata),
    )
    if given and asked.submit:
        _submit(ledger, dispute)
    ledger.announce("charge.dispute.updated", dispute)
    return dispute


def _submit(ledger: Ledger, dispute: JsonObject) -> None:
    """The evidence is with the bank, which takes its time."""
    details = dispute["evidence_details"]
    counted = {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
    warning = "warning_" if dispute["status"].startswith("warning_") else ""
    ledger.change(dispute, status=f"{warning}under_review", evidence_details=details | counted)
    ledger.later("dispute_decided", dispute)


def decide(ledger: Ledger, dispute: JsonObject) -> None:
    """What the bank thinks of the evidence; a dispute closed meanwhile stays closed."""
    text = dispute["evidence"]["uncategorized_text"]
    if dispute["status"] == "warning_under_review":
        if text == ESCALATING:
            _escalate(ledger, dispute)
        else:
            _end(ledger, dispute, "warning_closed")
    elif dispute["status"] == "under_review":
        _end(ledger, dispute, "won" if text == WINNING else "lost")


def _escalate(ledger: Ledger, dispute: JsonObject) -> None:
    """An inquiry becomes a chargeback."""
    charge = ledger.find("charge", dispute["charge"])
    ledger.records.save_private(charge["id"], {"refundable": False})
    details = _details(charge, dispute["reason"], inquiry=False)
    ledger.change(dispute, status="needs_response", is_charge_refundable=False, payment_method_details=details)
    _withdraw(ledger, dispute)


def _end(ledger: Ledger, dispute: JsonObject, status: str) -> None:
    charge = ledger.find("charge", dispute["charge"])
    if status == "won":
        movement = books.post(ledger, "adjustment", dispute["amount"], dispute, reported_as="dispute_reversal")
        ledger.change(dispute, balance_transactions=[*dispute["balance_transactions"], ledger.look_up(movement)])
        ledger.announce("charge.dispute.funds_reinstated", dispute)
    refundable = status != "lost"
    ledger.change(dispute, status=status, is_charge_refundable=refundable)
    ledger.records.save_private(charge["id"], {"refundable": refundable})
    ledger.announce("charge.dispute.closed", dispute)


def close(ledger: Ledger, _asked: Request, dispute_id: str) -> JsonObject:
    """Accept the loss."""
    dispute = ledger.find("dispute", dispute_id)
    if dispute["status"] in {"won", "lost", "warning_closed"}:
        raise invalid_request(f"This dispute is already closed; it has a status of {dispute['status']}.")
    _end(ledger, dispute, "warning_closed" if dispute["status"].startswith("warning_") else "lost")
    return dispute


def retrieve(ledger: Ledger, _asked: Request, dispute_id: str) -> JsonObject:
    return ledger.find("dispute", dispute_id)


def page(ledger: Ledger, asked: ListDisputes) -> JsonObject:
    matching = {"charge": asked.charge, "payment_intent": asked.payment_intent}
    return ledger.page("dispute", PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("GET", PATH, ListDisputes, page),
    Endpoint("GET", f"{PATH}/<dispute_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<dispute_id>", UpdateDispute, update),
    Endpoint("POST", f"{PATH}/<dispute_id>/close", Request, close),
)

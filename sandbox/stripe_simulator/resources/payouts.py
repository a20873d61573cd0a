"""Payouts by hand, from the platform's balance or a connected account's. https://docs.stripe.com/api/payouts."""

from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator import books
from sandbox.stripe_simulator.currencies import fault_of_payout
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import Amount, Currency, ListRequest, Metadata, Request, Text, merged

PATH = "/v1/payouts"
BANK_ACCOUNT = "ba_simulator"


class CreatePayout(Request):
    amount: Amount
    currency: Currency
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    method: Literal["standard"] = "standard"
    statement_descriptor: Annotated[str, Field(max_length=22)] | None = None


class UpdatePayout(Request):
    metadata: Metadata = Field(default_factory=dict)


class ListPayouts(ListRequest):
    status: Literal["pending", "paid", "failed", "canceled", "in_transit"] | None = None


def create(ledger: Ledger, asked: CreatePayout) -> JsonObject:
    fault = fault_of_payout(asked.amount, asked.currency)
    if fault is not None:
        raise ParameterError(fault, param="amount", code="parameter_invalid_integer")
    if ledger.account and not ledger.on("").find("account", ledger.account)["payouts_enabled"]:
        raise invalid_request("Payouts are not enabled for this account.", code="payouts_not_allowed")
    books.check_covered(ledger, asked.amount, asked.currency)
    absent = (
        "application_fee", "application_fee_amount", "failure_balance_transaction", "failure_code",
        "failure_message", "original_payout", "payout_method", "reversed_by", "trace_id",
    )  # fmt: skip
    payout = dict.fromkeys(absent) | {
        "id": new_id("po"),
        "object": "payout",
        "amount": asked.amount,
        "arrival_date": ledger.now + ledger.later_seconds,
        "automatic": False,
        "created": ledger.now,
        "currency": asked.currency,
        "description": asked.description,
        "destination": BANK_ACCOUNT,
        "livemode": False,
        "metadata": dict(asked.metadata),
        "method": asked.method,
        "reconciliation_status": "not_applicable",
        "source_type": "card",
        "statement_descriptor": asked.statement_descriptor,
        "status": "pending",
        "type": "bank_account",
    }
    payout["balance_transaction"] = books.post(ledger, "payout", -asked.amount, payout)
    ledger.add(payout)
    ledger.announce("payout.created", payout)
    ledger.later("payout_arrives", payout)
    return payout


def arrive(ledger: Ledger, payout: JsonObject) -> None:
    """The bank has it, unless it was canceled meanwhile."""
    if payout["status"] == "pending":
        ledger.change(payout, status="paid")
        ledger.announce("payout.paid", payout)


def cancel(ledger: Ledger, _asked: Request, payout_id: str) -> JsonObject:
    payout = ledger.find("payout", payout_id, "payout")
    if payout["status"] != "pending":
        message = f"Payouts can be canceled while they are pending; this one has a status of {payout['status']}."
        raise invalid_request(message, code="payout_update_not_allowed")
    movement = books.post(ledger, "payout_cancel", payout["amount"], payout)
    ledger.change(payout, status="canceled", failure_balance_transaction=movement)
    ledger.announce("payout.canceled", payout)
    return payout


def update(ledger: Ledger, asked: UpdatePayout, payout_id: str) -> JsonObject:
    payout = ledger.find("payout", payout_id, "payout")
    ledger.change(payout, metadata=merged(payout["metadata"], asked.metadata))
    ledger.announce("payout.updated", payout)
    return payout


def retrieve(ledger: Ledger, _asked: Request, payout_id: str) -> JsonObject:
    return ledger.find("payout", payout_id, "payout")


def page(ledger: Ledger, asked: ListPayouts) -> JsonObject:
    return ledger.page("payout", PATH, asked, matching={"status": asked.status})


ENDPOINTS = (
    Endpoint("POST", PATH, CreatePayout, create, on_accounts=True),
    Endpoint("GET", PATH, ListPayouts, page, on_accounts=True),
    Endpoint("GET", f"{PATH}/<payout_id>", Request, retrieve, on_accounts=True),
    Endpoint("POST", f"{PATH}/<payout_id>", UpdatePayout, update, on_accounts=True),
    Endpoint("POST", f"{PATH}/<payout_id>/cancel", Request, cancel, on_accounts=True),
)

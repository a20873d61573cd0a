"""What the platform keeps of a destination charge, and gives back. https://docs.stripe.com/api/application_fees."""

from pydantic import Field

from sandbox.stripe_simulator import books
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import Amount, ListRequest, Metadata, Request, Text, merged

PATH = "/v1/application_fees"
APPLICATION = "ca_simulator"


class ListFees(ListRequest):
    charge: Text | None = None


class CreateFeeRefund(Request):
    amount: Amount | None = None
    metadata: Metadata = Field(default_factory=dict)


class UpdateFeeRefund(Request):
    metadata: Metadata = Field(default_factory=dict)


def take(ledger: Ledger, charge: JsonObject, payment: JsonObject, account_id: str, amount: int) -> JsonObject:
    """Take the fee out of the payment that reached the account: `payment` is the charge over there."""
    fee_id = new_id("fee")
    fee = {
        "id": fee_id,
        "object": "application_fee",
        "account": account_id,
        "amount": amount,
        "amount_refunded": 0,
        "application": APPLICATION,
        "balance_transaction": None,
        "charge": payment["id"],
        "created": ledger.now,
        "currency": charge["currency"],
        "fee_source": {"charge": payment["id"], "type": "charge"},
        "livemode": False,
        "originating_transaction": charge["id"],
        "refunded": False,
        "refunds": {"object": "list", "data": [], "has_more": False, "url": f"{PATH}/{fee_id}/refunds"},
    }
    available = ledger.find("balance_transaction", charge["balance_transaction"])["available_on"]
    fee["balance_transaction"] = books.post(ledger, "application_fee", amount, fee, available_on=available)
    ledger.add(fee)
    ledger.announce("application_fee.created", fee)
    return fee


def give_back(
    ledger: Ledger, fee: JsonObject, amount: int | None = None, metadata: dict[str, str] | None = None
) -> JsonObject:
    """Refund a part of the fee, or what is left of it, to the account.

    :raises ApiError: nothing, or less than that, is left.
    """
    left = fee["amount"] - fee["amount_refunded"]
    if left == 0:
        message = f"Application fee {fee['id']} has already been refunded."
        raise invalid_request(message, code="charge_already_refunded")
    returned = left if amount is None else amount
    if returned > left:
        message = f"Refund amount ({returned}) is greater than unrefunded amount on fee ({left})"
        raise invalid_request(message, param="amount")
    refund = {
        "id": new_id("fr"),
        "object": "fee_refund",
        "amount": returned,
        "balance_transaction": None,
        "created": ledger.now,
        "currency": fee["currency"],
        "fee": fee["id"],
        "metadata": metadata or {},
    }
    refund["balance_transaction"] = books.post(ledger, "application_fee_refund", -returned, refund)
    ledger.add(refund)
    books.post(ledger.on(fee["account"]), "adjustment", returned, refund, reported_as="other_adjustment")
    refunded = fee["amount_refunded"] + returned
    newest = [refund, *fee["refunds"]["data"]]
    listed = fee["refunds"] | {"data": newest[:10], "has_more": fee["refunds"]["has_more"] or len(newest) > 10}  # noqa: PLR2004  a page
    ledger.change(fee, amount_refunded=refunded, refunded=refunded == fee["amount"], refunds=listed)
    ledger.announce("application_fee.refunded", fee)
    return refund


def refund(ledger: Ledger, asked: CreateFeeRefund, fee_id: str) -> JsonObject:
    fee = ledger.find("application_fee", fee_id)
    return give_back(ledger, fee, asked.amount, dict(asked.metadata))


def update_refund(ledger: Ledger, asked: UpdateFeeRefund, fee_id: str, refund_id: str) -> JsonObject:
    found = retrieve_refund(ledger, asked, fee_id, refund_id)
    return ledger.change(found, metadata=merged(found["metadata"], asked.metadata))


def retrieve_refund(ledger: Ledger, _asked: Request, fee_id: str, refund_id: str) -> JsonObject:
    ledger.find("application_fee", fee_id)
    return ledger.find("fee_refund", refund_id)


def refunds(ledger: Ledger, asked: ListRequest, fee_id: str) -> JsonObject:
    ledger.find("application_fee", fee_id)
    return ledger.page("fee_refund", f"{PATH}/{fee_id}/refunds", asked, matching={"fee": fee_id})


def retrieve(ledger: Ledger, _asked: Request, fee_id: str) -> JsonObject:
    return ledger.find("application_fee", fee_id)


def page(ledger: Ledger, asked: ListFees) -> JsonObject:
    return ledger.page("application_fee", PATH, asked, matching={"charge": asked.charge})


ENDPOINTS = (
    Endpoint("GET", PATH, ListFees, page),
    Endpoint("GET", f"{PATH}/<fee_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<fee_id>/refunds", CreateFeeRefund, refund),
    Endpoint("GET", f"{PATH}/<fee_id>/refunds", ListRequest, refunds),
    Endpoint("GET", f"{PATH}/<fee_id>/refunds/<refund_id>", Request, retrieve_refund),
    Endpoint("POST", f"{PATH}/<fee_id>/refunds/<refund_id>", UpdateFeeRefund, update_refund),
)

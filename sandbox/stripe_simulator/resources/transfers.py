"""Money on to connected accounts and back: https://docs.stripe.com/api/transfers and /transfer_reversals.

By a transfer of its own (separate charges and transfers) or by itself, after a destination charge.
"""

from pydantic import Field

from sandbox.stripe_simulator import books
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Amount,
    Currency,
    ListRequest,
    Metadata,
    Part,
    Request,
    Text,
    check_amount,
    merged,
)
from sandbox.stripe_simulator.resources import accounts, application_fees, charges
from sandbox.stripe_simulator.store import PageQuery

PATH = "/v1/transfers"


class TransferData(Part):
    destination: Text
    amount: Amount | None = None


class ConnectTerms(Part):
    """Where the money of a payment goes, and what the platform keeps of it."""

    application_fee_amount: Amount | None = None
    on_behalf_of: Text | None = None
    transfer_data: TransferData | None = None
    transfer_group: Text | None = None


class CreateTransfer(Request):
    amount: Amount | None = None
    currency: Currency
    destination: Text
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    source_transaction: Text | None = None
    transfer_group: Text | None = None


class UpdateTransfer(Request):
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


class ListTransfers(ListRequest):
    destination: Text | None = None
    transfer_group: Text | None = None


class CreateReversal(Request):
    amount: Amount | None = None
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    refund_application_fee: bool = False


class UpdateReversal(Request):
    metadata: Metadata = Field(default_factory=dict)


def check_terms(ledger: Ledger, terms: ConnectTerms, amount: int, prefix: str = "") -> None:
    """:raises ApiError: the destination cannot be paid, or the sums do not go together."""

    def named(*steps: str) -> str:
        first, *rest = [*([prefix] if prefix else []), *steps]
        return first + "".join(f"[{step}]" for step in rest)

    fee, data = terms.application_fee_amount, terms.transfer_data
    if terms.on_behalf_of is not None:
        ledger.find("account", terms.on_behalf_of, named("on_behalf_of"), status=400)
    if data is None:
        if fee is not None:
            message = "Can only apply an application_fee_amount when transfer_data[destination] is given."
            raise ParameterError(message, param=named("application_fee_amount"))
        return
    if fee is not None and data.amount is not None:
        message = "You may only specify one of these parameters: application_fee_amount, transfer_data[amount]."
        raise ParameterError(message, param=named("application_fee_amount"))
    for asked, steps in ((fee, ("application_fee_amount",)), (data.amount, ("transfer_data", "amount"))):
        if asked is not None and asked > amount:
            message = f"This amount ({asked}) is larger than that of the payment ({amount})."
            raise ParameterError(message, param=named(*steps))
    accounts.check_receives(ledger, data.destination, named("transfer_data", "destination"))


def pass_on(ledger: Ledger, charge: JsonObject) -> JsonObject:
    """After a destination charge: its money goes on, and the platform's fee comes back from it."""
    data = charge["transfer_data"]
    amount = data.get("amount", charge["amount"])
    transfer, payment = _make(
        ledger, amount, charge["currency"], data["destination"], source=charge, group=charge["transfer_group"]
    )
    # shown from now on, as the charge did not know them before
    ledger.change(charge, transfer=transfer["id"])
    if charge["application_fee_amount"] is not None:
        fee = application_fees.take(ledger, charge, payment, data["destination"], charge["application_fee_amount"])
        ledger.change(charge, application_fee=fee["id"])
        ledger.on(data["destination"]).change(
            payment, application_fee=fee["id"], application_fee_amount=charge["application_fee_amount"]
        )
    return transfer


def _make(
    ledger: Ledger,
    amount: int,
    currency: str,
    destination: str,
    *,
    source: JsonObject | None,
    group: str | None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> tuple[JsonObject, JsonObject]:
    """The transfer, and the payment that the account sees (`py_…`)."""
    transfer_id = new_id("tr")
    over_there = ledger.on(destination)
    payment = charges.blank(ledger, "py", amount, currency) | {"source_transfer": transfer_id}
    transfer = {
        "id": transfer_id,
        "object": "transfer",
        "amount": amount,
        "amount_reversed": 0,
        "balance_transaction": None,
        "created": ledger.now,
        "currency": currency,
        "description": description,
        "destination": destination,
        "destination_payment": payment["id"],
        "livemode": False,
        "metadata": metadata or {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"{PATH}/{transfer_id}/reversals"},
        "reversed": False,
        "source_transaction": source["id"] if source else None,
        "source_type": "card",
        "transfer_group": group,
    }
    # money of a charge that is still pending is pending over there too
    available = ledger.find("balance_transaction", source["balance_transaction"])["available_on"] if source else None
    transfer["balance_transaction"] = books.post(ledger, "transfer", -amount, transfer, available_on=available)
    ledger.add(transfer)
    fee = source["application_fee_amount"] if source and source["transfer_data"] else None
    payment["balance_transaction"] = books.post(
        over_there,
        "payment",
        amount,
        payment,
        fee=books.Fee(fee, "Application fee", "application_fee") if fee else None,
        available_on=available,
    )
    over_there.add(payment)
    ledger.announce("transfer.created", transfer)
    return transfer, payment


def create(ledger: Ledger, asked: CreateTransfer) -> JsonObject:
    accounts.check_receives(ledger, asked.destination, "destination")
    source = None
    if asked.source_transaction is not None:
        source = ledger.find("charge", asked.source_transaction, "source_transaction", status=400)
    amount = asked.amount if asked.amount is not None or source is None else source["amount"]
    if amount is None:
        raise ParameterError("Missing required param: amount.", param="amount", code="parameter_missing")
    check_amount(amount, asked.currency)
    group = asked.transfer_group
    if source is None:
        books.check_covered(ledger, amount, asked.currency)
    else:
        _check_source(ledger, source, amount, asked.currency)
        group = group or source["transfer_group"] or f"group_{source['payment_intent'] or source['id']}"
        ledger.change(source, transfer_group=group)
    transfer, _ = _make(
        ledger,
        amount,
        asked.currency,
        asked.destination,
        source=source,
        group=group,
        description=asked.description,
        metadata=dict(asked.metadata),
    )
    return transfer


def _check_source(ledger: Ledger, source: JsonObject, amount: int, currency: str) -> None:
    """:raises ApiError: the charge brought no money, other money, or less than would have left it."""
    if not source["paid"] or source["currency"] != currency:
        message = f"Charge {source['id']} brought no money in {currency} that could be transferred."
        raise invalid_request(message, param="source_transaction")
    gone = sum(
        transfer["amount"]
        for transfer in ledger.records.all("transfer")
        if transfer["source_transaction"] == source["id"]
    )
    left = source["amount"] - gone
    if amount > left:
        message = f"The transfers from charge {source['id']} may not exceed it: {left} of {source['amount']} are left."
        raise invalid_request(message, param="amount", code="balance_insufficient")


def reverse(
    ledger: Ledger,
    transfer: JsonObject,
    amount: int,
    *,
    source_refund: str | None = None,
    metadata: dict[str, str] | None = None,
) -> JsonObject:
    """Bring a part of a transfer back.

    :raises ApiError: so much is not left of it, or the account does not have it any more.
    """
    left = transfer["amount"] - transfer["amount_reversed"]
    if amount > left:
        message = f"Reversal amount ({amount}) is greater than unreversed amount on transfer ({left})"
        raise invalid_request(message, param="amount")
    over_there = ledger.on(transfer["destination"])
    if transfer["source_transaction"] is None:
        books.check_covered(over_there, amount, transfer["currency"], with_pending=True)
    reversal = {
        "id": new_id("trr"),
        "object": "transfer_reversal",
        "amount": amount,
        "balance_transaction": None,
        "created": ledger.now,
        "currency": transfer["currency"],
        "destination_payment_refund": None,
        "metadata": metadata or {},
        "source_refund": source_refund,
        "transfer": transfer["id"],
    }
    reversal["balance_transaction"] = books.post(ledger, "transfer_refund", amount, reversal)
    reversal["destination_payment_refund"] = _returned(over_there, transfer, amount)["id"]
    ledger.add(reversal)
    reversed_ = transfer["amount_reversed"] + amount
    data, has_more = ledger.records.page(PageQuery("transfer_reversal", matching={"$.transfer": transfer["id"]}))
    ledger.change(
        transfer,
        amount_reversed=reversed_,
        reversed=reversed_ == transfer["amount"],
        reversals=transfer["reversals"] | {"data": data, "has_more": has_more},
    )
    ledger.announce("transfer.reversed", transfer)
    return reversal


def _returned(over_there: Ledger, transfer: JsonObject, amount: int) -> JsonObject:
    """The refund that the account sees on its payment."""
    payment = over_there.find("charge", transfer["destination_payment"])
    absent = (
        "balance_transaction", "customer", "customer_account", "failure_balance_transaction", "payment_intent",
        "payment_method", "pending_reason", "reason", "receipt_number", "source_transfer_reversal", "transfer_reversal",
    )  # fmt: skip
    refund = dict.fromkeys(absent) | {
        "id": new_id("pyr"),
        "object": "refund",
        "amount": amount,
        "charge": payment["id"],
        "created": over_there.now,
        "currency": payment["currency"],
        "metadata": {},
        "status": "succeeded",
    }
    refund["balance_transaction"] = books.post(over_there, "payment_refund", -amount, refund)
    over_there.add(refund)
    refunded = payment["amount_refunded"] + amount
    over_there.change(payment, amount_refunded=refunded, refunded=refunded == payment["amount"])
    return refund


def create_reversal(ledger: Ledger, asked: CreateReversal, transfer_id: str) -> JsonObject:
    transfer = ledger.find("transfer", transfer_id)
    left = transfer["amount"] - transfer["amount_reversed"]
    amount = left if asked.amount is None else asked.amount
    if left == 0:
        raise invalid_request(f"Transfer {transfer_id} is already fully reversed.", param="id")
    reversal = reverse(ledger, transfer, amount, metadata=dict(asked.metadata))
    if asked.refund_application_fee:
        payment = ledger.on(transfer["destination"]).find("charge", transfer["destination_payment"])
        give_fee_back(ledger, payment["application_fee"], amount, transfer["amount"])
    return reversal


def give_fee_back(ledger: Ledger, fee_id: str | None, part: int, whole: int) -> None:
    """The platform's fee goes back in proportion; with the last part, whatever is left of it."""
    if fee_id is None:
        raise invalid_request("There is no application fee to refund.", param="refund_application_fee")
    fee = ledger.find("application_fee", fee_id)
    left = fee["amount"] - fee["amount_refunded"]
    returned = min(left, proportion(fee["amount"], part, whole))
    if returned:
        application_fees.give_back(ledger, fee, returned)


def proportion(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, to the nearest unit, a half upwards."""
    return (2 * amount * part + whole) // (2 * whole)


def update(ledger: Ledger, asked: UpdateTransfer, transfer_id: str) -> JsonObject:
    transfer = ledger.find("transfer", transfer_id)
    changes = asked.model_dump(include=asked.model_fields_set & {"description"})
    ledger.change(transfer, **changes, metadata=merged(transfer["metadata"], asked.metadata))
    ledger.announce("transfer.updated", transfer)
    return transfer


def retrieve(ledger: Ledger, _asked: Request, transfer_id: str) -> JsonObject:
    return ledger.find("transfer", transfer_id)


def page(ledger: Ledger, asked: ListTransfers) -> JsonObject:
    matching = {"destination": asked.destination, "transfer_group": asked.transfer_group}
    return ledger.page("transfer", PATH, asked, matching=matching)


def reversals(ledger: Ledger, asked: ListRequest, transfer_id: str) -> JsonObject:
    ledger.find("transfer", transfer_id)
    return ledger.page(
        "transfer_reversal", f"{PATH}/{transfer_id}/reversals", asked, matching={"transfer": transfer_id}
    )


def retrieve_reversal(ledger: Ledger, _asked: Request, transfer_id: str, reversal_id: str) -> JsonObject:
    ledger.find("transfer", transfer_id)
    return ledger.find("transfer_reversal", reversal_id)


def update_reversal(ledger: Ledger, asked: UpdateReversal, transfer_id: str, reversal_id: str) -> JsonObject:
    found = retrieve_reversal(ledger, asked, transfer_id, reversal_id)
    return ledger.change(found, metadata=merged(found["metadata"], asked.metadata))


ENDPOINTS = (
    Endpoint("POST", PATH, CreateTransfer, create),
    Endpoint("GET", PATH, ListTransfers, page),
    Endpoint("GET", f"{PATH}/<transfer_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<transfer_id>", UpdateTransfer, update),
    Endpoint("POST", f"{PATH}/<transfer_id>/reversals", CreateReversal, create_reversal),
    Endpoint("GET", f"{PATH}/<transfer_id>/reversals", ListRequest, reversals),
    Endpoint("GET", f"{PATH}/<transfer_id>/reversals/<reversal_id>", Request, retrieve_reversal),
    Endpoint("POST", f"{PATH}/<transfer_id>/reversals/<reversal_id>", UpdateReversal, update_reversal),
)

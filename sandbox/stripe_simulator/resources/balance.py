"""What an account has, and every movement that led there. https://docs.stripe.com/api/balance_transactions."""

from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.parameters import Currency, ListRequest, Request, Text

PATH, MOVEMENTS_PATH = "/v1/balance", "/v1/balance_transactions"


class ListMovements(ListRequest):
    currency: Currency | None = None
    payout: Text | None = None
    source: Text | None = None
    type: Text | None = None


def retrieve(ledger: Ledger, _asked: Request) -> JsonObject:
    """A line for each currency that ever moved; US dollars when nothing did."""
    sums = ledger.records.sums(ledger.account)
    currencies = sorted({currency for currency, _, _ in sums} or {"usd"})
    by_state = {(currency, state): net for currency, state, net in sums}

    def lines(state: str) -> list[JsonObject]:
        return [
            {"amount": net, "currency": currency, "source_types": {"card": net}}
            for currency in currencies
            for net in (by_state.get((currency, state), 0),)
        ]

    shown: JsonObject = {
        "object": "balance",
        "available": lines("available"),
        "livemode": False,
        "pending": lines("pending"),
    }
    if not ledger.account:
        shown["connect_reserved"] = [{"amount": 0, "currency": currency} for currency in currencies]
    return shown


def movement(ledger: Ledger, _asked: Request, movement_id: str) -> JsonObject:
    return ledger.find("balance_transaction", movement_id)


def movements(ledger: Ledger, asked: ListMovements) -> JsonObject:
    """Of one payout: the payout's own movement alone, for payouts here are made by hand."""
    if asked.payout is not None:
        ledger.find("payout", asked.payout, "payout", status=400)
    matching = {"currency": asked.currency, "source": asked.source or asked.payout, "type": asked.type}
    return ledger.page("balance_transaction", MOVEMENTS_PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("GET", PATH, Request, retrieve, on_accounts=True),
    Endpoint("GET", MOVEMENTS_PATH, ListMovements, movements, on_accounts=True),
    Endpoint("GET", f"{MOVEMENTS_PATH}/<movement_id>", Request, movement, on_accounts=True),
)

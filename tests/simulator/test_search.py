"""Stripe's search, and what can be expanded."""

import pytest
import stripe

from tests.simulator.harness import paid_session


@pytest.fixture
def paid(client: stripe.StripeClient) -> list[str]:
    """Seven PaymentIntents, newest first."""
    made = []
    for number in range(7):
        intent = client.v1.payment_intents.create(
            {
                "amount": 100 * (number + 1),
                "currency": "cny" if number % 2 else "eur",
                "metadata": {"order": f"order-{number}", "line": "household" if number < 3 else "travel"},
                **({"payment_method": "pm_card_visa", "confirm": True} if number < 4 else {}),
            }
        )
        made.append(intent.id)
    return made[::-1]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("metadata['order']:'order-3'", [3]),
        ('metadata["order"]:"ORDER-3"', [3]),
        ("metadata['line']~'house'", [4, 5, 6]),
        ("status:'succeeded' AND currency:'cny'", [3, 5]),
        ("amount>300 AND amount<=500", [2, 3]),
        ("amount:700 OR amount:100", [0, 6]),
        ("-status:'succeeded' AND currency:'eur'", [0, 2]),
        ("metadata['missing']:null AND amount:200", [5]),
        ("-metadata['line']:'travel' amount:1", None),
        ("metadata['line']:'nothing'", []),
    ],
)
def test_a_query_finds_what_it_says(client: stripe.StripeClient, paid: list[str], query: str, places: list[int] | None):
    if places is None:
        with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
            client.v1.payment_intents.search({"query": query})
        return
    found = client.v1.payment_intents.search({"query": query, "limit": 100})
    assert [intent.id for intent in found.data] == [paid[place] for place in places]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "amount>'many'",
        "status>5",
        "client_secret:'x'",
        "metadata:'x'",
        "status['x']:'y'",
        "metadata['line']~'ho'",
        "amount:1 AND amount:2 OR amount:3",
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(client: stripe.StripeClient, query: str):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.search({"query": query})
    assert refusal.value.param == "query"


def test_a_search_is_read_page_by_page_by_the_library(client: stripe.StripeClient, paid: list[str]):
    first = client.v1.payment_intents.search({"query": "amount>0", "limit": 3})
    assert (len(first.data), first.has_more) == (3, True)
    assert [intent.id for intent in first.auto_paging_iter()] == paid
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.search({"query": "amount>0", "page": "elsewhere"})
    assert refusal.value.param == "page"


def test_customers_and_charges_are_searched_too(client: stripe.StripeClient):
    client.v1.customers.create({"email": "li@example.com", "name": "Li Na"})
    client.v1.customers.create({"email": "wang@example.com"})
    assert [c.name for c in client.v1.customers.search({"query": "email~'LI@'"}).data] == ["Li Na"]
    paid_session(client)
    found = client.v1.charges.search({"query": "metadata['order']:'7'", "expand": ["data.payment_intent"]})
    assert [charge.amount for charge in found.data] == [128_400]
    assert isinstance(found.data[0].payment_intent, stripe.PaymentIntent)


def test_references_are_followed_four_steps_deep(client: stripe.StripeClient):
    session = paid_session(client)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    client.v1.refunds.create({"payment_intent": session.payment_intent.id, "amount": 5})
    deep = client.v1.checkout.sessions.retrieve(
        session.id,
        {
            "expand": [
                "payment_intent.latest_charge.balance_transaction.source",
                "payment_intent.payment_method.customer",
                "line_items",
            ]
        },
    )
    assert isinstance(deep.payment_intent, stripe.PaymentIntent)
    assert isinstance(deep.payment_intent.payment_method, stripe.PaymentMethod)
    charge = deep.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert isinstance(charge.balance_transaction.source, stripe.Charge)
    listed = client.v1.charges.list({"expand": ["data.refunds.data.balance_transaction"]}).data[0]
    assert listed.refunds is not None
    assert isinstance(listed.refunds.data[0].balance_transaction, stripe.BalanceTransaction)


@pytest.mark.parametrize(
    "path",
    [
        "payment_intent.amount",
        "payment_intent.latest_charge.balance_transaction.source.customer",
        "payment_intent.latest_charge.refunds.data",
        "metadata.order",
        "line_items.data.price.nothing",
    ],
)
def test_what_leads_nowhere_is_refused_by_name(client: stripe.StripeClient, path: str):
    session = paid_session(client)
    with pytest.raises(stripe.InvalidRequestError, match=path.replace(".", r"\.")):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": [path]})

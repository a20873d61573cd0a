"""`expand[]=payment_intent.latest_charge`: references replaced by the objects they name."""

from collections.abc import Callable, Iterable

from sandbox.stripe_simulator.errors import ApiError, JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.resources import charges, checkout_sessions

REFERENCES = {
    "application_fee": {"account", "balance_transaction", "charge", "originating_transaction"},
    "balance_transaction": {"source"},
    "charge": {
        "application_fee",
        "balance_transaction",
        "customer",
        "failure_balance_transaction",
        "on_behalf_of",
        "payment_intent",
        "source_transfer",
        "transfer",
    },
    "charge.transfer_data": {"destination"},
    "checkout.session": {"customer", "payment_intent", "setup_intent"},
    "customer.invoice_settings": {"default_payment_method"},
    "dispute": {"charge", "payment_intent"},
    "fee_refund": {"balance_transaction", "fee"},
    "payment_intent": {"customer", "latest_charge", "on_behalf_of", "payment_method"},
    "payment_intent.transfer_data": {"destination"},
    "payment_method": {"customer"},
    "payout": {"balance_transaction", "failure_balance_transaction"},
    "refund": {
        "balance_transaction",
        "charge",
        "failure_balance_transaction",
        "payment_intent",
        "source_transfer_reversal",
        "transfer_reversal",
    },
    "setup_intent": {"customer", "on_behalf_of", "payment_method"},
    "transfer": {"balance_transaction", "destination", "destination_payment", "source_transaction"},
    "transfer_reversal": {"balance_transaction", "destination_payment_refund", "source_refund", "transfer"},
}
"""Which fields name other objects, for each kind of object and of part of one."""
INCLUDED: dict[tuple[str, str], Callable[[Ledger, JsonObject], JsonObject]] = {
    ("checkout.session", "line_items"): checkout_sessions.first_line_items,
    ("charge", "refunds"): charges.first_refunds,
}
"""Lists that are left out unless asked for."""
ADDED = {
    ("identity.verification_session", "verified_outputs"),
    ("identity.verification_session.verified_outputs", "dob"),
}
"""What a resource itself adds to its answer where it is asked for."""

DEEPEST = 4


def expanded(ledger: Ledger, answer: JsonObject, paths: Iterable[str]) -> JsonObject:
    """The answer with each path expanded, in place.

    :raises ApiError: 400 naming a path that cannot be expanded.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid_request(f"You cannot expand more than {DEEPEST} levels of a property ({path}).")
        _expand(ledger, answer, answer["object"], steps, path)
    return answer


def _expand(ledger: Ledger, body: JsonObject, kind: str, steps: list[str], path: str) -> None:
    """Follow the steps from an object, a list, or a part of an object (`kind` is then `charge.transfer_data`)."""
    name, *rest = steps
    if kind in {"list", "search_result"}:
        if name != "data" or not rest:
            raise _refusal(path)
        for item in body["data"]:
            _expand(ledger, item, item["object"], rest, path)
        return
    include = INCLUDED.get((kind, name))
    if include is not None and name not in body:
        body[name] = include(ledger, body)
    if name in REFERENCES.get(kind, ()):
        if isinstance(body.get(name), str):
            body[name] = ledger.look_up(body[name])
    elif include is None and (kind, name) not in ADDED and not _leads_on(body, kind, name, rest):
        raise _refusal(path)
    inner = body.get(name)
    if inner is not None and rest:
        _expand(ledger, inner, inner.get("object", f"{kind}.{name}"), rest, path)


def _leads_on(body: JsonObject, kind: str, name: str, rest: list[str]) -> bool:
    """Whether the field is a list that is always there, or a part that has references of its own."""
    inner = body.get(name)
    is_list = isinstance(inner, dict) and inner.get("object") == "list"
    return bool(rest) and (is_list or f"{kind}.{name}" in REFERENCES)


def _refusal(path: str) -> ApiError:
    return invalid_request(f"This property cannot be expanded ({path}).", param="expand")

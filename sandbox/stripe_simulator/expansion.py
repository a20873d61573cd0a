"""`expand[]=payment_intent.latest_charge`: references replaced by the objects they name."""

from collections.abc import Callable, Iterable

from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.resources import charges, checkout_sessions

REFERENCES = {
    "checkout.session": {"customer", "payment_intent"},
    "payment_intent": {"customer", "latest_charge", "payment_method"},
    "charge": {"customer", "payment_intent"},
    "payment_method": {"customer"},
    "refund": {"charge", "customer", "payment_intent", "payment_method"},
}
INCLUDED: dict[tuple[str, str], Callable[[Ledger, JsonObject], JsonObject]] = {
    ("checkout.session", "line_items"): checkout_sessions.first_line_items,
    ("charge", "refunds"): charges.first_refunds,
}
"""Lists that are left out unless asked for."""

DEEPEST = 4


def expanded(ledger: Ledger, answer: JsonObject, paths: Iterable[str]) -> JsonObject:
    """The answer with each path expanded, in place.

    :raises ApiError: 400 naming a path that cannot be expanded.
    """
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise invalid_request(f"You cannot expand more than {DEEPEST} levels of a property ({path}).")
        if answer["object"] == "list":
            if steps[0] != "data":
                raise _refusal(path)
            for item in answer["data"]:
                _expand(ledger, item, steps[1:], path)
        else:
            _expand(ledger, answer, steps, path)
    return answer


def _expand(ledger: Ledger, body: JsonObject, steps: list[str], path: str) -> None:
    if not steps:
        return
    name, *rest = steps
    include = INCLUDED.get((body["object"], name))
    if include is not None:
        if rest:
            raise _refusal(path)
        body[name] = include(ledger, body)
        return
    if name not in REFERENCES.get(body["object"], ()):
        raise _refusal(path)
    if isinstance(body[name], str):
        body[name] = ledger.look_up(body[name])
    if body[name] is not None:
        _expand(ledger, body[name], rest, path)


def _refusal(path: str) -> Exception:
    return invalid_request(f"This property cannot be expanded ({path}).", param="expand")

"""One line of the API: a method, a path, what it accepts and who answers."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.parameters import Request


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`answer(ledger, request, **ids of the path)`; `rule` is written as Flask writes it.

    `on_accounts`: may be asked for a connected account (`Stripe-Account`).
    """

    method: str
    rule: str
    accepts: type[Request]
    answer: Callable[..., JsonObject]
    on_accounts: bool = False

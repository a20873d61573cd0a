"""What happens by itself when time has passed: sessions run out, money matures, what was left for later comes."""

from collections.abc import Callable

from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.resources import checkout_sessions, disputes, payouts, refunds, verification_sessions

ACTS: dict[str, Callable[[Ledger, JsonObject], None]] = {
    "dispute_decided": disputes.decide,
    "money_comes": checkout_sessions.money_comes,
    "money_stays_away": checkout_sessions.money_stays_away,
    "payout_arrives": payouts.arrive,
    "refund_arrives": refunds.arrive,
    "refund_fails": refunds.fail,
    "verification_abandoned": verification_sessions.abandoned,
    "verification_decided": verification_sessions.decided,
    "verification_redacted": verification_sessions.redacted,
}


def catch_up(ledger: Ledger) -> None:
    """Every transaction begins with it."""
    checkout_sessions.close_overdue(ledger)
    ledger.records.mature(ledger.now)
    while (due := ledger.records.next_appointment(ledger.now)) is not None:
        _, act, identifier = due
        body = ledger.look_up(identifier)
        if body is not None:
            ACTS[act](ledger.on(ledger.records.owner(identifier)), body)

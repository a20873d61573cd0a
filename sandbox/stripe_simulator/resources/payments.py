"""What becomes of a PaymentIntent: its money is tried, asked for, under way, taken or refused."""

from sandbox.stripe_simulator import wallets
from sandbox.stripe_simulator.cards import Decline
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.resources import charges, disputes, payment_methods, transfers

ABSENT = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
"""The bank wants to ask the person, and the person is not there (`off_session`)."""
NEVER_CAME = Decline("payment_method_provider_decline", None, "The payment was declined by the wallet.")


def attempt(
    ledger: Ledger, intent: JsonObject, method: JsonObject, return_url: str | None, *, absent: bool = False
) -> JsonObject:
    """Try to take the money: paid, or the bank or the wallet asks the person first.

    :raises CardDeclinedError: the failed charge stays, and the PaymentIntent waits for another method.
    """
    if method["type"] in wallets.WALLETS:
        page = f"{ledger.public_url}/wallet/{intent['id']}"
        return ask(ledger, intent, method, wallets.next_action(method["type"], page, return_url))
    card = payment_methods.card_of(ledger, method)
    if absent:
        if card.asks_the_absent(set_up=payment_methods.is_set_up(ledger, method)):
            raise decline(ledger, intent, method, ABSENT)
    elif card.asks_for_authentication:
        redirect = {"return_url": return_url, "url": f"{ledger.public_url}/authenticate/{intent['id']}"}
        return ask(ledger, intent, method, {"type": "redirect_to_url", "redirect_to_url": redirect})
    return settle(ledger, intent, method)


def ask(ledger: Ledger, intent: JsonObject, method: JsonObject, action: JsonObject) -> JsonObject:
    """The person has to do something first."""
    ledger.change(intent, status="requires_action", next_action=action, payment_method=method["id"])
    ledger.announce("payment_intent.requires_action", intent)
    return intent


def settle(ledger: Ledger, intent: JsonObject, method: JsonObject) -> JsonObject:
    """All is agreed: the money comes now, unless the card says no.

    :raises CardDeclinedError: see `attempt`.
    """
    if method["type"] == "card":
        card = payment_methods.card_of(ledger, method)
        if card.decline is not None:
            raise decline(ledger, intent, method, card.decline)
        method["card"]["checks"]["cvc_check"] = "pass"
        ledger.change(method)
    return _paid(ledger, intent, method, charges.add(ledger, intent, method, "succeeded"))


def start_processing(ledger: Ledger, intent: JsonObject, method: JsonObject, *, comes: bool) -> JsonObject:
    """The wallet took the order, and the money comes later, or never."""
    charge = charges.add(ledger, intent, method, "pending")
    ledger.change(
        intent, status="processing", latest_charge=charge["id"], next_action=None, payment_method=method["id"]
    )
    ledger.announce("charge.pending", charge)
    ledger.announce("payment_intent.processing", intent)
    ledger.later("money_comes" if comes else "money_stays_away", intent)
    return intent


def finish_processing(ledger: Ledger, intent: JsonObject, *, comes: bool) -> JsonObject:
    charge = ledger.find("charge", intent["latest_charge"])
    method = ledger.find("payment_method", intent["payment_method"])
    if comes:
        charges.take(ledger, charge, method)
        return _paid(ledger, intent, method, charge)
    charges.decline_it(ledger, charge, NEVER_CAME)
    decline(ledger, intent, method, NEVER_CAME, charge)
    return intent


def _paid(ledger: Ledger, intent: JsonObject, method: JsonObject, charge: JsonObject) -> JsonObject:
    ledger.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
        next_action=None,
        payment_method=method["id"],
    )
    ledger.announce("charge.succeeded", charge)
    ledger.announce("payment_intent.succeeded", intent)
    _remember(ledger, intent, method)
    if charge["transfer_data"] is not None:
        transfers.pass_on(ledger, charge)
    if method["type"] == "card":
        card = payment_methods.card_of(ledger, method)
        if card.dispute is not None:
            disputes.open_on(ledger, charge, card.dispute, inquiry=card.inquiry)
    return intent


def _remember(ledger: Ledger, intent: JsonObject, method: JsonObject) -> None:
    """Keep the method for later when that was asked for; else it is used up."""
    if intent["setup_future_usage"] is not None and intent["customer"] is not None:
        payment_methods.keep_for(ledger, method, intent["customer"])
        if intent["setup_future_usage"] == "off_session":
            payment_methods.note(ledger, method, set_up=True)
    elif method["customer"] is None:
        payment_methods.note(ledger, method, used=True)


def decline(
    ledger: Ledger, intent: JsonObject, method: JsonObject, why: Decline, charge: JsonObject | None = None
) -> CardDeclinedError:
    """Write down that the issuer said no; the refusal is for the caller to raise."""
    failed = charge or charges.add(ledger, intent, method, "failed", why)
    details = {"charge": failed["id"], "decline_code": why.decline_code, "payment_method": method}
    refusal = CardDeclinedError(why.message, code=why.code, details=details)
    ledger.change(
        intent,
        status="requires_payment_method",
        latest_charge=failed["id"],
        last_payment_error=dict(refusal.body["error"]),
        next_action=None,
        payment_method=None,
    )
    ledger.announce("charge.failed", failed)
    ledger.announce("payment_intent.payment_failed", intent)
    refusal.body["error"]["payment_intent"] = intent
    return refusal


def fail_authentication(ledger: Ledger, intent: JsonObject) -> None:
    """The person, or the bank, said no when asked: no charge was tried."""
    refusal = invalid_request(
        "The provided PaymentMethod has failed authentication. Provide another one to pay.",
        code="payment_intent_authentication_failure",
        details={"payment_method": ledger.look_up(intent["payment_method"])},
    )
    ledger.change(
        intent,
        status="requires_payment_method",
        last_payment_error=refusal.body["error"],
        next_action=None,
        payment_method=None,
    )
    ledger.announce("payment_intent.payment_failed", intent)


def stop(ledger: Ledger, intent: JsonObject, reason: str | None) -> JsonObject:
    ledger.change(intent, status="canceled", canceled_at=ledger.now, cancellation_reason=reason, next_action=None)
    ledger.announce("payment_intent.canceled", intent)
    return intent


def return_url_of(action: JsonObject) -> str | None:
    """Where the person goes after what `next_action` asked of them."""
    address: str | None = action.get(action["type"], {}).get("return_url")
    return address

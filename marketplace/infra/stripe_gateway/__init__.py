"""Stripe: the only room that imports its library. What it answers is `infra.payment_gateway`'s (`reading` makes it).

Raises `Unavailable` when the same call may succeed later (no answer, 5xx, 429, our own key refused) and `Refused` when
it never will. Keys are kept for at least 24 hours (docs.stripe.com/api/idempotent_requests). What each call does, the
port says (`payment_gateway.PaymentGateway`); here is what only Stripe does.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import stripe

from marketplace.infra.payment_gateway import (
    ForgedEvent,
    Intent,
    KeptCard,
    Movement,
    NewAccount,
    NewCharge,
    NewSession,
    NewSetup,
    NewTransfer,
    PaymentCallRefused,
    ProviderAccount,
    ProviderDispute,
    ProviderEvent,
    ProviderRefund,
    ProviderTransfer,
    Session,
)
from marketplace.infra.stripe_gateway import reading
from marketplace.infra.stripe_gateway.calling import PAGE, Calling
from marketplace.kernel.money import Money

SIGNATURE_TOLERANCE = 300
# docs.stripe.com/payments/wechat-pay: WeChat Pay has to be told where its code is shown.
_OPTIONS: Mapping[str, Mapping[str, str]] = {"wechat_pay": {"client": "web"}}


class Gateway(Calling):
    """One account at Stripe, in test or in live mode. `api_base` is the simulator's address, else empty."""

    def __init__(
        self,
        secret_key: str,
        webhook_secret: str,
        *,
        livemode: bool,
        api_base: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(secret_key, livemode=livemode, api_base=api_base, sleep=sleep)
        self._webhook_secrets = webhook_secret.replace(",", " ").split()

    def create_session(self, new: NewSession) -> Session:
        params: dict[str, Any] = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "client_reference_id": new.our_id,
            "customer_email": new.email,
            "payment_method_types": list(new.methods),
            "payment_method_options": {name: dict(_OPTIONS[name]) for name in new.methods if name in _OPTIONS},
            "locale": "zh" if new.locale.startswith("zh") else "en",
            "success_url": new.success_url,
            "cancel_url": new.cancel_url,
            "expires_at": int(new.expires_at.timestamp()),
            "metadata": dict(new.metadata),
            "payment_intent_data": {
                "metadata": dict(new.metadata),
                "description": new.description,
                "transfer_group": new.our_id,
            },
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": new.amount.currency.lower(),
                        "unit_amount": new.amount.minor,
                        "product_data": {"name": new.description},
                    },
                }
            ],
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        return self._session(
            self._ask(lambda: self._client.v1.checkout.sessions.create(cast("Any", params), options=options))
        )

    def retrieve_session(self, session_id: str) -> Session:
        params: Any = {"expand": ["payment_intent.latest_charge"]}
        return self._session(self._ask(lambda: self._client.v1.checkout.sessions.retrieve(session_id, params)))

    def expire_session(self, session_id: str) -> Session:
        return self._session(self._ask(lambda: self._client.v1.checkout.sessions.expire(session_id)))

    def create_customer(self, email: str, metadata: Mapping[str, str], idempotency_key: str) -> str:
        params: Any = {"email": email, "metadata": dict(metadata)}
        options = stripe.RequestOptions(idempotency_key=idempotency_key)
        return str(self._ask(lambda: self._client.v1.customers.create(params, options=options)).id)

    def create_setup(self, new: NewSetup) -> Session:
        """docs.stripe.com/payments/save-and-reuse: `setup` is used off the session unless it says otherwise."""
        params: dict[str, Any] = {
            "mode": "setup",
            "ui_mode": "hosted_page",
            "client_reference_id": new.our_id,
            "customer": new.customer_id,
            "payment_method_types": ["card"],
            "locale": "zh" if new.locale.startswith("zh") else "en",
            "success_url": new.success_url,
            "cancel_url": new.cancel_url,
            "expires_at": int(new.expires_at.timestamp()),
            "metadata": dict(new.metadata),
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        return self._session(
            self._ask(lambda: self._client.v1.checkout.sessions.create(cast("Any", params), options=options))
        )

    def retrieve_setup(self, session_id: str) -> KeptCard:
        params: Any = {"expand": ["setup_intent.payment_method"]}
        found = self._ask(lambda: self._client.v1.checkout.sessions.retrieve(session_id, params))
        self._session(found)  # of our mode
        return reading.kept_card(found)

    def charge_card(self, new: NewCharge) -> Intent:
        """docs.stripe.com/payments/without-card-authentication: what a bank declines is an error that names its
        PaymentIntent, and that is asked how it stands.
        """
        params: dict[str, Any] = {
            "amount": new.amount.minor,
            "currency": new.amount.currency.lower(),
            "customer": new.customer_id,
            "payment_method": new.method_id,
            "payment_method_types": ["card"],
            "off_session": True,
            "confirm": True,
            "description": new.description,
            "transfer_group": new.group,
            "metadata": dict(new.metadata),
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        made = self._ask(
            lambda: reading.charged(
                lambda: self._client.v1.payment_intents.create(cast("Any", params), options=options)
            )
        )
        return self.retrieve_intent(made)

    def list_intents(self, customer_id: str, since: datetime) -> Iterator[Intent]:
        return map(reading.intent, self._listed(self._client.v1.payment_intents.list, since, customer=customer_id))

    def cancel_intent(self, intent_id: str) -> Intent:
        return reading.intent(self._ask(lambda: self._client.v1.payment_intents.cancel(intent_id)))

    def detach_card(self, method_id: str) -> None:
        self._ask(lambda: self._client.v1.payment_methods.detach(method_id))

    def retrieve_intent(self, intent_id: str) -> Intent:
        params: Any = {"expand": ["latest_charge"]}
        return reading.intent(self._ask(lambda: self._client.v1.payment_intents.retrieve(intent_id, params)))

    def list_sessions(self, since: datetime, status: str) -> Iterator[Session]:
        return map(self._session, self._listed(self._client.v1.checkout.sessions.list, since, status=status))

    def create_refund(
        self, payment_intent_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderRefund:
        params: dict[str, Any] = {
            "payment_intent": payment_intent_id,
            "amount": amount.minor,
            "reason": "requested_by_customer",
            "metadata": dict(metadata),
        }
        options = stripe.RequestOptions(idempotency_key=idempotency_key)
        return reading.refund(self._ask(lambda: self._client.v1.refunds.create(cast("Any", params), options=options)))

    def retrieve_refund(self, refund_id: str) -> ProviderRefund:
        return reading.refund(self._ask(lambda: self._client.v1.refunds.retrieve(refund_id)))

    def list_refunds(self, payment_intent_id: str) -> tuple[ProviderRefund, ...]:
        """The newest hundred, far more than one payment has."""
        params: Any = {"payment_intent": payment_intent_id, "limit": PAGE}
        return tuple(reading.refund(found) for found in self._ask(lambda: self._client.v1.refunds.list(params)).data)

    def retrieve_dispute(self, dispute_id: str) -> ProviderDispute:
        return reading.dispute(self._ask(lambda: self._client.v1.disputes.retrieve(dispute_id)))

    def list_disputes(self, since: datetime) -> Iterator[ProviderDispute]:
        return map(reading.dispute, self._listed(self._client.v1.disputes.list, since))

    def create_transfer(self, new: NewTransfer) -> ProviderTransfer:
        """`source_transaction` is what keeps it from being more than came in."""
        intent = self._ask(lambda: self._client.v1.payment_intents.retrieve(new.payment_intent_id))
        params: dict[str, Any] = {
            "amount": new.amount.minor,
            "currency": new.amount.currency.lower(),
            "destination": new.destination,
            "source_transaction": reading.id_of(intent.latest_charge),
            "transfer_group": new.group,
            "metadata": dict(new.metadata),
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        return reading.transfer(
            self._ask(lambda: self._client.v1.transfers.create(cast("Any", params), options=options))
        )

    def list_transfers(self, group: str) -> tuple[ProviderTransfer, ...]:
        """The newest hundred, far more than an order has contracts."""
        params: Any = {"transfer_group": group, "limit": PAGE}
        return tuple(
            reading.transfer(found) for found in self._ask(lambda: self._client.v1.transfers.list(params)).data
        )

    def reverse_transfer(
        self, transfer_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderTransfer:
        """docs.stripe.com/api/transfer_reversals."""
        params: dict[str, Any] = {"amount": amount.minor, "metadata": dict(metadata)}
        options = stripe.RequestOptions(idempotency_key=idempotency_key)
        return reading.transfer(
            self._ask(
                lambda: self._client.v1.transfers.reversals.create(transfer_id, cast("Any", params), options=options)
            )
        )

    def list_reversals(self, transfer_id: str) -> tuple[ProviderTransfer, ...]:
        """The newest hundred."""
        params: Any = {"limit": PAGE}
        listed = self._ask(lambda: self._client.v1.transfers.reversals.list(transfer_id, params))
        return tuple(reading.transfer(found) for found in listed.data)

    def list_movements(self, since: datetime) -> Iterator[Movement]:
        return map(
            reading.movement, self._listed(self._client.v1.balance_transactions.list, since, expand=["data.source"])
        )

    def balance(self) -> tuple[Money, ...]:
        found = self._ask(self._client.v1.balance.retrieve)
        totals: dict[str, int] = {}
        for part in (*found.available, *found.pending):
            totals[part["currency"]] = totals.get(part["currency"], 0) + part["amount"]
        return tuple(Money(total, currency.upper()) for currency, total in sorted(totals.items()))

    def create_account(self, new: NewAccount) -> ProviderAccount:
        """An Express account: Stripe asks its people for everything and shows them its own desk
        (docs.stripe.com/connect/express-accounts).
        """
        wanted = {"card_payments": {"requested": True}, "transfers": {"requested": True}}
        params: dict[str, Any] = {
            "type": "express",
            "country": new.country,
            "business_type": "company",
            "business_profile": {"name": new.name},
            "capabilities": wanted,
            "metadata": dict(new.metadata),
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        return reading.account(self._ask(lambda: self._client.v1.accounts.create(cast("Any", params), options=options)))

    def retrieve_account(self, account_id: str) -> ProviderAccount:
        return reading.account(self._ask(lambda: self._client.v1.accounts.retrieve(account_id)))

    def list_accounts(self, since: datetime) -> Iterator[ProviderAccount]:
        return map(reading.account, self._listed(self._client.v1.accounts.list, since))

    def create_account_link(self, account_id: str, refresh_url: str, return_url: str) -> str:
        params: Any = {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": refresh_url,
            "return_url": return_url,
        }
        return str(self._ask(lambda: self._client.v1.account_links.create(params)).url)

    # --- Stripe Identity: what `stripe_gateway.identity` asks ---------------------------------------------------------

    def create_verification(self, our_id: str, return_url: str) -> reading.Verification:
        """A document with a picture of its holder's face; no number is asked for
        (docs.stripe.com/identity/verification-checks).
        """
        params: dict[str, Any] = {
            "type": "document",
            "options": {"document": {"require_live_capture": True, "require_matching_selfie": True}},
            "client_reference_id": our_id,
            "metadata": {"identity_session_id": our_id},
            "return_url": return_url,
        }
        options = stripe.RequestOptions(idempotency_key=f"identity-{our_id}")
        made = self._ask(
            lambda: self._client.v1.identity.verification_sessions.create(cast("Any", params), options=options)
        )
        return reading.verification(made)

    def retrieve_verification(self, session_id: str) -> reading.Verification:
        """With the date of birth, which a restricted key alone may ask for in live mode
        (docs.stripe.com/identity/access-verification-results).
        """
        params: Any = {"expand": ["verified_outputs", "verified_outputs.dob"]}
        found = self._ask(lambda: self._client.v1.identity.verification_sessions.retrieve(session_id, params))
        if found.livemode is not self._livemode:
            raise PaymentCallRefused("the check belongs to the other mode", "livemode_mismatch")
        return reading.verification(found)

    def cancel_verification(self, session_id: str) -> reading.Verification:
        return reading.verification(
            self._ask(lambda: self._client.v1.identity.verification_sessions.cancel(session_id))
        )

    def redact_verification(self, session_id: str) -> reading.Verification:
        """Its pictures and all that was read from them, within four days."""
        return reading.verification(
            self._ask(lambda: self._client.v1.identity.verification_sessions.redact(session_id))
        )

    def verify_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """The event in the raw body of a webhook call, whole or thin. Raises ForgedEvent
        (docs.stripe.com/webhooks/signature).
        """
        event = self._signed(payload, signature)
        if event.livemode is not self._livemode:
            raise ForgedEvent("the event belongs to the other mode")
        return event

    def _signed(self, payload: bytes, signature: str) -> ProviderEvent:
        """The event, signed with the secret of any of our endpoints: Stripe has one for payments, one for accounts, and
        a second of each while it is changed.
        """
        read = self._thin if _is_thin(payload) else self._snapshot
        refused: Exception | None = None
        for secret in self._webhook_secrets:
            try:
                return read(payload, signature, secret)
            except (ValueError, KeyError, stripe.SignatureVerificationError) as error:
                refused = error
        raise ForgedEvent(f"the event was not accepted: {type(refused).__name__}") from refused

    def _snapshot(self, payload: bytes, signature: str, secret: str) -> ProviderEvent:
        event = self._client.construct_event(payload, signature, secret, SIGNATURE_TOLERANCE)
        content = event.to_dict()
        return ProviderEvent(event.id, event.type, event.livemode, content["data"]["object"], content)

    def _thin(self, payload: bytes, signature: str, secret: str) -> ProviderEvent:
        """Of an object of the first API it is called as a whole event is, with `v1.` before it."""
        told = self._client.parse_event_notification(payload, signature, secret, SIGNATURE_TOLERANCE)
        about = getattr(told, "related_object", None)
        subject = {"id": about.id, "object": about.type} if about is not None else {}
        content = {"id": told.id, "type": told.type, "related_object": subject}
        return ProviderEvent(told.id, told.type.removeprefix("v1."), told.livemode, subject, content, thin=True)

    def _session(self, found: stripe.checkout.Session) -> Session:
        if found.livemode is not self._livemode:
            raise PaymentCallRefused("the payment belongs to the other mode", "livemode_mismatch")
        return reading.session(found)


def _is_thin(payload: bytes) -> bool:
    """How the body calls itself; whether Stripe sent it is another question."""
    try:
        return bool(json.loads(payload).get("object") == "v2.core.event")
    except (ValueError, AttributeError):
        return False

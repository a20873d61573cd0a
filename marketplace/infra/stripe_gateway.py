"""Stripe: the only file that imports its library. Speaks in our frozen values.

Raises `Unavailable` when the same call may succeed later (no answer, 5xx, 429, our own key refused) and `Refused` when
it never will. Each call that creates something takes the caller's idempotency key, so that asking again after a lost
answer finds the same object (docs.stripe.com/api/idempotent_requests; keys are kept for at least 24 hours).
"""

import json
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, cast

import stripe

from marketplace.infra import metrics
from marketplace.kernel.errors import Refused, Unavailable
from marketplace.kernel.money import Money

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 3, 10
NETWORK_RETRIES = 2
# The library gives up on the first 429 (measured with 16.1.0), so we pause ourselves: at most about two seconds.
RATE_LIMIT_PAUSES = (0.25, 0.5, 1.0)
SIGNATURE_TOLERANCE = 300
PAGE = 100
CHARGES = {"charge", "payment"}
_PERSON = re.compile(r"^person_[^.]+")  # Stripe names whom it asks about; what it asks is enough
# docs.stripe.com/payments/wechat-pay: WeChat Pay has to be told where its code is shown.
_OPTIONS: Mapping[str, Mapping[str, str]] = {"wechat_pay": {"client": "web"}}


class PaymentsUnavailable(Unavailable):
    """The payment service does not answer at the moment. `answer`: what it said where it failed itself (5xx), which it
    may say again for as long as it remembers the call's key.
    """

    code = "payment:unavailable"

    def __init__(self, message: str = "", answer: str | None = None) -> None:
        super().__init__(message)
        self.answer = answer


class PaymentCallRefused(Refused):
    """The payment service refused the request. `reason` is Stripe's error code."""

    code = "payment:call-refused"

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class ForgedEvent(Refused):
    """The event does not carry a valid signature, is too old, or belongs to the other mode."""

    code = "payment:forged-event"


@dataclass(frozen=True, slots=True)
class NewSession:
    """A hosted payment page to open. `expires_at` lies 30 minutes to 24 hours ahead; `locale` is one of ours.

    `methods` are Stripe's own words; the page offers those and no others.
    """

    amount: Money
    description: str
    email: str
    locale: str
    methods: tuple[str, ...]
    success_url: str
    cancel_url: str
    expires_at: datetime
    our_id: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class Session:
    """A Checkout Session. `status`: open, complete, expired. `payment_status`: paid, unpaid, no_payment_required.

    `intent_status` is that of its PaymentIntent, and `method` by what it was paid, as Stripe names it; known when the
    session was retrieved on its own.
    """

    id: str
    url: str | None
    status: str
    payment_status: str
    amount: Money | None
    payment_intent_id: str | None
    intent_status: str | None
    our_id: str | None
    expires_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    method: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund. `status`: pending, requires_action, succeeded, failed, canceled."""

    id: str
    status: str
    amount: Money
    failure_reason: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """Money of a payment to be sent on to a connected account. `group` is the payment's own (`NewSession.our_id`)."""

    amount: Money
    destination: str
    payment_intent_id: str
    group: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderTransfer:
    """Money that was sent on to a connected account, or a part of it that came back."""

    id: str
    amount: Money
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Movement:
    """A movement of our balance (negative: money leaves) and the fee taken with it. `subject` is the payment of a
    charge, else the refund, payout or other object that moved it.
    """

    id: str
    type: str
    subject: str | None
    amount: Money
    fee: Money
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderDispute:
    """The bank of a customer asks for a payment back. `movements`: what it took and gave again, each with its fee."""

    id: str
    status: str
    reason: str
    amount: Money
    payment_intent_id: str | None
    opened_at: datetime
    due_at: datetime | None
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account at Stripe to be opened for somebody whom the marketplace pays. `country` is ISO 3166, two letters."""

    name: str
    country: str
    metadata: Mapping[str, str]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """A connected account. `due` names what Stripe asks for now (`external_account`, `person.verification.document` …),
    `disabled_reason` why it does not work (`requirements.past_due`, `rejected.fraud` …).
    """

    id: str
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    due: tuple[str, ...]
    disabled_reason: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment (PaymentIntent). `declined` is why the last try was declined, in Stripe's word."""

    id: str
    declined: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """A verified event. `subject` is the object it tells of, as it was then: never trusted, only looked up. A `thin`
    one only names it (docs.stripe.com/event-destinations#thin-payload).
    """

    id: str
    type: str
    livemode: bool
    subject: Mapping[str, Any]
    payload: Mapping[str, Any]
    thin: bool = False

    @property
    def subject_id(self) -> str | None:
        return self.subject.get("id")

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.subject.get("metadata") or {}


class Gateway:
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
        if livemode == secret_key.startswith(("sk_test_", "rk_test_")):
            raise ValueError("the key of the payment service belongs to the other mode")
        self._webhook_secrets = webhook_secret.replace(",", " ").split()
        self._livemode = livemode
        self._sleep = sleep
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base.rstrip("/")} if api_base else None,
            max_network_retries=NETWORK_RETRIES,
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
        )

    def create_session(self, new: NewSession) -> Session:
        """Open a hosted payment page, or find the one that the same idempotency key opened before."""
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
        """The session as it is now, with the status of its payment."""
        params: Any = {"expand": ["payment_intent.latest_charge"]}
        return self._session(self._ask(lambda: self._client.v1.checkout.sessions.retrieve(session_id, params)))

    def expire_session(self, session_id: str) -> Session:
        """Close an open page so that nobody can pay on it. Refused when it is not open any more."""
        return self._session(self._ask(lambda: self._client.v1.checkout.sessions.expire(session_id)))

    def retrieve_intent(self, intent_id: str) -> Intent:
        """The payment as it is now."""
        found = self._ask(lambda: self._client.v1.payment_intents.retrieve(intent_id))
        error = found.last_payment_error
        declined = (getattr(error, "decline_code", None) or getattr(error, "code", None)) if error else None
        return Intent(found.id, declined, found.metadata.to_dict() if found.metadata else {})

    def list_sessions(self, since: datetime, status: str) -> Iterator[Session]:
        """Sessions in `status` created at or after `since`, newest first, page by page."""
        return map(self._session, self._listed(self._client.v1.checkout.sessions.list, since, status=status))

    def create_refund(
        self, payment_intent_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderRefund:
        """Send `amount` back to where it came from (regulation O13-43: the original method only)."""
        params: dict[str, Any] = {
            "payment_intent": payment_intent_id,
            "amount": amount.minor,
            "reason": "requested_by_customer",
            "metadata": dict(metadata),
        }
        options = stripe.RequestOptions(idempotency_key=idempotency_key)
        return _refund(self._ask(lambda: self._client.v1.refunds.create(cast("Any", params), options=options)))

    def retrieve_refund(self, refund_id: str) -> ProviderRefund:
        return _refund(self._ask(lambda: self._client.v1.refunds.retrieve(refund_id)))

    def list_refunds(self, payment_intent_id: str) -> tuple[ProviderRefund, ...]:
        """The refunds of one payment (Stripe's newest hundred, far more than one payment has)."""
        params: Any = {"payment_intent": payment_intent_id, "limit": PAGE}
        return tuple(_refund(found) for found in self._ask(lambda: self._client.v1.refunds.list(params)).data)

    def retrieve_dispute(self, dispute_id: str) -> ProviderDispute:
        """The dispute as it is now."""
        return _dispute(self._ask(lambda: self._client.v1.disputes.retrieve(dispute_id)))

    def list_disputes(self, since: datetime) -> Iterator[ProviderDispute]:
        """Disputes opened at or after `since`, newest first, page by page."""
        return map(_dispute, self._listed(self._client.v1.disputes.list, since))

    def create_transfer(self, new: NewTransfer) -> ProviderTransfer:
        """Send money of a payment on, never more than came in with it (`source_transaction`)."""
        intent = self._ask(lambda: self._client.v1.payment_intents.retrieve(new.payment_intent_id))
        params: dict[str, Any] = {
            "amount": new.amount.minor,
            "currency": new.amount.currency.lower(),
            "destination": new.destination,
            "source_transaction": _id(intent.latest_charge),
            "transfer_group": new.group,
            "metadata": dict(new.metadata),
        }
        options = stripe.RequestOptions(idempotency_key=new.idempotency_key)
        return _transfer(self._ask(lambda: self._client.v1.transfers.create(cast("Any", params), options=options)))

    def list_transfers(self, group: str) -> tuple[ProviderTransfer, ...]:
        """What was sent on of one payment (Stripe's newest hundred, far more than an order has contracts)."""
        params: Any = {"transfer_group": group, "limit": PAGE}
        return tuple(_transfer(found) for found in self._ask(lambda: self._client.v1.transfers.list(params)).data)

    def reverse_transfer(
        self, transfer_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderTransfer:
        """Bring `amount` of what was sent on back (docs.stripe.com/api/transfer_reversals)."""
        params: dict[str, Any] = {"amount": amount.minor, "metadata": dict(metadata)}
        options = stripe.RequestOptions(idempotency_key=idempotency_key)
        return _transfer(
            self._ask(
                lambda: self._client.v1.transfers.reversals.create(transfer_id, cast("Any", params), options=options)
            )
        )

    def list_reversals(self, transfer_id: str) -> tuple[ProviderTransfer, ...]:
        """What came back of a transfer (Stripe's newest hundred)."""
        params: Any = {"limit": PAGE}
        listed = self._ask(lambda: self._client.v1.transfers.reversals.list(transfer_id, params))
        return tuple(_transfer(found) for found in listed.data)

    def list_movements(self, since: datetime) -> Iterator[Movement]:
        """What moved our balance at or after `since`, newest first, page by page."""
        return map(_movement, self._listed(self._client.v1.balance_transactions.list, since, expand=["data.source"]))

    def balance(self) -> tuple[Money, ...]:
        """What we have there, available and on its way together, by currency."""
        found = self._ask(self._client.v1.balance.retrieve)
        totals: dict[str, int] = {}
        for part in (*found.available, *found.pending):
            totals[part["currency"]] = totals.get(part["currency"], 0) + part["amount"]
        return tuple(Money(total, currency.upper()) for currency, total in sorted(totals.items()))

    def create_account(self, new: NewAccount) -> ProviderAccount:
        """Open a connected account, or find the one that the same idempotency key opened before.

        Stripe asks its people for everything and shows them its own desk (docs.stripe.com/connect/express-accounts).
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
        return _account(self._ask(lambda: self._client.v1.accounts.create(cast("Any", params), options=options)))

    def retrieve_account(self, account_id: str) -> ProviderAccount:
        """The account as it is now."""
        return _account(self._ask(lambda: self._client.v1.accounts.retrieve(account_id)))

    def list_accounts(self, since: datetime) -> Iterator[ProviderAccount]:
        """Accounts opened at or after `since`, newest first, page by page."""
        return map(_account, self._listed(self._client.v1.accounts.list, since))

    def create_account_link(self, account_id: str, refresh_url: str, return_url: str) -> str:
        """The address at Stripe where the people of an account give what is asked for: good once, for some minutes."""
        params: Any = {
            "account": account_id,
            "type": "account_onboarding",
            "refresh_url": refresh_url,
            "return_url": return_url,
        }
        return str(self._ask(lambda: self._client.v1.account_links.create(params)).url)

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

    def _ask(self, call: Callable[[], T]) -> T:
        for pause in (*RATE_LIMIT_PAUSES, None):
            try:
                with metrics.timed(metrics.NEIGHBOURS, "stripe"):
                    return call()
            except stripe.RateLimitError as error:
                if pause is None:
                    raise PaymentsUnavailable("the payment service is busy") from error
                self._sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  jitter, not a secret
            except stripe.StripeError as error:
                raise _ours(error) from error
        raise AssertionError("unreachable: the last pause is None")  # pragma: no cover

    def _listed(self, listing: Callable[[Any], Any], since: datetime, **more: Any) -> Iterator[Any]:
        """What was made at or after `since`, newest first, page by page."""
        after: dict[str, str] = {}
        while True:
            params = {"created": {"gte": int(since.timestamp())}, "limit": PAGE, **more, **after}
            page = self._ask(partial(listing, params))
            yield from page.data
            if not page.has_more:
                return
            after = {"starting_after": page.data[-1].id}

    def _session(self, found: stripe.checkout.Session) -> Session:
        if found.livemode is not self._livemode:
            raise PaymentCallRefused("the payment belongs to the other mode", "livemode_mismatch")
        return Session(
            id=found.id,
            url=found.url,
            status=str(found.status),
            payment_status=str(found.payment_status),
            amount=_money(found.amount_total, found.currency),
            payment_intent_id=_id(found.payment_intent),
            intent_status=getattr(found.payment_intent, "status", None),
            our_id=found.client_reference_id,
            expires_at=datetime.fromtimestamp(found.expires_at, UTC),
            metadata=found.metadata.to_dict() if found.metadata else {},
            method=_method(found.payment_intent),
        )


def _is_thin(payload: bytes) -> bool:
    """How the body calls itself; whether Stripe sent it is another question."""
    try:
        return bool(json.loads(payload).get("object") == "v2.core.event")
    except (ValueError, AttributeError):
        return False


def _method(intent: Any) -> str | None:
    """By what the last charge of an expanded PaymentIntent was made."""
    details = getattr(getattr(intent, "latest_charge", None), "payment_method_details", None)
    return None if details is None else str(details.type)


def _money(amount: int | None, currency: str | None) -> Money | None:
    if amount is None or currency is None:
        return None
    return Money(amount, currency.upper())


def _id(reference: Any) -> str | None:
    """Stripe gives a linked object by its id or, when expanded, whole."""
    return reference if reference is None or isinstance(reference, str) else str(reference.id)


def _refund(found: stripe.Refund) -> ProviderRefund:
    amount = _money(found.amount, found.currency)
    if amount is None:
        raise PaymentCallRefused("a refund without an amount", "malformed_refund")
    return ProviderRefund(
        id=found.id,
        status=str(found.status),
        amount=amount,
        failure_reason=getattr(found, "failure_reason", None),
        metadata=found.metadata.to_dict() if found.metadata else {},
    )


def _transfer(found: stripe.Transfer | stripe.TransferReversal) -> ProviderTransfer:
    return ProviderTransfer(
        id=found.id,
        amount=Money(found.amount, found.currency.upper()),
        metadata=found.metadata.to_dict() if found.metadata else {},
    )


def _movement(found: stripe.BalanceTransaction) -> Movement:
    source: Any = found.source
    currency = found.currency.upper()
    return Movement(
        id=found.id,
        type=str(found.type),
        subject=_id(getattr(source, "payment_intent", None) if found.type in CHARGES else source),
        amount=Money(found.amount, currency),
        fee=Money(found.fee, currency),
        moved_at=datetime.fromtimestamp(found.created, UTC),
    )


def _dispute(found: stripe.Dispute) -> ProviderDispute:
    due = found.evidence_details.due_by
    return ProviderDispute(
        id=found.id,
        status=str(found.status),
        reason=str(found.reason),
        amount=Money(found.amount, found.currency.upper()),
        payment_intent_id=_id(found.payment_intent),
        opened_at=datetime.fromtimestamp(found.created, UTC),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        movements=tuple(map(_movement, found.balance_transactions)),
    )


def _account(found: stripe.Account) -> ProviderAccount:
    asked = found.requirements
    due = {_PERSON.sub("person", name) for name in (asked.currently_due if asked else None) or ()}
    return ProviderAccount(
        id=found.id,
        charges_enabled=bool(found.charges_enabled),
        payouts_enabled=bool(found.payouts_enabled),
        details_submitted=bool(found.details_submitted),
        due=tuple(sorted(due)),
        disabled_reason=asked.disabled_reason if asked else None,
        metadata=found.metadata.to_dict() if found.metadata else {},
    )


def _ours(error: stripe.StripeError) -> PaymentsUnavailable | PaymentCallRefused:
    final = isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError | stripe.CardError)
    log.warning(
        "stripe %s: status %s, code %s, request %s",
        type(error).__name__,
        error.http_status,
        error.code,
        error.request_id,
    )
    if final:
        return PaymentCallRefused("the payment service refused the request", error.code)
    # A refused key (401, 403) is our own fault in the set-up: once mended, the same call succeeds.
    failed = (error.http_status or 0) >= 500  # noqa: PLR2004  HTTP: from here on the server failed
    answer = f"{error.http_status} {error.code or ''}".strip()[:64] if failed else None
    return PaymentsUnavailable("the payment service does not answer", answer)


_gateway: Gateway | None = None


def configure(gateway: Gateway) -> None:
    """For `create_app`: the account at Stripe that this process uses."""
    global _gateway  # noqa: PLW0603  one gateway for each process, set at start
    _gateway = gateway


def gateway() -> Gateway:
    if _gateway is None:
        raise PaymentsUnavailable("the payment service is not configured")
    return _gateway

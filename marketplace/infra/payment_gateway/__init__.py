"""The port to whoever takes and moves money for us: what is asked, what comes back, and how it fails.

`infra.stripe_gateway.Gateway` is the only one that is built. Another one, such as a mainland bank's, is a class with
these methods that `wiring` hands to `configure`; who asks for it does not know which it is.

Every call raises `Unavailable` when the same one may succeed later, and `Refused` when it never will. One that creates
something takes the caller's idempotency key: asked again after a lost answer, it finds what it made before.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from marketplace.infra.payment_gateway.values import (
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
    PaymentsUnavailable,
    ProviderAccount,
    ProviderDispute,
    ProviderEvent,
    ProviderRefund,
    ProviderTransfer,
    Session,
)
from marketplace.kernel.money import Money

__all__ = [
    "ForgedEvent",
    "Intent",
    "KeptCard",
    "Movement",
    "NewAccount",
    "NewCharge",
    "NewSession",
    "NewSetup",
    "NewTransfer",
    "PaymentCallRefused",
    "PaymentGateway",
    "PaymentsUnavailable",
    "ProviderAccount",
    "ProviderDispute",
    "ProviderEvent",
    "ProviderRefund",
    "ProviderTransfer",
    "Session",
    "configure",
    "gateway",
]


class PaymentGateway(Protocol):
    """What is listed comes newest first."""

    # --- taking money: on pages of theirs, where no card number touches ours ------------------------------------------

    def create_session(self, new: NewSession) -> Session:
        """Open a hosted payment page."""

    def retrieve_session(self, session_id: str) -> Session:
        """The session as it is now, with the status of its payment."""

    def expire_session(self, session_id: str) -> Session:
        """Close an open page so that nobody can pay on it. Refused when it is not open any more."""

    def list_sessions(self, since: datetime, status: str) -> Iterator[Session]:
        """Sessions in `status` created at or after `since`."""

    def retrieve_intent(self, intent_id: str) -> Intent:
        """The payment as it is now."""

    # --- keeping a card, and charging it with nobody there --------------------------------------------------------

    def create_customer(self, email: str, metadata: Mapping[str, str], idempotency_key: str) -> str:
        """Somebody for whom cards are kept; its id there."""

    def create_setup(self, new: NewSetup) -> Session:
        """Open a hosted page on which a card is given and nothing is paid."""

    def retrieve_setup(self, session_id: str) -> KeptCard:
        """The page as it is now, with the card that was given on it."""

    def charge_card(self, new: NewCharge) -> Intent:
        """Charge a kept card. Declined is an answer like another: `Intent.declined`. Refused where the card cannot be
        charged at all, as one that is kept no more.
        """

    def list_intents(self, customer_id: str, since: datetime) -> Iterator[Intent]:
        """The payments of a customer begun at or after `since`."""

    def cancel_intent(self, intent_id: str) -> Intent:
        """Let nobody pay it any more. Refused where it is paid, or cancelled already."""

    def detach_card(self, method_id: str) -> None:
        """Keep the card no more. Refused where it is not kept."""

    # --- giving it back -----------------------------------------------------------------------------------------------

    def create_refund(
        self, payment_intent_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderRefund:
        """Send `amount` back to where it came from (regulation O13-43: the original method only)."""

    def retrieve_refund(self, refund_id: str) -> ProviderRefund:
        """The refund as it is now."""

    def list_refunds(self, payment_intent_id: str) -> tuple[ProviderRefund, ...]:
        """All refunds of one payment."""

    def retrieve_dispute(self, dispute_id: str) -> ProviderDispute:
        """The dispute as it is now."""

    def list_disputes(self, since: datetime) -> Iterator[ProviderDispute]:
        """Disputes opened at or after `since`."""

    # --- passing it on to insurers ------------------------------------------------------------------------------------

    def create_account(self, new: NewAccount) -> ProviderAccount:
        """Open an account for somebody whom we pay; its people give what is asked for on pages of theirs."""

    def retrieve_account(self, account_id: str) -> ProviderAccount:
        """The account as it is now."""

    def list_accounts(self, since: datetime) -> Iterator[ProviderAccount]:
        """Accounts opened at or after `since`."""

    def create_account_link(self, account_id: str, refresh_url: str, return_url: str) -> str:
        """The address where the people of an account give what is asked for: good once, for some minutes."""

    def create_transfer(self, new: NewTransfer) -> ProviderTransfer:
        """Send money of a payment on, never more than came in with it."""

    def list_transfers(self, group: str) -> tuple[ProviderTransfer, ...]:
        """All that was sent on of one payment."""

    def reverse_transfer(
        self, transfer_id: str, amount: Money, metadata: Mapping[str, str], idempotency_key: str
    ) -> ProviderTransfer:
        """Bring `amount` of what was sent on back."""

    def list_reversals(self, transfer_id: str) -> tuple[ProviderTransfer, ...]:
        """All that came back of a transfer."""

    # --- their books and their word -----------------------------------------------------------------------------------

    def list_movements(self, since: datetime) -> Iterator[Movement]:
        """What moved our balance at or after `since`."""

    def balance(self) -> tuple[Money, ...]:
        """What we have there, available and on its way together, by currency."""

    def verify_event(self, payload: bytes, signature: str) -> ProviderEvent:
        """The event in the raw body of a webhook call, whole or thin. Raises ForgedEvent."""


_gateway: PaymentGateway | None = None


def configure(gateway: PaymentGateway) -> None:
    """For the wiring: the one that this process uses."""
    global _gateway  # noqa: PLW0603  one for each process, set at start
    _gateway = gateway


def gateway() -> PaymentGateway:
    if _gateway is None:
        raise PaymentsUnavailable("the payment service is not configured")
    return _gateway

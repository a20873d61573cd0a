"""Stripe Identity behind the port of `infra.identity`: a page of Stripe, where a document and a face are shown to it.

What comes back is that the document is genuine and whose it is: its number, its pictures and the face stay with Stripe
(docs.stripe.com/identity).
"""

from marketplace.infra.identity import DocumentPerson, HostedCheck, HostedState, IdentityUnavailable
from marketplace.infra.payment_gateway import PaymentCallRefused, PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.infra.stripe_gateway.reading import Verification
from marketplace.kernel.identity import Flaw

_STATES = {
    "requires_input": HostedState.WAITING,
    "processing": HostedState.PROCESSING,
    "verified": HostedState.VERIFIED,
    "canceled": HostedState.CANCELED,
}
_FLAWS = {
    "abandoned": Flaw.ABANDONED,
    "consent_declined": Flaw.CONSENT_DECLINED,
    "country_not_supported": Flaw.COUNTRY_UNKNOWN,
    "device_not_supported": Flaw.NO_CAMERA,
    "document_expired": Flaw.EXPIRED,
    "document_type_not_supported": Flaw.KIND_UNKNOWN,
    "document_unverified_other": Flaw.UNREADABLE,
    "selfie_document_missing_photo": Flaw.FACE_UNREADABLE,
    "selfie_face_mismatch": Flaw.FACE_DIFFERS,
    "selfie_manipulated": Flaw.FACE_UNREADABLE,
    "selfie_unverified_other": Flaw.FACE_UNREADABLE,
    "under_supported_age": Flaw.NOT_ADULT,
}
"""Codes of documents and faces (docs.stripe.com/identity/handle-verification-outcomes); of any other it is unclear."""


class StripeIdentity:
    """Asks by a gateway of its own: dates of birth are told to a restricted key alone."""

    method = "stripe_identity"

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def begin(self, our_id: str, return_url: str) -> HostedCheck:
        try:
            return _check(self._gateway.create_verification(our_id, return_url))
        except (PaymentsUnavailable, PaymentCallRefused) as error:
            raise IdentityUnavailable(str(error)) from error

    def look_up(self, reference: str) -> HostedCheck:
        try:
            return _check(self._gateway.retrieve_verification(reference))
        except (PaymentsUnavailable, PaymentCallRefused) as error:
            raise IdentityUnavailable(str(error)) from error

    def close(self, reference: str) -> None:
        """What is being looked at or decided cannot be closed, and need not be."""
        try:
            self._gateway.cancel_verification(reference)
        except PaymentsUnavailable as error:
            raise IdentityUnavailable(str(error)) from error
        except PaymentCallRefused:
            return

    def forget(self, reference: str) -> None:
        try:
            self._gateway.redact_verification(reference)
        except (PaymentsUnavailable, PaymentCallRefused) as error:
            raise IdentityUnavailable(str(error)) from error


def _check(found: Verification) -> HostedCheck:
    state = _STATES.get(found.status)
    if state is None:
        raise IdentityUnavailable(f"a check in the unknown state {found.status}")
    named = state is HostedState.VERIFIED and found.first_name is not None and found.last_name is not None
    return HostedCheck(
        reference=found.id,
        state=state,
        our_id=found.metadata.get("identity_session_id"),
        url=found.url,
        report=found.report,
        flaw=None if found.error is None else _FLAWS.get(found.error, Flaw.UNCLEAR),
        person=DocumentPerson(found.first_name or "", found.last_name or "", found.birth_on) if named else None,
    )

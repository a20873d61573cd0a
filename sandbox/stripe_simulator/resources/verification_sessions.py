"""Who somebody is, shown to Stripe Identity by a document. https://docs.stripe.com/api/identity/verification_sessions.

A verification report is named and never shown: what the product reads stands in the session itself.
"""

import secrets
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    LISTED,
    Email,
    ListRequest,
    Metadata,
    Part,
    Request,
    ShortText,
    Text,
    WebAddress,
)

KIND, PATH = "identity.verification_session", "/v1/identity/verification_sessions"
REASONS = {
    "abandoned": "The user began the verification and did not submit it.",
    "consent_declined": "The user declined to be verified by Stripe.",
    "country_not_supported": "The document's country is not supported.",
    "device_not_supported": "Stripe requires a camera, and the user's device has none.",
    "document_expired": "The document is expired.",
    "document_type_not_supported": "The type of the document is not supported.",
    "document_unverified_other": "The document is invalid.",
    "selfie_document_missing_photo": "The document has no photo of its holder.",
    "selfie_face_mismatch": "The captured face does not match the document's photo.",
    "selfie_manipulated": "The picture of the face was manipulated.",
    "selfie_unverified_other": "The check of the face failed.",
    "under_supported_age": "Stripe does not verify people under the age of majority.",
}
"""Of the published codes those of documents and faces. `reason` is in Stripe's own words there, in ours here."""

Status = Literal["requires_input", "processing", "verified", "canceled"]


class DocumentOptions(Part):
    allowed_types: Annotated[tuple[Literal["driving_license", "id_card", "passport"], ...], LISTED] = ()
    require_id_number: bool = False
    require_live_capture: bool = False
    require_matching_selfie: bool = False


class Options(Part):
    document: DocumentOptions | None = None


class ProvidedDetails(Part):
    email: Email | None = None
    phone: ShortText | None = None


class CreateSession(Request):
    type: Literal["document"]
    client_reference_id: ShortText | None = None
    metadata: Metadata = Field(default_factory=dict)
    options: Options = Options()
    provided_details: ProvidedDetails | None = None
    return_url: WebAddress | None = None


class ListSessions(ListRequest):
    client_reference_id: Text | None = None
    status: Status | None = None


class Shown(Part):
    """What stands in the document that was held before the camera."""

    first_name: str
    last_name: str
    year: int
    month: int
    day: int


def create(ledger: Ledger, asked: CreateSession) -> JsonObject:
    session = {
        "id": new_id("vs"),
        "object": KIND,
        "client_reference_id": asked.client_reference_id,
        "client_secret": f"vs_secret_{secrets.token_urlsafe(18)}",
        "created": ledger.now,
        "last_error": None,
        "last_verification_report": None,
        "livemode": False,
        "metadata": dict(asked.metadata),
        "options": {"document": (asked.options.document or DocumentOptions()).model_dump(exclude_defaults=True)},
        "provided_details": asked.provided_details and asked.provided_details.model_dump(exclude_none=True),
        "redaction": None,
        "related_customer": None,
        "related_customer_account": None,
        "status": "requires_input",
        "type": asked.type,
        "url": None,
    }
    ledger.add(session, {"return_url": asked.return_url, "tokens": {}})
    _tell(ledger, session, "created")
    return _with_fresh_address(ledger, session)


def retrieve(ledger: Ledger, asked: Request, session_id: str) -> JsonObject:
    """Asked for again, an open session has a fresh address. What was verified is shown to whoever expands it, the date
    of birth to whoever names that (docs.stripe.com/identity/access-verification-results).
    """
    session = _with_fresh_address(ledger, ledger.find(KIND, session_id, "session"))
    wanted = [path for path in asked.expand if path.split(".")[0] == "verified_outputs"]
    if not wanted:
        return session
    return session | {"verified_outputs": _outputs(ledger, session, birth="verified_outputs.dob" in wanted)}


def _outputs(ledger: Ledger, session: JsonObject, *, birth: bool) -> JsonObject | None:
    shown = ledger.records.private(session["id"]).get("shown")
    if session["status"] != "verified" or shown is None:
        return None
    found: JsonObject = {
        "address": None,
        "email": None,
        "first_name": shown["first_name"],
        "id_number_type": None,
        "last_name": shown["last_name"],
        "phone": None,
        "sex": None,
        "unparsed_place_of_birth": None,
        "unparsed_sex": None,
    }
    return found | ({"dob": {part: shown[part] for part in ("day", "month", "year")}} if birth else {})


def _with_fresh_address(ledger: Ledger, session: JsonObject) -> JsonObject:
    """The address is for one visit, so it is made anew and not kept with what is shown."""
    if session["status"] != "requires_input":
        return session
    token, private = secrets.token_urlsafe(18), ledger.records.private(session["id"])
    ledger.records.save_private(session["id"], private | {"tokens": private["tokens"] | {token: False}})
    return session | {"url": f"{ledger.public_url}/verify/{session['id']}/{token}"}


def cancel(ledger: Ledger, _asked: Request, session_id: str) -> JsonObject:
    session = ledger.find(KIND, session_id, "session")
    if session["status"] == "canceled":
        return session
    _require(session, {"requires_input"}, "cancel")
    ledger.change(session, status="canceled", client_secret=None)
    _tell(ledger, session, "canceled")
    return session


def redact(ledger: Ledger, _asked: Request, session_id: str) -> JsonObject:
    """What was collected is removed a little later; an open session is canceled by it."""
    session = ledger.find(KIND, session_id, "session")
    if session["redaction"] is not None:
        return session
    _require(session, {"requires_input", "verified", "canceled"}, "redact")
    if session["status"] == "requires_input":
        cancel(ledger, Request(), session_id)
        session = ledger.find(KIND, session_id, "session")
    ledger.later("verification_redacted", session)
    return ledger.change(session, redaction={"status": "processing"})


def redacted(ledger: Ledger, session: JsonObject) -> None:
    ledger.records.save_private(session["id"], {"tokens": {}})
    ledger.change(session, redaction={"status": "redacted"}, metadata={}, provided_details=None)
    _tell(ledger, session, "redacted")


def _require(session: JsonObject, states: set[str], what: str) -> None:
    if session["status"] not in states:
        raise invalid_request(
            f"You cannot {what} a VerificationSession in status {session['status']}.", param="session"
        )


def submitted(ledger: Ledger, session: JsonObject, shown: Shown | None, error: str | None, *, later: bool) -> None:
    """A document was shown: it is looked at, at once or after a while, and found to be verified, or not for `error`."""
    private = ledger.records.private(session["id"])
    ledger.records.save_private(
        session["id"], private | {"shown": shown and shown.model_dump(), "error": error, "tokens": {}}
    )
    ledger.change(session, status="processing", client_secret=None, last_error=None)
    _tell(ledger, session, "processing")
    if later:
        ledger.later("verification_decided", session)
    else:
        decided(ledger, session)


def decided(ledger: Ledger, session: JsonObject) -> None:
    """What came out of the looking."""
    if session["status"] != "processing":
        return
    error = ledger.records.private(session["id"]).get("error")
    _found(ledger, session, error, last_verification_report=new_id("vr"))


def left(ledger: Ledger, session: JsonObject) -> None:
    """Somebody began and went away: Stripe says so a while later."""
    ledger.later("verification_abandoned", session)


def abandoned(ledger: Ledger, session: JsonObject) -> None:
    if session["status"] == "requires_input":
        _found(ledger, session, "abandoned")


def declined(ledger: Ledger, session: JsonObject) -> None:
    """Without consent nothing is submitted and nothing is processed."""
    _found(ledger, session, "consent_declined")


def _found(ledger: Ledger, session: JsonObject, error: str | None, **more: str) -> None:
    if error is None:
        ledger.change(session, status="verified", last_error=None, **more)
        _tell(ledger, session, "verified")
        return
    again = {"client_secret": f"vs_secret_{secrets.token_urlsafe(18)}"}
    ledger.change(
        session, status="requires_input", last_error={"code": error, "reason": REASONS[error]}, **again, **more
    )
    _tell(ledger, session, "requires_input")


def _tell(ledger: Ledger, session: JsonObject, happened: str) -> None:
    ledger.announce(f"{KIND}.{happened}", session)


def page(ledger: Ledger, asked: ListSessions) -> JsonObject:
    return ledger.page(
        KIND, PATH, asked, matching={"client_reference_id": asked.client_reference_id, "status": asked.status}
    )


ENDPOINTS = (
    Endpoint("POST", PATH, CreateSession, create),
    Endpoint("GET", PATH, ListSessions, page),
    Endpoint("GET", f"{PATH}/<session_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<session_id>/cancel", Request, cancel),
    Endpoint("POST", f"{PATH}/<session_id>/redact", Request, redact),
)

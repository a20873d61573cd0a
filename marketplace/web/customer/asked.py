"""Which codes this browser asked for. It keeps their ids in its signed cookie; elsewhere the codes do nothing."""

from uuid import UUID

from flask import session

from marketplace.accounts.values import CodePurpose, CodeRequest
from marketplace.web.mails import send


def send_code(purpose: CodePurpose, request: CodeRequest) -> None:
    """Queue the mail; of each purpose the browser keeps the code it asked for last."""
    send(request.mail)
    session["asked"] = session.get("asked", {}) | {purpose.value: str(request.challenge_id)}


def challenge_of(purpose: CodePurpose) -> UUID | None:
    """The code that this browser asked for last; None when it asked for none."""
    kept = session.get("asked", {}).get(purpose.value)
    return UUID(kept) if kept else None

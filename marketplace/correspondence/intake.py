"""Reports that mail servers send back: bytes from anybody -> what they say of one message of ours (RFC 3464)."""

import re
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message

from marketplace.correspondence.values import DeliveryReport

_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
"""Ours are of ASCII that prints, without a blank. Whatever else is claimed to be one is no question to the database."""
_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)
_READ = 128 * 1024
"""Bytes from the beginning: there stands what counts, and what follows is the message that came back."""
_MOST_PARTITIONS = 12
"""How often a boundary may be named: for each, the parser holds every line against it. Our own mails name two."""
_ACTIONS = ("failed", "delayed", "relayed", "delivered", "expanded")
"""The first of these that a report says of anybody counts: our messages go to one person."""


def read_report(data: bytes) -> DeliveryReport | None:
    """What the report says, or None for whatever is no report on a message. Anybody can write to that mailbox, so
    nothing in it is trusted, and a report that cannot be read raises nothing.
    """
    head = data[:_READ]
    if len(_BOUNDARY.findall(head)) > _MOST_PARTITIONS:
        return None
    try:
        return _report(message_from_bytes(head))
    except Exception:  # noqa: BLE001  the parser raises many kinds for what is not mail
        return None


def _report(message: Message) -> DeliveryReport | None:
    if (
        message.get_content_type() != "multipart/report"
        or str(message.get_param("report-type")).lower() != "delivery-status"
    ):
        return None
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    action, status = _verdict(_first(parts, "message/delivery-status"))
    returned = _returned(parts)
    found = _MESSAGE_ID.search(str(returned.get("Message-ID", ""))) if returned is not None else None
    if action is None or found is None:
        return None
    return DeliveryReport(found[0], action, status)


def _first(parts: Sequence[Message], *types: str) -> Message | None:
    return next((part for part in parts if part.get_content_type() in types), None)


def _verdict(part: Message | None) -> tuple[str | None, str]:
    """Action and status of the recipient; 5.0.0 or 4.0.0 where the server gives no code."""
    blocks = part.get_payload() if part is not None else []
    said = {
        str(block.get("Action", "")).strip().lower(): _STATUS.match(str(block.get("Status", "")))
        for block in blocks
        if isinstance(block, Message)
    }
    action = next((each for each in _ACTIONS if each in said), None)
    code = said[action] if action else None
    return action, ".".join(code.groups()) if code else "4.0.0" if action == "delayed" else "5.0.0"


def _returned(parts: Sequence[Message]) -> Message | None:
    """The head of the message that the report is about, whether the whole of it came back or the head alone."""
    part = _first(parts, "message/rfc822", "text/rfc822-headers")
    if part is None or part.get_content_type() == "message/rfc822":
        inner = part.get_payload() if part is not None else None
        return inner[0] if isinstance(inner, list) and isinstance(inner[0], Message) else None
    head = part.get_payload(decode=True)
    return message_from_bytes(head) if isinstance(head, bytes) else None

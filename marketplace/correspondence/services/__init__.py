"""Queue, compose, send and send again; take in what comes back."""

from marketplace.correspondence.services.returning import take_report, take_reports
from marketplace.correspondence.services.sending import (
    compose_message,
    forget_address,
    forget_application,
    forget_old,
    queue,
    resend,
    send_message,
)
from marketplace.correspondence.services.telling import invite_staff, tell_access_ended, tell_withdrawn

__all__ = [
    "compose_message",
    "forget_address",
    "forget_application",
    "forget_old",
    "invite_staff",
    "queue",
    "resend",
    "send_message",
    "take_report",
    "take_reports",
    "tell_access_ended",
    "tell_withdrawn",
]

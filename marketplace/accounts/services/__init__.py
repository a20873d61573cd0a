"""Do: enter insurers and staff, prove addresses by code or link, register, sign in, set passwords.

Services flush and the entry point commits, with one exception: tries are counted apart and at once (`tries`), because a
refused try is rolled back with its request and would otherwise never have been counted. Services that send something
return a `MessageRequest`, which the entry point queues in the same transaction.
"""

from marketplace.accounts.services.codes import prove_code, request_code
from marketplace.accounts.services.entering import change_locale, create_staff, register_insurer
from marketplace.accounts.services.housekeeping import forget_expired
from marketplace.accounts.services.registration import confirm_address, register_customer
from marketplace.accounts.services.security_events import record_security_event, record_security_event_apart
from marketplace.accounts.services.signing_in import (
    authenticate,
    change_password,
    request_password_reset,
    reset_password,
)
from marketplace.accounts.services.tries import count_try

__all__ = [
    "authenticate",
    "change_locale",
    "change_password",
    "confirm_address",
    "count_try",
    "create_staff",
    "forget_expired",
    "prove_code",
    "record_security_event",
    "record_security_event_apart",
    "register_customer",
    "register_insurer",
    "request_code",
    "request_password_reset",
    "reset_password",
]

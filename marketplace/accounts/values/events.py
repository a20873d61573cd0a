"""What happened at the doors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Unavailable


class SecurityEventType(StrEnum):
    """What happened at the doors, as it is kept."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SESSION_ENDED = "session_ended"
    SECOND_FACTOR = "second_factor"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    STEP_UP = "step_up"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  the name of an event
    DATA_EXPORTED = "data_exported"
    STAFF_ADDED = "staff_added"
    ACCOUNT_DISABLED = "account_disabled"
    APPLICANT_APPROVED = "applicant_approved"
    APPLICANT_REJECTED = "applicant_rejected"
    STAFF_INVITED = "staff_invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    TERMS_PROPOSED = "terms_proposed"
    TERMS_ACCEPTED = "terms_accepted"
    PAYEE_BEGUN = "payee_begun"
    INSURER_STARTED = "insurer_started"
    INSURER_SUSPENDED = "insurer_suspended"
    LIFTING_ASKED = "lifting_asked"
    LIFTING_REFUSED = "lifting_refused"
    INSURER_RESUMED = "insurer_resumed"
    PRACTITIONER_PROPOSED = "practitioner_proposed"
    PRACTITIONER_CHECKED = "practitioner_checked"
    PRACTITIONER_ENDED = "practitioner_ended"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"
    API_KEY_USED = "api_key_used"
    ACCOUNT_CLOSED = "account_closed"
    DATA_ERASED = "data_erased"
    DOOR_REFUSED = "door_refused"
    FORGED_REQUEST = "forged_request"
    LIMIT_REACHED = "limit_reached"
    STEP_OUT_OF_ORDER = "step_out_of_order"
    STAFF_ACT = "staff_act"
    SALE_VIEWED = "sale_viewed"
    EVIDENCE_VIEWED = "evidence_viewed"
    DATA_REQUEST_VIEWED = "data_request_viewed"
    DISPUTE_VIEWED = "dispute_viewed"
    BORDEREAU_TAKEN = "bordereau_taken"
    CONSULTATION_VIEWED = "consultation_viewed"


OPERATOR = "operator"
"""Who gives commands on the server: an actor of events that has no account here."""


class SecurityEventsUnavailable(Unavailable):
    """What happens at this door cannot be kept at the moment, so it does not happen."""

    code = "accounts:security-events-unavailable"


class EventOutcome(StrEnum):
    """Whether what was tried happened."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class NewSecurityEvent:
    """Something to be kept of what happened at a door.

    `actor` is a role or a part of the system, never a name; `source` a network address, kept as a keyed hash only;
    `detail` is JSON without personal data.
    """

    type: SecurityEventType
    outcome: EventOutcome = EventOutcome.DONE
    account_id: UUID | None = None
    actor: str = "visitor"
    session_id: UUID | None = None
    source: str = ""
    endpoint: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """A security event as it was kept. `source_hash` tells whether two came from one address, not from which."""

    id: UUID
    at: datetime
    type: SecurityEventType
    outcome: EventOutcome
    account_id: UUID | None
    actor: str
    session_id: UUID | None
    source_hash: str
    endpoint: str
    detail: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class SecurityEventFilter:
    """Which security events: all that is given must hold."""

    type: SecurityEventType | None = None
    outcome: EventOutcome | None = None
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class SecurityEventsPage:
    """One page of security events, newest first; `number` counts from 1."""

    events: tuple[SecurityEvent, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

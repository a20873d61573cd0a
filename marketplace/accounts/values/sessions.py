"""Being signed in: sessions and second steps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.accounts.values.people import MessageRequest

DEVICE_REMEMBERED = timedelta(days=400)
"""For how long a browser is known again without being used; browsers keep no cookie longer (RFC 6265bis)."""


class Ended(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    REPLACED = "replaced"
    ENDED_BY_OWNER = "ended_by_owner"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  the name of a reason
    FACTOR_CHANGED = "factor_changed"
    ACCOUNT_DISABLED = "account_disabled"


class FactorKind(StrEnum):
    """What proves a second time that it is this person."""

    PASSKEY = "passkey"
    AUTHENTICATOR = "authenticator"


class FactorChange(StrEnum):
    """What the owner is told by mail."""

    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    AUTHENTICATOR_ADDED = "authenticator_added"
    AUTHENTICATOR_REMOVED = "authenticator_removed"
    ALL_REMOVED = "all_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in at one browser, `device` in a few words. `whole` once all that the role needs was proven;
    until then it opens nothing but the second step. `proven_at` is when the person last proved to be there.
    """

    id: UUID
    account_id: UUID
    whole: bool
    created_at: datetime
    proven_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    device: str


@dataclass(frozen=True, slots=True)
class Begun:
    """A session with its `token` for the browser, told once. Where it became whole, `device` is the token by which the
    browser is known again, and `notice` the mail about a browser that was never seen before.
    """

    session: Session
    token: str
    device: str | None = None
    notice: MessageRequest | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """A second step of somebody: a passkey by its name, or an authenticator app."""

    id: UUID
    kind: FactorKind
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """All second steps of somebody, and how many recovery codes are left."""

    factors: tuple[Factor, ...]
    recovery_codes: int

    def has(self, kind: FactorKind) -> bool:
        return any(factor.kind is kind for factor in self.factors)


@dataclass(frozen=True, slots=True)
class OneTimeSecret:
    """What an authenticator app is to be told: base32, and the same as an `otpauth` address for a QR code."""

    id: UUID
    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class FactorAdded:
    """A second step was added. `recovery_codes` are told once, with the first one only."""

    notice: MessageRequest
    recovery_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site as passkeys know it: its host, its whole origin, its name."""

    host: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What a browser's passkey said (`credential`, JSON as WebAuthn Level 3 writes it) to which challenge."""

    ceremony_id: UUID | None
    credential: str

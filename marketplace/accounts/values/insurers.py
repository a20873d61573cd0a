"""Insurers as parties of the marketplace: what is known of them, whether they may sell, the keys of their machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText

_WHOLE = 10_000  # basis points


class FactKind(StrEnum):
    """What the public page of an insurer says, each with its source and its day, or "not known". The words of
    `BRANCHES` are codes of regions, a comma between.
    """

    REGULATOR = "regulator"
    ADDRESS = "address"
    BRANCHES = "branches"
    CONTACT = "contact"
    COMPLAINTS_CHANNEL = "complaints_channel"
    SOLVENCY_RATIO = "solvency_ratio"
    CLAIMS_PAID = "claims_paid"
    DAYS_TO_DECIDE = "days_to_decide"
    COMPLAINTS = "complaints"


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact about an insurer. A figure for the kinds that are figures, words for the others; neither says that it is
    not known any more. Per cent, days, or complaints for each thousand policies. `as_of` is the day it was true.
    """

    insurer_id: UUID
    kind: FactKind
    source: LocalizedText
    as_of: date
    figure: Decimal | None = None
    words: LocalizedText | None = None


@dataclass(frozen=True, slots=True)
class InsurerFact:
    """A fact as it was entered. A later one of its kind takes its place; none is ever changed."""

    id: UUID
    kind: FactKind
    figure: Decimal | None
    words: LocalizedText | None
    source: LocalizedText
    as_of: date
    entered_at: datetime
    entered_by: UUID | None

    @property
    def known(self) -> bool:
        return self.figure is not None or self.words is not None


Profile = Mapping[FactKind, InsurerFact]
"""What is known of an insurer at present; a kind that is missing was never entered."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """An insurer's sales are stopped, or have not begun yet (`before_first_sale`, which needs no reason); by nobody
    where Stripe restricted its account. `lifting_by` asked to lift it; only somebody else can agree.
    """

    id: UUID
    insurer_id: UUID
    before_first_sale: bool
    reason: str
    suspended_at: datetime
    suspended_by: UUID | None
    lifting_reason: str | None
    lifting_at: datetime | None
    lifting_by: UUID | None
    lifted_at: datetime | None
    lifted_by: UUID | None


@dataclass(frozen=True, slots=True)
class InsurerSuspended:
    """Fact: the sales of an insurer were stopped."""

    insurer_id: UUID


@dataclass(frozen=True, slots=True)
class NewTerm:
    """What the marketplace is to be paid for a line, in basis points of the premium, from a day on."""

    insurer_id: UUID
    line: str
    basis_points: int
    effective_from: date


@dataclass(frozen=True, slots=True)
class CommissionTerm:
    """Commission terms of one insurer and line; in force from their day on once accepted, until later ones are."""

    id: UUID
    insurer_id: UUID
    line: str
    basis_points: int
    effective_from: date
    set_at: datetime
    set_by: UUID
    accepted_at: datetime | None
    accepted_by: UUID | None

    def of(self, premium: Money) -> Money:
        """The commission for a premium, to the nearest minor unit, a half to the even one."""
        share = (Decimal(premium.minor) * self.basis_points / _WHOLE).to_integral_value(ROUND_HALF_EVEN)
        return Money(int(share), premium.currency)


class KeyScope(StrEnum):
    """What a key of a machine opens."""

    CATALOGS_WRITE = "catalogs:write"
    BORDEREAUX_READ = "bordereaux:read"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an insurer's machine, without its secret. It works until `expires_at`, unless it was revoked."""

    id: UUID
    insurer_id: UUID
    name: str
    prefix: str
    scopes: frozenset[KeyScope]
    created_at: datetime
    created_by: UUID
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def works_at(self, instant: datetime) -> bool:
        return self.revoked_at is None and instant < self.expires_at


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with the token that is shown this once and kept nowhere."""

    key: ApiKey
    token: str


class AlreadySuspended(Conflict):
    """The sales of this insurer are stopped already."""

    code = "accounts:already-suspended"


class NotSelling(Conflict):
    """This insurer does not sell yet."""

    code = "accounts:not-selling"


class AdministratorMissing(Refused):
    """Nobody has come in at the desk of this insurer yet."""

    code = "accounts:administrator-missing"


class NotSuspended(Conflict):
    """The sales of this insurer are not stopped."""

    code = "accounts:not-suspended"


class LiftingAsked(Conflict):
    """Somebody has asked to lift this already. Another person has to agree."""

    code = "accounts:lifting-asked"


class SecondPersonNeeded(Refused):
    """Another person than the first one has to agree to this."""

    code = "accounts:second-person-needed"


class ApiKeyNotFound(NotFound):
    """There is no such key of this insurer."""

    code = "accounts:api-key-not-found"


class ApiKeyRefused(Refused):
    """This key is unknown, has expired or was revoked."""

    code = "accounts:api-key-refused"


class ScopeMissing(Refused):
    """This key was not made for that."""

    code = "accounts:scope-missing"


class SalesStopped(Refused):
    """The sales of this insurer are stopped, so its machines send nothing."""

    code = "accounts:sales-stopped"


class TooManyKeys(Refused):
    """An insurer has at most twenty keys that work. Revoke one first."""

    code = "accounts:too-many-keys"


class TermExists(Conflict):
    """There are terms of this line from that day already."""

    code = "accounts:term-exists"


class TermNotFound(NotFound):
    """There are no such terms of this insurer."""

    code = "accounts:term-not-found"


class TermTooLate(Refused):
    """The day of these terms has passed. Ask for new ones."""

    code = "accounts:term-too-late"


class TermsMissing(Refused):
    """No commission terms of this insurer are in force."""

    code = "accounts:terms-missing"

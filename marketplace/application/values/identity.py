"""The words of a check of who the applicant is."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.identity import Flaw, IdentityDocument


class IdentityOutcome(StrEnum):
    """What the verifier found."""

    VERIFIED = "verified"
    REFUSED = "refused"


class SessionState(StrEnum):
    """How a check stands that is made on a page of the verifier's own. From `waiting` people try as often as they like;
    `verified` and `ended` are its end.
    """

    WAITING = "waiting"
    PROCESSING = "processing"
    VERIFIED = "verified"
    ENDED = "ended"


class Whose(StrEnum):
    """Who was to be proven."""

    APPLICANT = "applicant"
    INSURED = "insured"


@dataclass(frozen=True, slots=True)
class ProvenPerson:
    """Whom a check was about, as they were told then: of anybody else it says nothing."""

    name: str
    birth_on: date


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """One attempt. `reference` names it at the verifier; `flaw` says why it was refused. `person` and `document` are
    None once they are erased, the document also where it was shown to the verifier alone. `follows_id` is the check in
    another application of the basket that counts here too.
    """

    id: UUID
    whose: Whose
    method: str
    reference: str
    outcome: IdentityOutcome
    flaw: Flaw | None
    checked_at: datetime
    person: ProvenPerson | None
    document: IdentityDocument | None
    follows_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class IdentitySession:
    """A check on a page of the verifier's own: begun, and looked after until it ends. `reference` is its name there,
    None until the verifier answered.
    """

    id: UUID
    application_id: UUID
    whose: Whose
    state: SessionState
    reference: str | None
    opened_at: datetime

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
    None once they are erased.
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

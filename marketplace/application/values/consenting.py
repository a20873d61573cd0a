"""The words of the consent of an insured person who is not the applicant (Insurance Law article 34)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class ConsentState(StrEnum):
    """How far a question to the insured is; a changed subject or a newer question ends it without an answer."""

    ASKED = "asked"
    GIVEN = "given"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class InsuredConsent:
    """One question to the insured, about exactly what has this hash (`subject_sha256`). `email` is None once erased."""

    id: UUID
    application_id: UUID
    state: ConsentState
    subject_sha256: str
    email: str | None
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None

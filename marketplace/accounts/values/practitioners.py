"""The register of practitioners: who of an insurer's staff may answer customers, by which certificate (O13-39)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused


class Standing(StrEnum):
    """`proposed` by the insurer, not checked yet; `registered` once checked by an admin, `refused`, or `ended`."""

    PROPOSED = "proposed"
    REGISTERED = "registered"
    REFUSED = "refused"
    ENDED = "ended"


class Validity(StrEnum):
    """What the public reads of a certificate on a day."""

    VALID = "valid"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class NewPractitioner:
    """A certificate to be entered. `lines` are the lines of business in its scope, as the catalog names them; both days
    are included.
    """

    account_id: UUID
    certificate_no: str
    lines: tuple[str, ...]
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class Practitioner:
    """An entry of the register, never overwritten: a new certificate, or the old one prolonged, is another entry."""

    id: UUID
    insurer_id: UUID
    account_id: UUID
    name: str
    certificate_no: str
    lines: tuple[str, ...]
    valid_from: date
    valid_to: date
    standing: Standing
    proposed_at: datetime
    checked_at: datetime | None
    ended_at: datetime | None

    @property
    def is_public(self) -> bool:
        """Whether it was ever checked and found good: nobody else is in the public register."""
        return self.standing in {Standing.REGISTERED, Standing.ENDED}

    def validity(self, day: date) -> Validity:
        """How it stands on this day."""
        if self.standing is not Standing.REGISTERED:
            return Validity.ENDED
        if day < self.valid_from:
            return Validity.NOT_YET
        return Validity.VALID if day <= self.valid_to else Validity.EXPIRED

    def may_answer(self, line: str, day: date) -> bool:
        """Whether its holder may advise on a product of this line on this day (O13 article 35)."""
        return self.validity(day) is Validity.VALID and line in self.lines


class PractitionerNotFound(NotFound):
    """There is no such entry in the register of practitioners."""

    code = "accounts:practitioner-not-found"


class CertificateTaken(Conflict):
    """There is an entry with this number in the register already."""

    code = "accounts:certificate-taken"


class AlreadyChecked(Conflict):
    """This entry was checked already, or has ended."""

    code = "accounts:already-checked"


class CertificateMissing(Refused):
    """Only staff with a valid practising certificate for this line of business may answer customers."""

    code = "accounts:certificate-missing"

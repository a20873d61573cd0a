"""How an insurer comes in: it applies, its address is proven, two people of the marketplace approve."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.accounts.values.people import MessageRequest, NewInsurer, Role
from marketplace.kernel.errors import NotFound, Refused
from marketplace.kernel.text import LocalizedText


class ApplicantState(StrEnum):
    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"
    HALF_APPROVED = "half_approved"
    APPROVED = "approved"
    REJECTED = "rejected"


class ApplicantEvent(StrEnum):
    CONFIRM = "confirm"
    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class LicenceDocument:
    """A paper that an applicant sent, by its hash in the store of files."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class InsurerDetails:
    """What an applicant says of itself. `solvency` is per cent, with where it stands and the day it was true."""

    insurer: NewInsurer
    regulator: LocalizedText
    address: LocalizedText
    solvency: Decimal
    solvency_source: str
    solvency_on: date

    def to_json(self) -> dict[str, Any]:
        party = self.insurer
        return {
            "code": party.code,
            "legal_name": party.legal_name.to_json(),
            "short_name": party.short_name.to_json(),
            "licence_no": party.licence_no,
            "phone": party.phone,
            "email": party.email,
            "colour": party.colour,
            "mark": party.mark,
            "regions": list(party.regions),
            "regulator": self.regulator.to_json(),
            "address": self.address.to_json(),
            "solvency": str(self.solvency),
            "solvency_source": self.solvency_source,
            "solvency_on": self.solvency_on.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "InsurerDetails":
        party = NewInsurer(
            code=data["code"],
            legal_name=LocalizedText.from_json(data["legal_name"]),
            short_name=LocalizedText.from_json(data["short_name"]),
            licence_no=data["licence_no"],
            phone=data["phone"],
            email=data["email"],
            colour=data["colour"],
            mark=data["mark"],
            regions=tuple(data["regions"]),
            active=False,  # until its terms and its staff are there
        )
        return cls(
            party,
            regulator=LocalizedText.from_json(data["regulator"]),
            address=LocalizedText.from_json(data["address"]),
            solvency=Decimal(data["solvency"]),
            solvency_source=data["solvency_source"],
            solvency_on=date.fromisoformat(data["solvency_on"]),
        )


@dataclass(frozen=True, slots=True)
class NewApplication:
    """An application with the papers themselves: name and bytes of each."""

    details: InsurerDetails
    admin_name: str
    admin_email: str
    papers: tuple[tuple[str, bytes], ...]
    locale: str


@dataclass(frozen=True, slots=True)
class InsurerApplication:
    """An application as it stands. `approved_by` is the first of two people, `decided_by` the last."""

    id: UUID
    reference: str
    state: ApplicantState
    details: InsurerDetails
    documents: tuple[LicenceDocument, ...]
    admin_name: str
    admin_email: str
    submitted_at: datetime
    confirmed_at: datetime | None
    approved_at: datetime | None
    approved_by: UUID | None
    decided_at: datetime | None
    decided_by: UUID | None
    reason: str | None
    insurer_id: UUID | None


@dataclass(frozen=True, slots=True)
class Decided:
    """An application that was rejected, and the mail to queue."""

    application: InsurerApplication
    mail: MessageRequest


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Somebody is to work at an insurer's desk."""

    insurer_id: UUID
    email: str
    name: str
    role: Role
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody is invited to an insurer's desk; the link works until `expires_at`, unless it ends before."""

    id: UUID
    insurer_id: UUID
    email: str
    name: str
    role: Role
    invited_at: datetime
    invited_by: UUID
    expires_at: datetime


class InvitationOutcome(StrEnum):
    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class StaffInvited:
    """Fact: somebody is invited; the link and its mail are to be made."""

    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class InvitationWithdrawn:
    """Fact: an invitation was taken back; whoever was invited is to be told."""

    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class AccessEnded:
    """Fact: somebody works at an insurer's desk no more, and is to be told."""

    account_id: UUID


class InsurerApplicationNotFound(NotFound):
    """There is no such application of an insurer."""

    code = "accounts:insurer-application-not-found"


class InvitationNotFound(NotFound):
    """There is no such invitation of this insurer."""

    code = "accounts:invitation-not-found"


class LastAdministrator(Refused):
    """An insurer keeps at least one administrator."""

    code = "accounts:last-administrator"


class NotWaiting(Refused):
    """This application cannot be decided now."""

    code = "accounts:not-waiting"

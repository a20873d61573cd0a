"""What an application has been proven and agreed to by: checks of who somebody is, and what the insured answered."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import select

from marketplace.application import rules
from marketplace.application.models import ApplicationRow, IdentityCheckRow, InsuredConsentRow
from marketplace.application.values import (
    ConsentState,
    IdentityCheck,
    IdentityNotProven,
    IdentityOutcome,
    InsuredConsent,
    InsuredNotConsenting,
    People,
    Person,
    ProvenPerson,
    Whose,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.identity import Flaw, IdentityDocument
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView

# What does not fit is not repeated in the error, and so in no log.
_PERSON = TypeAdapter[ProvenPerson | None](ProvenPerson | None, config=ConfigDict(hide_input_in_errors=True))
_DOCUMENT = TypeAdapter[IdentityDocument | None](IdentityDocument | None, config=ConfigDict(hide_input_in_errors=True))


@dataclass(frozen=True, slots=True)
class Proofs:
    """How it stands with who the applicant is, and with what the insured agrees to; of what is not needed nothing is
    missing.
    """

    identity: IdentityCheck | None = None
    identity_missing: bool = False
    consent: InsuredConsent | None = None
    consent_missing: bool = False
    consent_sha256: str = ""
    insured_unproven: bool = False


def proofs_of(row: ApplicationRow, people: People | None, offer: OfferView) -> Proofs:
    """Of the people told now and the offer chosen now; of others nothing is proven (T26-26)."""
    content = offer.version.content
    asked = rules.needs_identity(content)
    if people is None:
        return Proofs(identity_missing=asked)
    checks = identity_checks(row.id) if asked else ()
    identity = rules.proof_of(people.applicant, Whose.APPLICANT, checks)
    proofs = Proofs(identity, asked and identity is None)
    if not rules.needs_insured_consent(people, content, clock.today(ZONE)):
        return proofs
    subject = rules.insured_consent_sha256(_applied_for(offer), row.persons)
    current = rules.current_consent(insured_consents(row.id), subject)
    return Proofs(
        identity=proofs.identity,
        identity_missing=proofs.identity_missing,
        consent=current,
        consent_missing=current is None or current.state is not ConsentState.GIVEN,
        consent_sha256=subject,
        insured_unproven=asked and rules.proof_of(people.insured_person, Whose.INSURED, checks) is None,
    )


def _applied_for(offer: OfferView) -> OfferView:
    """What the insured agreed to be insured by: cover and sum stay when underwriting changes terms (decision 36)."""
    return offer if offer.terms is None else quoting.offer(offer.terms.follows)


def require_proofs(row: ApplicationRow, people: People | None, offer: OfferView) -> None:
    """For whoever takes money or concludes. Raises IdentityNotProven where the law of the market asks for a proof and
    there is none of the applicant told (T26-27), InsuredNotConsenting where the insured has to agree and has not
    (T26-22).
    """
    proofs = proofs_of(row, people, offer)
    if proofs.identity_missing:
        raise IdentityNotProven
    if proofs.consent_missing:
        raise InsuredNotConsenting


def identity_checks(application_id: UUID) -> tuple[IdentityCheck, ...]:
    """Every attempt to prove who the applicant is, the oldest first."""
    rows = db.session.scalars(
        select(IdentityCheckRow)
        .where(IdentityCheckRow.application_id == application_id)
        .order_by(IdentityCheckRow.checked_at, IdentityCheckRow.id)
    )
    return tuple(check_of(row) for row in rows)


def shown_json(person: Person, document: IdentityDocument) -> dict[str, Any]:
    """What a check was about, as it is kept in `shown`."""
    return {
        "person": _PERSON.dump_python(ProvenPerson(person.name, person.birth_on), mode="json"),
        "document": _DOCUMENT.dump_python(document, mode="json"),
    }


def check_of(row: IdentityCheckRow) -> IdentityCheck:
    shown = row.shown or {"person": None, "document": None}
    return IdentityCheck(
        id=row.id,
        whose=Whose(row.whose),
        method=row.method,
        reference=row.reference,
        outcome=IdentityOutcome(row.outcome),
        flaw=None if row.flaw is None else Flaw(row.flaw),
        checked_at=row.checked_at,
        person=_PERSON.validate_python(shown["person"]),
        document=_DOCUMENT.validate_python(shown["document"]),
    )


def consent_of(row: InsuredConsentRow) -> InsuredConsent:
    return InsuredConsent(
        id=row.id,
        application_id=row.application_id,
        state=ConsentState(row.state),
        subject_sha256=row.subject_sha256,
        email=row.email,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        answered_at=row.answered_at,
    )


def insured_consents(application_id: UUID) -> tuple[InsuredConsent, ...]:
    """Every question to the insured, the oldest first."""
    rows = db.session.scalars(
        select(InsuredConsentRow)
        .where(InsuredConsentRow.application_id == application_id)
        .order_by(InsuredConsentRow.asked_at, InsuredConsentRow.id)
    )
    return tuple(consent_of(row) for row in rows)

"""What an application has been proven and agreed to by: checks of who somebody is, and what the insured answered."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import select

from marketplace.accounts import queries as accounts
from marketplace.application import rules
from marketplace.application.models import (
    ApplicationRow,
    ConfirmationRow,
    IdentityCheckRow,
    IdentitySessionRow,
    InsuredConsentRow,
)
from marketplace.application.values import (
    Application,
    ConfirmationKind,
    ConsentState,
    DeclarationOutdated,
    IdentityCheck,
    IdentityNotProven,
    IdentityOutcome,
    IdentitySession,
    InsuredConsent,
    InsuredNotConsenting,
    People,
    ProvenPerson,
    SessionState,
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


def told_sha256(row: ApplicationRow, offer: OfferView) -> str:
    """What is declared, as it is told and named now; other terms were agreed to apart from it."""
    insurer = accounts.insurer(row.insurer_id).legal_name
    return rules.told_sha256(
        _applied_for(offer).id,
        insurer,
        email=row.email,
        persons=row.persons,
        answers=row.answers,
        circumstances=row.circumstances,
    )


def require_declared(row: ApplicationRow, offer: OfferView) -> None:
    """For whoever takes money or concludes: nothing that the applicant declared has come to be otherwise since, the
    name of the insurer above all (T26-26). Raises DeclarationOutdated.
    """
    declared = select(ConfirmationRow.subject_sha256).where(
        ConfirmationRow.application_id == row.id, ConfirmationRow.kind == ConfirmationKind.DECLARATION.value
    )
    if told_sha256(row, offer) not in db.session.scalars(declared).all():
        raise DeclarationOutdated


def identity_checks(application_id: UUID) -> tuple[IdentityCheck, ...]:
    """Every attempt to prove who the applicant is, the oldest first."""
    rows = db.session.scalars(
        select(IdentityCheckRow)
        .where(IdentityCheckRow.application_id == application_id)
        .order_by(IdentityCheckRow.checked_at, IdentityCheckRow.id)
    )
    return tuple(check_of(row) for row in rows)


def proof_beside(application: Application) -> IdentityCheck | None:
    """The proof of exactly the applicant told here that they gave in the same visit, a short while ago, in another
    application of the same basket; first proofs only, so that none lasts longer by being carried on.
    """
    people = application.people
    if people is None or application.basket_id is None or application.account_id is None:
        return None
    beside = db.session.scalars(
        select(ApplicationRow.id)
        .where(
            ApplicationRow.basket_id == application.basket_id,
            ApplicationRow.journey_id == application.journey_id,
            ApplicationRow.account_id == application.account_id,
            ApplicationRow.id != application.id,
            ApplicationRow.erased_at.is_(None),
        )
        .order_by(ApplicationRow.id)
    ).all()
    since = clock.now() - rules.PROOF_COUNTS_BESIDE
    checks = [each for other in beside for each in identity_checks(other)]
    first = [each for each in checks if each.follows_id is None and each.checked_at >= since]
    return rules.proof_of(people.applicant, Whose.APPLICANT, first)


def latest_session(application_id: UUID, whose: Whose) -> IdentitySession | None:
    """The newest check on the verifier's own page."""
    row = db.session.scalars(
        select(IdentitySessionRow)
        .where(IdentitySessionRow.application_id == application_id, IdentitySessionRow.whose == whose.value)
        .order_by(IdentitySessionRow.opened_at.desc(), IdentitySessionRow.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else session_of(row)


def session_of(row: IdentitySessionRow) -> IdentitySession:
    return IdentitySession(
        row.id, row.application_id, Whose(row.whose), SessionState(row.state), row.reference, row.opened_at
    )


def person_of(kept: dict[str, Any] | None) -> ProvenPerson | None:
    """Whom a check is to prove."""
    return _PERSON.validate_python(kept)


def person_json(person: ProvenPerson) -> dict[str, Any]:
    data: dict[str, Any] = _PERSON.dump_python(person, mode="json")
    return data


def shown_json(person: ProvenPerson | None, document: IdentityDocument | None) -> dict[str, Any]:
    """What a check was about, as it is kept in `shown`; without a document where it was shown to the verifier alone."""
    return {
        "person": _PERSON.dump_python(person, mode="json"),
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
        follows_id=row.follows_id,
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

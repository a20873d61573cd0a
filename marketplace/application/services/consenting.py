"""The insured person, where it is another adult and the cover pays on death, agrees by a link of their own (T26-22)."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from marketplace.accounts.services import count_insured_asked
from marketplace.accounts.services.challenges import new_token, token_hash
from marketplace.application.models import InsuredConsentRow, locked
from marketplace.application.queries import view_of
from marketplace.application.queries.proofs import consent_of
from marketplace.application.services.announcing import tell_insured, tell_insured_answered
from marketplace.application.services.gate import Visit, enter, record, require_open, sealed
from marketplace.application.services.hosting import begin
from marketplace.application.services.identifying import judge
from marketplace.application.values import (
    Acting,
    ApplicationView,
    ConsentLinkEnded,
    ConsentState,
    IdentityCheck,
    IdentitySession,
    InsuredConsent,
    NotTheInsured,
    Step,
    StepNotReached,
    TextChanged,
    Whose,
)
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.formatting import LOCALES
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.identity import IdentityDocument
from marketplace.quoting import queries as quoting
from marketplace.traceability.values import EntryType

LINK_LASTS = timedelta(days=7)
PURPOSE = "insured_consent"


def ask_insured(by: Acting, application_id: UUID) -> InsuredConsent:
    """Mail the insured a link to what is to be agreed to. Asked again, the newest link alone works.

    Raises StepNotReached where nothing is missing or something before it is, TooManyTries.
    """
    visit = enter(by, application_id, Step.CONSENT)
    view, people = visit.view, visit.view.application.people
    if not view.insured_consent_missing or people is None or people.insured_email is None:
        raise StepNotReached(view.next_step)
    count_insured_asked(application_id)
    token, now = new_token(), clock.now()
    row = InsuredConsentRow(
        id=ids.new_id(),
        application_id=application_id,
        state=ConsentState.ASKED.value,
        subject_sha256=view.insured_consent_sha256,
        token_hash=token_hash(PURPOSE, token),
        asked_at=now,
        expires_at=now + LINK_LASTS,
    )
    row.email = people.insured_email
    db.session.add(row)
    db.session.flush()
    body = {"consent_id": row.id, "subject_sha256": row.subject_sha256, "address": sealed(row.email)}
    record(by, visit.row, EntryType.INSURED_ASKED, body)
    tell_insured(view, consent_of(row), f"{letterhead().public_url}/consent/{token}")
    return consent_of(row)


def asked_by(token: str) -> ApplicationView:
    """What whoever has the link is asked to agree to. Raises ConsentLinkEnded where it was answered, replaced by a
    newer one, ran out, or where what it was about has changed.
    """
    return _asked(token).view


def prove_insured(by: Acting, token: str, document: IdentityDocument) -> IdentityCheck:
    """Ask the verifier whether the document is the insured's. Each attempt is kept, a refused one too, which is for
    whoever calls to commit. Raises what `consent_as_insured` raises, TooManyTries, IdentityUnavailable.
    """
    visit = _asked(token, by)
    people = visit.view.application.people
    if people is None:
        raise ConsentLinkEnded
    return judge(visit, people.insured_person, Whose.INSURED, document)


def begin_insured_identity(by: Acting, token: str) -> IdentitySession:
    """A check of the insured on the verifier's page. Raises what `consent_as_insured` raises, StepNotReached where
    nothing is to be proven, TooManyTries, IdentityUnavailable.
    """
    visit = _asked(token, by)
    people = visit.view.application.people
    if people is None or not visit.view.insured_unproven:
        raise StepNotReached(Step.CONSENT)
    return begin(visit, people.insured_person, Whose.INSURED)


def consent_as_insured(by: Acting, token: str, subject_sha256: str, wording_sha256: str) -> InsuredConsent:
    """The insured agrees to the cover and to the sum, by the hashes of what the page showed.

    Raises ConsentLinkEnded, NotTheInsured for the applicant, TextChanged where the page showed something else, and
    StepNotReached where the law asks for a document and none was proven.
    """
    visit = _asked(token, by)
    newest = disclosure.latest((WordingKey.INSURED_CONSENT,), LOCALES).values()
    wording = next((each for each in newest if each.sha256 == wording_sha256), None)
    if wording is None or subject_sha256 != visit.view.insured_consent_sha256:
        raise TextChanged
    if visit.view.insured_unproven:
        raise StepNotReached(Step.IDENTITY)
    said = {"wording": wording.key, "version": wording.version, "locale": wording.locale, "sha256": wording.sha256}
    return _answer(visit, ConsentState.GIVEN, said)


def refuse_as_insured(by: Acting, token: str) -> InsuredConsent:
    """The insured does not agree; nobody has to say why or who they are. Raises ConsentLinkEnded, NotTheInsured."""
    return _answer(_asked(token, by), ConsentState.REFUSED, {})


def _answer(visit: Visit, state: ConsentState, said: dict[str, object]) -> InsuredConsent:
    asked = visit.view.insured_consent
    row = None if asked is None else db.session.get(InsuredConsentRow, asked.id)
    if row is None:
        raise ConsentLinkEnded
    row.state, row.answered_at = state.value, clock.now()
    db.session.flush()
    entry = EntryType.INSURED_CONSENTED if state is ConsentState.GIVEN else EntryType.INSURED_REFUSED
    record(visit.by, visit.row, entry, {"consent_id": row.id, "subject_sha256": row.subject_sha256, **said})
    tell_insured_answered(visit.view, consent_of(row))
    return consent_of(row)


def _asked(token: str, by: Acting | None = None) -> Visit:
    """The application behind a link that still works, locked where somebody acts on it."""
    found = db.session.scalars(
        select(InsuredConsentRow).where(InsuredConsentRow.token_hash == token_hash(PURPOSE, token))
    ).one_or_none()
    if found is None:
        raise ConsentLinkEnded
    row = locked(found.application_id)
    db.session.refresh(found)
    if by is not None and by.account_id is not None and by.account_id == row.account_id:
        raise NotTheInsured
    if row.erased_at is not None or found.state != ConsentState.ASKED or found.expires_at <= clock.now():
        raise ConsentLinkEnded
    require_open(row)
    view = view_of(row)
    quoting.require_live(view.offer)
    if view.insured_consent is None or view.insured_consent.id != found.id:
        raise ConsentLinkEnded
    return Visit(by or Acting(row.journey_id, ""), row, view)

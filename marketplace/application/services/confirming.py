"""What the applicant confirms: both notices at the entry, the consequences of untrue answers, the use of answers about
health, each document, the exclusions; each by itself.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marketplace.application.queries import read, view_of
from marketplace.application.services.gate import Visit, confirm, enter, own_locked
from marketplace.application.values import (
    MARKETS,
    Acting,
    Application,
    ApplicationView,
    ConfirmationKind,
    DocumentNotAsked,
    DocumentNotOpened,
    DocumentToConfirm,
    NoHealthConsent,
    Step,
    TextChanged,
)
from marketplace.catalog.values import Document
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import LOCALES


def acknowledge_privacy_notice(by: Acting, application_id: UUID, sha256: str) -> Application:
    """What is done with the customer's data, by the hash of the text that was shown (T26-30, PIPL article 17).

    Raises TextChanged when `sha256` is not that of the newest version.
    """
    visit = enter(by, application_id, Step.ENTRY)
    return _confirm_wording(visit, ConfirmationKind.PRIVACY_NOTICE, WordingKey.PRIVACY_NOTICE, sha256)


def acknowledge_client_notice(by: Acting, application_id: UUID, sha256: str) -> Application:
    """Who we are, for whom we act and how we are paid, in the same way (O13-47, EU-04, UK-01). Its entry names what is
    said beside it of registers and complaints in the market of the product.
    """
    visit = enter(by, application_id, Step.ENTRY)
    key = MARKETS[visit.view.offer.version.content.profile]
    beside = {key.value: disclosure.wording(key, visit.row.locale).sha256}
    return _confirm_wording(
        visit, ConfirmationKind.CLIENT_NOTICE, WordingKey.CLIENT_NOTICE, sha256, {"wordings": beside}
    )


def acknowledge_health_notice(by: Acting, application_id: UUID) -> Application:
    """The consequences of an untrue answer are acknowledged before the first answer (T26-18, O13-14)."""
    visit = enter(by, application_id, Step.QUESTIONS)
    wording = disclosure.wording(WordingKey.TRUTHFUL_ANSWERS, visit.row.locale)
    body = {"wording": wording.key, "version": wording.version}
    confirm(visit, ConfirmationKind.HEALTH_NOTICE, wording.sha256, body)
    return read(visit.row)


def give_health_consent(by: Acting, application_id: UUID, sha256: str) -> Application:
    """Consent to the use of answers about health, by the hash of the text that was shown (PIPL article 29, GDPR article
    9(2)(a)); no answer is taken before it. Raises TextChanged when `sha256` is not that of the newest version.
    """
    visit = enter(by, application_id, Step.QUESTIONS)
    return _confirm_wording(visit, ConfirmationKind.HEALTH_CONSENT, WordingKey.HEALTH_CONSENT, sha256)


def withdraw_health_consent(by: Acting, application_id: UUID) -> Application:
    """Take that consent back, whatever the application has become. What follows from it is for whoever calls.

    Raises ApplicationNotFound for strangers, NoHealthConsent where none holds.
    """
    row = own_locked(by, application_id)
    view = view_of(row)
    consent = view.health_consent
    if consent is None or consent.withdrawn_at is not None:
        raise NoHealthConsent
    confirm(Visit(by, row, view), ConfirmationKind.HEALTH_WITHDRAWN, consent.subject_sha256, {})
    return read(row)


def open_document(by: Acting, application_id: UUID, document_id: UUID) -> Document:
    """The document, whose bytes are handed out now: that is entered once. Raises DocumentNotAsked."""
    visit = enter(by, application_id, Step.DOCUMENTS)
    document = _document(visit.view, document_id).document
    confirm(visit, ConfirmationKind.DOCUMENT_OPENED, document.sha256, _named(document))
    return document


def confirm_document(by: Acting, application_id: UUID, document_id: UUID, sha256: str) -> Application:
    """One document, by the hash of the bytes that were read (T26-14, T26-23).

    Raises TextChanged when `sha256` is not that of the pinned document, DocumentNotOpened, DocumentNotAsked.
    """
    visit = enter(by, application_id, Step.DOCUMENTS)
    asked = _document(visit.view, document_id)
    document = asked.document
    if document.sha256 != sha256:
        raise TextChanged
    if not asked.opened:
        raise DocumentNotOpened
    confirm(visit, ConfirmationKind.DOCUMENT, sha256, _named(document))
    return read(visit.row)


def confirm_exclusions(by: Acting, application_id: UUID, sha256: str) -> Application:
    """The exclusions, on a page of their own (T26-15). Raises TextChanged when `sha256` is not theirs."""
    visit = enter(by, application_id, Step.EXCLUSIONS)
    if visit.view.exclusions_sha256 != sha256:
        raise TextChanged
    shown = len(visit.view.offer.version.content.exclusions)
    body = {"exclusions": shown, "product_version_id": visit.row.product_version_id}
    confirm(visit, ConfirmationKind.EXCLUSIONS, sha256, body)
    return read(visit.row)


def _confirm_wording(
    visit: Visit, kind: ConfirmationKind, key: WordingKey, sha256: str, more: Mapping[str, Any] | None = None
) -> Application:
    """One of our texts, by the hash of its newest version in one of the languages."""
    newest = disclosure.latest((key,), LOCALES).values()
    wording = next((each for each in newest if each.sha256 == sha256), None)
    if wording is None:
        raise TextChanged
    body = {"wording": wording.key, "version": wording.version, "locale": wording.locale, **(more or {})}
    confirm(visit, kind, sha256, body)
    return read(visit.row)


def _document(view: ApplicationView, document_id: UUID) -> DocumentToConfirm:
    for each in view.documents:
        if each.document.id == document_id:
            return each
    raise DocumentNotAsked


def _named(document: Document) -> dict[str, object]:
    return {
        "document_id": document.id,
        "kind": document.kind,
        "locale": document.locale,
        "title": document.title,
        "sha256": document.sha256,
    }

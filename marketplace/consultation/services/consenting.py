"""The asker's consent to a public answer: own tick, own text, taken back as easily (PIPL articles 14-16, GDPR 7)."""

from uuid import UUID

from marketplace.consultation.models import ThreadRow, locked_thread, messages_of
from marketplace.consultation.queries.threads import thread_of
from marketplace.consultation.services import saying
from marketplace.consultation.services.publishing import withdraw_of_thread
from marketplace.consultation.values import (
    Asker,
    NoConsent,
    NotAnsweredYet,
    Side,
    TextChanged,
    Thread,
    ThreadNotFound,
    WithdrawalReason,
)
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.formatting import LOCALES
from marketplace.kernel import clock
from marketplace.traceability.values import Actor, ActorRole, EntryType


def consent_to_public_answer(thread_id: UUID, by: Asker, sha256: str) -> Thread:
    """The insurer may make a public answer of this thread, by the hash of the text that was shown; a second time
    changes nothing.

    Raises ThreadNotFound for strangers, NotAnsweredYet, TextChanged when `sha256` is not that of the newest text.
    """
    row = _own(thread_id, by)
    if row.consent_at is not None and row.consent_withdrawn_at is None:
        return thread_of(row)
    if not any(each.side == Side.INSURER for each in messages_of(row.id)):
        raise NotAnsweredYet
    newest = disclosure.latest((WordingKey.PUBLIC_ANSWER_CONSENT,), LOCALES).values()
    if sha256 not in {each.sha256 for each in newest}:
        raise TextChanged
    row.consent_sha256, row.consent_at, row.consent_withdrawn_at = sha256, clock.now(), None
    db.session.flush()
    _record(row, by, EntryType.PUBLICATION_CONSENTED)
    return thread_of(row)


def withdraw_consent(thread_id: UUID, by: Asker) -> Thread:
    """Take it back, whatever was made of it: what is public of the thread is withdrawn at once. A second time changes
    nothing. Raises ThreadNotFound for strangers, NoConsent where there was none.
    """
    row = _own(thread_id, by)
    if row.consent_at is None:
        raise NoConsent
    end_consent(row, by)
    return thread_of(row)


def end_consent(row: ThreadRow, by: Asker) -> None:
    """Of a thread that is held, with what is public of it; nothing where no consent holds."""
    if row.consent_at is not None and row.consent_withdrawn_at is None:
        row.consent_withdrawn_at = clock.now()
        db.session.flush()
        withdraw_of_thread(row.id, WithdrawalReason.CONSENT)
        _record(row, by, EntryType.PUBLICATION_CONSENT_WITHDRAWN)


def _own(thread_id: UUID, by: Asker) -> ThreadRow:
    row = locked_thread(thread_id)
    if row.account_id is None or row.account_id != by.account_id or row.erased_at is not None:
        raise ThreadNotFound
    return row


def _record(row: ThreadRow, by: Asker, entry: EntryType) -> None:
    body = {"thread": row.reference, "subject_sha256": row.consent_sha256}
    saying.record(row, entry, Actor(ActorRole.CUSTOMER, by.account_id, "customer"), body, by.page_version_id)

"""The public words of disclosure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import NotFound


class WordingKey(StrEnum):
    """Every wording there is. Sources: checklist T26-10, T26-18, T26-30, O13-47, EU-04, EU-14; PIPL 14 and 29."""

    ENTRY_NOTICE = "entry_notice"
    RECORDING_NOTICE = "recording_notice"
    PRIVACY_NOTICE = "privacy_notice"
    CLIENT_NOTICE = "client_notice"
    TRUTHFUL_ANSWERS = "truthful_answers"
    HEALTH_CONSENT = "health_consent"
    INSURED_CONSENT = "insured_consent"
    APPLICATION_DECLARATION = "application_declaration"
    ELECTRONIC_DELIVERY = "electronic_delivery"
    PUBLIC_ANSWER_CONSENT = "public_answer_consent"
    COUNTER_OFFER = "counter_offer"


class WordingNotFound(NotFound):
    """This wording was never published."""

    code = "disclosure:wording-not-found"


@dataclass(frozen=True, slots=True)
class Wording:
    """One version of a wording in one language. `text` is Markdown, `sha256` that of its UTF-8 bytes (hex)."""

    id: UUID
    key: WordingKey
    locale: str
    version: int
    text: str
    sha256: str
    published_at: datetime

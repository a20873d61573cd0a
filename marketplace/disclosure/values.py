"""The public words of disclosure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.kernel.canonical import digest
from marketplace.kernel.errors import Conflict, NotFound, Refused, Unavailable
from marketplace.kernel.text import LocalizedText


class WordingKey(StrEnum):
    """Every wording there is. Sources: checklist T26-10, T26-18, T26-30, O13-47, SCM-04, EU-04, UK-01; PIPL 14, 29."""

    ENTRY_NOTICE = "entry_notice"
    RECORDING_NOTICE = "recording_notice"
    PRIVACY_NOTICE = "privacy_notice"
    CLIENT_NOTICE = "client_notice"
    MARKET_CN = "market_cn"
    MARKET_EU = "market_eu"
    MARKET_UK = "market_uk"
    OWN_WILL = "own_will"
    TRUTHFUL_ANSWERS = "truthful_answers"
    HEALTH_CONSENT = "health_consent"
    INSURED_CONSENT = "insured_consent"
    APPLICATION_DECLARATION = "application_declaration"
    ELECTRONIC_DELIVERY = "electronic_delivery"
    PUBLIC_ANSWER_CONSENT = "public_answer_consent"
    COUNTER_OFFER = "counter_offer"
    PREMIUM_CARD = "premium_card"


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


class AnnouncementKind(StrEnum):
    """What staff of the marketplace announce. What a table of ours says already is never announced by hand.

    Sources: Order 2020 No. 13, articles 8 (closing), 12(4) (cooperation) and 39 (interruption); 人身保险销售管理办法,
    article 19 (sale); Notice 2021 No. 108, (十七) (scope).
    """

    CLOSING = "closing"
    INTERRUPTION = "interruption"
    SCOPE = "scope"
    SALE = "sale"
    TERMS = "terms"
    COOPERATION = "cooperation"
    OTHER = "other"
    REVOCATION = "revocation"


HANDLED = frozenset({AnnouncementKind.CLOSING, AnnouncementKind.INTERRUPTION})
"""Says as well what will be done: with contracts when the platform closes, with what waits when it is interrupted."""

STANDS_ON_PAGES = frozenset({AnnouncementKind.CLOSING, AnnouncementKind.INTERRUPTION, AnnouncementKind.SCOPE})
"""Stands on every page customers see, from its release until it ends or is taken back."""

ABOUT_AN_INSURER = frozenset({AnnouncementKind.COOPERATION})


@dataclass(frozen=True, slots=True)
class NewAnnouncement:
    """What is to be announced, in both languages. Instants are those of contracts; without `starts_at` it holds from
    its release on. `revokes_id` is the announcement that it takes back.
    """

    kind: AnnouncementKind
    title: LocalizedText
    text: LocalizedText
    handling: LocalizedText | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    insurer_id: UUID | None = None
    revokes_id: UUID | None = None

    @property
    def stops_sales(self) -> bool:
        """Whether nothing is sold while it is in force; the announcement is the act. One insurer's trouble stops no
        other's sales.
        """
        return self.kind in HANDLED and self.insurer_id is None

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of all it says."""
        return digest(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """As it is hashed."""
        return {
            "kind": self.kind.value,
            "title": self.title.to_json(),
            "text": self.text.to_json(),
            "handling": self.handling.to_json() if self.handling else None,
            "starts_at": self.starts_at and self.starts_at.astimezone(UTC),
            "ends_at": self.ends_at and self.ends_at.astimezone(UTC),
            "insurer_id": self.insurer_id,
            "revokes_id": self.revokes_id,
        }


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement as it was written. It waits until a second person releases it, or is dropped before; `sha256` is
    that of what was released, and `revoked_by` the announcement that took it back.
    """

    id: UUID
    said: NewAnnouncement
    drafted_at: datetime
    drafted_by: UUID
    released_at: datetime | None
    released_by: UUID | None
    dropped_at: datetime | None
    revoked_by: UUID | None

    @property
    def waits(self) -> bool:
        return self.released_at is None and self.dropped_at is None

    def begins_by(self, instant: datetime) -> bool:
        return self.said.starts_at is not None and self.said.starts_at <= instant

    def ends_by(self, instant: datetime) -> bool:
        return self.said.ends_at is not None and self.said.ends_at <= instant

    def in_force(self, instant: datetime) -> bool:
        """Released, not taken back, begun and not over."""
        released = self.released_at is not None and self.revoked_by is None
        return released and self.begins_by(instant) and not self.ends_by(instant)

    def is_shown(self, instant: datetime) -> bool:
        """Whether it stands on the pages customers see. A change of scope is announced before it is made."""
        if self.released_at is None or self.revoked_by is not None or self.said.kind not in STANDS_ON_PAGES:
            return False
        before = self.said.kind is not AnnouncementKind.SCOPE or not self.begins_by(instant)
        return before and not self.ends_by(instant)


class AnnouncementNotFound(NotFound):
    """There is no such announcement, or it is not public."""

    code = "disclosure:announcement-not-found"


class AnnouncementDecided(Conflict):
    """This announcement was released, dropped or taken back already."""

    code = "disclosure:announcement-decided"


class ReleaserNeeded(Refused):
    """Whoever wrote an announcement cannot release it. Another person has to."""

    code = "disclosure:releaser-needed"


class StartsTooSoon(Refused):
    """This has to be announced earlier, or to begin later."""

    code = "disclosure:starts-too-soon"

    def __init__(self, earliest: datetime) -> None:
        super().__init__()
        self.earliest = earliest


class ReportOutcome(StrEnum):
    """What was found of a reported site, page or paper."""

    FALSE = "false"
    OURS = "ours"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class NewReport:
    """Somebody saw a site or material that may pretend to be ours (Order 2020 No. 13, article 37). `email` is empty
    where no answer is wanted.
    """

    place: str
    words: str
    email: str
    locale: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report as staff see it. What somebody told is empty once it is forgotten."""

    id: UUID
    reference: str
    place: str
    words: str
    email: str
    locale: str
    received_at: datetime
    outcome: ReportOutcome | None
    answer: str
    answered_at: datetime | None
    answered_by: UUID | None
    forgotten: bool


class ReportNotFound(NotFound):
    """There is no such report."""

    code = "disclosure:report-not-found"


class ReportAnswered(Conflict):
    """This report was answered already."""

    code = "disclosure:report-answered"


class SalesInterrupted(Unavailable):
    """Nothing is sold at present. The announcement says why."""

    code = "disclosure:sales-interrupted"

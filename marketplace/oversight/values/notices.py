"""What is told everybody: announcements of staff, and what became so by what insurers and staff did."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.disclosure.values import AnnouncementKind
from marketplace.kernel.text import LocalizedText


class Became(StrEnum):
    """What a notice tells that nobody writes: it is read off the tables in which it became true (SCM-01, SCM-03)."""

    PRODUCT = "product"
    VERSION = "version"
    PRICE = "price"
    AGAIN = "again"
    STOP_SALE = "stop_sale"
    RECALL = "recall"
    WITHDRAWAL = "withdrawal"
    INSURER_BEGUN = "insurer_begun"
    INSURER_STOPPED = "insurer_stopped"
    INSURER_RESUMED = "insurer_resumed"


NoticeKind = AnnouncementKind | Became


def notice_kind(name: str) -> NoticeKind:
    """The kind of that name; no two share one. Raises ValueError."""
    return AnnouncementKind(name) if name in list(AnnouncementKind) else Became(name)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. `id` is that of the row it tells of: an announcement for an `AnnouncementKind`, else a version, an
    end of a sale, an insurer or a suspension. It holds from `starts_at` or from the day `starts_on`, where it has one;
    `ends_on` is the first day on which a version is not sold any more, where its insurer named one.
    """

    id: UUID
    kind: NoticeKind
    insurer_id: UUID | None
    product_version_id: UUID | None
    at: datetime
    starts_at: datetime | None
    starts_on: date | None
    ends_at: datetime | None
    ends_on: date | None
    reason: LocalizedText | None
    new_price: bool


@dataclass(frozen=True, slots=True)
class NoticeFilter:
    """Which notices: all that is given must hold. `PRICE` finds every new version with another tariff."""

    insurer_id: UUID | None = None
    kind: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class NoticesPage:
    """One page of notices, newest first; `number` counts from 1."""

    notices: tuple[Notice, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))

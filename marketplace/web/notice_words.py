"""What public notices say, in words: their kinds, and what became so in which product or insurer."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import Announcement, AnnouncementKind
from marketplace.infra.formatting import format_day, format_instant
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight.values import Became, Notice, NoticeKind
from marketplace.web import pages

KINDS: dict[NoticeKind, str] = {
    AnnouncementKind.CLOSING: _l("Closing of the platform"),
    AnnouncementKind.INTERRUPTION: _l("Interruption of service"),
    AnnouncementKind.SCOPE: _l("Change of what is sold here"),
    AnnouncementKind.SALE: _l("Sale or price of a product"),
    AnnouncementKind.TERMS: _l("New terms"),
    AnnouncementKind.COOPERATION: _l("End of a cooperation"),
    AnnouncementKind.OTHER: _l("Other announcement"),
    AnnouncementKind.REVOCATION: _l("An announcement is taken back"),
    Became.PRODUCT: _l("New product"),
    Became.VERSION: _l("New version of a product"),
    Became.PRICE: _l("New price"),
    Became.AGAIN: _l("On sale again"),
    Became.STOP_SALE: _l("Sale stopped"),
    Became.RECALL: _l("Product recalled"),
    Became.WITHDRAWAL: _l("Version withdrawn before its sale"),
    Became.INSURER_BEGUN: _l("Insurer begins to sell here"),
    Became.INSURER_STOPPED: _l("Sales of an insurer are stopped"),
    Became.INSURER_RESUMED: _l("Sales of an insurer go on"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A notice as it is read: `title` names what it is about, `words` say what is so from when."""

    notice: Notice
    kind: str
    title: str
    words: str
    insurer: Insurer | None
    announcement: Announcement | None

    @property
    def anchor(self) -> str:
        """Its name in the page; of the same row, two kinds may be told."""
        return f"{self.notice.kind.value}-{self.notice.id}"


def lines_of(notices: Iterable[Notice]) -> list[Line]:
    """These notices in words. What they are about is asked in three questions, however many there are."""
    told = tuple(notices)
    versions = catalog.product_versions({each.product_version_id for each in told if each.product_version_id})
    insurers = accounts.insurers({each.insurer_id for each in told if each.insurer_id})
    announcements = disclosure.announcements([each.id for each in told if isinstance(each.kind, AnnouncementKind)])
    return [
        _line(
            each,
            versions.get(each.product_version_id) if each.product_version_id else None,
            insurers.get(each.insurer_id) if each.insurer_id else None,
            announcements.get(each.id),
        )
        for each in told
    ]


def _line(
    notice: Notice,
    version: ProductVersion | None,
    insurer: Insurer | None,
    announcement: Announcement | None,
) -> Line:
    if announcement is not None:
        title, words = pages.say(announcement.said.title), pages.say(announcement.said.text)
    elif version is not None:
        title, words = pages.say(version.content.name), _of_product(notice)
    else:
        title, words = pages.say(insurer.legal_name) if insurer else "", _of_insurer(notice)
    return Line(notice, str(KINDS[notice.kind]), title, words, insurer, announcement)


def _of_product(notice: Notice) -> str:
    day = format_day(notice.starts_on) if notice.starts_on else ""
    instant = format_instant(notice.starts_at) if notice.starts_at else ""
    reason = pages.say(notice.reason)
    told: dict[NoticeKind, str] = {
        Became.PRODUCT: _("On sale from %(day)s.", day=day),
        Became.VERSION: _("New clauses or descriptions from %(day)s; the price stays.", day=day),
        Became.PRICE: _("New price from %(day)s. Contracts that were concluded keep theirs.", day=day),
        Became.AGAIN: _("On sale again from %(day)s.", day=day),
        Became.STOP_SALE: _("No new applications from %(instant)s. Contracts go on.", instant=instant),
        Became.RECALL: _("Off sale from %(instant)s, and open offers are void. Contracts go on.", instant=instant),
        Became.WITHDRAWAL: _("The version that was announced does not come; what is on sale stays."),
    }
    words = told[notice.kind]
    if notice.kind is Became.AGAIN and notice.new_price:
        words = _("On sale again from %(day)s, at a new price.", day=day)
    if notice.ends_on:
        ends = _("Its sale ends before %(day)s.", day=format_day(notice.ends_on))
        words = _("%(words)s %(more)s", words=words, more=ends)
    return _("%(words)s The insurer says why: %(reason)s", words=words, reason=reason) if reason else words


def _of_insurer(notice: Notice) -> str:
    told: dict[NoticeKind, str] = {
        Became.INSURER_BEGUN: _("Its insurance is sold here."),
        Became.INSURER_STOPPED: _("Nothing of it is sold here until further notice. Contracts go on."),
        Became.INSURER_RESUMED: _("Its insurance is sold here again."),
    }
    return told[notice.kind]


def period(starts_at: datetime | None, ends_at: datetime | None) -> str:
    """From when and until when an announcement holds."""
    if starts_at is None:
        return _("From its release on")
    start = format_instant(starts_at)
    if ends_at is None:
        return _("From %(start)s", start=start)
    return _("From %(start)s until %(end)s", start=start, end=format_instant(ends_at))

"""What the marketplace announced, on the pages it concerns: a closing, an interruption, a change of what is sold.

What stands is asked once for each revision of what is public, not with every page (ADR 0010).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from flask import g

from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import Announcement, NewAnnouncement, SalesInterrupted
from marketplace.infra.formatting import current_locale
from marketplace.kernel import clock
from marketplace.kernel.remembering import Remembered
from marketplace.web import access

_standing: Remembered[UUID, tuple[Announcement, ...]] = Remembered(size=4)
"""Revision -> what was released, not taken back, and not over then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An announcement that stands on pages; `in_force` once it has begun."""

    id: UUID
    said: NewAnnouncement
    in_force: bool


def shown() -> tuple[Standing, ...]:
    """What stands on every page that customers see, the newest first. Desks of staff show none."""
    if (account := access.signed_in()) is not None and account.role.is_staff:
        return ()
    now = clock.business_now()
    return tuple(Standing(each.id, each.said, each.in_force(now)) for each in _all() if each.is_shown(now))


def stopping() -> Announcement | None:
    """The announcement by which nothing is sold at present."""
    now = clock.business_now()
    stops = (each for each in _all() if each.said.stops_sales)
    return next((each for each in stops if each.in_force(now)), None)


def require_open() -> None:
    """For the steps by which something is bought. Raises SalesInterrupted with the reason (O13-06, O13-42)."""
    if (found := stopping()) is not None:
        raise SalesInterrupted(found.said.text.in_(current_locale()))


def next_change() -> datetime | None:
    """When something of it begins or is over next: from then on pages say something else."""
    now = clock.business_now()
    instants = (at for each in _all() for at in (each.said.starts_at, each.said.ends_at))
    return min((at for at in instants if at is not None and at > now), default=None)


def _all() -> tuple[Announcement, ...]:
    revision = g.present.revision
    if revision is None:
        return disclosure.standing()
    return _standing.get_all([revision], lambda _new: {revision: disclosure.standing()})[revision]

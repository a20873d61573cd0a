"""What browsers recorded of the pages of a sale, and where that disagrees with what their forms brought."""

import json
import logging
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel.errors import MarketplaceError
from marketplace.oversight import rules
from marketplace.oversight.models import PictureRow
from marketplace.oversight.queries.sales import sale
from marketplace.oversight.queries.words import entry_words, page_words
from marketplace.oversight.values import ActOnPage, Recorded, RecordingNotFound, Replay
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry

log = logging.getLogger(__name__)


def recorded(sale_id: UUID) -> Recorded:
    """Of a sale; nothing without an application. What cannot be read keeps nobody from the sale: it is told as that.

    Raises SaleNotFound.
    """
    found = sale(sale_id)
    if found.application_id is None:
        return Recorded((), ())
    try:
        kept = trail.recordings_of(found.application_id)
    except MarketplaceError as error:
        log.error("ALARM what browsers recorded of a sale cannot be read: %s", error)  # noqa: TRY400  known errors
        return Recorded((), (), readable=False)
    told = {each.view_id: json.loads(each.data) for each in kept}
    entries = trail.entries_of_application(found.application_id)
    return Recorded(tuple(each.view_id for each in kept), rules.disagreements(told, entries))


def recording(sale_id: UUID, view_id: UUID) -> Replay:
    """What a browser recorded of one page of a sale. Raises SaleNotFound, RecordingNotFound."""
    found = sale(sale_id)
    kept = trail.recordings_of(found.application_id) if found.application_id else ()
    data = next((each.data for each in kept if each.view_id == view_id), None)
    if found.application_id is None or data is None:
        raise RecordingNotFound
    told = json.loads(data)
    entries = trail.entries_of_application(found.application_id)
    place, view = next((place, each) for place, each in enumerate(entries) if each.id == view_id)
    acts, _again = rules.acts_on(view, entries[place + 1 :])
    begun = min((event["timestamp"] for event in told["events"]), default=0) + told["clock_ahead"]
    version = trail.page_version(str(view.page_version_id))
    done = tuple(_act(each, begun) for each in acts)
    picture = _picture(found.application_id, view)
    return Replay(view_id, page_words(version.page), tuple(told["events"]), done, picture)


def _picture(application_id: UUID, view: Entry) -> bytes | None:
    """Of the page, from the bytes that were sent; None where none was made, or it is not in the store as it was."""
    wanted = select(PictureRow.sha256).where(
        PictureRow.application_id == application_id, PictureRow.log_index == view.log_index, PictureRow.kind == "png"
    )
    sha256 = db.session.scalar(wanted)
    try:
        return None if sha256 is None else storage.get(sha256, application_id)
    except MarketplaceError as error:
        log.error("ALARM the picture of a page cannot be read: %s", error)  # noqa: TRY400  known errors
        return None


def _act(entry: Entry, begun: int) -> ActOnPage:
    return ActOnPage(max(0, int(entry.recorded_at.timestamp() * 1000) - begun), entry_words(entry.type, entry.body))

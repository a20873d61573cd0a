"""What a browser says of a page of an application, put together at once."""

import gzip
import json
from typing import Any
from uuid import UUID

from marketplace.infra.db import db
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import Entry

_BOX = {"id": 3, "tagName": "input", "attributes": {"type": "checkbox", "name": "confirm", "value": "yes"}}


def view_of(application_id: UUID | None, page: str) -> Entry:
    """The first view of that page in the application."""
    assert application_id
    entries = [each for each in trail.entries_of_application(application_id) if each.page_sha256]
    versions = {each.id: each.page for each in trail.page_versions(str(each.page_version_id) for each in entries)}
    return next(each for each in entries if versions[str(each.page_version_id)] == page)


def record(view: Entry, *, ticked: bool) -> str:
    """What an honest browser, or one whose box was never ticked, says of a page; the hash it is kept under. Commits."""
    at = int(view.recorded_at.timestamp() * 1000)
    events: list[dict[str, Any]] = [
        {"type": 2, "data": {"node": {"childNodes": [_BOX]}, "initialOffset": {}}, "timestamp": at},
        {"type": 5, "data": {"tag": "submit", "payload": {}}, "timestamp": at + 10},
    ]
    if ticked:
        tick = {"source": 5, "id": 3, "text": "yes", "isChecked": True}
        events.insert(1, {"type": 3, "data": tick, "timestamp": at + 5})
    said = {"number": 0, "sent_at": at + 10, "left": True, "cut": False, "events": events}
    traceability.keep_interactions(view.id, gzip.compress(json.dumps(said).encode()))
    traceability.keep_recording(view.id)
    db.session.commit()
    assert view.application_id
    return trail.recordings_of(view.application_id)[-1].sha256

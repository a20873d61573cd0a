"""What browsers record of pages is kept sealed, put together with its entry, and erased with the application."""

import gzip
import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from marketplace.infra import storage, vault
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries, services
from marketplace.traceability.jobs.keeping import AFTER_LEAVING, AFTER_SILENCE, keep_recordings
from marketplace.traceability.rules import interactions
from marketplace.traceability.values import (
    LONGEST_PART,
    SYSTEM,
    Actor,
    ActorRole,
    EntryNotFound,
    EntryType,
    RecordingClosed,
    RecordingInvalid,
)
from tests.everything import every_row
from tests.factories.traceability import a_journey, a_manifest, a_view

pytestmark = pytest.mark.usefixtures("database")
AT = 1_795_000_000_000
WORDS = {str(number): f"Cover {number} pays {number * 7919}." for number in range(200)}
SECRET = "Li Na"


def a_part(number: int = 0, *, left: bool = False, cut: bool = False, name: str = SECRET, filler: str = "") -> bytes:
    node = {"type": 0, "childNodes": [], "words": WORDS, "filler": filler, "id": 1}
    snapshot = {"type": 2, "data": {"node": node, "initialOffset": {"left": 0, "top": 0}}, "timestamp": AT}
    typed = {"type": 3, "data": {"source": 5, "text": name, "isChecked": False, "id": 7}, "timestamp": AT + 700}
    said = {"number": number, "sent_at": AT, "left": left, "cut": cut, "events": [snapshot if number == 0 else typed]}
    return gzip.compress(json.dumps(said).encode())


@pytest.fixture
def view_id() -> UUID:
    return a_page_shown()


def a_page_shown(journey_id: UUID | None = None, account_id: UUID | None = None) -> UUID:
    actor = Actor(ActorRole.CUSTOMER, account_id or uuid4(), "customer")
    return services.record_view(a_view(journey_id or a_journey(), application_id=uuid4(), actor=actor))


def keep(view_id: UUID, *parts: bytes) -> None:
    for part in parts:
        services.keep_interactions(view_id, part)
    db.session.commit()


def put_together(after: timedelta = AFTER_LEAVING) -> None:
    with clock.frozen(clock.now() + after + timedelta(seconds=1)):
        keep_recordings()


def rows(table: str) -> int:
    with every_row() as owner:
        return int(owner.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def application_of(view_id: UUID) -> UUID:
    application_id = queries.view_kept(view_id).application_id
    assert application_id is not None
    return application_id


@pytest.mark.requirement("T26-06")
def test_a_page_that_is_left_has_its_recording_put_together_and_its_hash_in_the_trail(view_id):
    keep(view_id, a_part(1), a_part(0), a_part(0), a_part(3, left=True))
    put_together()
    (kept,) = queries.recordings_of(application_of(view_id))
    told = json.loads(kept.data)
    assert (kept.view_id, kept.sha256) == (view_id, sha256_hex(kept.data))
    assert (told["view"], told["missing"], told["cut"], len(told["events"])) == (str(view_id), [2], False, 3)
    view, entry = queries.journey_entries(queries.view_kept(view_id).journey_id)
    assert (entry.type, entry.actor) == (EntryType.RECORDING_KEPT, SYSTEM)
    assert entry.body == {"view": str(view_id), "sha256": kept.sha256, "events": 3, "cut": False}
    assert (entry.application_id, entry.page_version_id) == (view.application_id, view.page_version_id)
    assert rows("traceability_recording_chunk") == 0


def test_nothing_of_it_lies_open(view_id):
    keep(view_id, a_part(0), a_part(1))
    with every_row() as owner:
        (part, *_more) = owner.execute(text("SELECT content FROM traceability_recording_chunk")).scalars()
    put_together(AFTER_SILENCE)
    with every_row() as owner:
        (whole,) = owner.execute(text("SELECT content FROM traceability_recording")).scalars()
    assert all(SECRET.encode() not in kept and kept[:1] == b"\x01" for kept in (part, whole))


def test_a_page_that_still_lives_is_waited_for(view_id):
    keep(view_id, a_part(0))
    put_together()
    assert queries.recordings_of(application_of(view_id)) == ()
    keep(view_id, a_part(1))
    put_together(AFTER_SILENCE)
    assert len(queries.recordings_of(application_of(view_id))) == 1
    with pytest.raises(RecordingClosed):
        services.keep_interactions(view_id, a_part(2))


def test_too_much_is_cut_and_the_trail_says_so(view_id, monkeypatch):
    monkeypatch.setattr(interactions, "MOST_OF_PAGE", 20_000)
    keep(view_id, a_part(0), a_part(1, name="x" * 20_000))
    with pytest.raises(RecordingClosed):
        services.keep_interactions(view_id, a_part(2))
    db.session.rollback()
    _view, cut = queries.journey_entries(queries.view_kept(view_id).journey_id)
    assert (cut.type, cut.body["view"]) == (EntryType.RECORDING_CUT, str(view_id))
    put_together()
    (kept,) = queries.recordings_of(application_of(view_id))
    told = json.loads(kept.data)
    assert (told["cut"], len(told["events"])) == (True, 1)


def test_what_does_not_fit_is_refused_and_nothing_is_kept(view_id):
    comparison = services.record_view(a_view(a_journey()))
    for known, part, refusal in (
        (view_id, b"<html>", RecordingInvalid),
        (view_id, b" " * (LONGEST_PART + 1), RecordingInvalid),
        (uuid4(), a_part(0), EntryNotFound),
        (comparison, a_part(0), EntryNotFound),
    ):
        with pytest.raises(refusal):
            services.keep_interactions(known, part)
    db.session.commit()
    assert rows("traceability_recording_chunk") == 0


def test_an_erased_application_has_no_recording_any_more(view_id):
    keep(view_id, a_part(0, left=True))
    application_id = application_of(view_id)
    other = a_page_shown()
    keep(other, a_part(0, left=True))
    put_together()
    later = services.record_view(a_view(queries.view_kept(view_id).journey_id, application_id=application_id))
    keep(later, a_part(0, left=True))
    vault.destroy(application_id)
    db.session.commit()
    assert queries.recordings_of(application_id) == ()
    with pytest.raises(DataDestroyed):
        services.keep_interactions(later, a_part(1))
    db.session.rollback()
    put_together()
    assert rows("traceability_recording_chunk") == 0
    assert len(queries.recordings_of(application_of(other))) == 1


def test_after_three_people_a_recording_is_small_and_comes_back(view_id):
    for name in ("Wang Fang", "Chen Jie", "Zhao Min"):
        keep(a_page_shown(), a_part(0), a_part(1, name=name, left=True))
    put_together()
    put_together()
    version = services.ensure_page_version(a_manifest())
    reference = queries.recording_reference(version)
    assert reference is not None
    assert [name for name in (b"Wang", b"Chen", b"Zhao") if name in storage.get(reference)] == []
    assert queries.files_used({reference}) == {reference}
    keep(view_id, a_part(0), a_part(1, left=True))
    put_together()
    (kept,) = queries.recordings_of(application_of(view_id))
    with every_row() as owner:
        asked = text("SELECT reference, length(content) FROM traceability_recording WHERE id = :id")
        named, size = owner.execute(asked, {"id": view_id}).one()
    assert (named, sha256_hex(kept.data)) == (reference, kept.sha256)
    assert size < 400 < len(kept.data) / 10


def test_one_person_makes_no_reference(view_id):
    account_id = uuid4()
    for _ in range(4):
        keep(a_page_shown(account_id=account_id), a_part(0, left=True))
    put_together()
    put_together()
    assert queries.recording_reference(services.ensure_page_version(a_manifest())) is None

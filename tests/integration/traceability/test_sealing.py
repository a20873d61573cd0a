"""For whom an entry is sealed: what concerns an application is erased with it, in a journey that is kept."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from marketplace.infra import vault
from marketplace.infra.db import db, reader
from marketplace.infra.pressing import unpress
from marketplace.infra.vault import DataDestroyed, SubjectKeyRow
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries, services
from marketplace.traceability.models import IntakeRow
from marketplace.traceability.services import recording
from marketplace.traceability.values import EntryType, journey_of_readings
from tests.factories.traceability import a_journey, a_view, an_act

pytestmark = pytest.mark.usefixtures("database")

PAGE, OTHERS = b"<!doctype html>what somebody was asked", b"<!doctype html>what everybody sees"


def erase(subject_id: UUID) -> None:
    vault.destroy(subject_id)
    db.session.commit()
    vault.forget()


def sealed_for_the_journey(monkeypatch: pytest.MonkeyPatch) -> None:
    """As entries were written before an application had a share in its trail."""
    monkeypatch.setattr(recording, "subjects", lambda journey_id, _application_id: (journey_id,))


def a_page(journey_id: UUID, application_id: UUID | None, page: bytes = PAGE) -> UUID:
    return services.record_view(a_view(journey_id, page, application_id=application_id, body={"status": 200}))


@pytest.mark.requirement("T26-47")
def test_an_erased_application_takes_its_entries_along_and_leaves_the_others() -> None:
    journey_id, erased, kept = a_journey(), uuid4(), uuid4()
    pages = {of: a_page(journey_id, of, PAGE if of else OTHERS) for of in (erased, kept, None)}
    services.record_act(an_act(journey_id, EntryType.ANSWER_GIVEN, application_id=erased, body={"question": "heart"}))
    db.session.commit()
    before = {entry.id: entry.body_sha256 for entry in queries.journey_entries(journey_id)}
    erase(erased)
    for entry in queries.journey_entries(journey_id):
        assert entry.body_sha256 == before[entry.id]
        assert bool(entry.body) is (entry.application_id != erased), "its hash stays, what it said does not"
        assert (entry.id in queries.envelopes_of_journey(journey_id)) is bool(entry.body), "nor what could be guessed"
    assert [entry.body for entry in queries.entries_of_application(erased)] == [{}, {}]
    with pytest.raises(DataDestroyed):
        queries.page_bytes(pages[erased])
    assert queries.page_bytes(pages[kept]) == PAGE
    assert queries.pages_of_journey(journey_id) == {pages[kept]: PAGE, pages[None]: OTHERS}


def test_the_key_of_the_journey_does_not_open_what_an_application_says() -> None:
    journey_id, application_id = a_journey(), uuid4()
    entry_id = a_page(journey_id, application_id)
    with reader() as connection:
        columns = IntakeRow.__table__.c
        wanted = IntakeRow.__table__.select().with_only_columns(columns.page_bytes).where(columns.id == entry_id)
        kept = connection.execute(wanted).scalar_one()
    with pytest.raises(vault.Unreadable):
        IntakeRow.page_bytes.opened(entry_id, journey_id, kept)
    assert unpress(IntakeRow.page_bytes.opened(entry_id, application_id, kept) or b"") == PAGE


def test_what_was_sealed_for_the_journey_before_still_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    journey_id, application_id = a_journey(), uuid4()
    with monkeypatch.context() as before:
        sealed_for_the_journey(before)
        old = a_page(journey_id, application_id)
    new = a_page(journey_id, application_id, OTHERS)
    assert (queries.page_bytes(old), queries.page_bytes(new)) == (PAGE, OTHERS)
    assert queries.pages_of_journey(journey_id) == {old: PAGE, new: OTHERS}
    assert [entry.body for entry in queries.journey_entries(journey_id)] == [{"status": 200}] * 2


def test_what_was_sealed_for_the_journey_before_is_shut_with_its_application(monkeypatch: pytest.MonkeyPatch) -> None:
    journey_id, application_id = a_journey(), uuid4()
    with monkeypatch.context() as before:
        sealed_for_the_journey(before)
        old = a_page(journey_id, application_id)
    a_page(journey_id, None, OTHERS)
    erase(application_id)
    with pytest.raises(DataDestroyed):
        queries.page_bytes(old)
    assert list(queries.pages_of_journey(journey_id).values()) == [OTHERS]
    assert [entry.body for entry in queries.journey_entries(journey_id)] == [{}, {"status": 200}]


def test_what_is_noted_of_an_erased_application_is_recorded_and_says_nothing() -> None:
    journey_id, application_id = a_journey(), uuid4()
    a_page(journey_id, application_id)
    erase(application_id)
    services.record_act(an_act(journey_id, EntryType.SALE_VIEWED, application_id=application_id, body={"bytes": "x"}))
    db.session.commit()
    assert [(each.type, each.body) for each in queries.entries_of_application(application_id)] == [
        (EntryType.COMPARISON_SHOWN, {}),
        (EntryType.SALE_VIEWED, {}),
    ]


@pytest.mark.requirement("T26-47", "T26-48")
def test_why_a_contract_was_looked_at_is_erased_with_it_and_when_and_by_whom_is_not() -> None:
    application_id = uuid4()
    readings = journey_of_readings(application_id)
    for _ in range(2):
        look = an_act(readings, EntryType.SALE_VIEWED, application_id=application_id, body={"reason": "C-17"})
        services.record_reading(look)
        db.session.commit()
        if not vault.is_destroyed(application_id):
            assert [each.body for each in queries.journey_entries(readings)] == [{"reason": "C-17"}]
            erase(application_id)
    assert [(each.type, each.body) for each in queries.journey_entries(readings)] == [(EntryType.SALE_VIEWED, {})] * 2
    wanted = select(SubjectKeyRow.id).where(SubjectKeyRow.id == readings)
    assert db.session.execute(wanted).all() == [], "nothing of it has a key of its own"


@pytest.mark.parametrize("of_visit", [None, UUID(int=1)])
def test_a_reading_is_entered_where_it_is_found_and_nowhere_else(of_visit: UUID | None) -> None:
    own = a_journey()
    for application_id in (None, uuid4()):
        with pytest.raises(ValueError, match="a reading is of"):
            services.record_reading(
                an_act(own, EntryType.SALE_VIEWED, application_id=application_id), of_visit=of_visit
            )
    assert queries.journey_entries(own) == ()


def test_where_the_journey_is_erased_too_nothing_is_recorded_any_more() -> None:
    journey_id, application_id = a_journey(), uuid4()
    a_page(journey_id, application_id, PAGE)
    erase(application_id)
    erase(journey_id)
    for of in (application_id, None):
        with pytest.raises(DataDestroyed):
            services.record_act(an_act(journey_id, application_id=of))
    assert len(queries.journey_entries(journey_id)) == 1


def test_a_page_of_nobodys_application_is_sealed_by_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages of every visitor ask for no key but the journey's, and not a second time."""
    journey_id = a_journey()
    a_page(journey_id, None, OTHERS)
    asked: list[object] = []
    monkeypatch.setattr(vault, "_found", lambda ids, **_more: asked.append(ids) or {})
    monkeypatch.setattr(vault, "_made", asked.append)
    a_page(journey_id, None, OTHERS)
    assert asked == []


def test_several_entries_are_opened_with_one_question_for_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    journey_id = a_journey()
    for of in (uuid4(), uuid4(), None):
        a_page(journey_id, of)
    vault.forget()
    asked: list[int] = []
    found = vault._found

    def counted(subject_ids, **more):
        asked.append(len(subject_ids))
        return found(subject_ids, **more)

    monkeypatch.setattr(vault, "_found", counted)
    assert len(queries.journey_entries(journey_id)) == 3
    assert asked == [3]


def test_the_hash_of_a_page_is_of_what_was_sent() -> None:
    journey_id, application_id = a_journey(), uuid4()
    a_page(journey_id, application_id)
    (entry,) = queries.journey_entries(journey_id)
    assert entry.page_sha256 == sha256_hex(PAGE)

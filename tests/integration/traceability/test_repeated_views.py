"""A page that a journey saw before is kept against what it saw then: and opened in one place."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import Mock
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.infra import present, vault
from marketplace.infra.db import db
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.remembering import Remembered
from marketplace.traceability import queries, services
from marketplace.traceability.services import recording
from marketplace.traceability.values import LogAltered
from sandbox.embedded_db import EmbeddedServer
from tests.everything import every_row
from tests.factories.log import a_key_folder, integrate
from tests.factories.traceability import a_journey, a_view

pytestmark = pytest.mark.usefixtures("database")
HALF_A_KILOBYTE = 512


def a_page(of: UUID) -> bytes:
    """Sixty offers nobody else has, and what is new in each answer."""
    told = "".join(f"<p>{sha256_hex(of.bytes + bytes([number]))}</p>\n" for number in range(60))
    return f"<!doctype html>\n{told}<i>{uuid4()}</i>".encode()


def show(journey_id: UUID, of: UUID, **changes: UUID | None) -> UUID:
    return services.record_view(a_view(journey_id, a_page(of), **changes))


def kept(entry_id: UUID) -> tuple[UUID | None, int]:
    """Against which view a view is kept, and how many bytes that takes."""
    asked = "SELECT page_base, length(page_bytes) FROM {} WHERE id = :id"
    tables = "traceability_evidence_intake", "traceability_entry"
    with every_row() as owner:
        union = text(" UNION ALL ".join(asked.format(table) for table in tables))
        row = owner.execute(union, {"id": entry_id}).one()
    return row[0], row[1]


@pytest.fixture
def log(server: EmbeddedServer, tmp_path: Path) -> Callable[[], int]:
    """Takes what was entered into the log."""
    return partial(integrate, server, a_key_folder(tmp_path / "log"))


def test_a_repeated_view_is_kept_in_half_a_kilobyte_and_comes_back(log):
    journey_id, need = a_journey(), uuid4()
    first = show(journey_id, need)
    log()
    again = [show(journey_id, need), show(journey_id, need)]
    assert kept(first)[0] is None
    assert [kept(each)[0] for each in again] == [first, first], "never against one that is itself against another"
    assert [kept(each)[1] for each in again if kept(each)[1] > HALF_A_KILOBYTE] == []
    log()
    pages = queries.pages_of_journey(journey_id)
    assert list(pages) == [first, *again]
    for entry_id, page in pages.items():
        assert sha256_hex(page) == queries.entry(entry_id).page_sha256
        assert queries.page_bytes(entry_id) == page


def test_it_comes_back_before_both_are_in_the_log():
    journey_id, need = a_journey(), uuid4()
    first, again = show(journey_id, need), show(journey_id, need)
    assert kept(again)[0] == first
    assert sha256_hex(queries.page_bytes(again)) == queries.entry(again).page_sha256


def test_wherever_somebody_is_erased_no_page_stays_in_memory(log):
    journey_id, other, need = a_journey(), a_journey(), uuid4()
    shown = show(journey_id, need), show(other, need)
    log()
    present.load_for_job()
    show(journey_id, need)
    show(other, need)
    vault.destroy(journey_id)
    db.session.commit()
    assert recording._earlier._values != {}
    present.load_for_job()
    assert recording._earlier._values == {}
    assert kept(show(other, need))[0] == shown[1], "the log has it"
    with pytest.raises(vault.DataDestroyed):
        show(journey_id, need)
    assert [key[0] for key in recording._earlier._values] == [other]


def test_what_another_process_showed_is_asked_for_once(log, monkeypatch):
    journey_id, need = a_journey(), uuid4()
    first = show(journey_id, need)
    log()
    asked = Mock(wraps=queries.earlier_view)
    monkeypatch.setattr(queries, "earlier_view", asked)
    monkeypatch.setattr(recording, "_earlier", Remembered(size=64))
    again = [show(journey_id, need), show(journey_id, need)]
    assert [kept(each)[0] for each in again] == [first, first]
    assert asked.call_count == 1
    for each in again:
        assert sha256_hex(queries.page_bytes(each)) == queries.entry(each).page_sha256


def test_what_another_process_showed_is_nothing_to_rest_on_before_it_is_in_the_log(monkeypatch):
    journey_id, need = a_journey(), uuid4()
    show(journey_id, need)
    monkeypatch.setattr(recording, "_earlier", Remembered(size=64))
    assert kept(show(journey_id, need))[0] is None


def test_what_another_process_showed_and_cannot_be_read_is_nothing_to_rest_on(log, monkeypatch, caplog):
    journey_id, need = a_journey(), uuid4()
    first = show(journey_id, need)
    log()
    with every_row() as owner:
        owner.execute(text("ALTER TABLE traceability_entry DISABLE TRIGGER ALL"))
        owner.execute(text("UPDATE traceability_entry SET page_bytes = '\\x00' WHERE id = :id"), {"id": first})
        owner.execute(text("ALTER TABLE traceability_entry ENABLE TRIGGER ALL"))
        owner.commit()
    monkeypatch.setattr(recording, "_earlier", Remembered(size=64))
    again = show(journey_id, need)
    assert kept(again)[0] is None
    assert "ALARM a view that was recorded cannot be read" in caplog.text
    assert sha256_hex(queries.page_bytes(again)) == queries.entry(again).page_sha256


def test_what_could_not_be_recorded_is_nothing_to_rest_on(monkeypatch):
    journey_id, need = a_journey(), uuid4()
    with monkeypatch.context() as patch:
        patch.setattr(recording, "alone", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            show(journey_id, need)
    assert kept(show(journey_id, need))[0] is None


def test_what_the_database_lost_is_nothing_to_rest_on():
    """A view's commit does not wait for the disk: the power may take it while the process that wrote it lives on."""
    journey_id, need = a_journey(), uuid4()
    lost = show(journey_id, need)
    with every_row() as owner:
        owner.execute(text("DELETE FROM traceability_evidence_intake WHERE id = :id"), {"id": lost})
        owner.commit()
    again, more = show(journey_id, need), show(journey_id, need)
    assert kept(again)[0] is None
    assert kept(more)[0] == again
    pages = queries.pages_of_journey(journey_id)
    assert list(pages) == [again, more]
    assert [sha256_hex(page) for page in pages.values()] == [queries.entry(each).page_sha256 for each in pages]


@pytest.mark.parametrize("other", ["journey", "application", "view"])
def test_the_database_itself_refuses_to_rest_on_what_is_not_there(other):
    """Whatever the program remembers: on nothing, and on nothing that another key sealed."""
    journey_id, need, application_id = a_journey(), uuid4(), uuid4()
    base = show(journey_id, need, application_id=application_id)
    right = {"id": uuid4(), "journey_id": journey_id, "application_id": application_id, "page_base": base}
    wrong = {
        "journey": {"journey_id": a_journey()},
        "application": {"application_id": uuid4()},
        "view": {"page_base": uuid4()},
    }
    row = text(
        """
        INSERT INTO traceability_evidence_intake
        SELECT (jsonb_populate_record(shown, CAST(:again AS jsonb))).*
        FROM traceability_evidence_intake AS shown WHERE shown.id = :base
        """
    )
    with every_row() as owner:
        with owner.begin_nested() as tried:
            assert owner.execute(row, {"again": canonical_bytes(right).decode(), "base": base}).rowcount == 1
            tried.rollback()
        with pytest.raises(IntegrityError, match="is not there"):
            owner.execute(row, {"again": canonical_bytes(right | wrong[other]).decode(), "base": base})
    assert list(queries.pages_of_journey(journey_id)) == [base]


@pytest.mark.parametrize("other", ["journey", "application", "content"])
def test_nothing_else_is_kept_against_it(log, other):
    journey_id, need, application_id = a_journey(), uuid4(), uuid4()
    show(journey_id, need, application_id=application_id)
    log()
    changed = {
        "journey": (a_journey(), need, application_id),
        "application": (journey_id, need, uuid4()),
        "content": (journey_id, uuid4(), application_id),
    }
    whose, what, about = changed[other]
    assert kept(show(whose, what, application_id=about))[0] is None


@pytest.mark.parametrize("erased", ["journey", "application"])
def test_an_erasure_destroys_both_and_spares_what_is_another_s(log, erased):
    journey_id, application_id = a_journey(), uuid4()
    views: dict[str, list[UUID]] = {}
    for of, about in {"journey": None, "application": application_id}.items():
        need = uuid4()
        views[of] = [show(journey_id, need, application_id=about)]
        log()
        views[of].append(show(journey_id, need, application_id=about))
        assert kept(views[of][1])[0] == views[of][0]
    vault.destroy({"journey": journey_id, "application": application_id}[erased])
    db.session.commit()
    other = "application" if erased == "journey" else "journey"
    for entry_id in views[erased]:
        with pytest.raises(vault.DataDestroyed):
            queries.page_bytes(entry_id)
    assert all(sha256_hex(queries.page_bytes(each)) == queries.entry(each).page_sha256 for each in views[other])


def test_where_the_earlier_view_is_gone_the_evidence_says_so(log):
    journey_id, need = a_journey(), uuid4()
    first = show(journey_id, need)
    log()
    again = show(journey_id, need)
    log()
    with every_row() as owner:
        owner.execute(text("ALTER TABLE traceability_entry DISABLE TRIGGER ALL"))
        owner.execute(text("DELETE FROM traceability_entry WHERE id = :id"), {"id": first})
        owner.execute(text("ALTER TABLE traceability_entry ENABLE TRIGGER ALL"))
        owner.commit()
    with pytest.raises(LogAltered):
        queries.page_bytes(again)
    with pytest.raises(LogAltered):
        queries.pages_of_journey(journey_id)

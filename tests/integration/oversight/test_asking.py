"""Asking the sales log: filters, pages, cost; and a sale's trail in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event

from marketplace.accounts.values import Insurer
from marketplace.application.values import Step
from marketplace.catalog.values import Line
from marketplace.infra.db import db
from marketplace.infra.formatting import use_locale
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from marketplace.oversight.models import SaleRow
from marketplace.oversight.queries import sale, sales, state_counts, timeline
from marketplace.oversight.values import SaleFilter, SaleNotFound, SaleState
from marketplace.quoting.queries import offers_for
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.accounts import an_insurer
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.quoting import a_content, a_need, publish
from tests.factories.traceability import a_journey, a_manifest, a_view

pytestmark = pytest.mark.usefixtures("database")


def a_row(insurer: Insurer | None = None, **changes) -> SaleRow:
    """A line of the log as the jobs would have written it."""
    journey = trail.journey(a_journey())
    parts = {
        "id": new_id(),
        "state": SaleState.ENTERED.value,
        "line": Line.TRAVEL.value,
        "journey_id": journey.id,
        "journey_reference": journey.reference,
        "channel": "self",
        "insurer_id": insurer and insurer.id,
        "started_at": journey.business_started_at,
        "last_at": journey.business_started_at,
    }
    row = SaleRow(**(parts | changes))
    db.session.add(row)
    db.session.flush()
    return row


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def found(**wanted) -> set:
    return {each.id for each in sales(SaleFilter(**wanted)).sales}


def test_each_filter_narrows_and_all_hold_together() -> None:
    harbour, north = an_insurer("harbour"), an_insurer("north")
    travel = a_row(harbour)
    life = a_row(harbour, line=Line.TERM_LIFE.value, state=SaleState.PAID.value)
    other = a_row(north)
    assert found() == {travel.id, life.id, other.id}
    assert found(line=Line.TERM_LIFE) == {life.id}
    assert found(state=SaleState.ENTERED) == {travel.id, other.id}
    assert found(insurer_id=harbour.id) == {travel.id, life.id}
    assert found(insurer_id=harbour.id, state=SaleState.ENTERED) == {travel.id}
    assert found(insurer_id=north.id, line=Line.TERM_LIFE) == set()


def test_days_are_whole_days_in_shanghai() -> None:
    first = a_row(started_at=datetime(2026, 11, 21, 16, 0, tzinfo=UTC))  # 00:00 on the 22nd in Shanghai
    last = a_row(started_at=datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC))
    next_day = a_row(started_at=datetime(2026, 11, 22, 16, 0, tzinfo=UTC))
    day = date(2026, 11, 22)
    assert found(since=day, until=day) == {first.id, last.id}
    assert found(since=date(2026, 11, 23)) == {next_day.id}
    assert found(until=date(2026, 11, 21)) == set()


@pytest.mark.requirement("T26-40")
def test_a_sale_is_found_by_policy_number_and_by_every_reference() -> None:
    row = a_row(
        policy_number="EF-HARBOUR-2026-000042", application_reference="A-7KMF-94QC", order_reference="O-7KMF-94QC"
    )
    a_row(policy_number="EF-HARBOUR-2026-000043")
    for text in ("ef-harbour-2026-000042", " A-7KMF-94QC ", "o-7kmf-94qc", row.journey_reference):
        assert found(text=text) == {row.id}
    assert len(found(text="EF-HARBOUR-2026")) == 2
    assert found(text="%") == set()
    assert found(text="EF_HARBOUR") == set()
    assert found(text="'; DROP TABLE oversight_sale; --") == set()


def test_pages_are_newest_first_and_every_sale_is_on_one_of_them() -> None:
    rows = [a_row(started_at=datetime(2026, 11, day, tzinfo=UTC)) for day in range(1, 8)]
    pages = [sales(SaleFilter(), number, size=3) for number in (1, 2, 3)]
    assert [[each.id for each in page.sales] for page in pages] == [
        [row.id for row in rows[:3:-1]],
        [row.id for row in rows[3:0:-1]],
        [rows[0].id],
    ]
    assert {(page.total, page.pages) for page in pages} == {(7, 3)}
    assert sales(SaleFilter(), 4, size=3).sales == ()
    assert sales(SaleFilter(), -1, size=3).number == 1
    assert sales(SaleFilter(state=SaleState.PAID)).pages == 1


def test_a_long_log_costs_no_more_statements_than_a_short_one() -> None:
    insurers = [an_insurer(f"insurer{number}") for number in range(5)]
    a_row(insurers[0])
    with counted_statements() as short:
        sales(SaleFilter())
    for number in range(40):
        a_row(insurers[number % 5])
    with counted_statements() as long:
        assert len(sales(SaleFilter()).sales) == 41
    assert len(long) == len(short) == 3


def test_every_state_is_counted() -> None:
    a_row()
    a_row()
    a_row(state=SaleState.PAID.value)
    counts = state_counts()
    assert set(counts) == set(SaleState)
    assert (counts[SaleState.ENTERED], counts[SaleState.PAID], counts[SaleState.MAILED]) == (2, 1, 0)


def test_the_trail_is_told_in_words_with_the_page_of_each_step() -> None:
    offer: OfferView = an_offer_of()
    journey_id = offer.need.journey_id
    version = traceability.ensure_page_version(a_manifest("compare.comparison"))
    db.session.commit()
    traceability.record_view(a_view(journey_id, b"<!doctype html>as shown", page_version_id=version))
    application = an_accepted_application(offer=offer)
    drain("oversight")
    (seen,) = sales(SaleFilter()).sales
    entries = timeline(seen.id)
    words = [entry.words for entry in entries]
    assert words[0] == "Compared 1 offer, Travel, ranking rule ranking-2"
    assert words[1] == "Comparison shown"
    assert "Entered the application, told of recording" in words
    assert "Entered: name of the applicant" in words
    assert "E-mail address proven by code" in words
    assert any(said.startswith("Document confirmed: ") for said in words)
    assert "Confirmed what is not covered" in words
    assert words[-1] in {"Accepted by the insurer's guideline", "Application declared true and submitted"}
    assert [entry.recorded_at for entry in entries] == sorted(entry.recorded_at for entry in entries)
    shown = entries[1]
    assert (shown.page, shown.page_version_id, shown.has_page) == ("Comparison", version, True)
    assert trail.page_bytes(shown.entry_id) == b"<!doctype html>as shown"
    assert {entry.has_page for entry in entries[2:]} == {False}
    assert application.reference == seen.application_reference
    assert "Lin Yue" not in repr(entries)


def test_a_policy_number_is_looked_up_in_its_index() -> None:
    """Row-level security keeps conditions that might leak from using one."""
    asked: list[tuple[str, dict[str, object]]] = []

    def note(_connection, _cursor, statement, parameters, *_rest) -> None:
        asked.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    sales(SaleFilter(text="EF-HARBOUR"))
    event.remove(db.engine, "before_cursor_execute", note)
    conditions = next(found for found in asked if "policy_number" in found[0].partition("WHERE")[2])
    connection = db.session.connection()
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    plan = connection.exec_driver_sql("EXPLAIN " + conditions[0], conditions[1]).scalars().all()
    assert any("Index Scan on ix_oversight_sale_policy_number" in line for line in plan)


def test_the_trail_costs_no_statement_for_each_entry() -> None:
    offer = an_offer_of()
    for page in ("compare.comparison", "product.offer", "application.enter"):
        version = traceability.ensure_page_version(a_manifest(page))
        db.session.commit()
        traceability.record_view(a_view(offer.need.journey_id, page_version_id=version))
    an_application(offer, Step.REVIEW)
    drain("oversight")
    (seen,) = sales(SaleFilter()).sales
    asked: list[str] = []
    reader = db.engines["reader"]

    def note(_connection, _cursor, statement, *_rest) -> None:
        asked.append(statement)

    event.listen(reader, "before_cursor_execute", note)
    assert len(timeline(seen.id)) > 10
    event.remove(reader, "before_cursor_execute", note)
    assert len(asked) == 2


def test_the_trail_of_one_application_leaves_out_that_of_another() -> None:
    for code in ("harbour", "north"):
        publish(an_insurer(code), a_content(f"{code}-trip"))
    need = a_need()
    one, two = (an_application(offer)[1] for offer in offers_for(need.id))
    drain("oversight")
    seen = next(each for each in sales(SaleFilter()).sales if each.application_id == one.id)
    told = {entry.entry_id for entry in timeline(seen.id)}
    assert told == {
        entry.id for entry in trail.journey_entries(need.journey_id) if entry.application_id in (None, one.id)
    }
    assert not told & {entry.id for entry in trail.entries_of_application(two.id)}


def test_an_insurer_reads_the_trail_of_its_own_application_only() -> None:
    harbour, north = an_insurer("harbour"), an_insurer("north")
    an_application(an_offer_of(harbour), Step.PEOPLE)
    drain("oversight")
    (seen,) = sales(SaleFilter()).sales
    own = timeline(seen.id, only_insurer=harbour.id)
    assert EntryType.ENTRY_ACKNOWLEDGED in {entry.type for entry in own}
    assert EntryType.COMPARISON_MADE not in {entry.type for entry in own}  # it shows what others offered
    with pytest.raises(SaleNotFound):
        timeline(seen.id, only_insurer=north.id)
    with pytest.raises(SaleNotFound):
        sale(new_id())


def test_business_time_is_what_the_log_shows() -> None:
    with clock.frozen(datetime(2026, 11, 22, 4, 0, tzinfo=UTC)):
        an_offer_of()
        drain("oversight")
        (seen,) = sales(SaleFilter()).sales
    assert seen.started_at == seen.last_at == datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def test_the_words_follow_the_locale() -> None:
    an_offer_of()
    drain("oversight")
    (seen,) = sales(SaleFilter()).sales
    with use_locale("zh_Hans_CN"):
        (entry,) = timeline(seen.id)
    assert "旅行" in entry.words

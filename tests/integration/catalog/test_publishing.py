"""Versions on sale: immutable, one for each product and day, with their documents kept before they are seen."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.accounts.values import Insurer
from marketplace.catalog import queries, services
from marketplace.catalog.values import (
    AlreadyOnSale,
    DemandsUnmet,
    DocumentDiffers,
    DocumentNotFound,
    EffectiveOverlaps,
    Line,
    LineDiffers,
    OffSaleAlready,
    ProductContent,
    ProductVersion,
    ProductVersionNotFound,
    Profile,
    RatesOnlyRefused,
    SaleEndKind,
    StopInThePast,
)
from marketplace.infra import letterhead, storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from marketplace.kernel.text import LocalizedText
from tests.conftest import NOON
from tests.factories.accounts import an_insurer
from tests.factories.catalog import STAFF, a_draft_product, statements

DRAFT = a_draft_product()
FIRST = date(2026, 1, 1)
LATER = date(2027, 1, 1)
WHY = LocalizedText("A table was wrong.", "费率表有误。")
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer("harbour")


def publish(
    insurer: Insurer, start: date = FIRST, end: date | None = None, content: ProductContent = DRAFT.content
) -> ProductVersion:
    documents = {ref.sha256: data for ref, data in DRAFT.documents}
    return services.publish_version(insurer.id, content, documents, effective_from=start, effective_to=end, actor=STAFF)


def count(table: str) -> Any:
    return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_a_published_version_says_what_was_handed_in(insurer: Insurer) -> None:
    version = publish(insurer)
    assert (version.number, version.insurer_id, version.effective_from, version.effective_to) == (
        1, insurer.id, FIRST, None,
    )  # fmt: skip
    assert version.content == DRAFT.content
    assert version.content_sha256 == DRAFT.content.sha256
    assert queries.product_version(version.id) == version
    documents = queries.documents_of(version.id)
    assert [(each.title, each.locale, each.sha256) for each in documents] == [
        (ref.title, ref.locale, ref.sha256) for ref in DRAFT.content.documents
    ]
    assert [storage.get(each.sha256) for each in documents] == [data for _, data in DRAFT.documents]
    assert queries.document(documents[0].id) == documents[0]


def test_it_is_on_sale_from_its_first_day(insurer: Insurer) -> None:
    version = publish(insurer, FIRST, LATER)
    for day, found in (
        (FIRST - timedelta(days=1), ()),
        (FIRST, (version,)),
        (LATER - timedelta(days=1), (version,)),
        (LATER, ()),
    ):
        assert queries.on_sale(Line.TERM_LIFE, day) == found
        assert queries.all_on_sale(day) == found
        assert queries.products_per_line(day) == ({Line.TERM_LIFE: 1} if found else {})
    assert queries.on_sale(Line.TRAVEL, FIRST) == ()


def test_a_newer_version_ends_the_one_before(insurer: Insurer) -> None:
    first = publish(insurer)
    second = publish(insurer, LATER, content=replace(DRAFT.content, filing_no="SPECIMEN-2"))
    assert second.number == 2
    assert second.product_id == first.product_id
    assert queries.product_version(first.id).effective_to == LATER
    assert queries.on_sale(Line.TERM_LIFE, LATER) == (second,)
    assert [each.number for each in queries.products_of_insurer(insurer.id)] == [2, 1]
    assert queries.product_version(first.id).content == first.content


def test_two_versions_of_one_day_are_refused_and_nothing_is_written(insurer: Insurer) -> None:
    publish(insurer, FIRST, LATER)
    publish(insurer, LATER, date(2028, 1, 1))
    for start, end in ((FIRST, LATER), (date(2025, 1, 1), None), (FIRST - timedelta(days=9), date(2026, 1, 2))):
        with pytest.raises(EffectiveOverlaps):
            publish(insurer, start, end)
    assert count("catalog_product_version") == 2
    assert publish(insurer, date(2025, 1, 1), FIRST).number == 3  # up to the day before is free


def test_the_database_itself_keeps_versions_apart(insurer: Insurer) -> None:
    version = publish(insurer, FIRST, LATER)
    copy = text(
        """
        INSERT INTO catalog_product_version SELECT :id, product_id, insurer_id, 2, line, profile, content,
            content_sha256, daterange('2026-06-01', '2026-06-02'), published_at, published_by, NULL, NULL, NULL
        FROM catalog_product_version
        """
    )
    with pytest.raises(IntegrityError, match="ex_catalog_product_version_effective"), db.session.begin_nested():
        db.session.execute(copy, {"id": new_id()})
    services.recall(version.id, WHY, STAFF)
    db.session.execute(copy, {"id": new_id()})
    assert count("catalog_product_version") == 2


@pytest.mark.requirement("PER-11")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE catalog_product_version SET content = '{}'",
        "UPDATE catalog_product_version SET insurer_id = insurer_id",
        "DELETE FROM catalog_product_version",
        "UPDATE catalog_document SET sha256 = sha256",
        "DELETE FROM catalog_document",
    ],
)
def test_the_application_cannot_rewrite_what_was_published(insurer: Insurer, statement: str) -> None:
    publish(insurer)
    with pytest.raises(ProgrammingError, match="permission denied"), db.session.begin_nested():
        db.session.execute(text(statement))
    assert count("catalog_product_version") == 1


def test_the_same_code_of_another_insurer_is_another_product(insurer: Insurer) -> None:
    first, second = publish(insurer), publish(an_insurer("other"))
    assert first.product_id != second.product_id
    assert len(queries.on_sale(Line.TERM_LIFE, FIRST)) == 2


def test_a_recalled_version_is_off_sale_at_once_and_for_good(insurer: Insurer) -> None:
    version = publish(insurer)
    with clock.frozen(NOON):
        recalled = services.recall(version.id, WHY, STAFF)
    assert recalled.withdrawn_at is not None
    assert queries.on_sale(Line.TERM_LIFE, FIRST) == ()
    for end in (services.recall, services.withdraw):
        with pytest.raises(OffSaleAlready):
            end(version.id, WHY, STAFF)
    with pytest.raises(OffSaleAlready):
        services.stop_sale(version.id, None, WHY, STAFF)
    (said,) = queries.sale_ends_of([version.id])
    assert (said.kind, said.reason, said.noted_at) == (SaleEndKind.RECALL, WHY, recalled.withdrawn_at)
    assert publish(insurer).number == 2
    with pytest.raises(ProductVersionNotFound):
        services.recall(new_id(), WHY, STAFF)


@pytest.mark.requirement("SCM-01")
def test_a_sale_stops_at_its_instant_and_not_before(insurer: Insurer) -> None:
    with clock.frozen(NOON):
        version = publish(insurer)
        at = NOON + timedelta(hours=6)
        assert services.stop_sale(version.id, at, WHY, STAFF).sale_stops_at == at
        assert queries.next_stop_after_now() == at
        with pytest.raises(StopInThePast):
            services.stop_sale(version.id, NOON - timedelta(seconds=1), WHY, STAFF)
    for instant, found in ((at - timedelta(seconds=1), 1), (at, 0)):
        with clock.frozen(instant):
            assert len(queries.on_sale(Line.TERM_LIFE, FIRST)) == found
            assert queries.products_per_line(FIRST) == ({Line.TERM_LIFE: 1} if found else {})
    with clock.frozen(at):
        with pytest.raises(OffSaleAlready):
            services.stop_sale(version.id, None, WHY, STAFF)
        assert services.recall(version.id, WHY, STAFF).withdrawn_at == at, "what stopped can still be recalled"
        assert queries.next_stop_after_now() is None
    assert [each.kind for each in queries.sale_ends_of([version.id])] == [SaleEndKind.STOP_SALE, SaleEndKind.RECALL]


def test_what_is_withdrawn_before_its_day_gives_its_time_back(insurer: Insurer) -> None:
    """The one before goes on for as long as it was to, or until the next begins."""
    with clock.frozen(NOON):
        first = publish(insurer, FIRST, date(2029, 1, 1))
        second = publish(insurer, LATER)
        assert queries.product_version(first.id).effective_to == LATER
        with pytest.raises(AlreadyOnSale):
            services.withdraw(first.id, WHY, STAFF)
        services.withdraw(second.id, WHY, STAFF)
        assert queries.product_version(first.id).effective_to == date(2029, 1, 1)
        third, fourth = publish(insurer, LATER), publish(insurer, date(2028, 1, 1))
        services.withdraw(third.id, WHY, STAFF)
        assert queries.product_version(first.id).effective_to == date(2028, 1, 1)
        services.withdraw(fourth.id, WHY, STAFF)
    assert queries.product_version(first.id).effective_to == date(2029, 1, 1)


def test_a_suspended_insurer_sells_nothing(insurer: Insurer) -> None:
    publish(insurer)
    db.session.execute(text("UPDATE accounts_insurer SET active = false"))
    db.session.expire_all()
    assert queries.on_sale(Line.TERM_LIFE, FIRST) == ()
    assert queries.products_per_line(FIRST) == {}


@pytest.mark.requirement("O13-07")
def test_what_the_profile_demands_is_demanded_again_at_the_end(insurer: Insurer) -> None:
    with pytest.raises(DemandsUnmet) as refusal:
        publish(insurer, content=replace(DRAFT.content, filing_no="", clause_code=""))
    assert refusal.value.fields == {"filing_no": "missing (O13-07)", "clause_code": "missing (O13-07)"}
    assert count("catalog_product") == 0


@pytest.mark.requirement("PER-11")
def test_a_document_must_be_the_one_that_was_named(insurer: Insurer) -> None:
    documents = {ref.sha256: data + b"!" for ref, data in DRAFT.documents}
    with pytest.raises(DocumentDiffers):
        services.publish_version(
            insurer.id, DRAFT.content, documents, effective_from=FIRST, effective_to=None, actor=STAFF
        )
    assert count("catalog_product_version") == 0


def test_a_product_stays_in_its_line(insurer: Insurer) -> None:
    publish(insurer)
    said = ("death_disability", "treatment", "daily", "occupations", "deductible")
    facts = dict.fromkeys(said, DRAFT.content.name)
    other = replace(DRAFT.content, line=Line.ACCIDENT, profile=Profile.RATES_ONLY, facts=facts)
    with pytest.raises(LineDiffers):
        publish(insurer, LATER, content=other)
    assert queries.product_version(queries.products_of_insurer(insurer.id)[0].id).effective_to is None


def test_published_rates_have_no_place_in_production(insurer: Insurer, monkeypatch: pytest.MonkeyPatch) -> None:
    rates = replace(DRAFT.content, profile=Profile.RATES_ONLY)
    assert not publish(insurer, FIRST, LATER, rates).content.profile.can_be_bought
    monkeypatch.setattr(letterhead, "_letterhead", replace(letterhead.letterhead(), demonstration=False))
    with pytest.raises(RatesOnlyRefused):
        publish(insurer, LATER, None, rates)
    assert count("catalog_product_version") == 1


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(ProductVersionNotFound):
        queries.product_version(new_id())
    with pytest.raises(DocumentNotFound):
        queries.document(new_id())
    assert queries.product_versions([new_id()]) == {}
    assert queries.documents_of(new_id()) == ()


def test_many_versions_cost_no_more_questions_than_one(insurer: Insurer) -> None:
    publish(insurer)
    for number in range(5):
        publish(an_insurer(f"other-{number}"))
    with statements() as sent:
        assert len(queries.on_sale(Line.TERM_LIFE, FIRST)) == 6
    assert len(sent) <= 3

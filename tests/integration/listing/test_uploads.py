"""An upload on its road to sale: received, told its findings, reviewed, published in one transaction or not at all."""

from datetime import date
from threading import BoundedSemaphore
from typing import Any

import pytest
from sqlalchemy import text

from marketplace.accounts.values import Insurer, InsurerNotFound
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import EffectiveOverlaps, Line
from marketplace.infra import storage
from marketplace.infra.confinement import NoAnswer, NoAnswerError
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from marketplace.listing import queries, services
from marketplace.listing.intake.confined import read_confined
from marketplace.listing.services import receiving
from marketplace.listing.values import Reading, UploadNotFound, UploadState
from marketplace.rating import queries as rating
from tests.conftest import NOON
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import an_insurer
from tests.factories.catalog import (
    HARBOUR_TERM,
    PREMIUM_MINOR,
    RISK,
    STAFF,
    catalog_files,
    changed,
    published,
    zipped,
)
from tests.factories.listing import People, accepted, approved, people_of, read

TODAY = NOON.date()
PRODUCT = f"{HARBOUR_TERM}product.toml"
pytestmark = pytest.mark.usefixtures("database", "noon")


@pytest.fixture
def noon() -> Any:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer("harbour")


@pytest.fixture
def people(insurer: Insurer) -> People:
    return people_of(insurer)


def rows() -> dict[str, Any]:
    tables = ("catalog_product", "catalog_product_version", "catalog_document", "rating_tariff")
    return {table: db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in tables}


NOTHING = {"catalog_product": 0, "catalog_product_version": 0, "catalog_document": 0, "rating_tariff": 0}


def test_an_upload_is_received_at_once_and_read_by_a_job(people: People) -> None:
    data = zipped(catalog_files())
    upload = services.upload_catalog(people.insurer.id, data, people.first, "harbour 2026.zip")
    assert (upload.state, upload.findings, upload.products) == (UploadState.RECEIVED, (), ())
    assert (upload.file_name, upload.received_by) == ("harbour 2026.zip", people.first.account_id)
    assert storage.get(upload.sha256) == data
    assert drain("listing") == ["listing.read_upload"]
    upload = queries.upload(upload.id)
    assert (upload.state, upload.findings, upload.products) == (UploadState.DRAFT, (), ("harbour-term",))
    assert upload.label == "Harbour Life, term life 2026"


def test_a_draft_writes_nothing_live(people: People) -> None:
    read(people, catalog_files())
    assert catalog.on_sale(Line.TERM_LIFE, TODAY) == ()
    assert rows() == NOTHING


def test_reading_again_changes_nothing(people: People) -> None:
    upload = read(people, catalog_files())
    services.read_upload(upload.id)
    services.read_upload(new_id())
    assert queries.upload(upload.id) == upload
    assert len(queries.drafts_of(upload.id)) == 1
    assert [step.event for step in queries.steps_of(upload.id)] == ["read"]


def test_a_killed_worker_loses_nothing(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the job wrote until then is gone with its transaction; the next one begins anew."""
    upload = services.upload_catalog(people.insurer.id, catalog_files(), people.first)
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr("marketplace.listing.services.receiving.move", killed)
        with pytest.raises(KeyboardInterrupt):
            services.read_upload(upload.id)
    db.session.rollback()
    assert (queries.upload(upload.id), queries.drafts_of(upload.id)) == (upload, ())
    assert waiting() == ["listing.read_upload"]
    drain("listing")
    assert queries.upload(upload.id).state is UploadState.DRAFT
    assert len(queries.drafts_of(upload.id)) == 1


def killed(*_given: object) -> None:
    raise KeyboardInterrupt


def test_uploads_of_one_moment_do_not_mix(people: People) -> None:
    other = people_of(an_insurer("other"))
    whole = services.upload_catalog(people.insurer.id, catalog_files(), people.first)
    broken = services.upload_catalog(people.insurer.id, b"PK\x03\x04 not really", people.first)
    foreign = services.upload_catalog(other.insurer.id, catalog_files(), other.first)
    assert drain("listing") == ["listing.read_upload"] * 3
    states = {each.id: each.state for each in map(queries.upload, (whole.id, broken.id, foreign.id))}
    assert list(states.values()) == [UploadState.DRAFT, UploadState.REFUSED, UploadState.REFUSED]
    assert [each.code for each in queries.upload(broken.id).findings] == ["not_a_zip"]
    assert [each.code for each in queries.upload(foreign.id).findings] == ["other_insurer"]
    assert (len(queries.drafts_of(whole.id)), queries.drafts_of(foreign.id)) == (1, ())
    assert {each.id for each in queries.uploads_of_insurer(people.insurer.id)} == {whole.id, broken.id}
    with pytest.raises(UploadNotFound):
        queries.own_upload(whole.id, other.insurer.id)


@pytest.mark.requirement("O13-45")
def test_accepting_puts_everything_on_sale_together(people: People) -> None:
    upload = approved(people, catalog_files())
    assert rows() == NOTHING
    version_ids = services.accept_upload(upload.id, people.reviewer)
    version = catalog.product_version(version_ids[0])
    assert catalog.on_sale(Line.TERM_LIFE, TODAY) == (version,)
    assert rating.raters_of(version_ids)[version.id].premium(RISK).total.minor == PREMIUM_MINOR
    assert len(catalog.documents_of(version.id)) == 4
    found = queries.upload(upload.id)
    assert (found.state, found.version_ids) == (UploadState.PUBLISHED, version_ids)
    assert found.published_at == NOON


def test_the_same_bytes_are_one_upload_of_each_insurer(people: People) -> None:
    first = read(people, catalog_files())
    assert services.upload_catalog(people.insurer.id, catalog_files(), people.second) == first
    other = people_of(an_insurer("other"))
    foreign = read(other, catalog_files())
    assert foreign.id != first.id
    assert [(each.code, each.value, each.right) for each in foreign.findings] == [("other_insurer", "harbour", "other")]
    assert queries.uploads_of_insurer(people.insurer.id) == (first,)


def test_an_upload_with_findings_is_kept_and_told(people: People) -> None:
    upload = read(people, changed(PRODUCT, "grace_days = 60", "grace_days = -1"))
    assert (upload.state, upload.products) == (UploadState.REFUSED, ())
    assert [(each.file, each.column, each.code) for each in upload.findings] == [
        (PRODUCT, "key_facts.grace_days", "out_of_bounds")
    ]
    said = queries.explain(upload.findings[0])
    assert (said.wrong, said.right) == ("-1 is out of bounds.", "It must be >= 0.")
    assert rows() == NOTHING


def test_one_upload_for_each_processor_is_read_at_a_time(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "AT_ONCE", one := BoundedSemaphore(1))
    free: list[bool] = []

    def reading(*given: Any) -> Reading:
        free.append(one.acquire(blocking=False))
        return read_confined(*given)

    monkeypatch.setattr(receiving, "read_confined", reading)
    assert read(people, catalog_files()).state is UploadState.DRAFT
    assert free == [False]
    assert one.acquire(blocking=False), "and the next one can begin"


def test_an_upload_that_takes_too_much_to_measure_is_told_so(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def in_vain(*_: object) -> None:
        raise NoAnswerError(NoAnswer.TOO_LONG, 0)

    monkeypatch.setattr("marketplace.listing.services.measuring.measure_confined", in_vain)
    upload = read(people, catalog_files())
    assert upload.state is UploadState.REFUSED
    assert [finding.code for finding in upload.findings] == ["reading_too_long"]
    assert queries.drafts_of(upload.id) == ()
    assert rows() == NOTHING


def test_a_container_that_plays_tricks_is_told_so_and_writes_nothing(people: People) -> None:
    assert [each.code for each in read(people, b"PK\x03\x04 not really").findings] == ["not_a_zip"]
    upload = read(people, {**catalog_files(), "../evil.toml": b""})
    assert [(each.file, each.code) for each in upload.findings] == [("../evil.toml", "path")]
    assert rows() == NOTHING


@pytest.mark.asvs("2.3.3")
def test_when_one_product_cannot_be_published_none_is(people: People) -> None:
    published(people.insurer, changed(PRODUCT, "[term]", "[effective]\nfrom = 2027-01-01\n\n[term]"))
    both = changed(PRODUCT, "[term]", "[effective]\nfrom = 2031-01-01\n\n[term]")
    both |= {
        name.replace("harbour-term/", "harbour-term@early/"): data.replace(
            b"[term]", b"[effective]\nfrom = 2026-12-01\nto = 2027-01-02\n[term]"
        )
        for name, data in catalog_files().items()
        if name.startswith(HARBOUR_TERM)
    }
    upload = approved(people, both)
    db.session.commit()
    with pytest.raises(EffectiveOverlaps):
        services.accept_upload(upload.id, people.reviewer)
    db.session.rollback()  # as the entry point does
    assert rows()["catalog_product_version"] == 1
    assert queries.upload(upload.id).state is UploadState.APPROVED


def test_a_new_catalog_follows_the_old_one(people: People) -> None:
    accepted(people, catalog_files())
    later = changed(f"{HARBOUR_TERM}product.toml", "A level premium", "The same premium")
    accepted(people, changed("catalog.toml", "2026-01-01", "2027-01-01", later))
    assert [version.number for version in catalog.on_sale(Line.TERM_LIFE, TODAY)] == [1]
    assert [version.number for version in catalog.on_sale(Line.TERM_LIFE, date(2027, 1, 1))] == [2]


def test_who_is_not_there_cannot_upload() -> None:
    with pytest.raises(InsurerNotFound):
        services.upload_catalog(new_id(), catalog_files(), STAFF)
    with pytest.raises(UploadNotFound):
        queries.upload(new_id())

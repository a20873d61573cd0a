"""An upload on its road to sale: received, told its findings, published in one transaction or not at all."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from marketplace.accounts.values import InsurerNotFound
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import EffectiveOverlaps, Line
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.kernel.ids import new_id
from marketplace.listing import queries, services
from marketplace.listing.values import UploadHasFindings, UploadNotFound, UploadState
from marketplace.rating import queries as rating
from tests.factories.accounts import an_insurer
from tests.factories.catalog import (
    HARBOUR_TERM,
    PREMIUM_MINOR,
    RISK,
    STAFF,
    catalog_files,
    changed,
    zipped,
)

TODAY = date(2026, 11, 22)
PRODUCT = f"{HARBOUR_TERM}product.toml"
pytestmark = pytest.mark.usefixtures("database")


def rows() -> dict[str, Any]:
    tables = ("catalog_product", "catalog_product_version", "catalog_document", "rating_tariff")
    return {table: db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in tables}


NOTHING = {"catalog_product": 0, "catalog_product_version": 0, "catalog_document": 0, "rating_tariff": 0}


def test_an_upload_without_findings_is_a_draft_and_not_on_sale() -> None:
    insurer = an_insurer("harbour")
    data = zipped(catalog_files())
    upload = services.upload_catalog(insurer.id, data, STAFF)
    assert (upload.state, upload.findings, upload.products) == (UploadState.DRAFT, (), ("harbour-term",))
    assert upload.label == "Harbour Life, term life 2026"
    assert storage.get(upload.sha256) == data
    assert catalog.on_sale(Line.TERM_LIFE, TODAY) == ()
    assert rows() == NOTHING


def test_publishing_puts_everything_on_sale_together() -> None:
    insurer = an_insurer("harbour")
    upload = services.upload_catalog(insurer.id, catalog_files(), STAFF)
    version_ids = services.publish_upload(upload.id, STAFF)
    version = catalog.product_version(version_ids[0])
    assert catalog.on_sale(Line.TERM_LIFE, TODAY) == (version,)
    assert rating.raters_of(version_ids)[version.id].premium(RISK).total.minor == PREMIUM_MINOR
    assert len(catalog.documents_of(version.id)) == 4
    published = queries.upload(upload.id)
    assert (published.state, published.version_ids) == (UploadState.PUBLISHED, version_ids)
    assert published.published_at is not None


def test_publishing_twice_publishes_once() -> None:
    upload = services.upload_catalog(an_insurer("harbour").id, catalog_files(), STAFF)
    first = services.publish_upload(upload.id, STAFF)
    assert services.publish_upload(upload.id, STAFF) == first
    assert rows()["catalog_product_version"] == 1


def test_the_same_bytes_are_one_upload_of_each_insurer() -> None:
    insurer = an_insurer("harbour")
    first = services.upload_catalog(insurer.id, catalog_files(), STAFF)
    assert services.upload_catalog(insurer.id, catalog_files(), STAFF) == first
    other = services.upload_catalog(an_insurer("other").id, catalog_files(), STAFF)
    assert other.id != first.id
    assert [(each.code, each.value, each.right) for each in other.findings] == [("other_insurer", "harbour", "other")]
    assert queries.uploads_of_insurer(insurer.id) == (first,)


def test_an_upload_with_findings_is_kept_and_never_published() -> None:
    insurer = an_insurer("harbour")
    files = changed(PRODUCT, "grace_days = 60", "grace_days = -1")
    upload = services.upload_catalog(insurer.id, files, STAFF)
    assert (upload.state, upload.products) == (UploadState.REFUSED, ())
    assert [(each.file, each.column, each.code) for each in upload.findings] == [
        (PRODUCT, "key_facts.grace_days", "out_of_bounds")
    ]
    said = queries.explain(upload.findings[0])
    assert (said.wrong, said.right) == ("-1 is out of bounds.", "It must be >= 0.")
    with pytest.raises(UploadHasFindings):
        services.publish_upload(upload.id, STAFF)
    assert queries.upload(upload.id).state is UploadState.REFUSED
    assert rows() == NOTHING


def test_a_container_that_plays_tricks_is_told_so_and_writes_nothing() -> None:
    insurer = an_insurer("harbour")
    upload = services.upload_catalog(insurer.id, b"PK\x03\x04 not really", STAFF)
    assert [each.code for each in upload.findings] == ["not_a_zip"]
    upload = services.upload_catalog(insurer.id, {**catalog_files(), "../evil.toml": b""}, STAFF)
    assert [(each.file, each.code) for each in upload.findings] == [("../evil.toml", "path")]
    assert rows() == NOTHING


@pytest.mark.asvs("2.3.3")
def test_when_one_product_cannot_be_published_none_is() -> None:
    insurer = an_insurer("harbour")
    first = changed(PRODUCT, "[term]", "[effective]\nto = 2030-01-01\n\n[term]")
    services.publish_upload(services.upload_catalog(insurer.id, first, STAFF).id, STAFF)
    both = changed(PRODUCT, "[term]", "[effective]\nfrom = 2031-01-01\n\n[term]")
    both |= {
        name.replace("harbour-term/", "harbour-term@early/"): data.replace(
            b"[term]", b"[effective]\nfrom = 2025-01-01\nto = 2026-01-02\n[term]"
        )
        for name, data in catalog_files().items()
        if name.startswith(HARBOUR_TERM)
    }
    upload = services.upload_catalog(insurer.id, both, STAFF)
    assert upload.findings == ()
    db.session.commit()
    with pytest.raises(EffectiveOverlaps):
        services.publish_upload(upload.id, STAFF)
    db.session.rollback()  # as the entry point does
    assert rows()["catalog_product_version"] == 1
    assert queries.upload(upload.id).state is UploadState.DRAFT


def test_a_new_catalog_follows_the_old_one() -> None:
    insurer = an_insurer("harbour")
    services.publish_upload(services.upload_catalog(insurer.id, catalog_files(), STAFF).id, STAFF)
    newer = changed("catalog.toml", "2026-01-01", "2027-01-01")
    services.publish_upload(services.upload_catalog(insurer.id, newer, STAFF).id, STAFF)
    assert [version.number for version in catalog.on_sale(Line.TERM_LIFE, TODAY)] == [1]
    assert [version.number for version in catalog.on_sale(Line.TERM_LIFE, date(2027, 1, 1))] == [2]


def test_who_is_not_there_cannot_upload() -> None:
    with pytest.raises(InsurerNotFound):
        services.upload_catalog(new_id(), catalog_files(), STAFF)
    with pytest.raises(UploadNotFound):
        services.publish_upload(new_id(), STAFF)
    with pytest.raises(UploadNotFound):
        queries.upload(new_id())

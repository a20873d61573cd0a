"""Products on sale: the demonstration's reference catalog, uploaded and published through the services."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import event

from marketplace.accounts.values import Insurer
from marketplace.catalog import services as catalog_services
from marketplace.catalog.values import ProductVersion, Scalar
from marketplace.infra.db import db
from marketplace.listing.intake import read_catalog
from marketplace.listing.values import Draft, DraftProduct, Finding
from marketplace.rating import services as rating
from marketplace.traceability.values import Actor, ActorRole
from tests.factories.accounts import an_insurer

CATALOGS = Path(__file__).parents[2] / "sandbox" / "demo" / "catalogs"
HARBOUR_TERM = "products/harbour-term/"
STAFF = Actor(ActorRole.INSURER, label="catalog desk")
RISK: Mapping[str, Scalar] = {
    "age": 34,
    "sex": "female",
    "smoker": False,
    "sum_insured": 1_000_000,
    "term_years": 20,
    "occupation_class": 1,
    "region": "shanghai",
    "payment_frequency": "yearly",
}
"""A woman of 34 who wants ¥1,000,000 for twenty years; Harbour Term asks ¥1,320.75 a year."""
PREMIUM_MINOR = 132_075


def catalog_files(name: str = "harbour") -> dict[str, bytes]:
    """The files of a demonstration catalog, to be changed at will."""
    folder = CATALOGS / name
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def changed(file: str, old: str, new: str, files: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """The reference catalog with one piece of text replaced; the piece must be there."""
    found = dict(files or catalog_files())
    text = found[file].decode()
    assert old in text, f"{old!r} is not in {file}"
    return found | {file: text.replace(old, new, 1).encode()}


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def a_draft_product() -> DraftProduct:
    """The reference product, read but not stored."""
    draft = read_catalog(catalog_files(), "harbour").draft
    assert draft is not None
    return draft.products[0]


def findings_in(files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """What is found in a catalog; a catalog with findings gives no draft."""
    reading = read_catalog(files, "harbour")
    assert (reading.draft is None) == bool(reading.findings)
    return reading.findings


def published(insurer: Insurer, files: Mapping[str, bytes]) -> tuple[ProductVersion, ...]:
    """What a catalog holds, on sale from the days it names, past the road of an upload. Commits nothing."""
    versions = []
    for product in _read(tuple(files.items()), insurer.code).products:
        version = catalog_services.publish_version(
            insurer.id,
            product.content,
            {ref.sha256: data for ref, data in product.documents},
            effective_from=product.effective_from,
            effective_to=product.effective_to,
            actor=STAFF,
        )
        rating.store_tariff(version.id, product.tariff)
        versions.append(version)
    return tuple(sorted(versions, key=lambda version: version.content.code))


@cache
def _read(files: tuple[tuple[str, bytes], ...], insurer: str) -> Draft:
    """Read once, for most tests begin with the same catalog."""
    draft = read_catalog(dict(files), insurer).draft
    assert draft is not None
    return draft


def harbour_term(insurer: Insurer | None = None) -> ProductVersion:
    """Harbour Term on sale from 2026-01-01, of a new insurer unless one is given. Commits nothing."""
    return published(insurer or an_insurer("harbour"), catalog_files())[0]


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL statements that are sent inside the block."""
    sent: list[str] = []

    def note(*call: Any) -> None:
        sent.append(call[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

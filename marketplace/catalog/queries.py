"""Questions to the catalog: what is on sale, what does this version say, which documents has it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from marketplace.accounts import queries as accounts
from marketplace.catalog.models import DocumentRow, ProductRow, ProductVersionRow, SaleEndRow
from marketplace.catalog.values import (
    LINES,
    Document,
    DocumentKind,
    DocumentNotFound,
    Line,
    ProductContent,
    ProductVersion,
    ProductVersionNotFound,
    SaleEnd,
    SaleEndKind,
)
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import digest
from marketplace.kernel.remembering import Remembered
from marketplace.kernel.text import LocalizedText

_contents: Remembered[UUID, ProductContent] = Remembered(size=4096)
"""Version id -> content. A version never changes."""


def on_sale(line: Line, day: date) -> tuple[ProductVersion, ...]:
    """The versions of active insurers that may be quoted on `day`, by product code."""
    return _on_sale(day, ProductVersionRow.line == line.value)


def all_on_sale(day: date) -> tuple[ProductVersion, ...]:
    """Everything that may be quoted on `day`, in every line, by product code."""
    return _on_sale(day)


def _on_sale(day: date, *conditions: ColumnElement[bool]) -> tuple[ProductVersion, ...]:
    active = [insurer.id for insurer in accounts.list_insurers() if insurer.active]
    return _versions(
        ProductVersionRow.insurer_id.in_(active),
        _offered_now(),
        ProductVersionRow.effective.contains(day),
        *conditions,
    )


def _offered_now() -> ColumnElement[bool]:
    """Neither withdrawn nor stopped by the clock of contracts."""
    stops_at = ProductVersionRow.sale_stops_at
    return ProductVersionRow.withdrawn_at.is_(None) & or_(stops_at.is_(None), stops_at > clock.business_now())


def products_per_line(day: date) -> dict[Line, int]:
    """How many products may be quoted in each line. A line that asks for the first day of cover counts every product
    that is on sale on any day.
    """
    active = [insurer.id for insurer in accounts.list_insurers() if insurer.active]
    rows = db.session.execute(
        select(ProductVersionRow.line, ProductVersionRow.product_id, ProductVersionRow.effective)
        .where(_offered_now(), ProductVersionRow.insurer_id.in_(active))
        .order_by(ProductVersionRow.line, ProductVersionRow.product_id)
    )
    found = {
        (Line(row.line), row.product_id)
        for row in rows
        if day in row.effective or LINES[Line(row.line)].start_factor is not None
    }
    return dict(Counter(line for line, _ in found))


def product_version(version_id: UUID) -> ProductVersion:
    """The version, or ProductVersionNotFound."""
    found = _versions(ProductVersionRow.id == version_id)
    if not found:
        raise ProductVersionNotFound
    return found[0]


def product_versions(version_ids: Iterable[UUID]) -> dict[UUID, ProductVersion]:
    """Several versions in one question; unknown ids are left out."""
    return {version.id: version for version in _versions(ProductVersionRow.id.in_(set(version_ids)))}


def products_of_insurer(insurer_id: UUID) -> tuple[ProductVersion, ...]:
    """Every version of every product of the insurer, by product code, the newest first."""
    return _versions(ProductVersionRow.insurer_id == insurer_id)


def versions_of_product(product_id: UUID) -> tuple[ProductVersion, ...]:
    """Every version of one product, the newest first."""
    return _versions(ProductVersionRow.product_id == product_id)


def newest_numbers(product_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of the newest version of each of these products."""
    wanted = select(ProductVersionRow.product_id, func.max(ProductVersionRow.number))
    rows = db.session.execute(
        wanted.where(ProductVersionRow.product_id.in_(product_ids)).group_by(ProductVersionRow.product_id)
    )
    return {row.product_id: row[1] for row in rows}


def files_used(sha256s: Iterable[str]) -> frozenset[str]:
    """Which of these files are documents of a product."""
    return frozenset(db.session.scalars(select(DocumentRow.sha256).where(DocumentRow.sha256.in_(set(sha256s)))))


def next_stop_after_now() -> datetime | None:
    """When the next sale stops (business time): from then on pages about what is on sale say something else."""
    return db.session.scalar(
        select(func.min(ProductVersionRow.sale_stops_at)).where(ProductVersionRow.sale_stops_at > clock.business_now())
    )


def sale_ends_of(version_ids: Iterable[UUID]) -> tuple[SaleEnd, ...]:
    """How and why the sale of these versions ended or will end, in the order in which it was said."""
    rows = db.session.scalars(
        select(SaleEndRow)
        .where(SaleEndRow.product_version_id.in_(set(version_ids)))
        .order_by(SaleEndRow.noted_at, SaleEndRow.id)
    )
    return tuple(
        SaleEnd(
            row.product_version_id,
            SaleEndKind(row.kind),
            row.business_at,
            LocalizedText.from_json(row.reason),
            row.noted_at,
            row.noted_by,
        )
        for row in rows
    )


def documents_of(version_id: UUID) -> tuple[Document, ...]:
    """The documents of a version in the insurer's order."""
    rows = db.session.scalars(
        select(DocumentRow).where(DocumentRow.product_version_id == version_id).order_by(DocumentRow.position)
    )
    return tuple(_document(row) for row in rows)


def documents_of_versions(version_ids: Iterable[UUID]) -> dict[UUID, tuple[Document, ...]]:
    """The documents of several versions in one question; a version without any is left out."""
    rows = db.session.scalars(
        select(DocumentRow)
        .where(DocumentRow.product_version_id.in_(set(version_ids)))
        .order_by(DocumentRow.product_version_id, DocumentRow.position)
    )
    by_version = groupby(rows, key=lambda row: row.product_version_id)
    return {version_id: tuple(_document(row) for row in group) for version_id, group in by_version}


def document(document_id: UUID) -> Document:
    """The document, or DocumentNotFound."""
    row = db.session.get(DocumentRow, document_id)
    if row is None:
        raise DocumentNotFound
    return _document(row)


def altered_versions() -> tuple[UUID, ...]:
    """Versions whose content is not of its hash, or whose documents are others than it names. Reads them all, past
    what is remembered: for checks.
    """
    named = ("kind", "locale", "title", "media_type", "size", "sha256")
    documents: dict[UUID, list[dict[str, Any]]] = {}
    for row in db.session.execute(select(DocumentRow.__table__).order_by(DocumentRow.position)):
        documents.setdefault(row.product_version_id, []).append({name: getattr(row, name) for name in named})
    columns = ProductVersionRow.id, ProductVersionRow.content, ProductVersionRow.content_sha256
    rows = db.session.execute(select(*columns).order_by(ProductVersionRow.id)).all()

    def is_sound(row: Any) -> bool:
        said = [{name: each[name] for name in named} for each in row.content["documents"]]
        return digest(row.content) == row.content_sha256 and said == documents.get(row.id, [])

    return tuple(row.id for row in rows if not is_sound(row))


def _versions(*conditions: ColumnElement[bool]) -> tuple[ProductVersion, ...]:
    rows = db.session.scalars(
        select(ProductVersionRow)
        .join(ProductRow, ProductRow.id == ProductVersionRow.product_id)
        .where(*conditions)
        .order_by(ProductRow.code, ProductVersionRow.insurer_id, ProductVersionRow.number.desc())
        .execution_options(populate_existing=True)
    ).all()
    contents = _contents.get_all((row.id for row in rows), _load_contents)
    return tuple(_version(row, contents[row.id]) for row in rows)


def _load_contents(version_ids: Sequence[UUID]) -> dict[UUID, ProductContent]:
    rows = db.session.execute(
        select(ProductVersionRow.id, ProductVersionRow.content).where(ProductVersionRow.id.in_(version_ids))
    )
    return {row.id: ProductContent.from_json(row.content) for row in rows}


def _version(row: ProductVersionRow, content: ProductContent) -> ProductVersion:
    if row.effective.lower is None:
        raise AssertionError("the database lets no version begin at no day")
    return ProductVersion(
        id=row.id,
        product_id=row.product_id,
        insurer_id=row.insurer_id,
        number=row.number,
        content=content,
        content_sha256=row.content_sha256,
        effective_from=row.effective.lower,
        effective_to=row.effective.upper,
        published_at=row.published_at,
        withdrawn_at=row.withdrawn_at,
        sale_stops_at=row.sale_stops_at,
    )


def _document(row: DocumentRow) -> Document:
    return Document(
        id=row.id,
        product_version_id=row.product_version_id,
        kind=DocumentKind(row.kind),
        locale=row.locale,
        title=row.title,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
    )

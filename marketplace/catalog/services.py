"""Publish product versions, and end their sale."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.catalog import document, queries
from marketplace.catalog.models import (
    NO_OVERLAP,
    DocumentRow,
    ProductRow,
    ProductVersionRow,
    SaleEndRow,
    lock_product_of,
    locked_product,
    locked_version,
)
from marketplace.catalog.values import (
    HAS_PRODUCT_INFORMATION,
    AlreadyOnSale,
    DemandsUnmet,
    DocumentDiffers,
    DocumentKind,
    DocumentRef,
    EffectiveOverlaps,
    LineDiffers,
    OffSaleAlready,
    ProductContent,
    ProductInformation,
    ProductVersion,
    ProductVersionNotFound,
    Profile,
    RatesOnlyRefused,
    SaleEndKind,
    StopInThePast,
    Unmet,
    unmet_demands,
)
from marketplace.infra import pdf, storage
from marketplace.infra.db import constraint_of, db
from marketplace.infra.formatting import ZONE
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.text import LocalizedText
from marketplace.traceability.values import Actor


def publish_version(
    insurer_id: UUID,
    content: ProductContent,
    documents: Mapping[str, bytes],
    *,
    effective_from: date,
    effective_to: date | None,
    actor: Actor,
) -> ProductVersion:
    """A new version, on sale from `effective_from` until before `effective_to` (None: until something newer comes).

    A version that is on sale without end, or beyond `effective_from`, ends on that day. `documents` are the bytes by
    their SHA-256; they are kept before the version can be seen. Raises DemandsUnmet, DocumentDiffers, RatesOnlyRefused,
    LineDiffers, EffectiveOverlaps.
    """
    _require_publishable(content, documents)
    made = dict(_product_information(insurer_id, content))
    content = replace(content, documents=(*content.documents, *made))
    documents = {**documents, **{ref.sha256: data for ref, data in made.items()}}
    product = locked_product(insurer_id, content.code, content.line.value)
    if product.line != content.line.value:
        raise LineDiffers
    for ref in content.documents:
        storage.put(documents[ref.sha256])
    version_id = _insert_version(product, content, Range(effective_from, effective_to), actor)
    if content.documents:
        db.session.execute(
            insert(DocumentRow),
            [_document_row(version_id, content, position) for position in range(len(content.documents))],
        )
    return queries.product_version(version_id)


def stop_sale(version_id: UUID, at: datetime | None, reason: LocalizedText, actor: Actor) -> ProductVersion:
    """No new offers and applications from `at` (business time; None: from now) on; what was offered before stands.

    A stop that has not come yet can be moved. Raises ProductVersionNotFound, OffSaleAlready, StopInThePast.
    """
    row, now = _still_sold(version_id), clock.business_now()
    if at is not None and at < now:
        raise StopInThePast({"at": "must not lie in the past"})
    row.sale_stops_at = at or now
    return _end_sale(row, SaleEndKind.STOP_SALE, row.sale_stops_at, reason, actor)


def recall(version_id: UUID, reason: LocalizedText, actor: Actor) -> ProductVersion:
    """Off sale at once, also where the sale was stopped before: its offers do not stand any more, contracts do.

    Raises ProductVersionNotFound, OffSaleAlready.
    """
    row = _not_withdrawn(version_id)
    row.withdrawn_at = clock.now()
    return _end_sale(row, SaleEndKind.RECALL, clock.business_now(), reason, actor)


def withdraw(version_id: UUID, reason: LocalizedText, actor: Actor) -> ProductVersion:
    """Take back a version before its first day; what it would have replaced stays on sale for as long as it was to.

    Raises ProductVersionNotFound, OffSaleAlready, AlreadyOnSale.
    """
    row = _not_withdrawn(version_id)
    if row.effective.lower is None or row.effective.lower <= clock.today(ZONE):
        raise AlreadyOnSale
    row.withdrawn_at = clock.now()
    db.session.flush()
    _give_back(row, row.effective.lower)
    return _end_sale(row, SaleEndKind.WITHDRAWAL, clock.business_now(), reason, actor)


def _not_withdrawn(version_id: UUID) -> ProductVersionRow:
    """The version, its product locked first: one change of what is on sale after the other."""
    lock_product_of(version_id)
    row = locked_version(version_id)
    if row is None:
        raise ProductVersionNotFound
    if row.withdrawn_at is not None:
        raise OffSaleAlready
    return row


def _still_sold(version_id: UUID) -> ProductVersionRow:
    row = _not_withdrawn(version_id)
    if row.sale_stops_at is not None and row.sale_stops_at <= clock.business_now():
        raise OffSaleAlready
    return row


def _end_sale(
    row: ProductVersionRow, kind: SaleEndKind, at: datetime, reason: LocalizedText, actor: Actor
) -> ProductVersion:
    db.session.add(
        SaleEndRow(
            id=ids.new_id(),
            product_version_id=row.id,
            insurer_id=row.insurer_id,
            kind=kind.value,
            business_at=at,
            reason=reason.to_json(),
            noted_at=clock.now(),
            noted_by=actor.account_id,
        )
    )
    db.session.flush()
    return queries.product_version(row.id)


def _give_back(row: ProductVersionRow, begin: date) -> None:
    """Whoever was cut on the first day of a version that does not come goes on until the end it declared, or until the
    next version begins.
    """
    others = select(ProductVersionRow).where(
        ProductVersionRow.product_id == row.product_id, ProductVersionRow.withdrawn_at.is_(None)
    )
    cut = db.session.scalars(others.where(func.upper(ProductVersionRow.effective) == begin)).one_or_none()
    if cut is None:
        return
    later = db.session.scalars(
        others.where(func.lower(ProductVersionRow.effective) > begin).order_by(ProductVersionRow.effective).limit(1)
    ).one_or_none()
    ends = [day for day in (cut.declared_to, later.effective.lower if later else None) if day is not None]
    cut.effective = Range(cut.effective.lower, min(ends, default=None))


def _require_publishable(content: ProductContent, documents: Mapping[str, bytes]) -> None:
    """The last guard; an upload has been told of all this before."""
    unmet = unmet_demands(content)
    if unmet:
        raise DemandsUnmet(unmet)
    if content.profile is Profile.RATES_ONLY and not letterhead().demonstration:
        raise RatesOnlyRefused
    wrong = {
        ref.file: "is not the document that was named"
        for ref in content.documents
        if sha256_hex(documents.get(ref.sha256, b"")) != ref.sha256
    }
    if wrong:
        raise DocumentDiffers(wrong)


def _product_information(insurer_id: UUID, content: ProductContent) -> list[tuple[DocumentRef, bytes]]:
    """The insurance product information document in each language of the version, where its profile asks for one and
    the insurer has none of its own. Raises DemandsUnmet where it takes too many pages.
    """
    said = content.information
    if said is None or content.profile not in HAS_PRODUCT_INFORMATION or content.document(DocumentKind.IPID, "en"):
        return []
    insurer = accounts.insurer(insurer_id)
    return [_ipid(content, said, insurer, locale) for locale in ("en", "zh_Hans_CN") if _speaks(content, locale)]


def _speaks(content: ProductContent, locale: str) -> bool:
    return locale == "en" or content.marketing_name.zh is not None


def _ipid(
    content: ProductContent, said: ProductInformation, insurer: Insurer, locale: str
) -> tuple[DocumentRef, bytes]:
    data = document.product_information(content, said, insurer, locale, demonstration=letterhead().demonstration)
    made = pdf.render(document.TEMPLATE, data, qr_svg=None, issued_at=clock.now())
    if pdf.pages(made) > document.MOST_PAGES:
        raise DemandsUnmet((Unmet("information", "EU-13", "too_long"),))
    file = f"ipid.{locale[:2]}.pdf"
    title = document.title(locale)
    return DocumentRef(DocumentKind.IPID, locale, title, file, "application/pdf", sha256_hex(made), len(made)), made


def _insert_version(product: ProductRow, content: ProductContent, effective: Range[date], actor: Actor) -> UUID:
    _end_predecessors(product.id, effective)
    version_id = ids.new_id()
    last = select(func.coalesce(func.max(ProductVersionRow.number), 0)).where(
        ProductVersionRow.product_id == product.id
    )
    try:
        with db.session.begin_nested():
            db.session.execute(
                insert(ProductVersionRow).values(
                    id=version_id,
                    product_id=product.id,
                    insurer_id=product.insurer_id,
                    number=last.scalar_subquery() + 1,
                    line=content.line.value,
                    profile=content.profile.value,
                    content=content.to_json(),
                    content_sha256=content.sha256,
                    effective=effective,
                    declared_to=effective.upper,
                    published_at=clock.now(),
                    published_by=actor.account_id,
                )
            )
    except IntegrityError as error:
        if constraint_of(error) == NO_OVERLAP:
            raise EffectiveOverlaps from error
        raise
    return version_id


def _end_predecessors(product_id: UUID, effective: Range[date]) -> None:
    """What is on sale on the first day of the new version, and began before it, ends on that day."""
    db.session.execute(
        update(ProductVersionRow)
        .where(
            ProductVersionRow.product_id == product_id,
            ProductVersionRow.withdrawn_at.is_(None),
            ProductVersionRow.effective.contains(effective.lower),
            func.lower(ProductVersionRow.effective) < effective.lower,
        )
        .values(effective=func.daterange(func.lower(ProductVersionRow.effective), effective.lower))
        .execution_options(synchronize_session=False)
    )


def _document_row(version_id: UUID, content: ProductContent, position: int) -> dict[str, object]:
    ref = content.documents[position]
    return {
        "id": ids.new_id(),
        "product_version_id": version_id,
        "position": position,
        "kind": ref.kind.value,
        "locale": ref.locale,
        "title": ref.title,
        "media_type": ref.media_type,
        "size": ref.size,
        "sha256": ref.sha256,
    }

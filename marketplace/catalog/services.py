"""Publish and withdraw product versions."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
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
    locked_product,
    locked_version,
)
from marketplace.catalog.values import (
    HAS_PRODUCT_INFORMATION,
    DemandsUnmet,
    DocumentDiffers,
    DocumentKind,
    DocumentRef,
    EffectiveOverlaps,
    LineDiffers,
    ProductContent,
    ProductInformation,
    ProductVersion,
    ProductVersionNotFound,
    Profile,
    RatesOnlyRefused,
    Unmet,
    unmet_demands,
)
from marketplace.infra import pdf, storage
from marketplace.infra.db import constraint_of, db
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
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


def withdraw(version_id: UUID) -> ProductVersion:
    """Stop selling this version at once; contracts keep what they say. Asked again, nothing changes."""
    row = locked_version(version_id)
    if row is None:
        raise ProductVersionNotFound
    if row.withdrawn_at is None:
        row.withdrawn_at = clock.now()
        db.session.flush()
    return queries.product_version(version_id)


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

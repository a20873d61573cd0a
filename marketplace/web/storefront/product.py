"""One product at the price of one offer, and the insurer's documents by their hash."""

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductContent
from marketplace.consultation import queries as consultation
from marketplace.infra import storage
from marketplace.kernel.errors import NotFound
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import (
    InsurerNotSelling,
    NeedErased,
    NotForSale,
    OfferExpired,
    OfferView,
    OfferVoided,
    ProductWithdrawn,
)
from marketplace.rating.values import BreakdownLine
from marketplace.traceability.values import EntryType
from marketplace.web import consulting, kept_pages, pages, parties
from marketplace.web.fields import matched_words, risk_words
from marketplace.web.kept_pages import Page
from marketplace.web.papers import download, insurers_document
from marketplace.web.storefront.compare import rows_of
from marketplace.web.tracing import Traced, render_traced

blueprint = Blueprint("product", __name__)


@blueprint.get("/offers/<uuid:offer_id>")
def offer(offer_id: UUID) -> ResponseReturnValue:
    """What the product promises, what it does not, what it costs and who stands behind it. Raises NeedErased."""
    return kept_pages.show(lambda: _offer(quoting.offer(offer_id)))


def _offer(chosen: OfferView) -> Page:
    if chosen.need.erased:
        raise NeedErased
    content = chosen.version.content
    obstacle, insurer = _obstacle(chosen), accounts.insurer(chosen.insurer_id)
    return Page(
        "storefront/product.html",
        {
            "offer": chosen,
            "content": content,
            "insurer": insurer,
            "documents": catalog.documents_of(chosen.version.id),
            "rows": rows_of([chosen], [chosen])[0][1],
            "told": risk_words(content.definition, chosen.need.risk),
            "paper_address": lambda document: url_for("product.document", document_id=document.id),
            "obstacle": obstacle,
            "branches": parties.branch_note(insurer, parties.region_told(chosen.need)),
            "answers": consulting.shown(consultation.answers_of_product(chosen.version.product_id)),
            "ends": catalog.sale_ends_of([chosen.version.id]) if obstacle == "withdrawn" else (),
            "ways": quoting.ways_to_pay([chosen]).get(chosen.id, ()),
            "made": [(line, _rests_on(content, line)) for line in chosen.breakdown.lines],
        },
        Traced(
            EntryType.PRODUCT_SHOWN,
            product_version_id=chosen.version.id,
            insurer_id=chosen.insurer_id,
            documents=tuple(document.sha256 for document in content.documents),
            body={
                "need_id": chosen.need.id,
                "offer_id": chosen.id,
                "premium_minor": chosen.premium.minor,
                "currency": chosen.premium.currency,
            },
        ),
        until=None if obstacle else min(chosen.expires_at, chosen.version.sale_stops_at or chosen.expires_at),
    )


def _rests_on(content: ProductContent, line: BreakdownLine) -> str:
    """The factors of the cell a line comes from, with what matched; nothing where it comes from none."""
    if line.cell is None:
        return ""
    factors = [(content.definition.factor(name), matched) for name, matched in line.cell.key]
    return "; ".join(
        f"{pages.say(factor.label)} {matched_words(factor, matched, content.currency)}" for factor, matched in factors
    )


def _obstacle(chosen: OfferView) -> str | None:
    """Why this offer can no longer be applied for, as a stable word."""
    try:
        quoting.require_live(chosen)
        quoting.require_on_sale(chosen)
    except OfferExpired:
        return "expired"
    except (OfferVoided, ProductWithdrawn, InsurerNotSelling):
        return "withdrawn"
    except NotForSale:
        return None  # the page says of published rates by itself that they cannot be bought
    return None


@blueprint.get("/offers/<uuid:offer_id>/premium.json")
def premium(offer_id: UUID) -> ResponseReturnValue:
    """What the premium was made from, for `python -m verify premium`: the steps, the cells used and their proofs."""
    found = quoting.recomputable(offer_id)
    return _file(found, f"premium-{found['need']}-{found['place']}.json")


@blueprint.get("/offers/<uuid:offer_id>/tariff.json")
def tariff(offer_id: UUID) -> ResponseReturnValue:
    """The whole tariff, for `python -m verify premium --tariff`, where the insurer publishes it."""
    found = quoting.published_tariff(offer_id)
    return _file(found, f"tariff-{found['root'][:16]}.json")


def _file(found: dict[str, Any], name: str) -> Response:
    return download(json.dumps(found, ensure_ascii=False, indent=1).encode(), "application/json", name)


@blueprint.get("/documents/<uuid:document_id>/read")
def document(document_id: UUID) -> ResponseReturnValue:
    """An insurer's document as a page; PDF files are linked, and not opened by that."""
    found = catalog.document(document_id)
    version = catalog.product_version(found.product_version_id)
    text = storage.get(found.sha256).decode() if found.is_shown_as_text else ""
    return render_traced(
        "storefront/document.html",
        Traced(
            EntryType.DOCUMENT_OPENED if found.is_shown_as_text else EntryType.PAGE_SHOWN,
            product_version_id=version.id,
            insurer_id=version.insurer_id,
            documents=(found.sha256,),
            body={"document_id": found.id, "sha256": found.sha256},
        ),
        document=found,
        text=text,
        version=version,
        insurer=accounts.insurer(version.insurer_id),
    )


@blueprint.get("/documents/<uuid:document_id>")
def document_bytes(document_id: UUID) -> ResponseReturnValue:
    """The exact bytes of the filed document; their SHA-256 is the entity tag."""
    found = catalog.document(document_id)
    if f'"{found.sha256}"' in request.headers.get("If-None-Match", ""):
        return Response(status=304)
    data = storage.get(found.sha256)
    if not data:
        raise NotFound
    response = insurers_document(data, found.media_type)
    response.headers["ETag"] = f'"{found.sha256}"'
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response

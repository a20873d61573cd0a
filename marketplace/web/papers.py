"""Papers handed out, the same at every desk that may have them."""

from collections.abc import Iterable
from unicodedata import normalize
from urllib.parse import quote
from uuid import UUID

from flask import Response

from marketplace.infra.formatting import gettext as _
from marketplace.policy import queries as policies
from marketplace.policy.values import Paper, PaperKind, PaperNotFound


def beside_policy(papers: Iterable[Paper]) -> list[Paper]:
    """Those of them that are made and have no button of their own."""
    return [each for each in papers if each.sha256 and each.kind is not PaperKind.POLICY]


def asked_paper(papers: Iterable[Paper], paper_id: UUID | None) -> Paper:
    """The paper of these that is asked for, or else the policy. Raises PaperNotFound."""
    for paper in papers:
        if paper.id == paper_id or (paper_id is None and paper.kind is PaperKind.POLICY):
            return paper
    raise PaperNotFound


def paper_pdf(paper: Paper) -> Response:
    """The sealed document for download, named by its number. For callers that have checked who asks.

    Raises DocumentNotReady.
    """
    match paper.kind:
        case PaperKind.POLICY:
            name = _("policy-%(number)s.pdf", number=paper.number)
        case PaperKind.CERTIFICATE:
            name = _("certificate-%(number)s.pdf", number=paper.number)
        case PaperKind.RECEIPT:
            name = _("receipt-%(number)s.pdf", number=paper.number)
        case PaperKind.REFUND_LETTER:
            name = _("refund-%(number)s.pdf", number=paper.number)
    return download(policies.paper_bytes(paper), "application/pdf", name)


# What a browser may do with an insurer's file: show it, run nothing.
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


def insurers_document(content: bytes, media_type: str) -> Response:
    """An insurer's file as it is, to be looked at; what is Markdown is shown as the text it is."""
    kind = "text/plain; charset=utf-8" if media_type == "text/markdown" else media_type
    response = Response(content, content_type=kind)
    response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
    response.headers["Content-Disposition"] = "inline"
    return response


def download(content: bytes, media_type: str, name: str) -> Response:
    """An answer to be kept as a file. A Chinese name travels encoded, beside one that any browser reads (RFC 6266)."""
    response = Response(content, mimetype=media_type)
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    names = {"filename": plain} if plain == name else {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
    response.headers.set("Content-Disposition", "attachment", **names)
    return response

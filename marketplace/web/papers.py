"""Papers handed out, the same at every desk that may have them."""

from unicodedata import normalize
from urllib.parse import quote

from flask import Response

from marketplace.infra.formatting import gettext as _
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy


def policy_pdf(policy: Policy) -> Response:
    """The sealed document for download, named by its number. For callers that have checked who asks."""
    name = _("policy-%(number)s.pdf", number=policy.number)
    return download(policies.document_bytes(policy.id), "application/pdf", name)


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

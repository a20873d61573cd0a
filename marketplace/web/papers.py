"""Papers handed out as downloads, the same at every desk that may have them."""

from flask import Response

from marketplace.infra.formatting import gettext as _
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy


def policy_pdf(policy: Policy) -> Response:
    """The sealed document for download, named by its number. For callers that have checked who asks."""
    response = Response(policies.document_bytes(policy.id), mimetype="application/pdf")
    name = _("policy-%(number)s.pdf", number=policy.number)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response

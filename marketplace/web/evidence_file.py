"""Evidence of a contract at the desks: asked for with a reason, looked at and taken away, each noted before anything is
shown (T26-48). Without the note nothing is: it is written in the transaction of the request.
"""

from uuid import UUID

from flask import Response
from wtforms import StringField
from wtforms.validators import Length

from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries, services
from marketplace.oversight.values import AskBundle, Bundle, BundleState, Sale
from marketplace.web import access, papers
from marketplace.web.fields import Form, printable, required
from marketplace.web.sale_file import refuse_restricted

A_REASON = (required(), Length(min=4, max=300), printable)


class AskForm(Form):
    reason = StringField(
        _l("Reason"),
        A_REASON,
        description=_l(
            "A complaint, a question of a court or an authority, a check: it stands in the file and in the log."
        ),
    )


def ask(sale: Sale, reason: str) -> UUID:
    """Have the evidence of a sale made for whoever asks; its id. Raises Restricted."""
    refuse_restricted(sale, access.actor())
    return ask_for(UUID(str(sale.application_id)), reason)


def ask_for(application_id: UUID, reason: str) -> UUID:
    """The same for a contract of one's own."""
    return services.ask_bundle(AskBundle(application_id, access.actor(), reason, current_locale()))


def look(bundle_id: UUID) -> Bundle:
    """The evidence that whoever asks had made. Raises BundleNotFound, Restricted."""
    found = _own(bundle_id)
    if found.state is BundleState.READY:
        services.note_reading(bundle_id, access.actor(), "looked")
    return found


def taken(bundle_id: UUID) -> Response:
    """The file, to be kept. Raises BundleNotFound, Restricted."""
    found = _own(bundle_id)
    content = queries.bundle_bytes(bundle_id, access.here().id)
    services.note_reading(bundle_id, access.actor(), "downloaded")
    sale = queries.sale_of_application(found.application_id)
    name = _("evidence-%(contract)s.zip", contract=sale.policy_number or sale.application_reference)
    return papers.download(content, "application/zip", name)


def _own(bundle_id: UUID) -> Bundle:
    found = queries.bundle(bundle_id, access.here().id)
    refuse_restricted(queries.sale_of_application(found.application_id), access.actor())
    return found

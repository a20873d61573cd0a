"""What an insurer pays the marketplace: proposed there, accepted here by its admin."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.infra.formatting import gettext as _
from marketplace.quoting import queries as quoting
from marketplace.web import access
from marketplace.web.insurer.desk import own_insurer_id

blueprint = Blueprint("insurer_terms", __name__, url_prefix="/insurer/terms")


@blueprint.get("")
def terms() -> ResponseReturnValue:
    """Whoever accepts terms has the ranking rule before them, which is a part of them (EU-25)."""
    rule, *_earlier = quoting.ranking_rules()
    return render_template("insurer/terms.html", terms=accounts.terms(own_insurer_id()), rule=rule)


@blueprint.post("/<uuid:term_id>/accept")
def accept(term_id: UUID) -> ResponseReturnValue:
    services.accept_terms(term_id, access.here())
    flash(_("Accepted."))
    return redirect(url_for(".terms"), 303)

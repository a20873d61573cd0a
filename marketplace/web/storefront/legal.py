"""Who we are, whom we act for, what we record and what we keep."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.disclosure import queries as disclosure
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.kernel import clock

blueprint = Blueprint("legal", __name__)


@blueprint.get("/disclosure")
def disclosure_page() -> ResponseReturnValue:
    """Insurers we act for and every product on sale, with its filing number and clauses (O13-02, O13-03)."""
    versions = catalog.all_on_sale(clock.today(ZONE))
    return render_template(
        "storefront/disclosure.html",
        insurers=[insurer for insurer in accounts.list_insurers() if insurer.active],
        versions=versions,
        notice=disclosure.wording("client_notice", current_locale()),
    )


@blueprint.get("/what-we-record")
def recording() -> ResponseReturnValue:
    return render_template("storefront/wording.html", wording=disclosure.wording("recording_notice", current_locale()))


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    return render_template("storefront/wording.html", wording=disclosure.wording("privacy_notice", current_locale()))

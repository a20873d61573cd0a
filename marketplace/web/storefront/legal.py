"""Who we are, whom we act for, what we record and what we keep."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
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
        notice=disclosure.wording(WordingKey.CLIENT_NOTICE, current_locale()),
    )


@blueprint.get("/what-we-record")
def recording() -> ResponseReturnValue:
    return _wording(WordingKey.RECORDING_NOTICE, _("What we record"))


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    return _wording(WordingKey.PRIVACY_NOTICE, _("What we do with your data"))


def _wording(key: WordingKey, title: str) -> str:
    return render_template("storefront/wording.html", title=title, wording=disclosure.wording(key, current_locale()))

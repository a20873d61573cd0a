"""A page for each insurer: who it is, how it is reached, and whether it pays. No ranking, no badge; each figure with
its source and its day, or that it is not known.
"""

from datetime import timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries as consultation
from marketplace.consultation.values import MEASURED_DAYS
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.web import kept_pages, parties
from marketplace.web.kept_pages import Page

blueprint = Blueprint("insurers", __name__, url_prefix="/insurers")

MEASURED_ANEW = timedelta(minutes=5)
"""How old what is measured on a page may be."""


@blueprint.get("")
def insurers() -> ResponseReturnValue:
    """Every insurer that sells here, in the order of its code."""
    return kept_pages.show(_insurers)


def _insurers() -> Page:
    selling = [insurer for insurer in accounts.list_insurers() if insurer.active]
    return Page("storefront/insurers.html", {"insurers": selling})


@blueprint.get("/<code>")
def insurer(code: str) -> ResponseReturnValue:
    """One insurer; the page stays while its sales are stopped, for those who hold its contracts."""
    return kept_pages.show(lambda: _insurer(code))


def _insurer(code: str) -> Page:
    found = accounts.insurer_by_code(code)
    known = accounts.profile(found.id)
    today = clock.today(ZONE)
    on_sale = [version for version in catalog.products_of_insurer(found.id) if version.on_sale_on(today)]
    return Page(
        "storefront/insurer.html",
        {
            "insurer": found,
            "regions": parties.regions_of(found),
            "about": parties.shown(known, parties.ABOUT),
            "reached": parties.shown(known, parties.REACHED),
            "will_they_pay": parties.shown(known, parties.WILL_THEY_PAY),
            "versions": on_sale if found.active else [],
            "times": consultation.measured(found.id),
            "days": MEASURED_DAYS,
        },
        until=clock.business_now() + MEASURED_ANEW,
    )

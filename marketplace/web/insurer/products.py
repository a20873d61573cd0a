"""An insurer's products as they are and were on sale."""

from dataclasses import dataclass
from datetime import date
from itertools import groupby

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Document, ProductVersion
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.rating import queries as rating
from marketplace.web.insurer.desk import own_insurer_id

blueprint = Blueprint("insurer_products", __name__, url_prefix="/insurer")


@dataclass(frozen=True, slots=True)
class Shown:
    """A version with the words and the class of its state, the hash of its tariff and its documents."""

    version: ProductVersion
    state: str
    tone: str
    tariff_root: str | None
    documents: tuple[Document, ...]


@blueprint.get("/products")
def products() -> ResponseReturnValue:
    insurer_id = own_insurer_id()
    return render_template(
        "insurer/products.html",
        insurer=accounts.insurer(insurer_id),
        products=_by_product(_shown(catalog.products_of_insurer(insurer_id))),
    )


def _shown(versions: tuple[ProductVersion, ...]) -> list[Shown]:
    ids = [version.id for version in versions]
    raters, documents = rating.raters_of(ids), catalog.documents_of_versions(ids)
    today = clock.today(ZONE)
    return [
        Shown(
            version,
            *_state(version, today),
            raters[version.id].root if version.id in raters else None,
            documents.get(version.id, ()),
        )
        for version in versions
    ]


def _state(version: ProductVersion, today: date) -> tuple[str, str]:
    """Words and class of a version's state on a day."""
    if version.withdrawn_at is not None:
        return _("off sale"), "bad"
    if version.stopped_at(clock.business_now()):
        return _("sale stopped"), "bad"
    if version.on_sale_on(today):
        return (_("on sale"), "") if version.content.profile.can_be_bought else (_("compared only"), "plain")
    return (_("not on sale yet"), "warn") if version.effective_from > today else (_("no longer on sale"), "plain")


def _by_product(shown: list[Shown]) -> list[list[Shown]]:
    """One list for each product, the newest version first."""
    return [list(group) for _code, group in groupby(shown, key=lambda each: each.version.product_id)]

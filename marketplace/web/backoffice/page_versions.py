"""The sales pages by version and by day: which was online when, who released it, and what a contract's own journey and
later visits were shown of it (T26-34, T26-37, T26-48).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from wtforms import DateField

from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import ZONE, zone_name
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel.text import LocalizedText
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Looked, Sale, TimelineEntry
from marketplace.traceability import queries as trail
from marketplace.traceability.values import PageOnline
from marketplace.web import desks, looks
from marketplace.web.fields import Form, required

blueprint = Blueprint("page_versions", __name__, url_prefix="/admin")


class DayForm(Form):
    day = DateField(_l("Day"), [required()])


@dataclass(frozen=True, slots=True)
class Listed:
    """One part of a long list."""

    number: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // desks.PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class Line:
    """A version while it was online; `views` are those that the customer was shown of it."""

    online: PageOnline
    words: str
    product: LocalizedText | None
    views: tuple[TimelineEntry, ...] = ()


@blueprint.get("/pages")
def versions() -> ResponseReturnValue:
    """Every version of every sales page and when it was online, the newest first."""
    listed = Listed(desks.page_number(), trail.count_online())
    online = trail.pages_ever_online(desks.PAGE_SIZE, (listed.number - 1) * desks.PAGE_SIZE)
    return render_template("backoffice/page_versions.html", lines=_lines(online), listed=listed, zone=zone_name(ZONE))


@blueprint.route("/sales/<uuid:sale_id>/day", methods=["GET", "POST"])
def day(sale_id: UUID) -> ResponseReturnValue:
    """The sales pages of a sale's product as they were online on one day."""
    sale = oversight.sale(sale_id)
    form = DayForm(data={"day": _day_of(sale.concluded_at or sale.started_at)})
    if form.validate_on_submit() and form.day.data:
        looks.note(sale, Looked.DAY, day=form.day.data)
        lines = _lines(_online_on(sale, form.day.data), oversight.views(sale))
        return render_template("backoffice/day.html", sale=sale, form=form, lines=lines, zone=zone_name(ZONE))
    looks.note(sale, Looked.DAY)
    page = render_template("backoffice/day.html", sale=sale, form=form, lines=None, zone=zone_name(ZONE))
    return page, 422 if form.errors else 200


def _online_on(sale: Sale, on: date) -> tuple[PageOnline, ...]:
    """What was online on that day of the version the sale is about, of those of its product on sale then, and of the
    pages that are about no product.
    """
    own = sale.product_version_id
    about = {own} if own else set()
    if own:
        product_id = catalog.product_version(own).product_id
        about |= {each.id for each in catalog.versions_of_product(product_id) if each.effective_on(on)}
    return trail.pages_online(about, _begin(on), _begin(on + timedelta(days=1)))


def _lines(online: Iterable[PageOnline], views: Iterable[TimelineEntry] = ()) -> list[Line]:
    found, shown = tuple(online), tuple(views)
    products = catalog.product_versions(id_ for each in found if (id_ := each.version.product_version_id))
    names = {version_id: product.content.name for version_id, product in products.items()}
    return [
        Line(
            each,
            oversight.page_words(each.version.page),
            names.get(each.version.product_version_id) if each.version.product_version_id else None,
            tuple(entry for entry in shown if entry.page_version_id == each.version.id),
        )
        for each in found
    ]


def _begin(on: date) -> datetime:
    return datetime.combine(on, time.min, ZoneInfo(ZONE))


def _day_of(at: datetime) -> date:
    return at.astimezone(ZoneInfo(ZONE)).date()

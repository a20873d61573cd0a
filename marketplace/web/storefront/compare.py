"""From a few rating factors to a frozen comparison."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog.values import LINES, Line, LineDefinition, Profile, RowValue
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.kernel.text import LocalizedText
from marketplace.quoting import queries as quoting
from marketplace.quoting import services
from marketplace.quoting.values import Need, NeedErased, NeedRequest, OfferView
from marketplace.traceability.values import EntryType
from marketplace.web import access, kept_pages
from marketplace.web.fields import factor_data, factor_faults, factor_form, factor_values, factor_words
from marketplace.web.kept_pages import Page
from marketplace.web.tracing import Traced, current_journey

blueprint = Blueprint("compare", __name__)


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of one offer: its words, and whether they differ from what most others say."""

    label: LocalizedText
    items: tuple[LocalizedText, ...]
    differing: frozenset[int]
    negative: bool


def _definition(line: str) -> LineDefinition:
    try:
        return LINES[Line(line)]
    except ValueError:
        raise NotFound from None


@blueprint.route("/compare/<line>", methods=["GET", "POST"])
def ask(line: str) -> ResponseReturnValue:
    """The form of rating factors; a good one leads to its comparison."""
    definition = _definition(line)
    earlier = _earlier()
    today = clock.today(ZONE)
    form: Any = factor_form(definition, today)(data=_filled(earlier, today) if earlier else None)
    if form.validate_on_submit():
        try:
            need = _quote(definition, form)
        except Invalid as error:
            form.take_errors(factor_faults(definition, error.fields))
        else:
            return redirect(url_for(".comparison", line=line, reference=need.reference), 303)
    rates_only = definition.line is Line.US_HEALTH
    page = render_template("storefront/ask.html", definition=definition, form=form, rates_only=rates_only)
    return page, 422 if form.errors else 200


def _earlier() -> Need | None:
    """The comparison whose answers fill the form; none where they are erased."""
    try:
        return quoting.need(request.args["from"]) if "from" in request.args else None
    except NeedErased:
        return None


def _filled(earlier: Need, today: date) -> dict[str, Any]:
    """The answers of an earlier comparison; what was only assumed stays open, a past first day is not repeated."""
    start_on = max(earlier.start_on, today + timedelta(days=1))
    return factor_data(earlier.told) | {"start_on": start_on, "needs": list(earlier.stated)}


def _quote(definition: LineDefinition, form: Any) -> Need:
    risk = factor_values(form, definition)
    start_on = form.start_on.data if definition.start_factor is None else clock.today(ZONE)
    stated = tuple(form.needs.data) if "needs" in form else ()
    return services.request_quotes(
        NeedRequest(definition.line, risk, start_on, current_journey(), stated), access.actor()
    )


@blueprint.get("/compare/<line>/<reference>")
def comparison(line: str, reference: str) -> ResponseReturnValue:
    """The frozen comparison: premiums with their lines, the same rows for all, in the disclosed order."""
    return kept_pages.show(lambda: _comparison(_definition(line), reference))


def _comparison(definition: LineDefinition, reference: str) -> Page:
    need = quoting.need(reference)
    if need.line is not definition.line:
        raise NotFound
    offers = quoting.offers_of(need)
    insurers = accounts.insurers({offer.insurer_id for offer in offers} | _not_offering(need))
    expired = need.expires_at <= clock.business_now()
    return Page(
        "storefront/comparison.html",
        {
            "definition": definition,
            "need": need,
            "offers": [(offer, insurers[offer.insurer_id], cells) for offer, cells in rows_of(offers)],
            "insurers": insurers,
            "chips": [(f, factor_words(f, need.risk[f.name], definition.currency)) for f in definition.factors],
            "rates_only": any(offer.version.content.profile is Profile.RATES_ONLY for offer in offers),
            "rule": quoting.ranking_rule(need.ranking_rule),
            "stated": definition.needs(need.stated),
            "expired": expired,
        },
        Traced(
            EntryType.COMPARISON_SHOWN,
            body={"need_id": need.id, "offers": [offer.id for offer in offers], "ranking_rule": need.ranking_rule},
        ),
        until=None if expired else need.expires_at,
    )


def _not_offering(need: Need) -> set[UUID]:
    return {each.insurer_id for each in need.panel.not_offered}


def rows_of(offers: Sequence[OfferView]) -> list[tuple[OfferView, list[Cell]]]:
    """The rows of each offer, each item marked when fewer than half of the offers say it."""
    compared = [(offer, offer.version.content.comparison()) for offer in offers]
    said: Counter[tuple[str, LocalizedText]] = Counter(
        (row.row.key, item) for _, rows in compared for row in rows for item in set(row.items)
    )
    return [(offer, [_cell(row, said, len(offers)) for row in rows]) for offer, rows in compared]


def _cell(row: RowValue, said: Counter[tuple[str, LocalizedText]], offers: int) -> Cell:
    differing = frozenset(
        n for n, item in enumerate(row.items) if offers > 1 and said[(row.row.key, item)] * 2 < offers
    )
    return Cell(row.row.label, row.items, differing, negative=row.row.key == "not_covered")


@blueprint.get("/how-we-rank")
def ranking() -> ResponseReturnValue:
    return render_template("storefront/ranking.html", rules=quoting.ranking_rules())

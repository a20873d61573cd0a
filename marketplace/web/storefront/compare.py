"""From a few rating factors to a frozen comparison."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer
from marketplace.catalog.values import LINES, Line, LineDefinition, Profile, RowValue
from marketplace.infra.formatting import ZONE, current_locale, format_day
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.kernel.text import LocalizedText
from marketplace.quoting import queries as quoting
from marketplace.quoting import services
from marketplace.quoting.values import Choice, Need, NeedErased, NeedRequest, OfferView
from marketplace.traceability.values import EntryType
from marketplace.web import access, desks, kept_pages
from marketplace.web.fields import (
    change_form,
    factor_data,
    factor_faults,
    factor_form,
    factor_values,
    factor_words,
    risk_words,
)
from marketplace.web.kept_pages import Page
from marketplace.web.storefront.forms.choosing import SORTS, choice_form
from marketplace.web.tracing import Traced, current_journey

blueprint = Blueprint("compare", __name__)

OFFERS_ON_A_PAGE = 20
"""So that no page has more than 100 kB when it is loaded for the first time."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of one offer: its words, and whether they differ from what most others say."""

    label: LocalizedText
    items: tuple[LocalizedText, ...]
    differing: frozenset[int]
    negative: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """One answer that is another than in the comparison this one was made from."""

    label: str
    before: str
    now: str


def definition_of(line: str) -> LineDefinition:
    """The line of an address, or NotFound."""
    try:
        return LINES[Line(line)]
    except ValueError:
        raise NotFound from None


def need_of(line: str, reference: str) -> tuple[LineDefinition, Need]:
    """The comparison of an address. Raises NotFound, NeedErased."""
    definition, need = definition_of(line), quoting.need(reference)
    if need.line is not definition.line:
        raise NotFound
    return definition, need


@blueprint.route("/compare/<line>", methods=["GET", "POST"])
def ask(line: str) -> ResponseReturnValue:
    """The form of rating factors; a good one leads to its comparison."""
    definition = definition_of(line)
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
    return factor_data(earlier.told) | {"start_on": _start(earlier, today), "needs": list(earlier.stated)}


def _start(earlier: Need, today: date) -> date:
    return max(earlier.start_on, today + timedelta(days=1))


def _stated(form: Any) -> tuple[str, ...]:
    return tuple(form.needs.data) if "needs" in form else ()


def _quote(definition: LineDefinition, form: Any) -> Need:
    risk = factor_values(form, definition)
    start_on = form.start_on.data if definition.start_factor is None else clock.today(ZONE)
    return services.request_quotes(
        NeedRequest(definition.line, risk, start_on, current_journey(), _stated(form)), access.actor()
    )


@blueprint.get("/compare/<line>/<reference>")
def comparison(line: str, reference: str) -> ResponseReturnValue:
    """The frozen comparison: premiums with their lines, the same rows for all, in the disclosed order unless the
    customer chooses another.
    """
    answer: Response = kept_pages.show(lambda: _comparison(*need_of(line, reference)))
    return answer


@blueprint.post("/compare/<line>/<reference>/change")
def change(line: str, reference: str) -> ResponseReturnValue:
    """Some answers changed where they stand: a new comparison beside the old one, which stays as it is. It belongs to
    the visit in which it is made, whoever asked first.
    """
    definition, need = need_of(line, reference)
    form = _change_form(definition, need)
    if form.validate_on_submit():
        told = {name: value for name, value in need.told.items() if name not in form} | factor_values(form, definition)
        wanted = NeedRequest(
            need.line, told, _start(need, clock.today(ZONE)), current_journey(), _stated(form), follows=need.id
        )
        try:
            changed = services.request_quotes(wanted, access.actor())
        except Invalid as error:
            form.take_errors(factor_faults(definition, error.fields))
        else:
            return redirect(url_for(".comparison", line=line, reference=changed.reference), 303)
    return kept_pages.show(lambda: _comparison(definition, need, form))


def _change_form(definition: LineDefinition, need: Need) -> Any:
    """What is tried out most, what was only assumed (left open), and the needs."""
    names = {*definition.main_factors, *need.assumed}
    return change_form(definition, names)(data=factor_data(need.told) | {"needs": list(need.stated)})


def _comparison(definition: LineDefinition, need: Need, form: Any = None) -> Page:
    offers = quoting.offers_of(need)
    insurers = accounts.insurers({offer.insurer_id for offer in offers} | _not_offering(need))
    wishes = choice_form(definition, offers, insurers)
    choice = wishes.to_value(definition) if wishes.validate() else Choice()
    chosen = quoting.choose(offers, choice)
    number = min(desks.page_number(), _pages(chosen))
    shown = chosen[(number - 1) * OFFERS_ON_A_PAGE : number * OFFERS_ON_A_PAGE]
    expired = need.expires_at <= clock.business_now()
    form = form or _change_form(definition, need)
    return Page(
        "storefront/comparison.html",
        {
            "definition": definition,
            "need": need,
            "count": len(offers),
            "offers": [(offer, insurers[offer.insurer_id], cells) for offer, cells in rows_of(shown, offers)],
            "found": len(chosen),
            "number": number,
            "pages": _pages(chosen),
            "insurers": insurers,
            "chips": risk_words(definition, need.risk),
            "rates_only": any(offer.version.content.profile is Profile.RATES_ONLY for offer in offers),
            "rule": quoting.ranking_rule(need.ranking_rule),
            "stated": definition.needs(need.stated),
            "wishes": wishes,
            "choice": choice,
            "sorted_by": SORTS[choice.sort],
            "form": form,
            "today": quoting.changed_since(need, offers),
            "expired": expired,
            **_since(definition, need, offers),
        },
        Traced(
            EntryType.COMPARISON_SHOWN,
            body={"need_id": need.id, "offers": [offer.id for offer in shown], "ranking_rule": need.ranking_rule}
            | ({} if choice == Choice() else {"sort": choice.sort}),
        ),
        until=None if expired else need.expires_at,
        status=422 if form.errors or wishes.errors else 200,
    )


def _pages(offers: Sequence[OfferView]) -> int:
    return max(1, -(-len(offers) // OFFERS_ON_A_PAGE))


def _not_offering(need: Need) -> set[UUID]:
    return {each.insurer_id for each in need.panel.not_offered}


def _since(definition: LineDefinition, need: Need, offers: Sequence[OfferView]) -> dict[str, Any]:
    """What is different from the comparison this one was made from, with the premium each product had there."""
    nothing: dict[str, Any] = {"earlier": None, "changes": (), "before": {}}
    if need.follows is None:
        return nothing
    earlier = quoting.need_by_id(need.follows)
    if earlier.erased or earlier.line is not need.line:
        return nothing
    before = {offer.version.product_id: offer for offer in quoting.offers_of(earlier)}
    return {
        "earlier": earlier,
        "changes": tuple(_changes(definition, earlier, need)),
        "before": {offer.id: before.get(offer.version.product_id) for offer in offers},
    }


def _changes(definition: LineDefinition, earlier: Need, need: Need) -> Iterator[Changed]:
    locale = current_locale()
    for factor in definition.factors:
        old, new = earlier.risk[factor.name], need.risk[factor.name]
        if old != new:
            words = [factor_words(factor, value, definition.currency) for value in (old, new)]
            yield Changed(factor.label.in_(locale), *words)
    if definition.start_factor is None and earlier.start_on != need.start_on:
        yield Changed(_("Cover from"), format_day(earlier.start_on), format_day(need.start_on))
    if earlier.stated != need.stated:
        yield Changed(_("What you need"), *(_needs_words(definition, each) for each in (earlier, need)))


def _needs_words(definition: LineDefinition, need: Need) -> str:
    return " · ".join(each.label.in_(current_locale()) for each in definition.needs(need.stated)) or _("nothing stated")


def rows_of(offers: Sequence[OfferView], among: Sequence[OfferView]) -> list[tuple[OfferView, list[Cell]]]:
    """The rows of each offer, each item marked when fewer than half of those it stands `among` say it."""
    times = Counter(offer.version.id for offer in among)
    contents = {offer.version.id: offer.version.content for offer in among}
    rows = {version_id: content.comparison() for version_id, content in contents.items()}
    said: Counter[tuple[str, LocalizedText]] = Counter()
    for version_id, number in times.items():
        for row in rows[version_id]:
            said.update(dict.fromkeys(((row.row.key, item) for item in row.items), number))
    return [(offer, [_cell(row, said, len(among)) for row in rows[offer.version.id]]) for offer in offers]


def _cell(row: RowValue, said: Counter[tuple[str, LocalizedText]], offers: int) -> Cell:
    differing = frozenset(
        n for n, item in enumerate(row.items) if offers > 1 and said[(row.row.key, item)] * 2 < offers
    )
    return Cell(row.row.label, row.items, differing, negative=row.row.key == "not_covered")


def insurers_of(offers: Sequence[OfferView]) -> Mapping[UUID, Insurer]:
    """Who stands behind the offers, in one question."""
    return accounts.insurers({offer.insurer_id for offer in offers})


@blueprint.get("/how-we-rank")
def ranking() -> ResponseReturnValue:
    return render_template("storefront/ranking.html", rules=quoting.ranking_rules())

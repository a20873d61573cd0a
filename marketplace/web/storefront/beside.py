"""Two to four offers of a comparison side by side: the same rows for all, what differs marked, and how prices move."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.catalog.values import FactorKind, LineDefinition
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.text import LocalizedText
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import Need, OfferView
from marketplace.traceability.values import EntryType
from marketplace.web.storefront.compare import insurers_of, need_of
from marketplace.web.storefront.plots import Plot, plot_of
from marketplace.web.tracing import Traced, render_traced

blueprint = Blueprint("beside", __name__)

FEWEST, MOST = 2, 4
TO_CHOOSE_FROM = 100
LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: what each offer says. `differs` where not all say the same; `rare` are the items of each
    offer that not all of them have.
    """

    label: str
    items: tuple[tuple[str, ...], ...]
    rare: tuple[frozenset[str], ...]
    negative: bool = False

    @property
    def differs(self) -> bool:
        return any(self.rare)


@blueprint.get("/compare/<line>/<reference>/side-by-side")
def side_by_side(line: str, reference: str) -> ResponseReturnValue:
    """The offers whose places the address names, as `offers=1,3`; ticked ones (`offer-1`, `offer-3`) are led there."""
    definition, need = need_of(line, reference)
    offers = quoting.offers_of(need)
    ticked = [str(offer.place) for offer in offers if f"offer-{offer.place}" in request.args]
    if ticked and "offers" not in request.args:
        return redirect(url_for(".side_by_side", line=line, reference=reference, offers=",".join(ticked)))
    chosen = _chosen(offers, request.args.get("offers", ""))
    if not FEWEST <= len(chosen) <= MOST:
        page = render_template(
            "storefront/beside_choose.html",
            definition=definition,
            need=need,
            offers=offers[:TO_CHOOSE_FROM],
            insurers=insurers_of(offers),
        )
        return page, 422 if request.args else 200
    return render_traced(
        "storefront/beside.html",
        Traced(
            EntryType.COMPARISON_SHOWN,
            body={
                "need_id": need.id,
                "offers": [offer.id for offer in chosen],
                "ranking_rule": need.ranking_rule,
            },
        ),
        **_context(definition, need, chosen),
    )


def _chosen(offers: Sequence[OfferView], places: str) -> list[OfferView]:
    """The offers at these places in their frozen order; none where one of the places is not there."""
    wanted = set(places.split(","))
    found = [offer for offer in offers if str(offer.place) in wanted]
    return found if len(found) == len(wanted) else []


def _context(definition: LineDefinition, need: Need, chosen: Sequence[OfferView]) -> dict[str, Any]:
    rows = tuple(_rows(definition, chosen))
    only = request.args.get("rows") == "differing"
    same_frequency = len({offer.frequency for offer in chosen}) == 1
    return {
        "definition": definition,
        "need": need,
        "chosen": chosen,
        "letters": LETTERS,
        "insurers": insurers_of(chosen),
        "ways": quoting.ways_to_pay(chosen),
        "stated": definition.needs(need.stated),
        "rows": tuple(row for row in rows if row.differs) if only else rows,
        "only": only,
        "left_out": len([row for row in rows if not row.differs]) if only else 0,
        "places": ",".join(str(offer.place) for offer in chosen),
        "plots": tuple(_plots(definition, need, chosen, in_all=not same_frequency)),
        "in_all": not same_frequency,
    }


def _rows(definition: LineDefinition, chosen: Sequence[OfferView]) -> Iterator[Row]:
    """The rows of the line, every exclusion among them, then every cover with what it pays at most."""
    contents = [offer.version.content for offer in chosen]
    for row, said in zip(
        definition.rows, zip(*(content.comparison() for content in contents), strict=True), strict=True
    ):
        label = row.label.in_(current_locale())
        yield _row(label, [[_name(item) for item in each.items] for each in said], negative=row.key == "not_covered")
    covers = [{cover.code: cover for cover in content.covers} for content in contents]
    for code in dict.fromkeys(code for each in covers for code in each):
        label = next(_name(each[code].name) for each in covers if code in each)
        yield _row(
            _("Cover: %(name)s", name=label),
            [[_name(each[code].limit)] if code in each else [_("not a cover of its own")] for each in covers],
        )


def _name(words: LocalizedText | None) -> str:
    return words.in_(current_locale()) if words else _("not stated")


def _row(label: str, said: Sequence[Sequence[str]], *, negative: bool = False) -> Row:
    common = set.intersection(*(set(items) for items in said))
    return Row(
        label,
        tuple(tuple(items) for items in said),
        tuple(frozenset(items) - common for items in said),
        negative,
    )


def _plots(definition: LineDefinition, need: Need, chosen: Sequence[OfferView], *, in_all: bool) -> Iterator[Plot]:
    """How the premium moves with age, and with the amounts a customer most likely tries out."""
    for factor in definition.factors:
        drawn = factor.name == definition.age_factor or (factor.money and factor.name in definition.main_factors)
        if drawn and factor.kind is FactorKind.INTEGER and len({offer.total.currency for offer in chosen}) == 1:
            told = int(need.risk[factor.name])
            plot = plot_of(factor, quoting.curves(chosen, factor), definition.currency, told, in_all=in_all)
            if plot is not None:
                yield plot

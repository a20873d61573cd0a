"""Wide rate cards: seen as they are, read as their insurer says, taken away as a table or put into a draft."""

from codecs import BOM_UTF8
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version

from marketplace.catalog.values import LINES, Line
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.listing import queries, services
from marketplace.listing.values import CardPlace, RateCard, RateCardNameTaken, RateCardNotFound
from marketplace.web import access, papers
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.rate_cards import CardForm, NextCardForm, PlanForm, PutForm, plan_form

blueprint = Blueprint("insurer_cards", __name__, url_prefix="/insurer/rate-cards")

MOST_ROWS, MOST_COLUMNS = 30, 40
"""Of a card, and of its long table, that are shown."""


@blueprint.route("", methods=["GET", "POST"])
def cards() -> ResponseReturnValue:
    """All cards, and a form for another."""
    form = CardForm().speak()
    if form.validate_on_submit():
        try:
            card = services.keep_rate_card(
                own_insurer_id(), str(form.name.data), Line(form.line.data), form.file.data.read(), access.actor()
            )
            return redirect(url_for(".card", card_id=card.id), 303)
        except Invalid as invalid:
            form.take_errors(invalid.fields)
        except RateCardNameTaken as taken:
            form.take_errors({"name": _(str(taken))})
    page = render_template(
        "insurer/rate_cards.html", form=form, cards=queries.rate_cards(own_insurer_id()), lines=LINES
    )
    return page, 422 if form.errors else 200


@blueprint.route("/<uuid:card_id>", methods=["GET", "POST"])
def card(card_id: UUID) -> ResponseReturnValue:
    """The card as a grid, what its labels mean, and the long table that follows."""
    found = _own(card_id)
    labels = queries.unnamed_labels(found)
    form = plan_form(found, labels)
    if form.validate_on_submit():
        services.plan_rate_card(found.id, form.to_value(labels), access.actor())
        return redirect(url_for(".card", card_id=found.id, _anchor="long-table"), 303)
    return _page(found, form), 422 if form.errors else 200


@blueprint.post("/<uuid:card_id>/next")
def renew(card_id: UUID) -> ResponseReturnValue:
    """The next card, read as the one before."""
    found, form = _own(card_id), NextCardForm()
    if form.validate_on_submit():
        try:
            services.renew_rate_card(found.id, form.file.data.read(), access.actor())
            return redirect(url_for(".card", card_id=found.id, _anchor="long-table"), 303)
        except Invalid as invalid:
            form.take_errors(invalid.fields)
    return _page(found, plan_form(found, queries.unnamed_labels(found)), renewing=form), 422


@blueprint.get("/<uuid:card_id>/table.csv")
def table(card_id: UUID) -> ResponseReturnValue:
    """The long table as its file in a catalog, marked as UTF-8 for spreadsheets."""
    found = _own(card_id)
    return papers.download(BOM_UTF8 + queries.long_table(found).data, "text/csv", f"{found.plan.table}.csv")


@blueprint.post("/<uuid:card_id>/product")
def put(card_id: UUID) -> ResponseReturnValue:
    """A draft of a product's newest catalog with this card in it."""
    found = _own(card_id)
    form = _put_form(found)
    if form.validate_on_submit():
        product, _sep, name = str(form.place.data).partition("/")
        upload = services.put_rate_card(found.id, product, name, str(form.examples.data), access.actor())
        flash(_("The catalog with this rate card was received. It is not on sale."))
        return redirect(url_for("insurer_uploads.upload", upload_id=upload.id), 303)
    return _page(found, plan_form(found, queries.unnamed_labels(found)), putting=form), 422


def _own(card_id: UUID) -> RateCard:
    """The card, when it is this insurer's."""
    found = queries.rate_card(card_id)
    if found.insurer_id != own_insurer_id():
        raise RateCardNotFound
    return found


def _put_form(found: RateCard) -> PutForm:
    """With the tables that the card can replace, and risks it prices whose premium is to be filled in."""
    form = PutForm()
    form.place.choices = [
        SelectChoice(f"{each.product_code}/{each.table}", _place_words(each)) for each in queries.places_for(found)
    ]
    if not form.is_submitted():
        form.examples.data = queries.examples_to_fill_in(found)
    return form


def _place_words(place: CardPlace) -> str:
    name = place.product_name.in_(current_locale())
    factors = ", ".join(place.factors)
    return _("%(product)s: table %(table)s (%(factors)s)", product=name, table=place.table, factors=factors)


def _page(
    found: RateCard, form: PlanForm, *, renewing: NextCardForm | None = None, putting: PutForm | None = None
) -> str:
    long = queries.long_table(found)
    return render_template(
        "insurer/rate_card.html",
        card=found,
        definition=LINES[found.line],
        form=form,
        renewing=renewing or NextCardForm(formdata=None),
        putting=putting or _put_form(found),
        long=long,
        findings=[(finding, queries.explain(finding)) for finding in (*found.grid.findings, *long.findings)],
        most_rows=MOST_ROWS,
        most_columns=MOST_COLUMNS,
    )

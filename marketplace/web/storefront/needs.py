"""From what a household tells to a scheme within its budget. Nothing here is part of an application: no name is asked,
and what is told is shown to the visit in which it was told and to nobody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import Insurer
from marketplace.application import services as applications
from marketplace.catalog.values import Factor
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.money import Money
from marketplace.needs import queries, services
from marketplace.needs.values import (
    CURRENCY,
    Item,
    MakeScheme,
    NothingNeeded,
    Scheme,
    SchemeNotFound,
    StatedNeed,
)
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView
from marketplace.web import access, error_pages
from marketplace.web.fields import risk_words
from marketplace.web.storefront.compare import insurers_of
from marketplace.web.storefront.forms.needs import PartForm, household_of, needs_form, told_of
from marketplace.web.tracing import current_journey

blueprint = Blueprint("needs", __name__)

OTHERS_SHOWN = 3
"""How many other offers stand beside the one taken; all stand in the comparison."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another offer for the same need; `more` is what its first year costs above the one taken, or below."""

    offer: OfferView
    insurer: Insurer
    more: Money


@dataclass(frozen=True, slots=True)
class Covered:
    """A need that is covered: by which offer, and which others cost least after it. `assumed`: what was not told."""

    need: StatedNeed
    item: Item
    offer: OfferView
    insurer: Insurer
    others: tuple[Other, ...]

    @property
    def last_day(self) -> date:
        asked = self.offer.need
        return self.offer.version.content.term.end_of(asked.start_on, asked.risk) - timedelta(days=1)

    @property
    def assumed(self) -> list[tuple[Factor, str]]:
        asked = self.offer.need
        said = risk_words(self.offer.version.content.definition, asked.risk)
        return [(factor, words) for factor, words in said if factor.name in asked.assumed]


@blueprint.route("/needs", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    """What the household tells; a good answer leads to its scheme."""
    earlier = _earlier()
    today = clock.today(ZONE)
    form: Any = needs_form(today)(data=told_of(earlier.plan.household) if earlier else None)
    if form.validate_on_submit():
        follows = earlier.id if earlier else None
        wanted = MakeScheme(current_journey(), household_of(form), form.start_on.data, follows)
        try:
            made = services.make_scheme(wanted, access.actor())
        except Invalid as error:
            form.take_errors(error.fields)
        except NothingNeeded as error:
            form.form_errors.append(error_pages.words_of(error))
        else:
            return redirect(url_for(".scheme", reference=made.reference), 303)
    return render_template("storefront/needs.html", form=form), 422 if form.errors else 200


def _earlier() -> Scheme | None:
    """The scheme whose answers fill the form; none where it is not of this visit."""
    try:
        return queries.own_scheme(request.args["from"], current_journey()) if "from" in request.args else None
    except SchemeNotFound:
        return None


@blueprint.get("/schemes/<reference>")
def scheme(reference: str) -> ResponseReturnValue:
    """What is needed, what covers it and for how much, what is left open and why. Raises SchemeNotFound."""
    return _page(queries.own_scheme(reference, current_journey()))


@blueprint.post("/schemes/<reference>/parts/<int:part>")
def change_part(reference: str, part: int) -> ResponseReturnValue:
    """Another offer for one part, or none: a new scheme; the old one stays as it is."""
    found = queries.own_scheme(reference, current_journey())
    form = PartForm()
    if not form.validate_on_submit():
        return _page(found, 422)
    by = access.actor()
    if form.offer.data:
        changed = services.take_instead(found, part, UUID(form.offer.data), by)
    else:
        changed = services.leave_out(found, part, by)
    return redirect(url_for(".scheme", reference=changed.reference), 303)


@blueprint.post("/schemes/<reference>/apply")
def apply(reference: str) -> ResponseReturnValue:
    """Apply for all parts together: the basket in which their applications stand. Raises NothingToApplyFor."""
    found = queries.own_scheme(reference, current_journey())
    if not PartForm().validate_on_submit():
        return _page(found, 422)
    basket = services.fill_basket(found)
    customer = access.customer()
    applications.join_basket(basket, customer.id if customer else None)
    return redirect(url_for("basket.basket", basket_id=basket.id), 303)


def _page(found: Scheme, status: int = 200) -> ResponseReturnValue:
    plan = found.plan
    covered = _covered(found)
    return render_template(
        "storefront/scheme.html",
        scheme=found,
        plan=plan,
        covered=covered,
        due_now=sum((each.offer.premium for each in covered), Money(0, CURRENCY)),
        expired=found.expires_at <= clock.business_now(),
        form=PartForm(),
        declared=queries.declared(),
    ), status


def _covered(found: Scheme) -> list[Covered]:
    compared = {item.need: quoting.offers_of(quoting.need(item.comparison)) for item in found.plan.items}
    insurers = insurers_of([offer for offers in compared.values() for offer in offers])
    return [
        _part(found.plan.needs[item.need], item, compared[item.need], insurers)
        for item in sorted(found.plan.items, key=lambda each: each.need)
    ]


def _part(need: StatedNeed, item: Item, offers: Sequence[OfferView], insurers: Mapping[UUID, Insurer]) -> Covered:
    taken = next(offer for offer in offers if offer.id == item.offer_id)
    rest = [offer for offer in offers if offer is not taken and offer.can_be_bought]
    least = sorted(rest, key=lambda offer: (offer.first_year.minor, offer.place))[:OTHERS_SHOWN]
    others = (Other(each, insurers[each.insurer_id], each.first_year - taken.first_year) for each in least)
    return Covered(need, item, taken, insurers[taken.insurer_id], tuple(others))


@blueprint.get("/how-we-plan")
def rule() -> ResponseReturnValue:
    """The declared rule of schemes, in words made from its numbers."""
    return render_template("storefront/planning.html", declared=queries.declared())

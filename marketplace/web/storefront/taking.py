"""A comparison taken along: as a table, or its address by mail. Neither needs an account."""

from collections.abc import Iterator

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField
from wtforms.validators import Length

from marketplace.accounts import services as accounts
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.infra import spreadsheet
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import ids
from marketplace.kernel.errors import Invalid
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import Fit, OfferView
from marketplace.web import pages, papers
from marketplace.web.fields import Form, printable, required
from marketplace.web.storefront.compare import insurers_of, need_of

blueprint = Blueprint("taking", __name__)

LONGEST_ADDRESS = 254
_FITS = {Fit.MET: _l("met"), Fit.NOT_MET: _l("not met"), Fit.UNKNOWN: _l("not known")}


class SendForm(Form):
    """Whoever types the address need not be the one who compares."""

    email = StringField(
        _l("Mail address"),
        [required(), Length(max=LONGEST_ADDRESS), printable],
        description=_l("Used for this one mail and then forgotten."),
        render_kw={"type": "email", "autocomplete": "email", "inputmode": "email", "spellcheck": "false"},
    )


@blueprint.get("/compare/<line>/<reference>/comparison.csv")
def table(line: str, reference: str) -> ResponseReturnValue:
    """Everything the comparison froze, an offer to a line, in its order."""
    definition, need = need_of(line, reference)
    offers = quoting.offers_of(need)
    insurers, locale = insurers_of(offers), current_locale()
    stated = definition.needs(need.stated)
    header = (
        _("Comparison"), _("Made at"), _("Valid until"), _("Ranking rule"), _("Place"), _("Insurer"), _("Product"),
        _("Product code"), _("Version"), _("Clauses"), _("Premium"), _("How often"), _("Payments"), _("Total"),
        _("Currency"),
        *(need.label.in_(locale) for need in stated), *(row.label.in_(locale) for row in definition.rows),
        _("Hash of the tariff"), _("Hash of the content"),
    )  # fmt: skip

    def rows() -> Iterator[tuple[str, ...]]:
        for offer in offers:
            yield (
                need.reference,
                need.business_at.isoformat(timespec="seconds"),
                need.expires_at.isoformat(timespec="seconds"),
                need.ranking_rule,
                *_cells_of(offer, insurers[offer.insurer_id].legal_name.in_(locale)),
                *(str(_FITS[offer.fits[each.code]]) for each in stated),
                *(" · ".join(item.in_(locale) for item in row.items) for row in offer.version.content.comparison()),
                offer.tariff_root,
                offer.content_sha256,
            )

    return papers.download(spreadsheet.csv_bytes(header, rows()), "text/csv", f"comparison-{need.reference}.csv")


def _cells_of(offer: OfferView, insurer: str) -> tuple[str, ...]:
    content = offer.version.content
    return (
        str(offer.place),
        insurer,
        pages.say(content.name),
        content.code,
        str(offer.version.number),
        pages.say(content.clause_name),
        str(offer.premium.major),
        pages.say(offer.frequency.words),
        str(offer.payments),
        str(offer.total.major),
        offer.total.currency,
    )


@blueprint.route("/compare/<line>/<reference>/send", methods=["GET", "POST"])
def send(line: str, reference: str) -> ResponseReturnValue:
    """Its address to one mail address. The mail says nothing that the page does not say to anybody with the address."""
    definition, need = need_of(line, reference)
    form = SendForm()
    there = url_for("compare.comparison", line=line, reference=reference)
    if form.validate_on_submit():
        try:
            address = accounts.count_sharing(form.email.data or "")
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            context = {
                "line_name": pages.say(definition.name),
                "reference": need.reference,
                "valid_until": pages.last_day(need.expires_at),
                "link": f"{current_app.config['PUBLIC_URL']}{there}",
            }
            kind = MessageKind.COMPARISON_LINK
            correspondence.queue(QueueMessage(kind, str(ids.new_id()), address, current_locale(), context))
            flash(_("The address of this comparison is on its way."))
            return redirect(there, 303)
    page = render_template("storefront/send.html", definition=definition, need=need, form=form)
    return page, 422 if form.errors else 200

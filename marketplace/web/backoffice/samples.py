"""Contracts that the lot fell on: what the verifier says of each, and what people make of it (T26-51)."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries, services
from marketplace.web import access
from marketplace.web.fields import Form, lines_of_text, required

blueprint = Blueprint("samples", __name__, url_prefix="/admin/samples")

LONGEST = 2000


class ReportForm(Form):
    conclusions = TextAreaField(
        _l("What follows from it"), [required(), lines_of_text, Length(max=LONGEST)], render_kw={"rows": "3"},
        description=_l(
            "What was found, who does what about it until when, and who is trained again. “Nothing” will do."
        ),
    )  # fmt: skip


@blueprint.get("")
def samples() -> ResponseReturnValue:
    return _page()


@blueprint.post("/draw")
def draw() -> ResponseReturnValue:
    """Beside the monthly one, at any time: for an audit, say."""
    services.draw_sample()
    flash(_("Drawn. The contracts are checked one after the other; this takes some minutes."))
    return redirect(url_for(".samples"), 303)


@blueprint.post("/<uuid:sample_id>")
def read(sample_id: UUID) -> ResponseReturnValue:
    """A named person has read the report."""
    queries.require_sample(sample_id)
    form = ReportForm()
    if not form.validate_on_submit():
        return _page(sample_id, form)
    services.read_sample(sample_id, access.here().id, str(form.conclusions.data))
    flash(_("Noted."))
    return redirect(url_for(".samples"), 303)


def _page(faulty: UUID | None = None, form: ReportForm | None = None) -> ResponseReturnValue:
    """With the form at the report that is to be read next, or at the one that was read but not told of."""
    found = queries.samples()
    unread = [each.id for each in found if each.finished_at and not each.read_at]
    page = render_template(
        "backoffice/samples.html",
        samples=found,
        names=accounts.names_of({each.read_by for each in found if each.read_by}),
        overdue=queries.report_overdue(),
        to_read=faulty or (unread[-1] if unread else None),
        form=form or ReportForm(None),
    )
    return page, 200 if form is None else 422

"""Requests about personal data, their answers, and what the daily forgetting did. Its doors open to compliance only."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import SelectField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length

from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.privacy import queries, services
from marketplace.privacy.values import Outcome, RequestKind
from marketplace.web import access
from marketplace.web.fields import Form, lines_of_text, required

blueprint = Blueprint("data_desk", __name__, url_prefix="/admin/privacy")

LONGEST_ANSWER = 4000
KINDS: dict[RequestKind, str] = {
    RequestKind.ACCESS: _l("access"),
    RequestKind.CORRECTION: _l("correction"),
    RequestKind.RESTRICTION: _l("restriction"),
    RequestKind.OBJECTION: _l("objection"),
    RequestKind.ERASURE: _l("erasure"),
    RequestKind.WITHDRAWAL: _l("withdrawal of consent"),
}
OUTCOMES: dict[Outcome, str] = {
    Outcome.DONE: _l("Done as asked"),
    Outcome.PARTLY: _l("Done in part"),
    Outcome.REFUSED: _l("Not done, with the reason"),
    Outcome.WITHDRAWN: _l("Withdrawn: the account was closed"),
}


class AnswerForm(Form):
    outcome = SelectField(
        _l("Outcome"),
        choices=[
            SelectChoice("", _l("Please choose")),
            *(SelectChoice(each.value, words) for each, words in OUTCOMES.items() if each is not Outcome.WITHDRAWN),
        ],
        validators=[required()],
    )
    answer = TextAreaField(
        _l("Answer to the person"),
        [required(), lines_of_text, Length(max=LONGEST_ANSWER)],
        description=_l("It is read after signing in; the mail only says that there is an answer."),
        render_kw={"rows": "8"},
    )


@blueprint.get("")
def desk() -> ResponseReturnValue:
    return render_template(
        "backoffice/privacy/desk.html",
        requests=queries.queue(),
        runs=queries.latest_runs(),
        due=tuple(queries.contracts_due()),
        kinds=KINDS,
    )


@blueprint.route("/requests/<uuid:request_id>", methods=["GET", "POST"])
def request(request_id: UUID) -> ResponseReturnValue:
    form = AnswerForm()
    found = queries.request(request_id)
    if form.validate_on_submit():
        services.answer_request(request_id, access.here().id, Outcome(form.outcome.data), str(form.answer.data))
        flash(_("The answer to %(reference)s is on its way.", reference=found.reference))
        return redirect(url_for(".desk"), 303)
    page = render_template("backoffice/privacy/request.html", asked=found, form=form, kinds=KINDS, outcomes=OUTCOMES)
    return page, 422 if form.errors else 200

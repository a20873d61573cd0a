"""The desk for reports of false sites and material: read, looked into, answered once."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.correspondence.services import queue
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.disclosure import queries, services
from marketplace.disclosure.values import Report, ReportOutcome
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.web import access
from marketplace.web.fields import Form, lines_of_text, required

blueprint = Blueprint("report_desk", __name__, url_prefix="/admin/reports")

SHOWN = 100
LONGEST_ANSWER = 2000
OUTCOMES: dict[ReportOutcome, tuple[str, str]] = {
    ReportOutcome.FALSE: (_l("It is false"), "bad"),
    ReportOutcome.OURS: (_l("It is ours"), ""),
    ReportOutcome.UNCLEAR: (_l("It could not be found or told"), "plain"),
}


class ReportAnswerForm(Form):
    outcome = RadioField(
        _l("What was found"),
        choices=[SelectChoice(outcome.value, words) for outcome, (words, _tone) in OUTCOMES.items()],
        validators=[required()],
    )
    answer = TextAreaField(
        _l("Answer"),
        [required(), lines_of_text, Length(max=LONGEST_ANSWER)],
        description=_l("It is mailed where an address was given. Write it in the language of the report."),
        render_kw={"rows": "5"},
    )


@blueprint.get("")
def reports() -> ResponseReturnValue:
    return render_template("backoffice/reports/list.html", reports=queries.reports(SHOWN), outcomes=OUTCOMES)


@blueprint.route("/<uuid:report_id>", methods=["GET", "POST"])
def report(report_id: UUID) -> ResponseReturnValue:
    found, form = queries.report(report_id), ReportAnswerForm()
    if form.validate_on_submit():
        answered = services.answer_report(
            report_id, ReportOutcome(form.outcome.data), str(form.answer.data), access.here().id
        )
        _mail(answered)
        flash(_("Answered.") if not answered.email else _("Answered. The mail is on its way."))
        return redirect(url_for(".report", report_id=report_id), 303)
    by = accounts.names_of({found.answered_by}) if found.answered_by else {}
    page = render_template("backoffice/reports/report.html", report=found, form=form, outcomes=OUTCOMES, names=by)
    return page, 422 if form.errors else 200


def _mail(answered: Report) -> None:
    if answered.email:
        told = {"reference": answered.reference, "answer": answered.answer}
        kind = MessageKind.SITE_REPORT_ANSWERED
        queue(QueueMessage(kind, str(answered.id), answered.email, answered.locale, told))

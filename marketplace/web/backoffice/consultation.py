"""Questions to insurers as the marketplace sees them: who waits, how fast is answered, what may become public.

Nothing is answered or passed on here. What was asked in an application is read in the file of its sale, for a reason.
"""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries, services
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.web import access, consulting, desks
from marketplace.web.fields import Form, lines_of_text, required

blueprint = Blueprint("question_desk", __name__, url_prefix="/admin/questions")

LONGEST_REASON = 1000


class AnswerRefusalForm(Form):
    reason = TextAreaField(
        _l("Why it does not become public"),
        [required(), lines_of_text, Length(max=LONGEST_REASON)],
        description=_l("The insurer reads it."),
        render_kw={"rows": "3"},
    )


@blueprint.get("")
def questions() -> ResponseReturnValue:
    waiting, found = queries.waiting_threads(), queries.threads(desks.page_number(), size=desks.PAGE_SIZE)
    threads = (*waiting, *found.threads)
    times = queries.measured_of_all()
    return render_template(
        "backoffice/questions/list.html",
        waiting=waiting,
        found=found,
        times=times,
        proposed=consulting.shown(queries.answers_to_publish()),
        versions=catalog.product_versions({each.product_version_id for each in threads}),
        insurers=accounts.insurers({*times, *(each.insurer_id for each in threads)}),
        states=consulting.STATES,
        now=clock.business_now(),
    )


@blueprint.get("/<uuid:thread_id>")
def question(thread_id: UUID) -> ResponseReturnValue:
    found = queries.conversation(thread_id)
    if found.thread.application_id is not None:
        access.nothing_shown()
        sale = oversight.sale_of_application(found.thread.application_id)
        return redirect(url_for("sales_log.sale", sale_id=sale.id), 303)
    return render_template(
        "backoffice/questions/question.html",
        talk=consulting.talk(found),
        public=consulting.shown(queries.answers_of_thread(thread_id)),
        public_states=consulting.PUBLIC_STATES,
        states=consulting.STATES,
    )


@blueprint.get("/public/<uuid:answer_id>")
def answer(answer_id: UUID) -> ResponseReturnValue:
    """What is to become public, in all its languages, as everybody would read it."""
    return _page(answer_id, AnswerRefusalForm(None))


@blueprint.post("/public/<uuid:answer_id>/publish")
def publish(answer_id: UUID) -> ResponseReturnValue:
    services.publish_answer(answer_id, access.here())
    return _done(answer_id, _("Everybody can read it now."))


@blueprint.post("/public/<uuid:answer_id>/refuse")
def refuse(answer_id: UUID) -> ResponseReturnValue:
    form = AnswerRefusalForm()
    if not form.validate_on_submit():
        return _page(answer_id, form)
    services.refuse_answer(answer_id, access.here(), str(form.reason.data))
    return _done(answer_id, _("Refused. The insurer reads why."))


@blueprint.post("/public/<uuid:answer_id>/withdraw")
def withdraw(answer_id: UUID) -> ResponseReturnValue:
    services.withdraw_answer(answer_id, access.here())
    return _done(answer_id, _("It is shown no more."))


def _done(answer_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".answer", answer_id=answer_id), 303)


def _page(answer_id: UUID, form: AnswerRefusalForm) -> ResponseReturnValue:
    (found,) = consulting.shown([queries.public_answer(answer_id)])
    page = render_template("backoffice/questions/answer.html", shown=found, states=consulting.PUBLIC_STATES, form=form)
    return page, 422 if form.errors else 200

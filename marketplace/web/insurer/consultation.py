"""Customers' questions to an insurer: the queue, the answer by a valid certificate, answers for everybody.

Whoever asked is nobody here: neither name nor address is shown. Another insurer's question does not exist.
"""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import CertificateMissing, Practitioner
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries, services
from marketplace.consultation.values import Conversation
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.web import access, consulting, desks
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.consultation import AnswerQuestionForm, PublicAnswerForm
from marketplace.web.sale_file import refuse_restricted_talk

blueprint = Blueprint("insurer_questions", __name__, url_prefix="/insurer/questions")


@blueprint.get("")
def questions() -> ResponseReturnValue:
    """What waits, whose time is over first on top; then everything, the newest first."""
    insurer_id = own_insurer_id()
    waiting = queries.waiting_threads(insurer_id)
    found = queries.threads(desks.page_number(), only_insurer=insurer_id, size=desks.PAGE_SIZE)
    return render_template(
        "insurer/questions/list.html",
        insurer=accounts.insurer(insurer_id),
        waiting=waiting,
        found=found,
        times=queries.measured(insurer_id),
        versions=catalog.product_versions({each.product_version_id for each in (*waiting, *found.threads)}),
        states=consulting.STATES,
        now=clock.business_now(),
    )


@blueprint.route("/<uuid:thread_id>", methods=["GET", "POST"])
def question(thread_id: UUID) -> ResponseReturnValue:
    """The conversation; its last question is answered here. Raises CertificateMissing for whoever may not
    (403), and Restricted where its customer has left and cover is over.
    """
    found = _conversation(thread_id)
    form = AnswerQuestionForm()
    if form.validate_on_submit():
        try:
            services.answer_question(thread_id, access.here(), str(form.words.data))
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            flash(_("Your answer is on its way."))
            return redirect(url_for(".question", thread_id=thread_id), 303)
    talk = consulting.talk(found)
    page = render_template(
        "insurer/questions/question.html",
        talk=talk,
        answered=found.answered,
        certificate=_certificate(talk),
        public=consulting.shown(queries.answers_of_thread(thread_id)),
        public_states=consulting.PUBLIC_STATES,
        states=consulting.STATES,
        form=form,
    )
    return page, 422 if form.errors else 200


def _conversation(thread_id: UUID) -> Conversation:
    """One of the insurer's. Raises ThreadNotFound, and Restricted as the file of its sale does."""
    found = queries.conversation_of_insurer(thread_id, own_insurer_id())
    refuse_restricted_talk(found.thread, access.actor())
    return found


def _certificate(talk: consulting.Talk) -> Practitioner | None:
    """By which certificate whoever looks may answer this, if by any."""
    try:
        return accounts.answering(access.here().id, talk.version.line.value, clock.today(ZONE))
    except CertificateMissing:
        return None


@blueprint.route("/<uuid:thread_id>/public", methods=["GET", "POST"])
def write_public(thread_id: UUID) -> ResponseReturnValue:
    """Question and answer written anew for everybody; another person publishes them."""
    found = _conversation(thread_id)
    form = PublicAnswerForm()
    if form.validate_on_submit():
        try:
            services.propose_answer(thread_id, access.here(), form.to_value())
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            flash(_("Written. A person of the marketplace reads it before it is public."))
            return redirect(url_for(".question", thread_id=thread_id), 303)
    return _public_page(found, form)


def _public_page(found: Conversation, form: PublicAnswerForm) -> ResponseReturnValue:
    page = render_template("insurer/questions/public.html", talk=consulting.talk(found), form=form)
    return page, 422 if form.errors else 200


@blueprint.get("/public")
def public() -> ResponseReturnValue:
    """Everything that was written for the public, and what became of it."""
    return render_template(
        "insurer/questions/published.html",
        answers=consulting.shown(queries.answers_of_insurer(own_insurer_id())),
        states=consulting.PUBLIC_STATES,
    )


@blueprint.post("/public/<uuid:answer_id>/withdraw")
def withdraw(answer_id: UUID) -> ResponseReturnValue:
    """It is true no more, such as for a newer version of the product."""
    queries.answer_of_insurer(answer_id, own_insurer_id())
    services.withdraw_answer(answer_id, access.here())
    flash(_("It is shown no more."))
    return redirect(url_for(".public"), 303)

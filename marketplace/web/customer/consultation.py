"""Ask the insurer: from a product's page, from an application, and in one's own account.

A question reaches the insurer once the asker's mail address is proven: by being signed in, or by a code as everywhere
else. The page is of its own, so that nothing typed elsewhere is lost.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as account_queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import CodePurpose, CodeRefused, EventOutcome, SecurityEventType, TooManyTries
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries, services
from marketplace.consultation.values import Asker, NewQuestion, Thread
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid, NotFound
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import NeedErased
from marketplace.web import access, audit, consulting
from marketplace.web.customer import asked, entry
from marketplace.web.customer.account import form_page, too_many
from marketplace.web.customer.forms.account import CodeForm
from marketplace.web.customer.forms.consultation import AskForm, PublicConsentForm, QuestionForm, ReplyForm
from marketplace.web.customer.road import address_of, own_view, page
from marketplace.web.tracing import Traced, current_journey, render_traced, seen_page_version, token_of, version_of

blueprint = Blueprint("consultation", __name__)

_KEPT, _ASK = "question", "customer/consultation/ask.html"
UNDER_WAY = {State.STARTED, State.SUBMITTED, State.REFERRED, State.ACCEPTED}


@blueprint.route("/offers/<uuid:offer_id>/ask", methods=["GET", "POST"])
def ask(offer_id: UUID) -> ResponseReturnValue:
    """About a product, before anything is applied for. Raises NeedErased, NotFound for rates that cannot be bought."""
    offer = quoting.offer(offer_id)
    if offer.need.erased:
        raise NeedErased
    if not offer.can_be_bought:
        raise NotFound
    form = _form()
    if form.validate_on_submit():
        new = NewQuestion(offer.insurer_id, offer.version.id, str(form.words.data), current_locale())
        if (sent := _sent(form, new)) is not None:
            return sent
    insurer = account_queries.insurer(offer.insurer_id)
    traced = Traced(
        product_version_id=offer.version.id,
        insurer_id=offer.insurer_id,
        body={"need_id": offer.need.id, "offer_id": offer.id},
    )
    shown = {"form": form, "offer": offer, "insurer": insurer, "times": queries.measured(insurer.id)}
    return _not_sent(traced, shown) if form.errors else render_traced(_ASK, traced, **shown)


def _not_sent(traced: Traced, shown: dict[str, Any]) -> ResponseReturnValue:
    """The form again with what was typed, which is not recorded: what is not sent is nobody's, and the address would
    stand in the evidence of whatever comes of the visit.
    """
    seen = token_of(version_of(_ASK, traced).version_id)
    return render_template(_ASK, seen=seen, **shown), audit.form_status(shown["form"].errors)


@blueprint.route("/application/<uuid:application_id>/ask", methods=["GET", "POST"])
def of_application(application_id: UUID) -> ResponseReturnValue:
    """In an application: a sales page, recorded with it; what was asked before and the answers stand on it (T26-29).
    Where it is nobody's yet, it is the asker's from the question on, so it has to be one that can go on. Raises what
    `require_live` does.
    """
    view = own_view(application_id)
    told, form, customer = view.application, _form(), access.customer()
    if told.account_id is None:
        if told.state is not State.STARTED:
            return redirect(address_of(view), 303)
        quoting.require_live(view.offer)
    if form.validate_on_submit():
        new = NewQuestion(told.insurer_id, told.product_version_id, str(form.words.data), current_locale(), told.id)
        if (sent := _sent(form, new)) is not None:
            return sent
    return page(
        view, view.next_step, "ask", form=form, status=audit.form_status(form.errors),
        talk=consulting.talk_of_application(told.id) if told.account_id else None,
        times=queries.measured(told.insurer_id), states=consulting.STATES,
        address=customer.email if customer else None,
    )  # fmt: skip


def _form() -> Any:
    return QuestionForm() if access.customer() else AskForm()


def _sent(form: Any, new: NewQuestion) -> Response | None:
    """Where a valid question leads; None where it was not taken, and the form says why."""
    customer = access.customer()
    by = Asker(current_journey(), customer.id if customer else None, seen_page_version())
    try:
        if customer is not None:
            return _to(services.ask_question(by, new, customer))
        code = accounts.request_code(
            str(form.email.data), CodePurpose.CONSULTATION_EMAIL, access.source(), current_locale(),
            device=access.device(),
        )  # fmt: skip
        kept = services.prepare_question(by, new)
    except Invalid as error:
        form.take_errors(error.fields)
    except TooManyTries as error:
        form.form_errors.append(too_many(error))
    else:
        asked.send_code(CodePurpose.CONSULTATION_EMAIL, code)
        session[_KEPT] = str(kept.id)
        return redirect(url_for(".code"), 303)  # type: ignore[return-value]  # the stubs name Werkzeug's own response
    return None


def _to(thread: Thread) -> Response:
    flash(_("Your question %(reference)s is with the insurer. We mail you when it is answered.",
            reference=thread.reference))  # fmt: skip
    if thread.application_id is not None:
        there = url_for(".of_application", application_id=thread.application_id)
    else:
        there = url_for(".thread", thread_id=thread.id)
    return redirect(there, 303)  # type: ignore[return-value]  # the stubs name Werkzeug's own response


@blueprint.route("/ask/code", methods=["GET", "POST"])
def code() -> ResponseReturnValue:
    """The code from the mail proves the address; only then does anybody read the question."""
    kept, purpose = session.get(_KEPT), CodePurpose.CONSULTATION_EMAIL
    address = account_queries.address_of_code(purpose, asked.challenge_of(purpose))
    if not kept or address is None:
        flash(_("A code works in the browser that asked for it. Please ask your question here once more."))
        return redirect(url_for("home.home"))
    thread_id = UUID(kept)
    form = CodeForm()
    if form.validate_on_submit():
        try:
            typed, challenge_id = str(form.code.data), asked.challenge_of(purpose)
            account = accounts.prove_code(
                address, purpose, challenge_id, typed, access.source(), device=access.device()
            )
            thread = services.confirm_question(thread_id, Asker(current_journey(), None), account)
        except CodeRefused as error:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            session.pop(_KEPT)
            entry.enter(account)
            return _to(thread)
    words = _("We have sent a code to %(address)s. With it your question goes to the insurer.", address=address)
    return form_page(form, _("Please type the code from our mail"), _("Send the question"), words)


@blueprint.get("/account/questions")
def questions() -> ResponseReturnValue:
    found = queries.threads_of_account(access.here().id)
    return render_template(
        "customer/consultation/questions.html",
        threads=found,
        versions=catalog.product_versions({each.product_version_id for each in found}),
        insurers=account_queries.insurers({each.insurer_id for each in found}),
        states=consulting.STATES,
    )


@blueprint.route("/account/questions/<uuid:thread_id>", methods=["GET", "POST"])
def thread(thread_id: UUID) -> ResponseReturnValue:
    """One's own question. While its application is under way it stands there, where what is shown is recorded."""
    found = queries.own_conversation(thread_id, access.here().id)
    form = ReplyForm()
    if form.validate_on_submit():
        try:
            services.write_on(thread_id, _asker(found.thread), str(form.words.data))
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.form_errors.append(too_many(error))
        else:
            flash(_("It is with the insurer. We mail you when it is answered."))
            return redirect(url_for(".thread", thread_id=thread_id), 303)
    if (application_id := found.thread.application_id) and not form.errors:
        told = applications.application(application_id)
        if told.state in UNDER_WAY:
            return redirect(url_for(".of_application", application_id=application_id), 303)
    return _thread_page(thread_id, form, PublicConsentForm(None))


@blueprint.post("/account/questions/<uuid:thread_id>/public")
def consent(thread_id: UUID) -> ResponseReturnValue:
    """Agree to a public answer, by the text that stood on the page. Raises TextChanged."""
    found = queries.own_conversation(thread_id, access.here().id)
    form = PublicConsentForm()
    if not form.validate_on_submit():
        return _thread_page(thread_id, ReplyForm(None), form)
    services.consent_to_public_answer(thread_id, _asker(found.thread), str(form.sha256.data))
    flash(_("Thank you. You can take this back here at any time."))
    return redirect(url_for(".thread", thread_id=thread_id), 303)


@blueprint.post("/account/questions/<uuid:thread_id>/public/withdraw")
def withdraw(thread_id: UUID) -> ResponseReturnValue:
    found = queries.own_conversation(thread_id, access.here().id)
    services.withdraw_consent(thread_id, _asker(found.thread))
    flash(_("You have taken your consent back. Nothing of this question is public any more."))
    return redirect(url_for(".thread", thread_id=thread_id), 303)


def _asker(found: Thread) -> Asker:
    """Whoever asked, in the journey in which they did: a page of the account is none that is recorded."""
    return Asker(found.journey_id, access.here().id)


def _thread_page(thread_id: UUID, form: ReplyForm, consenting: PublicConsentForm) -> ResponseReturnValue:
    found = queries.own_conversation(thread_id, access.here().id)
    rendered = render_template(
        "customer/consultation/thread.html",
        talk=consulting.talk(found),
        answered=found.answered,
        public=consulting.shown(queries.answers_of_thread(thread_id)),
        public_states=consulting.PUBLIC_STATES,
        states=consulting.STATES,
        wording=disclosure.wording(WordingKey.PUBLIC_ANSWER_CONSENT, current_locale()),
        form=form,
        consenting=consenting,
    )
    return rendered, audit.form_status(form.errors or consenting.errors)

"""The application, one question and one page at a time. Every step is gated and recorded by the application itself."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as account_queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import CodePurpose, CodeRefused, EventOutcome, SecurityEventType, TooManyTries
from marketplace.application import queries as applications
from marketplace.application import services
from marketplace.application.queries.suiting import suitability_comes_up
from marketplace.application.values import (
    MARKETS,
    Acting,
    AgeDiffers,
    AlreadySubmitted,
    Application,
    DeclarationOutdated,
    DocumentNotOpened,
    NoCounterOffer,
    OwnerSignedOut,
    State,
    Step,
    StepNotReached,
    TextChanged,
    ToldChanged,
)
from marketplace.checkout import services as checkout
from marketplace.disclosure.values import WordingKey
from marketplace.infra import storage
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.letterhead import letterhead
from marketplace.kernel.errors import Invalid, NotFound, Refused
from marketplace.privacy import services as privacy
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferExpired, OfferView, OfferVoided, ProductWithdrawn
from marketplace.traceability.values import EntryType
from marketplace.underwriting import queries as underwriting
from marketplace.web import access, announced, audit, error_pages, parties
from marketplace.web.customer import asked, entry, referral
from marketplace.web.customer.account import too_many
from marketplace.web.customer.forms.account import CodeForm, EmailForm
from marketplace.web.customer.forms.application import (
    ConfirmForm,
    DeclareForm,
    DocumentForm,
    EnterForm,
    NoticesForm,
    people_data,
    people_form,
    people_of,
    questions_form,
    shared_people,
)
from marketplace.web.customer.paying import later_of
from marketplace.web.customer.road import acting, address_of, at_step, left_out, own_view, page, steps, wordings
from marketplace.web.customer.suitability import stated
from marketplace.web.fields import factor_faults, risk_words
from marketplace.web.papers import insurers_document
from marketplace.web.tracing import FormNotCurrent, Traced, current_journey, render_traced

blueprint = Blueprint("application", __name__)


@blueprint.app_errorhandler(StepNotReached)
@blueprint.app_errorhandler(AlreadySubmitted)
@blueprint.app_errorhandler(NoCounterOffer)
def go_on_where_you_are(error: StepNotReached | AlreadySubmitted | NoCounterOffer) -> ResponseReturnValue:
    """A skipped or repeated step: a reader is led to the right page; a form is refused, says where to go on, and that
    it was sent is kept among what happens at the doors.
    """
    resume = _where_to_go_on()
    if request.method == "GET" and resume:
        return redirect(resume)
    audit.note(SecurityEventType.STEP_OUT_OF_ORDER, EventOutcome.REFUSED, {"reason": error.code})
    return error_pages.page(409, error_pages.words_of(error), resume=resume)


def _where_to_go_on() -> str | None:
    """The address that leads to the step that may be done, of the application or the basket this is about."""
    given = request.view_args or {}
    if "application_id" in given:
        return url_for("application.resume", application_id=given["application_id"])
    return url_for("basket.basket", basket_id=given["basket_id"]) if "basket_id" in given else None


@blueprint.app_errorhandler(OwnerSignedOut)
def prove_it_again(error: OwnerSignedOut) -> ResponseReturnValue:
    """Nothing was done; by a code the owner comes back to where they were. Staff have nothing to prove here."""
    if access.signed_in():
        return error_pages.page(404)
    flash(error_pages.words_of(error))
    return redirect(url_for("account.find", next=_where_to_go_on() or request.path), 303)


@blueprint.app_errorhandler(TextChanged)
@blueprint.app_errorhandler(ToldChanged)
@blueprint.app_errorhandler(FormNotCurrent)
def read_it_again(error: TextChanged | ToldChanged | FormNotCurrent) -> ResponseReturnValue:
    """A form whose page says something else by now: the way back is the step that may be done."""
    return error_pages.page(409, error_pages.words_of(error), resume=_where_to_go_on())


@blueprint.app_errorhandler(OfferExpired)
@blueprint.app_errorhandler(OfferVoided)
@blueprint.app_errorhandler(ProductWithdrawn)
@blueprint.app_errorhandler(DeclarationOutdated)
def compare_again(error: OfferExpired | OfferVoided | ProductWithdrawn | DeclarationOutdated) -> ResponseReturnValue:
    """What holds no longer: the way back is the comparison with the same answers, or the basket, whose other parts may
    hold.
    """
    given = request.view_args or {}
    again = None
    if "offer_id" in given:
        again = _comparison_form(quoting.offer(given["offer_id"]))
    elif "application_id" in given:
        again = _comparison_form(own_view(given["application_id"]).offer)
    resume = _where_to_go_on() if "basket_id" in given else None
    return error_pages.page(409, error_pages.words_of(error), resume=resume, again=again)


def _comparison_form(offer: OfferView) -> str:
    return f"{url_for('compare.ask', line=offer.need.line.value)}?from={offer.need.reference}"


@blueprint.route("/apply/<uuid:offer_id>", methods=["GET", "POST"])
def enter(offer_id: UUID) -> ResponseReturnValue:
    """The entry page: what follows is an application and is recorded (T26-09, T26-10), and the two notices, each
    confirmed by itself (O13-47, T26-30). Nothing personal before it.
    """
    announced.require_open()
    offer = quoting.live_offer(offer_id)
    if offer.need.journey_id != current_journey():
        flash(_("This price was calculated on another device or for somebody else. Please compare once more here."))
        return redirect(_comparison_form(offer))
    form = NoticesForm()
    if form.validate_on_submit():
        by = acting()
        opened = services.open_application(by, offer_id, current_locale())
        services.acknowledge_entry(by, opened.id)
        services.acknowledge_privacy_notice(by, opened.id, str(form.privacy_sha256.data))
        services.acknowledge_client_notice(by, opened.id, str(form.client_sha256.data))
        _take_over_address(by, opened)
        return redirect(url_for(".resume", application_id=opened.id), 303)
    content = offer.version.content
    market = MARKETS[content.profile]
    texts, hashes = wordings(WordingKey.ENTRY_NOTICE, WordingKey.CLIENT_NOTICE, WordingKey.PRIVACY_NOTICE, market)
    return render_traced(
        "customer/application/enter.html",
        Traced(EntryType.ENTRY_SHOWN, offer.version.id, insurer_id=offer.insurer_id, wordings=hashes,
               body={"need_id": offer.need.id, "offer_id": offer.id}),
        form=form,
        steps=steps(Step.EMAIL, left_out=left_out(content, needs=suitability_comes_up(offer))),
        offer=offer,
        content=content,
        application=None,
        insurer=(insurer := account_queries.insurer(offer.insurer_id)),
        branches=parties.branch_note(insurer, parties.region_told(offer.need)),
        status=audit.form_status(form.errors),
        market=texts[market.value],
        us=letterhead(),
        **texts,
    )  # fmt: skip


def _take_over_address(by: Acting, opened: Application) -> None:
    """Whoever proved an address for one line of a basket has proved it for the next."""
    customer = access.customer()
    if customer is None or opened.basket_id is None or opened.account_id is not None:
        return
    if any(each.account_id == customer.id for each in applications.applications_of_basket(opened.basket_id).values()):
        services.bind_account(by, opened.id, customer)


@blueprint.get("/application/<uuid:application_id>")
def resume(application_id: UUID) -> ResponseReturnValue:
    return redirect(address_of(own_view(application_id)))


@blueprint.route("/application/<uuid:application_id>/email", methods=["GET", "POST"])
def email(application_id: UUID) -> ResponseReturnValue:
    """The address the policy goes to; a signed-in customer's own address is taken."""
    view = at_step(application_id, Step.EMAIL)
    if view.application.account_id is not None:
        return redirect(address_of(view), 303)
    customer = access.customer()
    form = EmailForm(data={"email": customer.email if customer else view.application.email})
    if form.validate_on_submit():
        try:
            return _take_address(application_id, str(form.email.data))
        except Invalid as error:
            form.take_errors(error.fields)
        except TooManyTries as error:
            form.take_errors({"email": too_many(error)})
    return page(
        view, Step.EMAIL, "form", form=form, title=_("Where shall we send your policy?"),
        words=_("We send a code to this address, so that nobody else can apply in your name. No account is needed."),
        button=_("Continue"), status=audit.form_status(form.errors),
    )  # fmt: skip


def _take_address(application_id: UUID, address: str) -> ResponseReturnValue:
    by, customer = acting(), access.customer()
    if customer and customer.email == address.lower():
        services.bind_account(by, application_id, customer)
        return redirect(url_for(".resume", application_id=application_id), 303)
    services.give_email(by, application_id, address)
    _send_code(by, application_id, address)
    return redirect(url_for(".code", application_id=application_id), 303)


def _send_code(by: Acting, application_id: UUID, address: str) -> None:
    purpose = CodePurpose.APPLICATION_EMAIL
    request = accounts.request_code(address, purpose, access.source(), current_locale(), device=access.device())
    asked.send_code(purpose, request)
    services.note_code_sent(by, application_id)


@blueprint.route("/application/<uuid:application_id>/code", methods=["GET", "POST"])
def code(application_id: UUID) -> ResponseReturnValue:
    """The code from the mail proves the address; from then on the application belongs to its owner."""
    view = at_step(application_id, Step.EMAIL)
    if view.application.account_id is not None:
        return redirect(address_of(view), 303)
    address = view.application.email
    if address is None:
        raise StepNotReached(Step.EMAIL)
    form, purpose = CodeForm(), CodePurpose.APPLICATION_EMAIL
    if form.validate_on_submit():
        try:
            typed, challenge_id = str(form.code.data), asked.challenge_of(purpose)
            account = accounts.prove_code(
                address, purpose, challenge_id, typed, access.source(), device=access.device()
            )
        except CodeRefused as error:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            form.take_errors({"code": str(error)})
        except TooManyTries as error:
            form.take_errors({"code": too_many(error)})
        else:
            services.bind_account(acting(), application_id, account)
            entry.enter(account)
            return redirect(url_for(".resume", application_id=application_id), 303)
    return page(
        view, Step.EMAIL, "form", form=form, title=_("Please type the code from our mail"),
        words=_("We have sent it to %(address)s. It works for ten minutes.", address=address), button=_("Continue"),
        mailed=address,
        other_address=url_for(".email", application_id=application_id),
        status=audit.form_status(form.errors),
    )  # fmt: skip


@blueprint.route("/application/<uuid:application_id>/people", methods=["GET", "POST"])
def people(application_id: UUID) -> ResponseReturnValue:
    """Who applies and who is insured. Where the age is not the one priced, a new price is offered on the same page."""
    view = at_step(application_id, Step.PEOPLE)
    definition, risk = view.offer.version.content.definition, view.offer.need.risk
    rated_sex = str(risk[definition.sex_factor]) if definition.sex_factor else None
    beside = applications.given_beside(view.application)
    form: Any = people_form(definition, children=view.offer.version.content.insures_children)(
        data=people_data(view.application.people) or shared_people(beside)
    )
    recalculate = None
    if form.validate_on_submit():
        told = people_of(form, definition, rated_sex)
        try:
            by = acting()
            new_age = request.form.get("new_age", type=int)
            if new_age is not None and definition.age_factor:
                services.take_new_offer(by, application_id, {definition.age_factor: new_age})
                if own_view(application_id).next_step is Step.NEEDS:
                    flash(_("The new price is for other words of the product. Please look at this once more."))
                    return redirect(url_for(".resume", application_id=application_id), 303)
            services.give_people(by, application_id, told)
            return redirect(url_for(".resume", application_id=application_id), 303)
        except AgeDiffers as error:
            recalculate = error.actual_age
            form.form_errors.append(
                _("The price is for age %(rated)s, but the insured person will be %(actual)s when cover begins.",
                  rated=error.rated_age, actual=error.actual_age)
            )  # fmt: skip
        except Invalid as error:
            form.take_errors(factor_faults(definition, error.fields))
        except Refused as error:
            form.form_errors.append(error_pages.words_of(error))
    return page(view, Step.PEOPLE, "people", form=form, recalculate=recalculate, status=audit.form_status(form.errors))


@blueprint.route("/application/<uuid:application_id>/questions", methods=["GET", "POST"])
def questions(application_id: UUID) -> ResponseReturnValue:
    """The insurer's questions, unchanged, each answered on its own; before them what follows from untrue answers
    (T26-18), and the consent to their use where they may concern health.
    """
    view = at_step(application_id, Step.QUESTIONS)
    asked = tuple(each.question for each in view.questions)
    given = {each.question.id: "yes" if each.answer else "no" for each in view.questions if each.answer is not None}
    fields = questions_form(asked, with_notice=not view.notice_acknowledged, with_consent=view.consent_missing)
    form: Any = fields(data=given)
    if form.validate_on_submit():
        by = acting()
        if not view.notice_acknowledged:
            services.acknowledge_health_notice(by, application_id)
        if view.consent_missing:
            services.give_health_consent(by, application_id, str(form.consent_sha256.data))
        services.give_answers(by, application_id, {each.id: form[each.id].data == "yes" for each in asked})
        return redirect(url_for(".resume", application_id=application_id), 303)
    wanted = (WordingKey.HEALTH_CONSENT,) if view.consent_missing else ()
    texts, hashes = wordings(WordingKey.TRUTHFUL_ANSWERS, *wanted)
    return page(
        view, Step.QUESTIONS, "questions", form=form, questions=asked, notice_missing=not view.notice_acknowledged,
        consent_missing=view.consent_missing,
        traced=Traced(wordings=hashes), status=audit.form_status(form.errors), **texts,
    )  # fmt: skip


@blueprint.route("/application/<uuid:application_id>/consent", methods=["GET", "POST"])
def consent(application_id: UUID) -> ResponseReturnValue:
    """Withdraw the consent to the use of the answers about health: what follows from it, then one button."""
    view = own_view(application_id)
    form = EnterForm()
    if form.validate_on_submit():
        asked = privacy.withdraw_health_consent(acting(), application_id)
        flash(
            _("We have your withdrawal %(reference)s. A person decides about it and answers you.",
              reference=asked.reference)
            if asked
            else _("Your consent is withdrawn. Your answers are erased and the application is taken back.")
        )  # fmt: skip
        return redirect(url_for("privacy.overview" if access.customer() else "home.home"), 303)
    if view.health_consent is None or view.health_consent.withdrawn_at is not None:
        return redirect(address_of(view))
    concluded = view.application.state is State.CONTRACTED
    step = Step.DONE if concluded else Step.QUESTIONS
    return page(view, step, "consent", form=form, consent=view.health_consent, concluded=concluded)


@blueprint.route("/application/<uuid:application_id>/documents", methods=["GET", "POST"])
@blueprint.route("/application/<uuid:application_id>/documents/<int:number>", methods=["GET", "POST"])
def document(application_id: UUID, number: int | None = None) -> ResponseReturnValue:
    """Each document is read and confirmed on its own, by the hash of its bytes (T26-14, T26-23)."""
    view = at_step(application_id, Step.DOCUMENTS)
    if number is None:
        waiting = [place for place, each in enumerate(view.documents, 1) if not each.confirmed]
        return redirect(url_for(".document", application_id=application_id, number=waiting[0] if waiting else 1))
    if not 1 <= number <= len(view.documents):
        raise NotFound
    shown = view.documents[number - 1].document
    form = DocumentForm(data={"sha256": shown.sha256})
    if form.is_submitted() and form.open.data:
        opened = services.open_document(acting(), application_id, shown.id)
        return insurers_document(storage.get(opened.sha256), opened.media_type)
    if form.validate_on_submit():
        try:
            services.confirm_document(acting(), application_id, shown.id, str(form.sha256.data))
        except DocumentNotOpened:
            form.confirm.errors = [_("Please open the document and read it before you confirm it.")]
        else:
            return redirect(url_for(".resume", application_id=application_id), 303)
    body = {"document_id": shown.id, "sha256": shown.sha256}
    type_ = EntryType.DOCUMENT_OPENED if shown.is_shown_as_text else EntryType.PAGE_SHOWN
    return page(
        view, Step.DOCUMENTS, "document", form=form, document=shown, number=number, total=len(view.documents),
        text=storage.get(shown.sha256).decode() if shown.is_shown_as_text else "",
        traced=Traced(type_, documents=(shown.sha256,), body=body), status=audit.form_status(form.errors),
    )  # fmt: skip


@blueprint.route("/application/<uuid:application_id>/exclusions", methods=["GET", "POST"])
def exclusions(application_id: UUID) -> ResponseReturnValue:
    """What is not covered, on a page of its own, nothing folded away (T26-15, T26-16)."""
    view = at_step(application_id, Step.EXCLUSIONS)
    form = ConfirmForm(data={"sha256": view.exclusions_sha256})
    if form.validate_on_submit():
        services.confirm_exclusions(acting(), application_id, str(form.sha256.data))
        return redirect(url_for(".resume", application_id=application_id), 303)
    return page(view, Step.EXCLUSIONS, "exclusions", form=form, status=audit.form_status(form.errors))


@blueprint.route("/application/<uuid:application_id>/review", methods=["GET", "POST"])
def review(application_id: UUID) -> ResponseReturnValue:
    """Everything once more, then the declaration. The insurer's guideline decides at once."""
    form = DeclareForm()
    if form.validate_on_submit():
        submitted = services.submit(acting(), application_id, str(form.sha256.data))
        if submitted.state is State.ACCEPTED and submitted.account_id and submitted.basket_id is None:
            checkout.place_order([application_id], submitted.account_id)
        return redirect(url_for(".resume", application_id=application_id), 303)
    view = at_step(application_id, Step.REVIEW)
    content, need = view.offer.version.content, view.offer.need
    definition = content.definition
    texts, hashes = wordings(WordingKey.APPLICATION_DECLARATION, WordingKey.ELECTRONIC_DELIVERY)
    return page(
        view, Step.REVIEW, "review", form=form, told_sha256=view.told_sha256, proof=view.identity,
        statement=stated(view), suits_asked=bool(view.circumstances_asked),
        later=later_of(view.offer),
        start_on=need.start_on, may_change=True,
        last_day_of_cover=content.term.end_of(need.start_on, need.risk) - timedelta(days=1),
        chips=[told for told in risk_words(definition, need.risk) if told[0].name != definition.frequency_factor],
        traced=Traced(wordings=hashes), status=audit.form_status(form.errors), **texts,
    )  # fmt: skip


@blueprint.get("/application/<uuid:application_id>/ended")
def ended(application_id: UUID) -> ResponseReturnValue:
    """Referred, postponed, declined, refused or lapsed: what it means, in words, with the insurer's reasons."""
    view = own_view(application_id)
    if view.application.state is State.REFERRED and underwriting.open_inquiry(application_id) is not None:
        return redirect(url_for("referral.question", application_id=application_id))
    told = referral.how_it_ended(view)
    if told is None:
        return redirect(address_of(view))
    return page(view, Step.DONE, "ended", told=told)

"""What an applicant sees of underwriting: how it ended, a question of the insurer, and an offer on other terms."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.application import services
from marketplace.application.values import ApplicationView, State, Step
from marketplace.checkout import services as checkout
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import ZONE, format_day
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText
from marketplace.quoting.values import OfferView
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import RecordedDecision
from marketplace.web import audit
from marketplace.web.customer.forms.referral import CounterOfferForm, InquiryAnswerForm
from marketplace.web.customer.road import acting, address_of, own_view, page, wordings
from marketplace.web.tracing import Traced

blueprint = Blueprint("referral", __name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """Title and words of how an application stands, the insurer's reasons, and until when something is to happen."""

    title: str
    words: str
    reasons: tuple[LocalizedText | str, ...]
    may_compare: bool = True


def how_it_ended(view: ApplicationView) -> Ended | None:
    """None where the application goes on elsewhere."""
    decision = underwriting.decision_of(view.application.id)
    words = _words(view, decision)
    if words is None:
        return None
    waits = view.application.state in {State.REFERRED, State.SUBMITTED}
    return Ended(words[0], words[1], reasons_of(decision) if decision else (), may_compare=not waits)


def _words(view: ApplicationView, decision: RecordedDecision | None) -> tuple[str, str] | None:
    match view.application.state:
        case State.REFERRED:
            return _("The insurer will look at your application"), _waiting(view)
        case State.SUBMITTED:
            return _("Somebody looks at your application first"), _(
                "We look at some applications ourselves before the insurer decides. You need do nothing: we write to "
                "you, as a rule by the end of the next working day. You have paid nothing, and your application does "
                "not lapse while it waits."
            )
        case State.DECLINED if decision is None:
            return _("We cannot conclude this contract"), _(
                "You have paid nothing, and you are not insured by it. If you have a question, write to us."
            )
        case State.POSTPONED:
            until = decision.terms.until if decision else None
            again = _("From %(day)s on you may apply again.", day=format_day(until)) if until else ""
            return _("The insurer would like to wait"), again + " " + _(
                "That is not a refusal. You have paid nothing. Other insurers may decide differently."
            )
        case State.DECLINED:
            return (
                _("The insurer cannot accept this application"),
                _("You have paid nothing. Other insurers may decide differently."),
            )
        case State.REFUSED:
            return (
                _("You did not want the other terms"),
                _("Your application has ended with that. Nothing was charged, and you are not insured by it."),
            )
        case State.LAPSED:
            return _("This application has lapsed"), _("Its price was not paid in time. Nothing was charged.")
        case _:
            return None


def _waiting(view: ApplicationView) -> str:
    wait = underwriting.waits([view.application.id])[view.application.id]
    last = (wait.due_at - timedelta(seconds=1)).astimezone(ZoneInfo(ZONE)).date()
    if wait.overdue:
        return _(
            "One of your answers needs a person’s eye. The insurer should have written to you by %(day)s and has not "
            "yet. We know of this and follow it up. Your application does not lapse because of it, and its price "
            "stays.",
            day=format_day(last),
        )
    return _(
        "One of your answers needs a person’s eye. The insurer writes to you by %(day)s. You pay nothing before it has "
        "accepted, and your application does not lapse while it waits.",
        day=format_day(last),
    )


def reasons_of(decision: RecordedDecision) -> tuple[LocalizedText | str, ...]:
    """What a person wrote, or else what the insurer's guideline says of each answer."""
    if decision.decision.words:
        return (decision.decision.words,)
    return tuple(reason.words for reason in decision.reasons if reason.words)


@blueprint.route("/application/<uuid:application_id>/question", methods=["GET", "POST"])
def question(application_id: UUID) -> ResponseReturnValue:
    """A question of the underwriter, answered once; the answer goes back to the desk."""
    view = own_view(application_id)
    inquiry = underwriting.open_inquiry(application_id) if view.application.state is State.REFERRED else None
    if inquiry is None:
        return redirect(address_of(view), 303)
    form = InquiryAnswerForm()
    if form.validate_on_submit():
        try:
            services.answer_underwriter(acting(), application_id, inquiry.number, str(form.answer.data))
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            flash(_("Thank you. Your answer is with the insurer."))
            return redirect(address_of(view), 303)
    return page(
        view, Step.DONE, "inquiry", form=form, inquiry=inquiry, status=audit.form_status(form.errors),
        traced=Traced(body={"number": inquiry.number}),
    )  # fmt: skip


@blueprint.route("/application/<uuid:application_id>/other-terms", methods=["GET", "POST"])
def offer(application_id: UUID) -> ResponseReturnValue:
    """What was applied for and what the insurer offers, side by side; agreed to by a consent of its own, or refused."""
    form, resume = CounterOfferForm(), url_for("application.resume", application_id=application_id)
    if form.refuse.data:
        services.refuse_counter_offer(acting(), application_id)
        return redirect(resume, 303)
    if form.validate_on_submit():
        accepted = services.accept_counter_offer(acting(), application_id, str(form.sha256.data))
        if accepted.account_id and accepted.basket_id is None:
            checkout.place_order([application_id], accepted.account_id)
        return redirect(resume, 303)
    view = own_view(application_id)
    counter = view.counter
    if view.application.state is not State.COUNTERED or counter is None:
        return redirect(address_of(view), 303)
    texts, hashes = wordings(WordingKey.COUNTER_OFFER)
    body: dict[str, Any] = {"offer_id": view.offer.id, "decision_sha256": counter.decision.sha256}
    return page(
        view, Step.REVIEW, "counter_offer", form=form, counter=counter, before=counter.before,
        reasons=reasons_of(counter.decision), last_days=[_last_day(each) for each in (counter.before, view.offer)],
        moved=counter.before.need.start_on != view.offer.need.start_on,
        traced=Traced(wordings=hashes, body=body), status=audit.form_status(form.errors), **texts,
    )  # fmt: skip


def _last_day(of: OfferView) -> date:
    return of.version.content.term.end_of(of.need.start_on, of.need.risk) - timedelta(days=1)

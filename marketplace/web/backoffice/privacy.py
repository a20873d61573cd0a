"""Requests about personal data and their answers, how long contracts are kept and what holds them, and what the daily
forgetting did. Its doors open to compliance only.
"""

from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask import request as asked_now
from flask.typing import ResponseReturnValue
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.infra.formatting import use_locale
from marketplace.policy import queries as policies
from marketplace.policy.values import Ending
from marketplace.privacy import queries, services
from marketplace.privacy.values import NOTICE, ContractHeld, Dispute, OpenHold, Outcome, RequestKind
from marketplace.web import access, error_pages
from marketplace.web.fields import Form, lines_of_text, printable, required

blueprint = Blueprint("data_desk", __name__, url_prefix="/admin/privacy")

LONGEST_ANSWER, LONGEST_REFERENCE = 4000, 120
MOST_DUE = 500
DISPUTES: dict[Dispute, str] = {Dispute.COMPLAINT: _l("complaint"), Dispute.LAWSUIT: _l("lawsuit")}
ENDINGS: dict[Ending, str] = {
    Ending.EXPIRED: _l("ran out"),
    Ending.WITHDRAWN: _l("withdrawn from"),
    Ending.SURRENDERED: _l("surrendered"),
    Ending.VOID: _l("declared void"),
    Ending.CLAIM_PAID: _l("claim paid in full"),
    Ending.CANCELLED: _l("cancelled"),
}
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


class HoldForm(Form):
    kind = SelectField(
        _l("What it is"),
        choices=[
            SelectChoice("", _l("Please choose")),
            *(SelectChoice(each.value, words) for each, words in DISPUTES.items()),
        ],
        validators=[required()],
    )
    reference = StringField(
        _l("Number of the case"),
        [required(), printable, Length(max=LONGEST_REFERENCE)],
        description=_l("Ours, the regulator’s or the court’s."),
    )
    reason = TextAreaField(
        _l("What it is about"),
        [required(), lines_of_text, Length(max=LONGEST_ANSWER)],
        render_kw={"rows": "4"},
    )


class CloseHoldForm(Form):
    outcome = TextAreaField(
        _l("How it ended"),
        [required(), lines_of_text, Length(max=LONGEST_ANSWER)],
        description=_l(
            "The records are kept for three years from today at least. A closed dispute cannot be opened again."
        ),
        render_kw={"rows": "4"},
    )


@blueprint.get("")
def desk() -> ResponseReturnValue:
    """All of it; with the number of a contract, however it is spaced, the way to that. Raises PolicyNotFound."""
    if number := asked_now.args.get("number"):
        return redirect(url_for(".contract", policy_id=policies.frame_by_number(number).id), 303)
    due = tuple(islice(queries.noticed(queries.contracts_due()), MOST_DUE + 1))
    return render_template(
        "backoffice/privacy/desk.html",
        requests=queries.queue(),
        runs=queries.latest_runs(),
        due=due[:MOST_DUE],
        more=len(due) > MOST_DUE,
        held=queries.open_holds(),
        notice=NOTICE.days,
        kinds=KINDS,
        disputes=DISPUTES,
        endings=ENDINGS,
    )


@blueprint.route("/contracts/<uuid:policy_id>", methods=["GET", "POST"])
def contract(policy_id: UUID) -> ResponseReturnValue:
    """How long the records of a contract are kept, and the disputes about it; a dispute that has come is noted here."""
    form, found = HoldForm(), queries.kept_contract(policy_id)
    if form.validate_on_submit():
        kind, reference, reason = Dispute(form.kind.data), str(form.reference.data), str(form.reason.data)
        services.open_hold(OpenHold(policy_id, kind, reference, reason, access.actor()))
        flash(_("Nothing of %(number)s is erased from now on.", number=found.number))
        return redirect(url_for(".contract", policy_id=policy_id), 303)
    (due,) = queries.noticed([found])
    page = render_template(
        "backoffice/privacy/contract.html",
        contract=found,
        due=due if queries.may_be_erased(found) and not found.erased else None,
        holds=queries.holds_of(policy_id),
        form=form,
        disputes=DISPUTES,
        endings=ENDINGS,
    )
    return page, 422 if form.errors else 200


@blueprint.route("/disputes/<uuid:hold_id>", methods=["GET", "POST"])
def hold(hold_id: UUID) -> ResponseReturnValue:
    """A dispute, and the button that closes it."""
    form, found = CloseHoldForm(), queries.hold(hold_id)
    about = queries.kept_contract(found.policy_id)
    if form.validate_on_submit():
        services.close_hold(hold_id, str(form.outcome.data), access.actor())
        flash(_("The dispute is closed."))
        return redirect(url_for(".contract", policy_id=found.policy_id), 303)
    page = render_template("backoffice/privacy/hold.html", hold=found, contract=about, form=form, disputes=DISPUTES)
    return page, 422 if form.errors else 200


@blueprint.route("/requests/<uuid:request_id>", methods=["GET", "POST"])
def request(request_id: UUID) -> ResponseReturnValue:
    form = AnswerForm()
    found = queries.request(request_id)
    erasure = found.kind is RequestKind.ERASURE and found.answered_at is None
    held = [each for each in queries.contracts_of_account(found.account_id) if each.held] if erasure else []
    if held and form.answer.data is None:
        form.answer.data = _why_it_stays([each.number for each in held], accounts.account(found.account_id).locale)
    if form.validate_on_submit():
        try:
            services.answer_request(request_id, access.actor(), Outcome(form.outcome.data), str(form.answer.data))
        except ContractHeld as refusal:
            form.outcome.errors = [error_pages.words_of(refusal)]
        else:
            flash(_("The answer to %(reference)s is on its way.", reference=found.reference))
            return redirect(url_for(".desk"), 303)
    page = render_template(
        "backoffice/privacy/request.html", asked=found, held=held, form=form, kinds=KINDS, outcomes=OUTCOMES
    )
    return page, 422 if form.errors else 200


def _why_it_stays(numbers: Sequence[str], locale: str) -> str:
    """What the person is told, in the person's language, for whoever answers to go on from."""
    with use_locale(locale):
        return _(
            "We cannot erase the records of %(numbers)s now: there is an open complaint or lawsuit about it. The law "
            "asks us to keep them until three years after it has ended, and not shorter than without it (GDPR "
            "17(3)(b) and (e), PIPL 47). Nothing was erased, and they are used for nothing else. You may complain "
            "about this to the authority for data protection.",
            numbers=", ".join(numbers),
        )

"""The desk of screening cases (O13-44): a queue with clocks, what was found and why it is watched for, and decisions of
named people. Nobody but the marketplace's compliance comes here, and every look at a case is kept with it.
"""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField, SubmitField, TextAreaField
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.infra import watchlist
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.screening import queries, services
from marketplace.screening.values import RULES, Case, CaseClosed, CaseState, Decision, EventKind
from marketplace.web import access, desks
from marketplace.web.fields import Form, lines_of_text, required

blueprint = Blueprint("screening_desk", __name__, url_prefix="/admin/screening")

LONGEST_REASON = 2000
STATES = {
    CaseState.OPEN: (_l("to be decided"), "warn"),
    CaseState.PROPOSED: (_l("waits for a second person"), "warn"),
    CaseState.CLOSED: (_l("decided"), ""),
}
DECISIONS = {
    Decision.CLEARED: _l("Cleared: there is nothing to it"),
    Decision.REPORTED: _l("Reported to the authority; what waits goes on"),
    Decision.REFUSED: _l("Refused: what waits is not concluded"),
}
EVENTS = {
    EventKind.OPENED: _l("Found, case opened"),
    EventKind.ADDED: _l("More was found"),
    EventKind.LOOKED: _l("Looked at the case"),
    EventKind.PROPOSED: _l("Proposed"),
    EventKind.AGREED: _l("Agreed"),
    EventKind.DISAGREED: _l("Did not agree"),
    EventKind.DECIDED: _l("Decided"),
}


def _reason() -> TextAreaField:
    return TextAreaField(
        _l("Reason"),
        [required(), lines_of_text, Length(max=LONGEST_REASON)],
        description=_l("What you looked at, and what speaks for it. It is kept sealed with the case."),
        render_kw={"rows": "4"},
    )


class CaseDecisionForm(Form):
    decision = RadioField(_l("Decision"), [required()], choices=[])
    reason = _reason()


class CaseAnswerForm(Form):
    reason = _reason()
    disagree = SubmitField(_l("Do not agree: open it again"))


@blueprint.get("")
def cases() -> ResponseReturnValue:
    """What waits, what is due first before all else; what was decided; the rules, and the list of names."""
    return render_template(
        "backoffice/screening/list.html",
        waiting=queries.waiting_cases(),
        closed=queries.closed_cases(desks.page_number(), size=desks.PAGE_SIZE),
        rules=RULES,
        names=watchlist.current(),
        now=clock.business_now(),
        **_words(),
    )


@blueprint.get("/<uuid:case_id>")
def case(case_id: UUID) -> ResponseReturnValue:
    """The look is entered before anything is shown."""
    found = services.look(case_id, access.here().id)
    return _page(queries.case(found.id), None)


@blueprint.post("/<uuid:case_id>/decide")
def decide(case_id: UUID) -> ResponseReturnValue:
    """The first person: clears it, or proposes a report or a refusal."""
    found = queries.case(case_id)
    if found.state is not CaseState.OPEN:
        raise CaseClosed
    form = _decide_form(found)
    if not form.validate_on_submit():
        return _page(found, form)
    decided = services.propose(case_id, Decision(form.decision.data), str(form.reason.data), access.here().id)
    waits = decided.state is CaseState.PROPOSED
    return _done(case_id, _("It waits for a second person.") if waits else _("Decided."))


@blueprint.post("/<uuid:case_id>/answer")
def answer(case_id: UUID) -> ResponseReturnValue:
    """The second person: agrees, or opens it again."""
    found, form = queries.case(case_id), CaseAnswerForm()
    if found.state is not CaseState.PROPOSED:
        raise CaseClosed
    if not form.validate_on_submit():
        return _page(found, form)
    act = services.disagree if form.disagree.data else services.agree
    act(case_id, str(form.reason.data), access.here().id)
    return _done(case_id, _("It is open again.") if form.disagree.data else _("Decided."))


def _decide_form(found: Case, *, sent: bool = True) -> CaseDecisionForm:
    form = CaseDecisionForm() if sent else CaseDecisionForm(None)
    form.decision.choices = [(each.value, words) for each, words in DECISIONS.items() if _is_offered(each, found)]
    return form


def _is_offered(decision: Decision, found: Case) -> bool:
    """Nothing but what waits can be refused."""
    return found.holds or decision is not Decision.REFUSED


def _done(case_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".case", case_id=case_id), 303)


def _page(found: Case, typed: Form | None) -> ResponseReturnValue:
    form: Form | None = typed
    if form is None and found.state is CaseState.OPEN:
        form = _decide_form(found, sent=False)
    elif form is None and found.state is CaseState.PROPOSED:
        form = CaseAnswerForm(None)
    proposed_by = next((each.account_id for each in reversed(found.events) if each.kind is EventKind.PROPOSED), None)
    page = render_template(
        "backoffice/screening/case.html",
        case=found,
        form=form,
        rule=RULES[found.rule],
        own=found.state is CaseState.PROPOSED and proposed_by == access.here().id,
        who=accounts.names_of({each.account_id for each in found.events if each.account_id}),
        counted=_counted(found.facts[-1].numbers if found.facts else {}),
        matches=[each for fact in found.facts for each in fact.numbers.get("matches", ())],
        sales={each.application_id: oversight.sale_of_application(each.application_id).id for each in found.facts},
        now=clock.business_now(),
        **_words(),
    )
    return page, 422 if typed is not None and typed.errors else 200


def _counted(numbers: Any) -> list[tuple[str, str | int | Money]]:
    """What the rule counted, in words."""
    currency = numbers.get("currency")
    words = {
        "total_minor": _("Sum of it"),
        "sum_minor": _("Sum insured"),
        "insurers": _("Insurers"),
        "questions": _("Questions answered otherwise"),
        "persons": _("Different applicants"),
        "times": _("Contracts given back"),
    }
    return [
        (words[name], Money(value, currency) if name.endswith("_minor") else value)
        for name, value in numbers.items()
        if name in words
    ]


def _words() -> dict[str, Any]:
    return {"states": STATES, "decisions": DECISIONS, "kinds": EVENTS}

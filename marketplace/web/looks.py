"""A look of staff at a customer's sale: for a reason, asked for once for each sale and sign-in, and entered before
anything is shown (T26-48). Without the entry nothing is: it is written in the transaction of the request.
"""

from datetime import date
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField

from marketplace.accounts.values import Desk
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries, services
from marketplace.oversight.values import Look, Looked, Sale
from marketplace.policy.values import PaperKind
from marketplace.web import access
from marketplace.web.evidence_file import A_REASON
from marketplace.web.fields import Form
from marketplace.web.papers import asked_paper, paper_pdf
from marketplace.web.sale_file import papers_of, refuse_restricted
from marketplace.web.security import wanted_path

SUGGESTED: dict[Desk, tuple[str, ...]] = {
    Desk.BACKOFFICE: (
        _l("A complaint of the customer"),
        _l("A question of the customer"),
        _l("An inspection by the authority"),
        _l("A check of how we sell"),
    ),
    Desk.INSURER: (
        _l("Underwriting of this application"),
        _l("A claim under this contract"),
        _l("A question of the customer"),
        _l("A complaint of the customer"),
    ),
}
_FILE = {Desk.BACKOFFICE: "sales_log.sale", Desk.INSURER: "insurer_sales.sale"}


class LookForm(Form):
    reason = StringField(
        _l("Reason"),
        A_REASON,
        description=_l("A few words, or the number of the case. Do not name the customer."),
        render_kw={"list": "reasons", "autocomplete": "off"},
    )


def asked_first(sale: Sale) -> ResponseReturnValue | None:
    """What comes before the file of a sale: the form in which whoever asks says why, and the way on from there. None
    where it was said at this sign-in; then the look at the file is entered. Raises Restricted.
    """
    refuse_restricted(sale, access.actor())
    form = LookForm()
    if form.validate_on_submit():
        _enter(sale, str(form.reason.data), Looked.TOLD)
        return redirect(_onward(), 303)
    if not form.errors and (reason := _reason(sale)) is not None:
        _enter(sale, reason, Looked.FILE)
        return None
    access.nothing_shown()
    page = render_template("sales/reason.html", sale=sale, form=form, suggested=SUGGESTED[access.here().role.desk])
    return page, 422 if form.errors else 200


def note(sale: Sale, what: Looked, **which: UUID | date) -> None:
    """Enter a look at this part of a sale. Where it was not said why, whoever asks has to say so first, and comes back.

    Raises Restricted.
    """
    refuse_restricted(sale, access.actor())
    reason = _reason(sale)
    if reason is None:
        access.nothing_shown()
        abort(redirect(url_for(_FILE[access.here().role.desk], sale_id=sale.id, next=request.path), 303))
    _enter(sale, reason, what, **which)


def hand_out(sale: Sale, paper_id: UUID | None, *, only_insurer: UUID | None = None) -> Response:
    """A paper of the sale, the policy where none is named, as a file; the look is entered. Raises PaperNotFound."""
    paper = asked_paper(papers_of(sale, only_insurer=only_insurer), paper_id)
    if paper.kind is PaperKind.POLICY and sale.policy_id is not None:
        note(sale, Looked.POLICY, policy_id=sale.policy_id)
    else:
        note(sale, Looked.PAPER, paper_id=paper.id)
    return paper_pdf(paper)


def _enter(sale: Sale, reason: str, what: Looked, **which: UUID | date) -> None:
    services.note_look(Look(sale, access.actor(), reason, what, which))


def _reason(sale: Sale) -> str | None:
    return queries.reason_given(sale, access.here().id, access.signed_in_at())


def _onward() -> str:
    """The part of the file that was asked for, or the file."""
    wanted = wanted_path() or ""
    return wanted if wanted.startswith(f"{request.path}/") else request.path

"""The referral desk: what waits for a person, the case, the decision, a question to the applicant; and a guideline
tried out. Another insurer's case does not exist here, and each look at one is entered.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.application import queries as applications
from marketplace.application import services
from marketplace.application.values import NotReferred, State
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import locale_name
from marketplace.kernel.errors import Conflict, Invalid
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Looked, Sale
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import Trial
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import Wait
from marketplace.web import access, audit, error_pages, looks
from marketplace.web.fields import factor_faults, factor_values
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.underwriting import CODES, InquiryForm, RulingForm, ruling_form, trial_form
from marketplace.web.sale_file import sale_file
from marketplace.web.transaction import commit_now, start_over

blueprint = Blueprint("insurer_underwriting", __name__, url_prefix="/insurer")

AT_ONCE = 100
"""So many of those that wait longest stand on the page; the rest come up when these are decided."""


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the queue. It names no answer: why an application was referred stands in its case."""

    sale: Sale
    wait: Wait


@blueprint.get("/underwriting")
def cases() -> ResponseReturnValue:
    """What waits for a decision, the first that is due on top."""
    insurer_id = own_insurer_id()
    ids = applications.referred_ids(insurer_id)[:AT_ONCE]
    waits, sales = underwriting.waits(ids), oversight.sales_of_applications(ids, insurer_id)
    waiting = [Case(sales[id_], wait) for id_, wait in waits.items() if id_ in sales]
    return render_template(
        "insurer/underwriting/cases.html",
        cases=sorted(waiting, key=lambda each: (each.wait.paused, each.wait.due_at)),
        working_days=underwriting.WORKING_DAYS,
    )


@blueprint.route("/sales/<uuid:sale_id>/underwriting", methods=["GET", "POST"])
def case(sale_id: UUID) -> ResponseReturnValue:
    """The case and the decision about it."""
    sale, application_id = _case(sale_id)
    form = _ruling_form(application_id)
    if not form.validate_on_submit():
        return _page(sale, application_id, form, status=audit.form_status(form.errors))
    try:
        services.decide_referral(form.to_value(application_id, own_insurer_id()), access.actor())
    except Invalid as error:
        form.take_errors(error.fields)
        return _page(sale, application_id, form, status=422)
    except Conflict as error:
        form.form_errors.append(error_pages.words_of(error))
        return _page(sale, application_id, form, status=409)
    flash(_("Decided. The applicant is told by mail."))
    return redirect(url_for(".cases"), 303)


@blueprint.post("/sales/<uuid:sale_id>/underwriting/ask")
def ask(sale_id: UUID) -> ResponseReturnValue:
    """A question to the applicant."""
    sale, application_id = _case(sale_id)
    form = InquiryForm()
    if not form.validate_on_submit():
        return _page(sale, application_id, inquiry=form, status=422)
    try:
        services.ask_applicant(application_id, own_insurer_id(), str(form.question.data), access.actor())
    except Conflict as error:
        form.form_errors.append(error_pages.words_of(error))
        return _page(sale, application_id, inquiry=form, status=409)
    flash(_("The applicant is told by mail that there is a question. Your time stands until it is answered."))
    return redirect(url_for(".case", sale_id=sale_id), 303)


@blueprint.get("/underwriting/try")
def versions() -> ResponseReturnValue:
    """Which guideline to try out."""
    return render_template("insurer/underwriting/versions.html", versions=_own_versions())


@blueprint.route("/underwriting/try/<uuid:version_id>", methods=["GET", "POST"])
def trial(version_id: UUID) -> ResponseReturnValue:
    """What a product version makes of answers that nobody gave; nothing of it is kept."""
    version = next((each for each in _own_versions() if each.id == version_id), None)
    if version is None:
        abort(404)
    content = version.content
    form: Any = trial_form(content.definition, content.questions)()
    found: Trial | None = None
    if form.validate_on_submit():
        answers = {each.id: form[f"q_{each.id}"].data == "yes" for each in content.questions}
        try:
            found = quoting.try_out(version, factor_values(form, content.definition), answers)
        except Invalid as error:
            form.take_errors(factor_faults(content.definition, error.fields))
    page = render_template(
        "insurer/underwriting/trial.html",
        form=form,
        version=version,
        content=content,
        found=found,
        questions={each.id: each for each in content.questions},
    )
    return page, 422 if form.errors else 200


def _own_versions() -> tuple[ProductVersion, ...]:
    return tuple(each for each in catalog.products_of_insurer(own_insurer_id()) if each.content.profile.can_be_bought)


def _case(sale_id: UUID) -> tuple[Sale, UUID]:
    """The sale of this insurer, and its application. Raises SaleNotFound."""
    sale = oversight.sale(sale_id, only_insurer=own_insurer_id())
    if sale.application_id is None:
        raise NotReferred
    return sale, sale.application_id


def _ruling_form(application_id: UUID) -> RulingForm:
    view, decision = applications.application_view(application_id), underwriting.decision_of(application_id)
    if decision is None or view.application.erased:
        raise NotReferred
    first = underwriting.decisions_of(application_id)[0]
    return ruling_form(decision.number + 1, first.terms, view.offer.version.content.carve_outs)


def _page(
    sale: Sale,
    application_id: UUID,
    form: RulingForm | None = None,
    *,
    inquiry: InquiryForm | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    if status != HTTPStatus.OK:  # what is refused is rolled back, and that the case was looked at is not
        start_over()
        looks.note(sale, Looked.CASE)
        commit_now()
    else:
        looks.note(sale, Looked.CASE)
    file = sale_file(sale, only_insurer=own_insurer_id())
    page = render_template(
        "insurer/underwriting/case.html",
        file=file,
        view=file.view,
        form=form or _ruling_form(application_id),
        inquiry=inquiry or InquiryForm(None),
        open=file.view is not None and file.view.application.state is State.REFERRED and not file.erased,
        wait=underwriting.waits([application_id]).get(application_id),
        decisions=underwriting.decisions_of(application_id),
        exposure=applications.exposure(application_id),
        inquiries=underwriting.inquiries_of(application_id),
        codes=CODES,
        language=locale_name(file.view.application.locale) if file.view else "",
    )
    return page, status

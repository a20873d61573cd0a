"""For everybody: answers that became public and their search, who may answer, and how to talk to a person."""

from datetime import timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField
from wtforms.validators import Length

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Practitioner, PractitionerNotFound
from marketplace.catalog.values import LINES, Line
from marketplace.consultation import queries
from marketplace.consultation.values import MEASURED_DAYS
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.web import consulting, desks, kept_pages, pages, parties
from marketplace.web.fields import Filters
from marketplace.web.kept_pages import Page

blueprint = Blueprint("answers", __name__)

LONGEST_SEARCH = 100
LONGEST_NUMBER = 60
MEASURED_ANEW = timedelta(minutes=5)


def _printable_part(value: str | None) -> str:
    """What is looked for is shown again, so what cannot be shown is not looked for."""
    return "".join(char for char in value or "" if char.isprintable())


class AnswerSearchForm(Filters):
    text = StringField(
        _l("Words"), [Length(max=LONGEST_SEARCH)], filters=[_printable_part], render_kw={"type": "search"}
    )


class CertificateForm(Filters):
    number = StringField(
        _l("Number of the practising certificate"), [Length(max=LONGEST_NUMBER)], filters=[_printable_part]
    )


@blueprint.get("/questions")
def search() -> ResponseReturnValue:
    """Public answers of all products that hold the words, or the newest."""
    form, found = AnswerSearchForm(request.args), None
    if form.validate():
        found = queries.search(form.text.data or "", desks.page_number())
    page = render_template(
        "storefront/answers.html",
        form=form,
        found=found,
        answers=consulting.shown(found.answers) if found else [],
    )
    return page, 422 if form.errors else 200


@blueprint.get("/practitioners")
def practitioners() -> ResponseReturnValue:
    """Who answers for an insurer, by the number of the certificate (O13-39). There is no list of all."""
    form, found = CertificateForm(request.args), None
    asked = form.validate() and bool(form.number.data)
    if asked:
        try:
            found = accounts.practitioner_by_certificate(str(form.number.data))
        except PractitionerNotFound:
            found = None
    page = render_template(
        "storefront/practitioners.html",
        form=form,
        asked=asked,
        found=found,
        insurer=accounts.insurer(found.insurer_id) if found else None,
        lines=_lines(found),
        validity=consulting.VALIDITIES[found.validity(clock.today(ZONE))] if found else None,
    )
    return page, 422 if form.errors else 404 if asked and found is None else 200


def _lines(found: Practitioner | None) -> list[str]:
    return [pages.say(LINES[Line(each)].name) for each in found.lines] if found else []


@blueprint.get("/talk")
def talk() -> ResponseReturnValue:
    """Telephones, hours, and how fast each insurer answered (N108-01, O13-29, EU-23)."""
    return kept_pages.show(_talk)


def _talk() -> Page:
    selling = [insurer for insurer in accounts.list_insurers() if insurer.active]
    times = queries.measured_of_all()
    reached = {each.id: parties.shown(accounts.profile(each.id), parties.REACHED)[0] for each in selling}
    ours = letterhead()
    return Page(
        "storefront/talk.html",
        {
            "insurers": selling,
            "reached": reached,
            "times": times,
            "days": MEASURED_DAYS,
            "email": ours.support_email,
            "phone": ours.support_phone,
            "hours": ours.support_hours.split("-") if ours.support_hours else [],
        },
        until=clock.business_now() + MEASURED_ANEW,
    )

"""Whether the insurance suits: what is asked of it, and going on although something speaks against it (SCM-04)."""

from uuid import UUID

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.application import services
from marketplace.application.queries.suiting import statement_of
from marketplace.application.values import ApplicationView, Circumstance, Step
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText
from marketplace.needs import queries as needs
from marketplace.web import audit
from marketplace.web.customer.forms.suitability import OwnWillForm, circumstances_form, told_in
from marketplace.web.customer.road import acting, address_of, at_step, page, wordings
from marketplace.web.tracing import Traced

blueprint = Blueprint("suitability", __name__)


@blueprint.route("/application/<uuid:application_id>/needs", methods=["GET", "POST"])
def tell(application_id: UUID) -> ResponseReturnValue:
    """What is asked first; then, where something speaks against the insurance, each point of it in words, and one box.
    `change` shows the questions again.
    """
    view = at_step(application_id, Step.NEEDS)
    asked, told = view.circumstances_asked, view.application.circumstances
    if asked and (told is None or "change" in request.args):
        return _ask(view, asked)
    if not view.misfits or view.next_step is not Step.NEEDS:
        return redirect(address_of(view), 303)
    return _warn(view)


def _ask(view: ApplicationView, asked: tuple[Circumstance, ...]) -> ResponseReturnValue:
    form = circumstances_form(asked, view.offer.version.content, needs.declared().most_of_income_percent)(
        data={name: "yes" if answer else "no" for name, answer in (view.application.circumstances or {}).items()}
    )
    if form.validate_on_submit():
        services.tell_circumstances(acting(), view.application.id, told_in(form, asked))
        return redirect(url_for("application.resume", application_id=view.application.id), 303)
    return page(view, Step.NEEDS, "needs", form=form, fits=_fits(view), status=audit.form_status(form.errors))


def _warn(view: ApplicationView) -> ResponseReturnValue:
    form = OwnWillForm()
    if form.validate_on_submit():
        services.go_on_against(acting(), view.application.id, str(form.sha256.data))
        return redirect(url_for("application.resume", application_id=view.application.id), 303)
    texts, hashes = wordings(WordingKey.OWN_WILL)
    return page(
        view, Step.NEEDS, "warned", form=form, misfits=view.misfits, misfits_sha256=view.misfits_sha256,
        may_change=bool(view.circumstances_asked), traced=Traced(wordings=hashes),
        status=audit.form_status(form.errors), **texts,
    )  # fmt: skip


def _fits(view: ApplicationView) -> tuple[tuple[LocalizedText, str], ...]:
    """What was stated on the comparison, and whether the product does it."""
    labels = view.offer.version.content.definition.needs(view.offer.fits)
    return tuple((each.label, view.offer.fits[each.code].value) for each in labels)


def stated(view: ApplicationView) -> tuple[LocalizedText, ...]:
    """The statement of demands and needs as it would be frozen today, to be read."""
    statement = statement_of(view, clock.today(ZONE))
    return tuple(LocalizedText.from_json(each) for each in statement["paragraphs"])

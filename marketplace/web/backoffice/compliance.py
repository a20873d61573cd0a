"""What the law asks, how sure we are of it, and what the tests say: each requirement with what is missing of it."""

from pathlib import Path

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version

from marketplace.catalog.values import Profile
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries
from marketplace.oversight.values import Result, Source
from marketplace.web.fields import Filters
from marketplace.web.pages import say

blueprint = Blueprint("compliance", __name__, url_prefix="/admin/requirements")

_RESULTS: dict[Result, tuple[str, str]] = {
    Result.PASSED: (_l("tests pass"), ""),
    Result.FAILED: (_l("tests fail"), "bad"),
    Result.PARTLY: (_l("built in part"), "warn"),
    Result.MISSING: (_l("not built"), "warn"),
    Result.OUTSIDE: (_l("does not apply"), "plain"),
    Result.NOT_RUN: (_l("not tested"), "warn"),
}
_SOURCES: dict[Source, str] = {
    Source.OFFICIAL: _l("text of the law"),
    Source.SECONDARY: _l("as others quote it"),
    Source.MEMORY: _l("from memory"),
    Source.INFERRED: _l("our conclusion"),
}
_PROFILES: dict[Profile, str] = {
    Profile.CN_PERSONAL: _l("China, insurance of persons"),
    Profile.CN_NONLIFE: _l("China, other insurance"),
    Profile.EU_NONLIFE: _l("European Union"),
    Profile.UK: _l("United Kingdom"),
}


class RequirementFilterForm(Filters):
    law = SelectField(_l("Law"))
    result = SelectField(_l("Result"), default="")


@blueprint.get("")
def requirements() -> ResponseReturnValue:
    """One law at a time, the first where none is chosen; above them how many of each stand how."""
    report: Path | None = current_app.config["COMPLIANCE_REPORT"]
    survey = queries.survey(report)
    form = RequirementFilterForm(request.args)
    form.law.choices = [SelectChoice(law.key, say(law.name)) for law in survey.standings]
    form.result.choices = [
        SelectChoice("", _("All")),
        *(SelectChoice(key.value, str(words)) for key, (words, _tone) in _RESULTS.items()),
    ]
    if "law" not in request.args:
        form.law.data = next(iter(survey.standings)).key
    chosen = next((law for law in survey.standings if law.key == form.law.data), None) if form.validate() else None
    page = render_template(
        "backoffice/requirements.html",
        form=form,
        survey=survey,
        chosen=chosen,
        shown=[each for each in survey.standings.get(chosen, ()) if form.result.data in {"", each.result.value}]
        if chosen
        else [],
        results=_RESULTS,
        sources=_SOURCES,
        profiles=_PROFILES,
    )
    return page, 422 if form.errors else 200

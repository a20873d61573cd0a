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

blueprint = Blueprint("compliance", __name__, url_prefix="/admin/requirements")

_RESULTS: dict[Result, tuple[str, str]] = {
    Result.PASSED: (_l("tests pass"), ""),
    Result.FAILED: (_l("tests fail"), "bad"),
    Result.PARTLY: (_l("built in part"), "warn"),
    Result.MISSING: (_l("open"), "warn"),
    Result.OUTSIDE: (_l("does not apply"), "plain"),
    Result.NOT_RUN: (_l("not tested"), "bad"),
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
    result = SelectField(_l("Result"), default="")


@blueprint.get("")
def requirements() -> ResponseReturnValue:
    """One law at a time, the first where none is chosen; above them how many of each stand how."""
    report: Path | None = current_app.config["COMPLIANCE_REPORT"]
    survey = queries.survey(report)
    first, *others = survey.standings
    chosen = next((law for law in others if law.key == request.args.get("law")), first)
    form = RequirementFilterForm(request.args)
    results = (SelectChoice(key.value, str(words)) for key, (words, _tone) in _RESULTS.items())
    form.result.choices = [SelectChoice("", _("All")), *results]
    standings = survey.standings[chosen] if form.validate() else ()
    page = render_template(
        "backoffice/requirements.html",
        form=form,
        survey=survey,
        chosen=chosen,
        shown=[each for each in standings if form.result.data in {"", each.result.value}],
        results=_RESULTS,
        sources=_SOURCES,
        profiles=_PROFILES,
    )
    return page, 422 if form.errors else 200

"""The start page and the choice of language."""

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from marketplace.catalog import queries as catalog
from marketplace.catalog.values import LINES
from marketplace.infra.formatting import LOCALES, ZONE
from marketplace.kernel import clock
from marketplace.web import kept_pages, released
from marketplace.web.kept_pages import Page
from marketplace.web.security import own_path

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """Where no sales page is shown, it says so (O13-42), and is not kept: that may be over at any moment."""
    if not released.here().are_released:
        page = _home()
        return render_template(page.template, **page.context, nothing_sold=True)
    return kept_pages.show(_home)


def _home() -> Page:
    counts = catalog.products_per_line(clock.today(ZONE))
    lines = [(LINES[line], counts[line]) for line in LINES if counts.get(line)]
    return Page("storefront/home.html", {"lines": lines}, until=catalog.next_stop_after_now())


@blueprint.post("/language")
def choose_language() -> ResponseReturnValue:
    """Remember the language and go back to where the reader was."""
    locale = request.form.get("locale", "")
    if locale in LOCALES:
        session["locale"] = locale
    return redirect(own_path(request.form.get("back", "")) or url_for("home.home"))

"""Public notices: what staff announced, and what became so with products, prices and insurers (SCM-01, SCM-03)."""

from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # the stubs are of an older version

from marketplace.accounts import queries as accounts
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import AnnouncementNotFound
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import NoticeFilter, notice_kind
from marketplace.web import desks, kept_pages, notice_words, pages
from marketplace.web.fields import Filters
from marketplace.web.kept_pages import Page
from marketplace.web.notice_words import KINDS

blueprint = Blueprint("notices", __name__, url_prefix="/notices")

IN_FEED = 50


class NoticeFilterForm(Filters):
    insurer = SelectField(_l("Insurer"), default="")
    kind = SelectField(
        _l("Kind"),
        default="",
        choices=[SelectChoice("", _l("All")), *(SelectChoice(kind.value, words) for kind, words in KINDS.items())],
    )

    @property
    def asked(self) -> NoticeFilter:
        """The filter of a valid form."""
        return NoticeFilter(
            self.insurers.get(self.insurer.data), notice_kind(self.kind.data) if self.kind.data else None
        )

    def offer_insurers(self) -> None:
        """Every insurer there is, by its code."""
        known = accounts.list_insurers()
        self.insurers = {each.code: each.id for each in known}
        named = (SelectChoice(each.code, pages.say(each.short_name)) for each in known)
        self.insurer.choices = [SelectChoice("", _("All")), *named]


@blueprint.get("")
def notices() -> ResponseReturnValue:
    """All of them, the newest first; by insurer and kind."""
    if not request.query_string:
        return kept_pages.show(lambda: Page("storefront/notices.html", _listed(_form(None), 1)))
    form = _form(request.args)
    fits = form.validate()
    page = render_template("storefront/notices.html", **_listed(form, desks.page_number(), fits=fits))
    return page, 200 if fits else 422


def _form(typed: object) -> NoticeFilterForm:
    form = NoticeFilterForm(typed)
    form.offer_insurers()
    return form


def _listed(form: NoticeFilterForm, number: int, *, fits: bool = True) -> dict[str, object]:
    found = oversight.notices(form.asked if fits else NoticeFilter(), number)
    return {"form": form, "found": found, "lines": notice_words.lines_of(found.notices), "period": notice_words.period}


@blueprint.get("/<uuid:announcement_id>")
def announcement(announcement_id: UUID) -> ResponseReturnValue:
    """One announcement whole, and whether it was taken back. Raises AnnouncementNotFound before its release."""
    found = disclosure.announcement(announcement_id)
    if found.released_at is None:
        raise AnnouncementNotFound
    return render_template(
        "storefront/notice.html",
        announcement=found,
        kind=KINDS[found.said.kind],
        period=notice_words.period(found.said.starts_at, found.said.ends_at),
        insurer=accounts.insurer(found.said.insurer_id) if found.said.insurer_id else None,
    )


@blueprint.get("/feed.atom")
def feed() -> ResponseReturnValue:
    """The newest notices for a reader of feeds (RFC 4287), in the reader's language."""
    lines = notice_words.lines_of(oversight.notices(NoticeFilter(), size=IN_FEED).notices)
    page = render_template("storefront/feed.html", lines=lines, origin=current_app.config["PUBLIC_URL"])
    return Response(page, content_type="application/atom+xml; charset=utf-8")

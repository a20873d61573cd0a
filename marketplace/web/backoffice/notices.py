"""The desk for announcements: one person writes, another releases, and a further notice alone takes one back."""

from typing import Any
from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.disclosure import queries, services
from marketplace.disclosure.values import Announcement, AnnouncementKind, AnnouncementNotFound, StartsTooSoon
from marketplace.infra.formatting import format_instant
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import access, notice_words
from marketplace.web.backoffice.forms.notices import AnnouncementForm, data_of
from marketplace.web.notice_words import KINDS

blueprint = Blueprint("notice_desk", __name__, url_prefix="/admin/notices")

SHOWN = 100


@blueprint.get("")
def notices() -> ResponseReturnValue:
    """What waits for a second person, and what was released."""
    drafts, released = queries.drafts(), queries.released(SHOWN)
    people = {each.drafted_by for each in drafts} | {each.released_by for each in released if each.released_by}
    return render_template(
        "backoffice/notices/list.html",
        drafts=drafts,
        released=released,
        kinds=KINDS,
        period=notice_words.period,
        names=accounts.names_of(people),
    )


@blueprint.route("/new", methods=["GET", "POST"])
def write() -> ResponseReturnValue:
    """Write an announcement: an empty one, one like another (`like`), or one that takes another back (`revokes`)."""
    revoked, like = _named("revokes"), _named("like")
    form = AnnouncementForm(data=data_of(like) if like else None)
    form.offer_insurers(accounts.list_insurers())
    if revoked:
        form.is_of(AnnouncementKind.REVOCATION)
    if form.validate_on_submit():
        try:
            found = services.draft_announcement(form.to_value(revoked.id if revoked else None), access.here().id)
        except Invalid as error:
            form.take_errors(error.fields)
        except StartsTooSoon as error:
            form.take_errors({"starts_at": _too_soon(error)})
        else:
            flash(_("Written. Another person has to release it before anybody reads it."))
            return redirect(url_for(".notice", announcement_id=found.id), 303)
    page = render_template("backoffice/notices/write.html", form=form, revoked=revoked)
    return page, 422 if form.errors else 200


@blueprint.get("/<uuid:announcement_id>")
def notice(announcement_id: UUID) -> ResponseReturnValue:
    return _page(queries.announcement(announcement_id))


@blueprint.post("/<uuid:announcement_id>/release")
def release(announcement_id: UUID) -> ResponseReturnValue:
    """The second person makes it public."""
    try:
        services.release_announcement(announcement_id, current_app.config["LOG_ORIGIN"], access.actor())
    except StartsTooSoon as error:
        return _page(queries.announcement(announcement_id), refusal=_too_soon(error), status=422)
    flash(_("Released. Everybody can read it now."))
    return redirect(url_for(".notice", announcement_id=announcement_id), 303)


@blueprint.post("/<uuid:announcement_id>/drop")
def drop(announcement_id: UUID) -> ResponseReturnValue:
    services.drop_announcement(announcement_id, access.here().id)
    flash(_("Dropped. Nobody reads it."))
    return redirect(url_for(".notices"), 303)


def _page(found: Announcement, *, refusal: str = "", status: int = 200) -> ResponseReturnValue:
    people = {each for each in (found.drafted_by, found.released_by) if each}
    page = render_template(
        "backoffice/notices/notice.html",
        announcement=found,
        kind=KINDS[found.said.kind],
        period=notice_words.period(found.said.starts_at, found.said.ends_at),
        insurer=accounts.insurer(found.said.insurer_id) if found.said.insurer_id else None,
        names=accounts.names_of(people),
        me=access.here(),
        refusal=refusal,
    )
    return page, status


def _named(name: str) -> Announcement | None:
    """The announcement that the address names. Raises AnnouncementNotFound for what names none."""
    value: Any = request.args.get(name)
    if value is None:
        return None
    try:
        return queries.announcement(UUID(value))
    except ValueError as error:
        raise AnnouncementNotFound from error


def _too_soon(error: StartsTooSoon) -> str:
    return _("This has to be announced earlier. It may begin from %(instant)s.", instant=format_instant(error.earliest))

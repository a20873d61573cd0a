"""The guard at every door (`doors`): lets nobody in who may not enter, and says who is here."""

from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, Request, Response, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import (
    Account,
    Desk,
    EventOutcome,
    MessageRequest,
    Role,
    SecurityEventType,
    Session,
)
from marketplace.infra.db import narrow_scope
from marketplace.traceability.values import VISITOR, Actor, ActorRole
from marketplace.web import audit, sessions
from marketplace.web.doors import ACCESS, Door, PageClass, Who

SAFE = {"GET", "HEAD"}
A_QUARTER_OF_AN_HOUR = 900

DESK_OF = {Who.CUSTOMER: Desk.CUSTOMER, Who.INSURER: Desk.INSURER, Who.BACKOFFICE: Desk.BACKOFFICE}
STAFFED = {Who.INSURER, Who.BACKOFFICE}
ACTING_AT = {
    Desk.CUSTOMER: ActorRole.CUSTOMER, Desk.INSURER: ActorRole.INSURER, Desk.PRACTITIONER: ActorRole.PRACTITIONER,
    Desk.BACKOFFICE: ActorRole.ADMIN,
}  # fmt: skip


class SignedIn(UserMixin):
    """The account of a whole session, as Flask-Login wants it."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.id = str(account.id)


def guard(app: Flask) -> None:
    """Let nobody through a door that is not theirs."""
    sessions.keep_cookies(app)
    login = LoginManager(app)
    login.session_protection = None  # the session is a row of ours; Flask's cookie says nothing about who somebody is

    @login.request_loader
    def load(_request: Request) -> SignedIn | None:
        """For staff only after the second step."""
        found = sessions.behind()
        return SignedIn(found[1]) if found is not None and found[0].whole else None

    @app.before_request
    def at_the_door() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        door = ACCESS.get(request.endpoint)
        if door is None:
            abort(404)
        if _sent_by_another_site(door):
            audit.refuse("other_site")
            abort(403)
        led_elsewhere = _led_elsewhere(door)
        if led_elsewhere is None:
            limit = door.look_limit if request.method in SAFE else door.limit
            if limit is not None:
                services.count_try(limit, source())
            looks = request.method in SAFE or door.page_class is PageClass.MACHINE  # a machine's door reads no cookie
            g.entered, g.acting_staff = door, None if looks else _staff_before()
        return led_elsewhere

    app.after_request(_note_answer)


def _led_elsewhere(door: Door) -> ResponseReturnValue | None:
    """Where whoever stands before this door has to go first; None when it is theirs. Aborts (403) at a wrong desk."""
    if door.who is Who.ANYONE:
        return None
    if door.who is Who.SECOND_STEP:
        return None if second_step_of() else _to_sign_in()
    account = signed_in()
    if account is None:
        return _to_sign_in()
    if not _opens_to(door, account.role):
        abort(403)
    if door.step_up and not stepped_up():
        return _to_confirm(account)
    if door.who is Who.INSURER and account.insurer_id is not None:
        narrow_scope(account.insurer_id)
    return None


def _opens_to(door: Door, role: Role) -> bool:
    """Whether this role is among those the door is for. A desk is not enough: its doors name their roles."""
    if door.who not in DESK_OF:
        return True
    return role.desk is DESK_OF[door.who] and (door.who not in STAFFED or role in door.roles)


def may_enter(endpoint: str) -> bool:
    """Whether whoever asks would be let in there, so that nobody is shown a link to a closed door."""
    door, account = ACCESS[endpoint], signed_in()
    return door.who is Who.ANYONE or (account is not None and _opens_to(door, account.role))


def _staff_before() -> Account | None:
    """The member of staff whose browser this is as the request begins; it may have ended the session at its end."""
    found = sessions.behind()
    return found[1] if found is not None and found[1].role.is_staff else None


def _sent_by_another_site(door: Door) -> bool:
    """Whether a page of another site makes the browser send this, other than by a link that a person follows.

    Fetch Metadata (W3C), as a resource isolation policy. Where the browser says nothing, the token of the form and the
    cookie's SameSite stand alone.
    """
    if request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}:
        return False
    if request.method in SAFE and not door.personal:
        return False
    link = (request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")) == ("navigate", "document")
    return request.method not in SAFE or door.paper or not link


def _note_answer(response: Response) -> Response:
    """Note what was refused at a door, what staff did, and what of a customer's they read (ASVS 16.3.2, 16.3.3)."""
    status, door, entered = response.status_code, ACCESS.get(request.endpoint or ""), g.get("entered")
    which = {name: str(value) for name, value in (request.view_args or {}).items() if isinstance(value, UUID | date)}
    done = EventOutcome.DONE if status < 400 else EventOutcome.REFUSED  # noqa: PLR2004  HTTP: below are successes
    if reason := audit.refused_as_forged():
        audit.note(SecurityEventType.FORGED_REQUEST, EventOutcome.REFUSED, {"reason": reason})
    elif status == 429:  # noqa: PLR2004  HTTP: too many requests
        response.headers.setdefault("Retry-After", str(audit.retry_after() or A_QUARTER_OF_AN_HOUR))
        audit.note(SecurityEventType.LIMIT_REACHED, EventOutcome.REFUSED)
    elif status == 403 or (status == 404 and door is not None and door.personal):  # noqa: PLR2004  HTTP: not theirs
        audit.note(SecurityEventType.DOOR_REFUSED, EventOutcome.REFUSED, {"status": status, **which})
    elif by := g.get("acting_staff"):
        audit.note(SecurityEventType.STAFF_ACT, done, which, account=by)
    elif entered is not None and entered.audited:
        audit.note(entered.audited, done, which)
    return response


def _to_sign_in() -> ResponseReturnValue:
    """To the second step where the first was taken, else to the beginning; then back here."""
    endpoint = "factor.verify" if second_step_of() else "account.sign_in"
    return redirect(url_for(endpoint, next=request.full_path.rstrip("?")))


def _to_confirm(account: Account) -> ResponseReturnValue:
    """To the page that asks for a fresh proof, then back: here, or to the page whose form was sent."""
    back = request.full_path.rstrip("?") if request.method == "GET" else urlsplit(request.referrer or "").path
    endpoint = "factor.verify" if account.role.is_staff else "security.confirm"
    return redirect(url_for(endpoint, next=back), 303)


def signed_in() -> Account | None:
    """The account of this session, if any: for staff only after the second step."""
    if sessions.behind() is None:
        return None  # a visitor; most pages are theirs, and Flask-Login takes its time to say so
    user: Any = current_user
    return user.account if user.is_authenticated else None


def second_step_of() -> Account | None:
    """The member of staff whose second step this session may take, for the first time or afresh."""
    found = sessions.behind()
    return found[1] if found is not None and found[1].role.is_staff else None


def stepped_up() -> bool:
    """Whether the person of this session proved to be there within the last minutes."""
    found = sessions.behind()
    return found is not None and accounts.is_fresh(found[0])


def session_id() -> UUID:
    """The id of this request's session, behind a door that asks for one."""
    return _session().id


def signed_in_at() -> datetime:
    """When this request's session began, behind a door that asks for one."""
    return _session().created_at


def _session() -> Session:
    found = sessions.behind()
    if found is None:
        abort(403)
    return found[0]


def nothing_shown() -> None:
    """What lies behind this door is not shown to this request: no look is noted."""
    g.entered = None


def here() -> Account:
    """The account of this session behind a door that asks for one."""
    account = signed_in()
    if account is None:
        abort(403)
    return account


def customer() -> Account | None:
    """The signed-in customer; staff never act as one (T26-25)."""
    account = signed_in()
    return account if account is not None and account.role.desk is Desk.CUSTOMER else None


def sign_in(account: Account) -> MessageRequest | None:
    """Begin a session of `account` under new cookies; the journey goes on. Staff are in after the second step only.

    Returns the mail to queue when the account was never signed in at this browser.
    """
    return sessions.begin(account)


def renew(*, second_factor: bool = False) -> MessageRequest | None:
    """After a fresh proof: new tokens for this session, whole after a second factor. Returns the mail to queue."""
    return sessions.renew(second_factor=second_factor)


def sign_out() -> None:
    """End the session, on the server too."""
    sessions.end()


def actor() -> Actor:
    """Who acts, for the trail."""
    account = signed_in()
    if account is None:
        return VISITOR
    return Actor(ACTING_AT[account.role.desk], account.id, account.role.value)


def device() -> str | None:
    """The token by which this browser is known again, if it was ever signed in."""
    return sessions.device()


source = audit.source

"""The session behind a request, and the two cookies that hold it: the session's token and the one of the browser.

The signed cookie of Flask signs nobody in: it holds the journey, the language, the CSRF secret, which codes this
browser asked for and for which address, which passkey ceremony it began, and what the next page says once. Whoever
holds the browser can read it (ADR 0005). Authority is a random token whose hash stands in the database, so a session
can be ended.
"""

from flask import Flask, Response, current_app, g, request, session

from marketplace.accounts import queries, services
from marketplace.accounts.values import (
    DEVICE_REMEMBERED,
    Account,
    Begun,
    Ended,
    MessageRequest,
    SecurityEventType,
    Session,
)
from marketplace.web import audit

KEPT_OVER_SIGN_IN = ("journey", "locale")
KEPT_OVER_SIGN_OUT = ("locale",)


def name_of(kind: str) -> str:
    """The cookie's name: `__Host-session` binds it to this host and to TLS; plain over http on loopback."""
    return f"__Host-{kind}" if current_app.config["SESSION_COOKIE_SECURE"] else kind


def behind() -> tuple[Session, Account] | None:
    """The session of this request and its account, whole or half open; asked once for each request."""
    if "session_behind" not in g:
        token = request.cookies.get(name_of("session"), "")
        g.session_behind = queries.session_behind(token) if token else None
        if g.session_behind is not None:
            audit.known_as(g.session_behind[1], g.session_behind[0].id)
            services.note_seen(g.session_behind[0])
    found: tuple[Session, Account] | None = g.session_behind
    return found


def begin(account: Account) -> MessageRequest | None:
    """Sign `account` in at this browser under new tokens, the CSRF secret's too; the journey goes on.

    Returns the mail to queue when the account was never signed in at this browser.
    """
    end(Ended.REPLACED, KEPT_OVER_SIGN_IN)
    notice = _hold(services.begin_session(account.id, request.user_agent.string, device()), account)
    audit.note(SecurityEventType.SIGN_IN)
    return notice


def renew(*, second_factor: bool) -> MessageRequest | None:
    """The person of this session gave a fresh proof: the same session under new tokens, whole after a second factor."""
    found = behind()
    if found is None:
        return None
    _forget_but(KEPT_OVER_SIGN_IN)
    notice = _hold(services.renew_session(found[0].id, device(), second_factor=second_factor), found[1])
    audit.note(SecurityEventType.SECOND_FACTOR if second_factor else SecurityEventType.STEP_UP)
    return notice


def end(reason: Ended = Ended.SIGNED_OUT, kept: tuple[str, ...] = KEPT_OVER_SIGN_OUT) -> None:
    """End the session of this request on the server and drop its cookie."""
    found = behind()
    if found is not None:
        services.end_session(found[1].id, found[0].id, reason)
        if reason is Ended.SIGNED_OUT:
            audit.note(SecurityEventType.SIGN_OUT)
    _forget_but(kept)
    g.session_behind, g.new_session = None, ""
    _ask_again()


def _hold(begun: Begun, account: Account) -> MessageRequest | None:
    g.session_behind, g.new_session, g.new_device = (begun.session, account), begun.token, begun.device
    _ask_again()
    audit.known_as(account, begun.session.id)
    return begun.notice


def _ask_again() -> None:
    """Flask-Login remembers who this request is from; that has just changed."""
    g.pop("_login_user", None)


def _forget_but(kept: tuple[str, ...]) -> None:
    held = {name: session[name] for name in kept if session.get(name)}
    session.clear()
    session.update(held)


def device() -> str | None:
    """The token of this browser's own cookie."""
    return request.cookies.get(name_of("device"))


def keep_cookies(app: Flask) -> None:
    """Send the cookies that a request changed, unless it failed and was undone."""

    @app.after_request
    def send(response: Response) -> Response:
        if response.status_code >= 400 or "new_session" not in g:  # noqa: PLR2004  HTTP: the request was rolled back
            return response
        if g.new_session:
            _set(response, "session", g.new_session)
        else:
            response.delete_cookie(
                name_of("session"), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
            )
            response.headers["Clear-Site-Data"] = '"cache", "storage"'  # nothing of the person stays in the browser
        if g.get("new_device"):
            _set(response, "device", g.new_device, int(DEVICE_REMEMBERED.total_seconds()))
        return response


def _set(response: Response, kind: str, value: str, seconds: int | None = None) -> None:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie(name_of(kind), value, max_age=seconds, secure=secure, httponly=True, samesite="Lax")

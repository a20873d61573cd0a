"""What every answer carries and every request must be: headers, nonces, trusted hosts, CSRF."""

import secrets
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request, session
from flask_wtf.csrf import CSRFProtect, generate_csrf
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace.traceability.values import LONGEST_PART
from marketplace.web import audit
from marketplace.web.site import Unpressed

csrf = CSRFProtect()

MAX_BODY = 8 * 1024 * 1024
MAX_FORM = 512 * 1024
MAX_PARTS = 400
URL_ENCODED = "application/x-www-form-urlencoded"
FORMS = {URL_ENCODED, "multipart/form-data"}
OTHER_BODIES = {"stripe.receive", "interactions.record"}
SHORTER_BODIES = {"interactions.record": LONGEST_PART}

# The stored page of a desk is shown in a frame that may run nothing and reach nothing.
STORED_PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; sandbox; frame-ancestors 'self'"


def protect(app: Flask, *, hosts: Sequence[str], secure: bool, payment_origins: str, proxies: int) -> None:
    """Set cookies, hosts and limits by the public address, and add the headers to every answer.

    `proxies` of our own say where a request comes from; the header of anybody else is not believed, and none decides
    the host.
    """
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=0, x_prefix=0)  # type: ignore[method-assign]  # Flask's own way to wrap it
    app.config.update(
        TRUSTED_HOSTS=[*hosts, *(["127.0.0.1", "localhost"] if not secure else [])],
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_FORM,
        MAX_FORM_PARTS=MAX_PARTS,
        SESSION_COOKIE_NAME="__Host-evenfold" if secure else "evenfold",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
    )

    app.before_request(_limit_body)
    csrf.init_app(app)
    app.before_request(_refuse_odd_requests)

    @app.after_request
    def add_headers(response: Response) -> Response:
        static = request.endpoint == "static"
        wanted = {
            "Content-Security-Policy": page_policy(payment_origins),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            # Our own style has to reach the sandboxed frame of a stored page, which is of no origin at all.
            "Cross-Origin-Resource-Policy": "cross-origin" if static else "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        }
        if secure:
            wanted["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if response.status_code >= 400:  # noqa: PLR2004  HTTP: an error is no file, wherever it was looked for
            response.headers["Cache-Control"] = "no-store"
        elif not static:
            wanted["Cache-Control"] = "no-store"
        said = {name for name, _ in response.headers}  # what a view says itself stands
        response.headers.extend([each for each in wanted.items() if each[0] not in said])
        return response


def _limit_body() -> None:
    """Werkzeug applies MAX_FORM_MEMORY_SIZE to multipart bodies only; ours are the other kind."""
    if request.endpoint in SHORTER_BODIES:
        request.max_content_length = SHORTER_BODIES[request.endpoint]
    elif request.mimetype == URL_ENCODED:
        request.max_content_length = MAX_FORM


def _refuse_odd_requests() -> None:
    """No page reads a body that is no form, a name given twice, or an address with a NUL in it.

    Flask would answer OPTIONS by itself; no page of another site has anything to ask here.
    """
    if request.method == "OPTIONS" and request.url_rule is not None:
        raise MethodNotAllowed(request.url_rule.methods)
    if "\0" in request.path or b"%00" in request.query_string:
        abort(404)
    if request.method == "POST" and request.endpoint not in OTHER_BODIES and request.mimetype not in FORMS:
        abort(415)
    given = (request.args, request.form, request.files) if request.method == "POST" else (request.args,)
    if any(len(values) > 1 for each in given for _, values in each.lists()):
        audit.refuse("doubled_name")
        abort(400)


def page_policy(payment_origins: str) -> str:
    """The content security policy of a page with this answer's nonce; it may frame `g.framed_origin` beside us."""
    framed = f"'self' {g.get('framed_origin', '')}".rstrip()
    return (
        f"default-src 'none'; script-src 'nonce-{csp_nonce()}'; style-src 'self'; img-src 'self' data:; "
        f"font-src 'self'; connect-src 'self'; form-action 'self' {payment_origins}; frame-src {framed}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


@cache
def _csrf_serializer(secret: str) -> Unpressed:
    """As Flask-WTF signs, whose own check takes it."""
    return Unpressed(secret, salt="wtf-csrf-token")


def csrf_token() -> str:
    """The token of this answer's forms. The secret behind it is made by Flask-WTF at the first form of a browser."""
    if "csrf_token" not in g:
        if "csrf_token" not in session:
            return str(generate_csrf())
        g.csrf_token = str(_csrf_serializer(current_app.config["SECRET_KEY"]).dumps(session["csrf_token"]))
    return str(g.csrf_token)


def csp_nonce() -> str:
    """The nonce of this answer's scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def wanted_path() -> str | None:
    """Where somebody was stopped and wants to go on, as the address of this page says (`next`)."""
    return own_path(request.args.get("next", ""))


def own_path(address: str) -> str | None:
    """`address` if it is a path of this site, else None: nobody is sent elsewhere by a link to us."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    inside = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address.rstrip("?") if inside and not parts.scheme and not parts.netloc and address.isprintable() else None

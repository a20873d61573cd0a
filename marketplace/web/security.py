"""What every answer carries and every request must be: headers, nonces, trusted hosts, CSRF."""

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request
from flask_wtf.csrf import CSRFProtect

csrf = CSRFProtect()

MAX_BODY = 8 * 1024 * 1024
MAX_FORM = 512 * 1024
MAX_PARTS = 400

# The stored page of a desk is shown in a frame that may run nothing and reach nothing.
STORED_PAGE_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; sandbox; frame-ancestors 'self'"


def protect(app: Flask, *, public_host: str, secure: bool, checkout_origin: str) -> None:
    """Set cookies, hosts and limits by the public address, and add the headers to every answer."""
    app.config.update(
        TRUSTED_HOSTS=[public_host, *(["127.0.0.1", "localhost"] if not secure else [])],
        MAX_CONTENT_LENGTH=MAX_BODY,
        MAX_FORM_MEMORY_SIZE=MAX_FORM,
        MAX_FORM_PARTS=MAX_PARTS,
        SESSION_COOKIE_NAME="__Host-evenfold" if secure else "evenfold",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,
    )
    csrf.init_app(app)

    def policy() -> str:
        nonce = csp_nonce()
        return (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self'; form-action 'self' {checkout_origin}; frame-src 'self'; frame-ancestors 'none'; "
            "base-uri 'none'"
        )

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy())
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "no-store")
        if secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response

    @app.before_request
    def refuse_doubled_fields() -> None:
        doubled = [name for name, values in request.form.lists() if len(values) > 1]
        if doubled:
            abort(400)


def csp_nonce() -> str:
    """The nonce of this answer's scripts."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def own_path(address: str) -> str | None:
    """`address` if it is a path of this site, else None: nobody is sent elsewhere by a link to us."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith("//") and "\\" not in address
    return address.rstrip("?") if inside and not parts.scheme and not parts.netloc and address.isprintable() else None

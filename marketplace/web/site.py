"""Flask's application without what it does for each request and this site does not need.

No view here is a coroutine, and the serializer of the signed cookie is the same for every request: asking and making
them anew took a tenth of the time of a page from memory (ADR 0010).
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer


class SignedCookie(SecureCookieSessionInterface):
    """Flask's own over SHA-256 instead of SHA-1, its serializer made once for each application."""

    digest_method = staticmethod(sha256)

    @cache  # noqa: B019  one interface and one application live as long as the process
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        return super().get_signing_serializer(app)


class Site(Flask):
    """Hooks and views are plain functions."""

    session_interface = SignedCookie()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

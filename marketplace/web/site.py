"""Flask's application without what it does for each request and this site does not need.

No view here is a coroutine, and the serializer of the signed cookie is the same for every request: asking and making
them anew took a tenth of the time of a page from memory (ADR 0010).
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from flask import Flask, Request
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode


class Unpressed(URLSafeTimedSerializer):
    """Signs without trying first whether pressing would save some bytes: that takes longer than signing them."""

    def dump_payload(self, obj: Any) -> bytes:
        return base64_encode(self.serializer.dumps(obj))


class SignedCookie(SecureCookieSessionInterface):
    """Flask's own over SHA-256 instead of SHA-1, its serializer made once for each application."""

    digest_method = staticmethod(sha256)

    @cache  # noqa: B019  one interface and one application live as long as the process
    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """With the keys, salt and derivation that Flask's own has."""
        if not app.secret_key:
            return None
        keys = [*(app.config["SECRET_KEY_FALLBACKS"] or ()), app.secret_key]
        how = {"key_derivation": self.key_derivation, "digest_method": self.digest_method}
        return Unpressed(keys, salt=self.salt, serializer=self.serializer, signer_kwargs=how)


class Asked(Request):
    """A request whose query is text: bytes that browsers would have encoded are encoded here, so that none of those who
    read it breaks on what is no UTF-8.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if not self.query_string.isascii():
            self.query_string = quote(self.query_string, safe=_ASCII).encode()


_ASCII = bytes(range(128))


class Site(Flask):
    """Hooks and views are plain functions."""

    request_class = Asked
    session_interface = SignedCookie()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

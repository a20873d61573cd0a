"""Pages as they were sent: kept by a browser without script while a walk goes past them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from tests.web.page_checks import CheckedClient

LOCALES = ("en", "zh_Hans_CN")
NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Seen:
    """A page as it was sent. `path` has its query; `endpoint` is `nowhere` where no route answers."""

    endpoint: str
    path: str
    locale: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def name(self) -> str:
        return f"{self.endpoint} {self.status} {self.locale} {self.path}"

    @property
    def framed(self) -> bool:
        """Whether it is shown inside the frame of another page only."""
        return "sandbox" in dict(self.headers).get("Content-Security-Policy", "")


@contextmanager
def keeping(app: Flask, locale: str) -> Iterator[list[Seen]]:
    """Keep every page that clients of `app` are sent meanwhile; each is checked as in all tests."""
    kept: list[Seen] = []

    class Keeper(CheckedClient):
        def open(self, *args: Any, **kwargs: Any) -> TestResponse:
            response = super().open(*args, **kwargs)
            if response.mimetype == "text/html" and not 300 <= response.status_code < 400:
                kept.append(_seen(app, response, locale))
            return response

    before, app.test_client_class = app.test_client_class, Keeper
    yield kept
    app.test_client_class = before


def _seen(app: Flask, response: TestResponse, locale: str) -> Seen:
    request = response.request
    path = request.full_path.rstrip("?")
    headers = tuple((name, value) for name, value in response.headers if name not in {"Set-Cookie", "Content-Length"})
    return Seen(endpoint_of(app, request.path), path, locale, response.status_code, headers, response.get_data())


def endpoint_of(app: Flask, path: str) -> str:
    adapter = app.url_map.bind("localhost")
    for method in ("GET", "POST"):
        try:
            return str(adapter.match(path, method=method)[0])
        except HTTPException:
            continue
    return NOWHERE

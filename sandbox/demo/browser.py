"""As much of Flask's test client as `Visitor` uses, over HTTP: for visitors of a site that runs elsewhere."""

from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter

PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """As much of a Werkzeug response as `Visitor` looks at."""

    full_path: str
    status_code: int
    headers: Any
    text: str

    @property
    def request(self) -> "Answer":
        return self

    def get_data(self, *, as_text: bool) -> str:
        if not as_text:
            raise NotImplementedError
        return self.text


class Browser:
    """`source`: from which of this machine's own addresses it comes, or, with `forwarded`, which one a proxy told."""

    def __init__(self, url: str, source: str, *, forwarded: bool = False) -> None:
        self._url, self._session = url, requests.Session()
        if forwarded:
            self._session.headers["X-Forwarded-For"] = source
        else:
            self._session.mount("http://", _From(source))

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self._ask("GET", path, headers)

    def post(self, path: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        return self._ask("POST", path, headers, data)

    def _ask(self, method: str, path: str, headers: Any, data: Any = None) -> Answer:
        told = self._session.request(
            method, self._url + path, headers=headers, data=data, allow_redirects=False, timeout=PATIENCE_SECONDS
        )
        return Answer(path, told.status_code, told.headers, told.text)


class _From(HTTPAdapter):
    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self._address, 0), **options)

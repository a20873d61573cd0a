"""What every page of the site must be, checked on each page that a test visits."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

NAMESPACE = "{http://www.w3.org/1999/xhtml}"
TYPED = {"text", "email", "password", "tel", "date", "number", "checkbox", "radio"}


class CheckedClient(FlaskClient):
    """A browser without script that refuses pages which are not in order."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.status_code != 304 and not _is_foreign(response):
            faults = [*headers_faults(response), *page_faults(response.get_data(as_text=True))]
            assert faults == [], f"{response.request.path}: {faults}"
        return response


def _is_foreign(response: TestResponse) -> bool:
    """Stored pages and mails are shown in a sandbox as they were."""
    return "sandbox" in response.headers.get("Content-Security-Policy", "") or 300 <= response.status_code < 400


def headers_faults(response: TestResponse) -> Iterator[str]:
    policy = response.headers.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe" in policy:
        yield f"weak content policy: {policy}"
    if response.headers.get("Cache-Control") != "no-store":
        yield "a page may be cached"
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        yield "nosniff is missing"


def page_faults(text: str) -> Iterator[str]:
    parser = html5lib.HTMLParser(namespaceHTMLElements=True, strict=False)
    document = parser.parse(text)
    yield from (f"invalid HTML at {place}: {code}" for place, code, _ in parser.errors)
    elements = list(document.iter())
    if len([e for e in elements if e.tag == f"{NAMESPACE}h1"]) != 1:
        yield "not exactly one h1"
    title = document.find(f".//{NAMESPACE}title")
    if title is None or not (title.text or "").split("·")[0].strip():
        yield "no title"
    doubled = [name for name, times in Counter(e.get("id") for e in elements if e.get("id")).items() if times > 1]
    if doubled:
        yield f"ids used twice: {doubled}"
    yield from _label_faults(elements)
    if '<aside class="notice-bar' not in text:
        yield "no notice that this is a demonstration"
    if re.search(r"%\([a-z_]+\)s", text):
        yield "a placeholder was not filled in"
    if len(text.encode()) > 100_000:
        yield "larger than 100 kB"


def _label_faults(elements: list[Element]) -> Iterator[str]:
    labelled = {e.get("for") for e in elements if e.tag == f"{NAMESPACE}label"}
    for element in elements:
        asks = element.tag in {f"{NAMESPACE}select", f"{NAMESPACE}textarea"} or (
            element.tag == f"{NAMESPACE}input" and element.get("type", "text") in TYPED
        )
        if asks and element.get("id") not in labelled and not element.get("aria-label"):
            yield f"no label for {element.get('name')}"
        if (
            element.tag == f"{NAMESPACE}input"
            and element.get("checked") is not None
            and element.get("type") == "checkbox"
        ):
            yield f"ticked from the start: {element.get('name')}"

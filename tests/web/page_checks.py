"""What every page of the site must be, checked on each page that a test visits. Controls: tests/unit/pages."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

STATIC = Path(__file__).parents[2] / "static"
LIGHT = 100_000
LANGUAGES = {"en", "zh-Hans-CN"}
DRAWING = "{http://www.w3.org/2000/svg}svg"
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
ASKING = {"input", "select", "textarea"}
NOT_TYPED = {"hidden", "submit", "button", "image", "reset"}
REFERRING = ("for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "aria-errormessage")
# The tokens of the HTML standard (section 4.10.18.7) that our forms have a use for.
TOKENS = {
    "off", "name", "email", "tel", "bday", "username", "username webauthn", "current-password", "new-password",
    "one-time-code", "street-address", "postal-code", "country", "organization",
}  # fmt: skip
PERSONAL = {"email", "tel", "password"}


class CheckedClient(FlaskClient):
    """A browser without script that refuses pages which are not in order."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and response.status_code != 304 and not _is_foreign(response):
            nonce = re.search(r"'nonce-([^']+)'", response.headers.get("Content-Security-Policy", ""))
            body = response.get_data(as_text=True)
            faults = [*headers_faults(response), *known_faults(body, nonce[1] if nonce else "")]
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


# New with every answer, and no part of how a page is made: ids of rows, tokens, hashes, references, times of the day.
_OWN_TO_ONE_ANSWER = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w.-]{40,}|\b[A-Z]-[0-9A-Z]{4}-[0-9A-Z]{4}\b|\b\d?\d:\d\d:\d\d\b"
)
_in_order: set[int] = set()


def known_faults(text: str, nonce: str) -> list[str]:
    """What is not in order on a page. One that differs from an earlier page only in what is new with every answer is
    not parsed again: parsing takes longer than the page itself.
    """
    alike = hash(_OWN_TO_ONE_ANSWER.sub("", text.replace(f'nonce="{nonce}"', "nonce") if nonce else text))
    if alike in _in_order:
        return []
    faults = list(page_faults(text, nonce))
    if not faults:
        _in_order.add(alike)
    return faults


@dataclass
class Page:
    """A parsed page. `parent` leads from each element upwards."""

    text: str
    nonce: str
    errors: list[Any]
    elements: list[Element]
    parent: dict[Element, Element]
    ids: Counter[str] = field(default_factory=Counter)

    def all(self, *tags: str) -> list[Element]:
        return [each for each in self.elements if each.tag in tags]

    def above(self, element: Element) -> Iterator[Element]:
        while (element := self.parent.get(element)) is not None:  # type: ignore[assignment]
            yield element


def page_faults(text: str, nonce: str) -> Iterator[str]:
    """What is not in order on a page that was sent with `nonce`."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    document = parser.parse(text)
    elements = [each for each in document.iter() if isinstance(each.tag, str)]
    parent = {child: each for each in elements for child in each}
    ids = Counter(str(each.get("id")) for each in elements if each.get("id"))
    page = Page(text, nonce, parser.errors, elements, parent, ids)
    for check in CHECKS:
        yield from check(page)


def _valid(page: Page) -> Iterator[str]:
    yield from (f"invalid HTML at {place}: {code}" for place, code, _ in page.errors)
    doubled = [name for name, times in page.ids.items() if times > 1]
    if doubled:
        yield f"ids used twice: {doubled}"
    if re.search(r"%\([a-z_]+\)s", page.text):
        yield "a placeholder was not filled in"


def _outline(page: Page) -> Iterator[str]:
    """One h1 that the title says, headings without a step left out, one main part, a language of ours."""
    tops = page.all("h1")
    if len(tops) != 1:
        yield "not exactly one h1"
    title = words(page.all("title")[0]).split("·")[0].strip() if page.all("title") else ""
    if not title:
        yield "no title"
    elif tops and not _says(title, words(tops[0])):
        yield f"the title says {title!r}, the page {words(tops[0])!r}"
    levels = [HEADINGS.index(each.tag) for each in page.all(*HEADINGS)]
    yield from (f"h{below + 1} after h{above + 1}" for above, below in pairwise(levels) if below > above + 1)
    if len(page.all("main")) != 1:
        yield "not exactly one main part"
    if page.all("html")[0].get("lang") not in LANGUAGES:
        yield "no language"


# What somebody ticked on the page before; that none of it is ticked at first is held by test_comparison.py and, of the
# lines of a certificate, by test_consultation.py.
OWN_CHOICE = ("needs-", "does-", "lines-")


def _says(title: str, heading: str) -> bool:
    title, heading = title.lower(), heading.lower()
    return title in heading or heading in title


def _named(page: Page) -> Iterator[str]:
    """Whatever can be asked, pressed or followed has a name."""
    labelled = {each.get("for") for each in page.all("label") if words(each)}
    for each in page.all(*ASKING):
        if each.get("type") not in NOT_TYPED and each.get("id") not in labelled and not each.get("aria-label"):
            yield f"no label for {each.get('name')}"
        own = str(each.get("name")).startswith(OWN_CHOICE)
        if each.get("type") == "checkbox" and each.get("checked") is not None and not own:
            yield f"ticked from the start: {each.get('name')}"
        if each.get("type") == "radio" and not any(above.find("legend") is not None for above in page.above(each)):
            yield f"no question above {each.get('id')}"
    for each in page.all("a", "button", "summary"):
        if not (words(each) or each.get("aria-label")):
            yield f"nothing to read on {each.tag} {each.attrib}"
    for tag, name in (("img", "alt"), ("iframe", "title")):
        yield from (f"{tag} without {name}" for each in page.all(tag) if each.get(name) is None)
    for each in page.all(DRAWING):
        if each.get("aria-hidden") != "true" and not any(above.get("role") == "img" for above in page.above(each)):
            yield "a drawing that is neither hidden nor a picture"
    pictures = [each for each in page.elements if each.get("role") == "img"]
    yield from ("a picture without words" for each in pictures if not each.get("aria-label"))


def _references(page: Page) -> Iterator[str]:
    for each in page.elements:
        for name in REFERRING:
            for target in each.get(name, "").split():
                if target not in page.ids:
                    yield f"{name} leads nowhere: {target}"
        inside = each.get("href", "")
        if each.tag == "a" and inside.startswith("#") and inside[1:] not in page.ids:
            yield f"a link leads nowhere: {inside}"
        if int(each.get("tabindex", "0")) > 0:
            yield "an order of its own for the keyboard"


def _errors(page: Page) -> Iterator[str]:
    """A summary that takes the focus and leads to what it speaks of; each error tied to its control."""
    controls = {each.get("id") for each in page.all(*ASKING)}
    described = {name for each in page.elements for name in each.get("aria-describedby", "").split()}
    summaries = [each for each in page.elements if each.get("class") == "summary-of-errors"]
    errors = [each for each in page.elements if "error" in each.get("class", "").split() and words(each)]
    if errors and not summaries:
        yield "errors without a summary"
    for each in errors:
        if each.get("id") not in described:
            yield f"an error tied to nothing: {words(each)}"
    for summary in summaries:
        if summary.get("tabindex") != "-1" or summary.get("role") != "alert":
            yield "a summary that cannot take the focus"
        links = [each.get("href", "")[1:] for each in summary.iter("a")]
        yield from (f"the summary leads to no control: {name}" for name in links if name not in controls)


def _autocomplete(page: Page) -> Iterator[str]:
    for each in page.all(*ASKING):
        token = each.get("autocomplete")
        if token is not None and token not in TOKENS:
            yield f"unknown autocomplete {token}"
        if each.get("type") in PERSONAL and not token:
            yield f"no autocomplete for {each.get('name')}"


def _tables(page: Page) -> Iterator[str]:
    for table in page.all("table"):
        heads = list(table.iter("th"))
        if not heads:
            yield "a table without headers"
        yield from (f"a header of nothing: {words(each)}" for each in heads if not each.get("scope"))


def _policy(page: Page) -> Iterator[str]:
    """Scripts bear the nonce of their answer; nothing is styled or run inline."""
    for each in page.all("script"):
        if not page.nonce or each.get("nonce") != page.nonce:
            yield "a script without the nonce of this page"
    if page.all("style") or any(each.get("style") is not None for each in page.elements):
        yield "a style inside the page"
    handlers = {name for each in page.elements for name in each.attrib if str(name).startswith("on")}
    if handlers:
        yield f"script in attributes: {handlers}"


def _demonstration(page: Page) -> Iterator[str]:
    if '<aside class="notice-bar' not in page.text:
        yield "no notice that this is a demonstration"


def _weight(page: Page) -> Iterator[str]:
    """All that a first visit loads."""
    loaded = {each.get("src") or each.get("href") or "" for each in page.all("script", "link", "img")}
    files = {name.removeprefix("/static/").split("?")[0] for name in loaded if name.startswith("/static/")}
    weight = len(page.text.encode()) + sum(_size(name) for name in files)
    if weight > LIGHT:
        yield f"{weight} bytes when loaded for the first time"


@cache
def _size(name: str) -> int:
    return (STATIC / name).stat().st_size


def words(element: Element) -> str:
    """The text of an element as it reads."""
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip()


@cache
def _asked_by_scripts() -> frozenset[str]:
    """The properties that our scripts ask of a page's parts: a control by such a name would answer in their place (DOM
    clobbering). Fields that a script means are asked through `elements`, what a page says to it through `dataset`.
    """
    scripts = "".join(path.read_text() for path in sorted(STATIC.glob("js/*.js")))
    return frozenset(re.findall(r"(?<!elements)(?<!dataset)\.(\w+)", re.sub(r"//.*", "", scripts)))


def _replaced(page: Page) -> Iterator[str]:
    for each in page.elements:
        for name in {each.get("id"), each.get("name")} & _asked_by_scripts():
            yield f"a script would find this instead of its own: {name}"


CHECKS: tuple[Callable[[Page], Iterator[str]], ...] = (
    _valid, _outline, _named, _references, _errors, _autocomplete, _tables, _policy, _demonstration, _weight,
    _replaced,
)  # fmt: skip

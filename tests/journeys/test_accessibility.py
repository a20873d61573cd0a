"""No page breaks a rule of axe-core: both languages, a telephone's width and a desk's, forms refused and errors too.

axe-core comes with a package of the tests and is handed to the page by the browser's driver: nothing is fetched, and
the page's own content policy stays as strict as it is.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser

from tests.journeys.every_page import LOCALES, Seen
from tests.journeys.replay import Tab, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

WIDTHS = (360, 1440)
# Beside the rules that are on of themselves (WCAG 2.0 to 2.1 A and AA, best practice): targets large enough (2.2 AA).
RULES = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
BEGIN = "rules => { window.found = axe.run(document, rules); }"
END = """() => window.found.then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)))"""

Shape = tuple[str, str, tuple[str, ...]]


@pytest.mark.parametrize("locale", LOCALES)
def test_no_page_breaks_a_rule(chromium: Browser, migrated_app: Flask, walked: tuple[Seen, ...], locale: str) -> None:
    """The tabs take turns: while one page is examined the other loads."""
    pages = [seen for seen in walked if seen.locale == locale]
    tabs = [open_tab(chromium, migrated_app, pages, viewport={"width": width, "height": 900}) for width in WIDTHS]
    faults: list[str] = []
    for seen in of_another_make(pages):
        for tab in tabs:
            faults += examined(tab)
            examine(tab, seen)
    for tab in tabs:
        faults += [*examined(tab), *tab.complaints]
        tab.page.context.close()
    assert faults == []


def examine(tab: Tab, seen: Seen) -> None:
    tab.show(seen).evaluate(AXE_SCRIPT)
    tab.page.evaluate(BEGIN, RULES)


def examined(tab: Tab) -> list[str]:
    if tab.shown is None:
        return []
    return [f"{tab.shown.name} at {tab.page.viewport_size}: {fault}" for fault in tab.page.evaluate(END)]


def of_another_make(pages: Iterable[Seen]) -> list[Seen]:
    """The pages that show something the ones before of the same endpoint do not: an element, a class, an attribute in
    another place. Two comparisons that differ in their numbers only are looked at once.
    """
    known: dict[tuple[str, bool], set[tuple[Shape, Shape]]] = {}
    kept = []
    for seen in pages:
        makes = known.setdefault((seen.endpoint, seen.framed), set())
        if not seen.framed and not (shapes := _shapes(seen.body)) <= makes:
            makes |= shapes
            kept.append(seen)
    return kept


@cache
def _shapes(body: bytes) -> frozenset[tuple[Shape, Shape]]:
    """Every kind of element with the kind it stands in."""
    document = html5lib.parse(body, namespaceHTMLElements=False)
    return frozenset((_shape(parent), _shape(child)) for parent in document.iter() for child in parent)


def _shape(element: Element) -> Shape:
    names: list[Any] = [name for name in element.attrib if isinstance(name, str)]
    return str(element.tag), element.get("class", ""), tuple(sorted(names))


PLANTED = """<!doctype html><html lang="en"><head><title>Planted</title></head><body><main><h1>Planted</h1>
<p style="color: #999; background: #fff">{pale}</p><input name="amount"><img src="data:,"><h4>Skipped</h4>
<div role="button">No keyboard</div><ul><p>No item</p></ul></main><p>Outside</p></body></html>"""


def test_faults_that_were_planted_are_found(chromium: Browser, migrated_app: Flask) -> None:
    """Control: the same examination of a page that breaks rules."""
    page = PLANTED.format(pale="Pale words").encode()
    tab = open_tab(chromium, migrated_app, [])
    examine(tab, Seen("planted", "/planted", "en", 200, (("Content-Type", "text/html"),), page))
    broken = {fault.split(": ")[1] for fault in examined(tab)}
    tab.page.context.close()
    assert broken >= {"color-contrast", "label", "image-alt", "heading-order", "region", "list"}


def test_what_the_console_says_is_heard(chromium: Browser, migrated_app: Flask) -> None:
    """Control: a script that the content policy forbids, a failing one, and a file that is not there."""
    tab = open_tab(chromium, migrated_app, [])
    headers = (("Content-Type", "text/html"), ("Content-Security-Policy", "script-src 'nonce-known'"))
    page = b'<script>1</script><script nonce="known">missing()</script><img src="/nowhere.png">'
    tab.show(Seen("planted", "/planted", "en", 200, headers, page))
    tab.page.context.close()
    said = " ".join(tab.complaints)
    assert "Content Security Policy" in said
    assert "missing is not defined" in said
    assert "asked for http://localhost:8000/nowhere.png" in said

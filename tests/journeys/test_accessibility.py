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

from tests.journeys.every_page import LOCALES, NOWHERE, Seen
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
    tabs = [examining(chromium, migrated_app, pages, width) for width in WIDTHS]
    faults: list[str] = []
    for seen in of_another_make(pages):
        for tab in tabs:
            faults += examined(tab)
            examine(tab, seen)
    for tab in tabs:
        faults += [*examined(tab), *tab.complaints]
        tab.page.context.close()
    assert faults == []


def examining(browser: Browser, app: Flask, pages: Iterable[Seen], width: int) -> Tab:
    tab = open_tab(browser, app, pages, viewport={"width": width, "height": 900})
    tab.page.add_init_script(AXE_SCRIPT)
    return tab


def examine(tab: Tab, seen: Seen) -> None:
    tab.show(seen).evaluate(BEGIN, RULES)


def examined(tab: Tab) -> list[str]:
    if tab.shown is None:
        return []
    return [f"{tab.shown.name} at {tab.page.viewport_size}: {fault}" for fault in tab.page.evaluate(END)]


def of_another_make(pages: Iterable[Seen]) -> list[Seen]:
    """Each endpoint's page with each status in each language, and every page that shows more: a kind of element in a
    place where none before had it. Two comparisons that differ in their numbers only are looked at once.
    """
    known: set[object] = set()
    kept = []
    for seen in pages:
        status = 0 if seen.endpoint == NOWHERE else seen.status
        makes = {(seen.locale, seen.endpoint, status), *((seen.locale, each) for each in _shapes(seen.body))}
        if not seen.framed and not makes <= known:
            known |= makes
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


PLANTED = b"""<!doctype html><html lang="en"><head><title>Planted</title></head><body><main><h1>Planted</h1>
<p style="color: #999; background: #fff">Pale words</p><input name="amount"><img src="data:,"><h4>Skipped</h4>
<div role="button">No keyboard</div><ul><p>No item</p></ul></main><p>Outside</p></body></html>"""


def test_faults_that_were_planted_are_found(chromium: Browser, migrated_app: Flask) -> None:
    """Control: the same examination of a page that breaks rules."""
    tab = examining(chromium, migrated_app, [], 360)
    examine(tab, Seen("planted", "/planted", "en", 200, (("Content-Type", "text/html"),), PLANTED))
    found = " ".join(examined(tab))
    tab.page.context.close()
    planted = ("color-contrast", "label", "image-alt", "heading-order", "region", "list")
    assert [rule for rule in planted if f": {rule}: " not in found] == []


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

"""No page breaks a rule of axe-core, or falls out of its window: both languages, forms refused and errors too. The
rules are tried in English at a telephone's width and in Chinese at a desk's, all else at every width.

axe-core comes with a package of the tests and is handed to the page by the browser's driver: nothing is fetched, and
the page's own content policy stays as strict as it is. Each page is loaded once for all that is looked at.
"""

from collections import defaultdict
from collections.abc import Iterable

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser

from tests.journeys.appearance import LARGE_TYPE, MOVING, OUTSIDE, USUAL_TYPE, of_another_make
from tests.journeys.kept import LOCALES, Seen
from tests.journeys.replay import Tab, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1800)]

PHONE, DESK, NARROWEST = 360, 1280, 320
WIDTHS = {"en": PHONE, "zh_Hans_CN": DESK}
# Beside the rules that are on of themselves (WCAG 2.0 to 2.1 A and AA, best practice): targets large enough (2.2 AA).
RULES = {"resultTypes": ["violations"], "preload": False, "rules": {"target-size": {"enabled": True}}}
BEGIN = "rules => { window.found = axe.run(document, rules); }"
END = """() => window.found.then(found => found.violations.flatMap(
    rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`)))"""
Faults = dict[str, list[str]]


@pytest.fixture(scope="module", params=LOCALES)
def faults(request: pytest.FixtureRequest, chromium: Browser, migrated_app: Flask, walked: tuple[Seen, ...]) -> Faults:
    """What is wrong with the pages of one language. Two tabs take turns: while one is examined the other loads."""
    pages = [seen for seen in walked if seen.locale == request.param]
    tabs = [examining(chromium, migrated_app, pages, WIDTHS[request.param]) for _ in range(2)]
    found: Faults = defaultdict(list)
    for number, seen in enumerate(of_another_make(pages)):
        tab = tabs[number % len(tabs)]
        look(tab, found)
        examine(tab, seen)
    for tab in tabs:
        look(tab, found)
        found["console"] += tab.complaints
        tab.page.context.close()
    return found


def examining(browser: Browser, app: Flask, pages: Iterable[Seen], width: int) -> Tab:
    tab = open_tab(browser, app, pages, viewport={"width": width, "height": 900})
    tab.page.add_init_script(AXE_SCRIPT)
    return tab


def examine(tab: Tab, seen: Seen) -> None:
    tab.show(seen).evaluate(BEGIN, RULES)


def look(tab: Tab, found: Faults) -> None:
    """At what axe-core found in the page shown; then with large type, without motion, in a narrow window."""
    page, size = tab.page, tab.page.viewport_size
    if tab.shown is None or size is None:
        return
    name = tab.shown.name
    found["rules"] += [f"{name}: {fault}" for fault in page.evaluate(END)]
    page.emulate_media(reduced_motion="reduce")
    found["motion"] += [f"{name}: {fault}" for fault in page.evaluate(MOVING)]
    page.emulate_media(reduced_motion="no-preference")
    for width in (PHONE, DESK):
        page.set_viewport_size({**size, "width": width})
        page.evaluate(LARGE_TYPE)
        found["large type"] += [f"{name} at {width}: {fault}" for fault in page.evaluate(OUTSIDE)]
        page.evaluate(USUAL_TYPE)
    page.set_viewport_size({**size, "width": NARROWEST})
    found["narrow"] += [f"{name}: {fault}" for fault in page.evaluate(OUTSIDE)]
    page.set_viewport_size(size)


@pytest.mark.requirement("PER-10")
def test_no_page_breaks_a_rule(faults: Faults) -> None:
    assert faults["rules"] == []


def test_the_console_has_nothing_to_say(faults: Faults) -> None:
    assert faults["console"] == []


@pytest.mark.requirement("PER-10")
def test_nothing_is_wider_than_320_pixels(faults: Faults) -> None:
    """What 1280 pixels show at four times the size (WCAG 2.1, 1.4.10)."""
    assert faults["narrow"] == []


@pytest.mark.requirement("PER-10")
def test_type_of_twice_the_size_fits(faults: Faults) -> None:
    """WCAG 2.1, 1.4.4."""
    assert faults["large type"] == []


def test_nothing_moves_for_who_wants_no_motion(faults: Faults) -> None:
    assert faults["motion"] == []


PLANTED = b"""<!doctype html><html lang="en"><head><title>Planted</title></head><body><main><h1>Planted</h1>
<p style="color: #999; background: #fff">Pale words</p><input name="amount"><img src="data:,"><h4>Skipped</h4>
<div role="button">No keyboard</div><ul><p>No item</p></ul><p style="width: 350px; transition: color 1s">Wide</p>
<p style="width: 12em">Fits while small</p></main><p>Outside</p></body></html>"""


def test_faults_that_were_planted_are_found(chromium: Browser, migrated_app: Flask) -> None:
    """Control: the same examination of a page that breaks rules, and of one that does not fit."""
    tab, found = examining(chromium, migrated_app, [], PHONE), defaultdict[str, list[str]](list)
    examine(tab, Seen("planted", "/planted", "en", 200, (("Content-Type", "text/html"),), PLANTED))
    look(tab, found)
    tab.page.context.close()
    rules = ("color-contrast", "label", "image-alt", "heading-order", "region", "list")
    assert [rule for rule in rules if f": {rule}: " not in " ".join(found["rules"])] == []
    assert "/planted: P" in " ".join(found["motion"])
    assert [[" P " in each for each in found[name]] for name in ("narrow", "large type")] == [[False, True]] * 2
    assert set(found["narrow"]).isdisjoint(found["large type"]), "one part is too wide in each"


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

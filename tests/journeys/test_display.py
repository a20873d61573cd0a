"""Pages hold in a reader's own colours, without script, and on paper."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import pikepdf
import pytest
from flask import Flask
from playwright.sync_api import Browser

from tests.journeys.appearance import MOVING, OUTSIDE, of_another_make
from tests.journeys.kept import LOCALES, Seen
from tests.journeys.replay import Tab, open_tab

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

STYLE = '<link rel="stylesheet" href="/static/css/evenfold.css">'
PRINTED = {
    "compare.comparison", "product.offer", "application.document", "application.exclusions", "application.review",
    "checkout.pay", "checkout.done", "policy.policy",
}  # fmt: skip
Look = Callable[..., Tab]


@pytest.fixture
def look(walked: tuple[Seen, ...], chromium: Browser, migrated_app: Flask) -> Iterator[Look]:
    tabs: list[Tab] = []

    def open_one(**options: Any) -> Tab:
        tabs.append(open_tab(chromium, migrated_app, walked, **options))
        return tabs[-1]

    yield open_one
    for tab in tabs:
        tab.page.context.close()


def planted(body: str) -> Seen:
    page = f"<!doctype html><html lang='en'><title>Planted</title><main>{body}</main></html>"
    return Seen("planted", "/planted", "en", 200, (("Content-Type", "text/html"),), page.encode())


def test_what_does_not_fit_is_noticed(look: Look) -> None:
    """Control."""
    tab = look(viewport={"width": 320, "height": 640})
    wide = tab.show(planted("<p><span style='display:inline-block;width:400px'>Wide</span></p>")).evaluate(OUTSIDE)
    cut = tab.show(planted("<p style='overflow:hidden;width:100px;white-space:nowrap'>Cut off in the middle of it</p>"))
    assert any(each.startswith("SPAN") for each in wide)
    assert cut.evaluate(OUTSIDE) == ["cut P"]


def test_our_style_stops_what_would_move(look: Look) -> None:
    """Control: the same page moves for everybody else."""
    page = planted(f"{STYLE}<style>p {{ transition: color 1s }} h1 {{ animation: turn 1s }}</style><h1>A</h1><p>B</p>")
    assert look().show(page).evaluate(MOVING) == ["H1", "P"]
    assert look(reduced_motion="reduce").show(page).evaluate(MOVING) == []


FORCED = """selector => [...document.querySelectorAll(selector)].map(each => {
  const style = getComputedStyle(each);
  return [style.borderBottomStyle, style.forcedColorAdjust, style.borderTopColor].join(' ');
})"""


def test_what_a_colour_says_is_said_otherwise_too(look: Look, walked: tuple[Seen, ...]) -> None:
    """In forced colours a difference keeps its dots, a tag its frame, the bar of the premium its colours."""
    tab = look(forced_colors="active", viewport={"width": 1280, "height": 900})
    tab.show(next(seen for seen in walked if seen.endpoint == "compare.comparison" and 'class="differs"' in seen.text))
    dots, bars = tab.page.evaluate(FORCED, ".differs"), tab.page.evaluate(FORCED, "svg.bar")
    assert dots
    assert {each.split()[0] for each in dots} == {"dotted"}
    assert bars
    assert {each.split()[1] for each in bars} == {"none"}
    tab.show(next(seen for seen in walked if seen.endpoint == "sales_log.sales" and 'class="tag' in seen.text))
    assert {each.split()[0] for each in tab.page.evaluate(FORCED, ".tag")} == {"solid"}
    tab.show(next(seen for seen in walked if seen.endpoint == "application.people"))
    done, to_come = tab.page.evaluate(FORCED, ".steps .done"), tab.page.evaluate(FORCED, ".steps li:last-child")
    assert {each.split(" ", 2)[2] for each in done}.isdisjoint(each.split(" ", 2)[2] for each in to_come)


def test_who_sees_forced_colours_sees_the_focus(look: Look, walked: tuple[Seen, ...]) -> None:
    tab = look(forced_colors="active")
    tab.show(next(seen for seen in walked if seen.endpoint == "account.sign_in"))
    for _ in range(12):
        tab.page.keyboard.press("Tab")
        assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


HIDDEN_ON_PAPER = "nav, footer, .skip, button, .actions"
ON_PAPER = """hidden => [...document.querySelectorAll(hidden)]
    .filter(each => each.checkVisibility()).map(each => each.tagName)"""


@pytest.mark.parametrize("locale", LOCALES)
def test_the_road_of_a_purchase_prints(look: Look, walked: tuple[Seen, ...], locale: str) -> None:
    """On A4 without what only a screen can do; nothing is cut off at the side."""
    tab = look(viewport={"width": 720, "height": 1000})
    tab.page.emulate_media(media="print")
    printed = [seen for seen in of_another_make(walked) if seen.locale == locale and seen.endpoint in PRINTED]
    assert {seen.endpoint for seen in printed} == PRINTED
    for seen in printed:
        tab.show(seen)
        assert tab.page.evaluate(ON_PAPER, HIDDEN_ON_PAPER) == [], seen.name
        assert tab.page.evaluate(OUTSIDE) == [], seen.name
        assert tab.page.locator("h1").is_visible()


TWO_MORE = """() => {
  const offers = [...document.querySelectorAll('.offer')];
  offers.slice(0, 2).forEach(each => each.parentNode.append(each.cloneNode(true)));
}"""


def test_four_offers_print_side_by_side_on_one_sheet_and_six_fit_it(look: Look, walked: tuple[Seen, ...]) -> None:
    tab = look()
    offers = 'aria-labelledby="offer-4"'
    tab.show(next(seen for seen in walked if seen.endpoint == "compare.comparison" and offers in seen.text))
    with pikepdf.open(io.BytesIO(tab.page.pdf(format="A4"))) as paper:
        assert len(paper.pages) == 1
    tab.page.emulate_media(media="print")
    tab.page.set_viewport_size({"width": 700, "height": 1000})
    tops = tab.page.evaluate("[...document.querySelectorAll('.offer')].map(each => each.getBoundingClientRect().top)")
    assert len(tops) == 4
    assert len(set(tops)) == 1
    tab.page.evaluate(TWO_MORE)
    with pikepdf.open(io.BytesIO(tab.page.pdf(format="A4"))) as paper:
        assert len(paper.pages) == 1


def test_without_script_the_focus_still_goes_to_what_is_wrong(look: Look, walked: tuple[Seen, ...]) -> None:
    tab = look(java_script_enabled=False)
    for endpoint in ("account.sign_in", "application.people", "compare.ask"):
        tab.show(next(seen for seen in walked if seen.endpoint == endpoint and seen.status == 422))
        assert tab.page.locator(":focus").get_attribute("class") == "summary-of-errors"

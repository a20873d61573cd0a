"""A whole purchase without a mouse: every stop of the Tab key can be seen, and all that is needed can be reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pytest
from playwright.sync_api import Page

from marketplace.infra.identity.demonstration import specimen_number
from sandbox.demo.visitor import SUITS
from tests.journeys.conftest import Buyer
from tests.simulator_server import GOOD_CARD

pytestmark = pytest.mark.browser

STOPS = 90
# What has the focus: whether it can be seen inside the window, with a frame of two pixels at least.
FOCUS = """() => {
  const each = document.activeElement, style = getComputedStyle(each), box = each.getBoundingClientRect();
  const framed = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  return {seen: framed && inside, name: `${each.tagName} ${each.id} ${each.className} ${each.name || each.href || ''}`};
}"""
IS_FOCUSED = "(selector) => document.activeElement.matches(selector)"


@dataclass
class Keyboard:
    """Goes from stop to stop, holding that each can be seen."""

    page: Page

    def to(self, selector: str) -> None:
        """Press Tab until the focus is there."""
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement === document.body"):
                continue
            focus = self.page.evaluate(FOCUS)
            assert focus["seen"], f"the focus cannot be seen on {focus['name']} of {self.page.url}"
            if self.at(selector):
                return
        pytest.fail(f"{selector} was not reached on {self.page.url}")

    def at(self, selector: str) -> bool:
        return bool(self.page.evaluate(IS_FOCUSED, selector))

    def enter(self) -> None:
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, name: str, words: str) -> None:
        self.to(f'[name="{name}"]')
        self.page.keyboard.type(words)

    def choose(self, name: str, value: str) -> None:
        """With the arrow keys: from a list, or among the answers of a question."""
        self.to(f'[name="{name}"]')
        if self.at("input") and self.at(f'[value="{value}"]'):
            self.page.keyboard.press("Space")
            return
        for _ in range(STOPS):
            self.page.keyboard.press("ArrowDown")
            if self.page.evaluate("document.activeElement.value") == value:
                return
        pytest.fail(f"{name} has no {value}")

    def choose_each(self, answers: Mapping[str, str]) -> None:
        for name, value in answers.items():
            self.choose(name, value)

    def tick(self, *names: str) -> None:
        for name in names:
            self.to(f"#{name}")
            self.page.keyboard.press("Space")
            assert self.page.locator(f"#{name}").is_checked()

    def go_on(self) -> None:
        """The main button of the form."""
        self.to("main form button.btn")
        self.enter()


@pytest.mark.requirement("PER-10")
def test_a_purchase_by_keyboard_alone(buyer: Buyer) -> None:
    page, keys = buyer.page, Keyboard(buyer.page)
    page.goto(buyer.market.url)
    passes_over_the_navigation(keys)
    keys.to('a[href="/compare/term_life"]')
    keys.enter()
    is_led_to_what_is_missing(keys)
    assert "422" in buyer.complaints.pop(), "the browser notes a form that came back; nothing else"
    page.keyboard.type("34")
    keys.choose("sex", "female")
    keys.choose("smoker", "no")
    keys.choose_each({"sum_insured": "1000000", "term_years": "20", "region": "shanghai"})
    keys.go_on()
    keys.to("article.offer a.btn")
    keys.enter()
    keys.to("aside a.btn")
    keys.enter()
    keys.tick("client_notice", "privacy_notice")
    keys.go_on()
    keys.type("email", buyer.email)
    keys.go_on()
    keys.type("code", buyer.market.code(buyer.email))
    keys.go_on()
    keys.choose_each(SUITS)
    keys.go_on()
    keys.type("applicant_name", "Li Na")
    keys.type("applicant_birth_on", "03031992")  # the same day however a browser orders day and month
    keys.choose("relationship", "self")
    keys.go_on()
    keys.choose("kind", "resident_card")
    keys.type("name", "Li Na")
    keys.type("number", specimen_number(date(1992, 3, 3)))
    keys.go_on()
    keys.tick("notice", "health_consent")
    for name in dict.fromkeys(each.get_attribute("name") for each in page.locator('main input[type="radio"]').all()):
        keys.choose(str(name), "no")
    keys.go_on()
    while buyer.step != "review":
        keys.tick("confirm")
        keys.go_on()
    keys.tick("declare")
    keys.go_on()
    assert buyer.step == "pay"
    keys.go_on()
    buyer.card(GOOD_CARD)
    page.wait_for_url("**/application/*/done")
    page.locator("main a.btn").first.wait_for()  # the paper is sealed a moment after the number is told
    keys.to("main a.btn")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.path().read_bytes().startswith(b"%PDF-1.7")


def passes_over_the_navigation(keys: Keyboard) -> None:
    """The first stop leads to the content (WCAG 2.1, 2.4.1)."""
    keys.page.keyboard.press("Tab")
    assert keys.at(".skip")
    assert keys.page.evaluate(FOCUS)["seen"]
    keys.page.keyboard.press("Enter")
    assert keys.at("main")


def is_led_to_what_is_missing(keys: Keyboard) -> None:
    """A form sent empty comes back with the focus on its summary, which leads to each question."""
    keys.go_on()
    assert keys.at(".summary-of-errors")
    keys.to('.summary-of-errors a[href="#sex-0"]')
    keys.page.keyboard.press("Enter")
    assert keys.at("#sex-0")
    keys.page.keyboard.press("Shift+Tab")
    assert keys.at("#age")


def test_a_focus_that_cannot_be_seen_is_noticed(buyer: Buyer) -> None:
    """Control."""
    buyer.page.goto(buyer.market.url)
    keys = Keyboard(buyer.page)
    keys.to("main a.btn")
    assert buyer.page.evaluate(FOCUS)["seen"]
    buyer.page.evaluate("document.activeElement.style.outline = 'none'")
    assert not buyer.page.evaluate(FOCUS)["seen"]
    buyer.page.evaluate("document.activeElement.style = 'position: fixed; left: -500px; outline: 3px solid'")
    assert not buyer.page.evaluate(FOCUS)["seen"]

"""The other roads of a purchase without a mouse and at 200 % zoom, in both languages: insuring somebody else, referred
and asked, on other terms; the desk of the underwriter; a plan and its basket.

A window of 1280 pixels shows 640 at twice the size (WCAG 2.1, 1.4.4); nothing may run out of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from marketplace.accounts.values import Role
from marketplace.catalog.values import Line
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.infra.identity.demonstration import specimen_number
from sandbox.demo.visitor import SUITS
from tests.factories.accounts import an_insurer
from tests.factories.quoting import a_content, a_tariff, publish
from tests.journeys.conftest import PATIENCE_SECONDS, Buyer, Marketplace
from tests.journeys.insurer_desk import a_desk
from tests.journeys.test_keyboard import Keyboard
from tests.simulator_server import GOOD_CARD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

ZOOMED: dict[str, Any] = {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2}
LANGUAGES = [{"locale": "en-GB", **ZOOMED}, {"locale": "zh-CN", **ZOOMED}]
in_both_languages = pytest.mark.parametrize("buyer", LANGUAGES, indirect=True, ids=["English", "Chinese"])
BORN_ON = date(1992, 3, 3)
RISK = {"sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20", "region": "shanghai"}
HOUSEHOLD = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "life_cover": "10000000", "region": "shanghai", "budget": "9000",
}  # fmt: skip


@contextmanager
def nothing_runs_out(page: Page) -> Iterator[None]:
    """No page shown meanwhile is wider than its window."""
    wide: list[str] = []

    def look(shown: Page) -> None:
        if not shown.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            wide.append(shown.url)

    page.on("domcontentloaded", look)
    yield
    page.remove_listener("domcontentloaded", look)
    assert wide == []


def fill(keys: Keyboard, answers: dict[str, str]) -> None:
    """Each control in its way: chosen with the arrow keys, or typed."""
    for name, value in answers.items():
        control = keys.page.locator(f'main [name="{name}"]').first
        chosen = control.evaluate("each => each.tagName === 'SELECT' || each.type === 'radio'")
        (keys.choose if chosen else keys.type)(name, value)


def type_day(keys: Keyboard, name: str) -> None:
    """The third of March, whichever of day and month this browser has first."""
    keys.type(name, "03031992")


def tick_all(keys: Keyboard) -> None:
    for box in keys.page.locator('main input[type="checkbox"]').all():
        keys.tick(str(box.get_attribute("id")))


def pass_entry(keys: Keyboard) -> None:
    tick_all(keys)
    keys.go_on()


def prove_address(buyer: Buyer, keys: Keyboard) -> None:
    """One of this test and language alone, so that the newest code is the one just sent."""
    buyer.email = f"{buyer.page.evaluate('navigator.language').lower()}.{buyer.email}"
    keys.type("email", buyer.email)
    keys.go_on()
    keys.type("code", buyer.market.code(buyer.email))
    keys.go_on()


def tell_needs(buyer: Buyer, keys: Keyboard) -> None:
    """That it suits, where that is asked; against a warning, on of one's own will."""
    for name in SUITS:
        if keys.page.locator(f'main [name="{name}"]').count():
            keys.choose(name, SUITS[name])
    if buyer.step == "needs" and not keys.page.locator("#own_will").count():
        keys.go_on()
    if buyer.step == "needs":
        keys.tick("own_will")
        keys.go_on()


def show_card(keys: Keyboard, name: str) -> None:
    fill(keys, {"kind": "resident_card", "name": name, "number": specimen_number(BORN_ON)})


def answer_with(keys: Keyboard, yes_to: int | None = None) -> None:
    tick_all(keys)
    names = [each.get_attribute("name") for each in keys.page.locator('main input[type="radio"]').all()]
    for place, name in enumerate(dict.fromkeys(names)):
        keys.choose(str(name), "yes" if place == yes_to else "no")
    keys.go_on()


def read_and_confirm(buyer: Buyer, keys: Keyboard, upto: str) -> None:
    while buyer.step != upto:
        keys.tick("confirm")
        keys.go_on()


def link_in_mail(market: Marketplace, recipient: str, kind: str) -> str:
    mail = market.mail(recipient, kind)
    with market.app.app_context():
        return next(word for word in correspondence.message_parts(mail.id).text.split() if word.startswith("http"))


@in_both_languages
@pytest.mark.requirement("PER-10", "T26-22")
def test_somebody_else_is_insured_referred_and_taken_on_other_terms(buyer: Buyer, chromium: Browser) -> None:
    keys = Keyboard(buyer.page)
    with nothing_runs_out(buyer.page):
        buyer.page.goto(f"{buyer.market.url}/compare/term_life")
        fill(keys, {"age": "34"} | RISK)
        keys.go_on()
        for link in ("article.offer a.btn", "aside a.btn"):
            keys.to(link)
            keys.enter()
        pass_entry(keys)
        prove_address(buyer, keys)
        tell_needs(buyer, keys)
        keys.type("applicant_name", "Zhou Min")
        type_day(keys, "applicant_birth_on")
        keys.choose("relationship", "spouse")
        keys.type("insured_name", "Wang Jun")
        type_day(keys, "insured_birth_on")
        keys.type("insured_email", f"insured.{buyer.email}")
        keys.go_on()
        show_card(keys, "Zhou Min")
        keys.go_on()
        answer_with(keys, yes_to=2)
        read_and_confirm(buyer, keys, "insured")
        application = buyer.page.url.rsplit("/", 1)[0]
        keys.go_on()
        agrees_by_keyboard(buyer, chromium, link_in_mail(buyer.market, f"insured.{buyer.email}", "insured_asked"))
        buyer.page.goto(application)
        assert buyer.step == "review"
        keys.tick("declare")
        keys.go_on()
        assert buyer.step == "ended"
        with a_desk(chromium, buyer.market, Role.INSURER_UNDERWRITER, "harbour", **options_of(buyer)) as desk:
            decides_by_keyboard(buyer, Keyboard(desk.page), lambda: answers_by_keyboard(buyer, keys, application))
        buyer.page.goto(application)
        assert buyer.step == "other-terms"
        keys.tick("agree")
        keys.go_on()
        assert buyer.step == "pay"
        pays(buyer, keys)
        buyer.page.wait_for_url("**/application/*/done")


def options_of(buyer: Buyer) -> dict[str, Any]:
    language = buyer.page.evaluate("navigator.language")
    return next(each for each in LANGUAGES if each["locale"] == language)


def agrees_by_keyboard(buyer: Buyer, chromium: Browser, link: str) -> None:
    """The insured, at a browser of their own."""
    context = chromium.new_context(**options_of(buyer))
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    keys = Keyboard(page)
    with nothing_runs_out(page):
        page.goto(link)
        show_card(keys, "Wang Jun")
        keys.tick("agree")
        keys.go_on()
        assert page.locator('main [name="agree"]').count() == 0
    context.close()


def answers_by_keyboard(buyer: Buyer, keys: Keyboard, application: str) -> None:
    """The applicant, asked by the underwriter."""
    buyer.page.goto(application)
    assert buyer.step == "question"
    keys.type("answer", "Since spring.")
    keys.go_on()


def decides_by_keyboard(buyer: Buyer, keys: Keyboard, meanwhile: Callable[[], None]) -> None:
    """The underwriter asks, and accepts with an extra premium once it is answered."""
    with nothing_runs_out(keys.page):
        keys.page.goto(f"{buyer.market.url}/insurer/underwriting")
        keys.to('main a[href$="/underwriting"]')
        keys.enter()
        keys.type("reason", "Referred to me")
        keys.go_on()
        keys.type("question", "Since when?")
        keys.to('form[action$="/ask"] button')
        keys.enter()
        meanwhile()
        keys.page.reload()
        fill(keys, {"decision": "accept", "loading": "25", "code": "health", "words": "An extra premium is needed."})
        keys.go_on()
        assert keys.page.url.endswith("/insurer/underwriting")


def pays(buyer: Buyer, keys: Keyboard) -> None:
    keys.go_on()
    buyer.card(GOOD_CARD)


@in_both_languages
@pytest.mark.requirement("PER-10", "SCM-05")
def test_a_plan_and_its_basket(buyer: Buyer) -> None:
    """One of two parts is applied for, the other left out."""
    with buyer.market.app.app_context():
        mark = buyer.page.evaluate("navigator.language")[:2]
        publish(an_insurer(f"bills-{mark}"), a_content(f"bills-{mark}", Line.HOSPITAL), a_tariff("300.00"))
        publish(an_insurer(f"falls-{mark}"), a_content(f"falls-{mark}", Line.ACCIDENT), a_tariff("100.00"))
        db.session.commit()
    page, keys = buyer.page, Keyboard(buyer.page)
    with nothing_runs_out(page):
        page.goto(f"{buyer.market.url}/needs")
        fill(keys, HOUSEHOLD)
        keys.go_on()
        keys.to('main form[action$="/apply"] button')
        keys.enter()
        basket = page.url
        keys.to("main article a.btn")
        keys.enter()
        pass_entry(keys)
        prove_address(buyer, keys)
        tell_needs(buyer, keys)
        keys.type("applicant_name", "Li Na")
        type_day(keys, "applicant_birth_on")
        if page.locator('main [name="relationship"]').count():
            keys.choose("relationship", "self")
        keys.go_on()
        show_card(keys, "Li Na")
        keys.go_on()
        read_and_confirm(buyer, keys, "review")
        keys.tick("declare")
        keys.go_on()
        assert page.url == basket
        keys.to('main form[action$="/lines/2/out"] button')
        keys.enter()
        keys.to('main a[href$="/pay"]')
        keys.enter()
        pays(buyer, keys)
        page.wait_for_url(lambda url: url == basket or url.endswith("/done"))

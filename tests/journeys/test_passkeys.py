"""Staff in a real browser with an authenticator of Chromium's own: make a passkey, sign in with it, replay it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from tests.factories.accounts import PASSWORD, a_member_of_staff
from tests.journeys.conftest import PATIENCE_SECONDS, Marketplace

pytestmark = pytest.mark.browser


@dataclass
class Desk:
    """A member of staff at a browser with a virtual authenticator that knows its user."""

    page: Page
    market: Marketplace
    email: str

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def give_password(self) -> None:
        self.page.goto(f"{self.market.url}/sign-in")
        self.page.fill('main [name="email"]', self.email)
        self.page.fill('main [name="password"]', PASSWORD)
        self.follow(lambda: self.page.locator("main form:not([data-passkey]) button.btn").click())

    def use_passkey(self) -> None:
        self.follow(lambda: self.page.locator("form[data-passkey] button").click())

    def follow(self, act: Callable[[], None]) -> None:
        with self.page.expect_navigation():
            act()

    def sign_out(self) -> None:
        self.follow(self.page.get_by_role("button", name="Sign out", exact=True).first.click)


@pytest.fixture
def desk(chromium: Browser, marketplace: Marketplace) -> Iterator[Desk]:
    with marketplace.app.app_context():
        account = a_member_of_staff(Role.ADMIN_SALES)
        db.session.commit()
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield Desk(page, marketplace, account.email)
    context.close()
    assert complaints == []


@pytest.mark.asvs("6.3.3", "6.7.2")
def test_staff_make_a_passkey_and_sign_in_with_it_and_a_replay_is_refused(desk: Desk) -> None:
    page = desk.page
    desk.give_password()
    assert desk.path == "/account/security/second-step"
    page.fill("#passkey-name", "work laptop")
    desk.use_passkey()
    assert page.locator("h1").inner_text() == "Your recovery codes"
    assert page.locator("main li code").count() == 10
    page.goto(f"{desk.market.url}/admin")
    assert desk.path == "/admin"
    desk.sign_out()

    desk.give_password()
    assert desk.path == "/second-step"
    desk.use_passkey()
    assert desk.path == "/admin"
    desk.sign_out()

    answers: list[Request] = []
    page.on("request", lambda each: answers.append(each) if urlsplit(each.url).path == "/sign-in/passkey" else None)
    page.goto(f"{desk.market.url}/sign-in")
    desk.use_passkey()
    assert desk.path == "/admin"
    assert page.get_by_role("link", name="Sales log").is_visible()
    desk.sign_out()

    (sent,) = answers
    credential = parse_qs(sent.post_data or "")["credential"][0]
    page.goto(f"{desk.market.url}/sign-in")
    desk.follow(lambda: replay(page, credential))
    assert desk.path == "/sign-in"
    assert "This passkey was not accepted" in page.locator("main").inner_text()
    page.goto(f"{desk.market.url}/admin")
    assert desk.path == "/sign-in"


def replay(page: Page, credential: str) -> None:
    """Send what was overheard as the form would, after the server has asked for something new."""
    page.evaluate(
        """async credential => {
            const form = document.querySelector("form[data-passkey]");
            const token = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
            await fetch(form.dataset.options, { method: "POST", body: token });
            form.elements.credential.value = credential;
            HTMLFormElement.prototype.submit.call(form);
        }""",
        credential,
    )


def test_a_person_who_says_no_is_told_what_else_there_is(desk: Desk) -> None:
    """The browser gives no passkey: nothing is sent, the page says so and goes on working."""
    page = desk.page
    page.goto(f"{desk.market.url}/sign-in")
    page.locator("form[data-passkey] button").click()  # the authenticator holds none
    page.locator("form[data-passkey] [role=alert]:not(:empty)").wait_for()
    assert "Your browser did not give us a passkey" in page.locator("form[data-passkey]").inner_text()
    desk.give_password()
    assert desk.path == "/account/security/second-step"

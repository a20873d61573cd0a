"""Members of an insurer's staff at browser windows of their own, and what customers are shown of their work."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, Page, expect

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Role
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from tests.factories.accounts import PASSWORD, a_member_of_staff, an_authenticator
from tests.journeys.conftest import PATIENCE_SECONDS, Buyer, Marketplace

ANSWERS = {
    "age": "30", "sex": "female", "smoker": "no", "sum_insured": "500000", "term_years": "20", "occupation_class": "1",
    "region": "shanghai",
}  # fmt: skip


@dataclass
class Desk:
    """A member of staff at a browser window of their own."""

    page: Page
    market: Marketplace
    account: Account

    def sign_in(self) -> None:
        self.page.goto(f"{self.market.url}/sign-in")
        self.page.fill('main [name="email"]', self.account.email)
        self.page.fill('main [name="password"]', PASSWORD)
        with self.page.expect_navigation():
            self.page.locator("main form:has([name='password']) button.btn").first.click()
        with self.market.app.app_context():
            app = an_authenticator(self.account)
        self.page.fill('main [name="code"]', app.code())
        self.page.locator("main form:has([name='code']) button.btn").first.click()
        self.page.wait_for_url(re.compile("^(?!.*/(sign-in|second-step))"))

    def press(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.locator("main").get_by_role("button", name=name, exact=True).click()

    def follow(self, name: str) -> None:
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=name).first.click()

    def taken_along(self, name: str) -> Workbook:
        """The workbook behind a link of the page."""
        with self.page.expect_download() as download:
            self.page.locator("main").get_by_role("link", name=name).first.click()
        return load_workbook(io.BytesIO(download.value.path().read_bytes()))

    def upload(self, book: Workbook, name: str) -> None:
        """Send it and wait until it is read."""
        self.page.goto(f"{self.market.url}/insurer/uploads")
        written = io.BytesIO()
        book.save(written)
        self.page.set_input_files(
            'main [name="file"]', {"name": name, "mimeType": "application/octet-stream", "buffer": written.getvalue()}
        )
        self.press("Upload")
        expect(self.page.get_by_text("The file is being read.")).to_have_count(0, timeout=PATIENCE_SECONDS * 1000)

    @property
    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def findings(self) -> set[tuple[str, str]]:
        """Sheet and cell of each, as the page shows them."""
        sheets = self.page.locator("section:has(> h3 code)")
        return {
            (section.locator("h3 code").inner_text(), row.locator("td").first.inner_text())
            for section in sheets.all()
            for row in section.locator("tbody tr").all()
        }


@dataclass
class Road:
    """Who brings a catalog on sale: two people of an insurer and a reviewer of the marketplace."""

    first: Desk
    second: Desk
    reviewer: Desk

    def template(self) -> Workbook:
        """With its example, on sale from today on."""
        self.first.page.goto(f"{self.first.market.url}/insurer/uploads")
        book = self.first.taken_along("Template with an example (.xlsx)")
        book["Catalog"]["B5"] = clock.today(ZONE).isoformat()
        return book

    def go(self) -> None:
        """Submitted, approved by somebody else of the company, accepted for sale."""
        self.first.press("Submit for approval")
        assert "another person of your company has to approve it" in self.first.text
        self.second.page.goto(self.first.page.url)
        self.second.press("Approve")
        self.reviewer.page.goto(self.first.page.url.replace("/insurer/uploads/", "/admin/catalogs/"))
        self.reviewer.press("Accept for sale")


@contextmanager
def a_desk(
    chromium: Browser, market: Marketplace, role: Role, insurer: str | None = None, **options: Any
) -> Iterator[Desk]:
    """A new member of staff, signed in: of an insurer, or of the marketplace where none is named. `options` are those
    of the browser's context.
    """
    with market.app.app_context():
        account = a_member_of_staff(role, accounts.insurer_by_code(insurer) if insurer else None)
        an_authenticator(account)
        db.session.commit()
    context = chromium.new_context(**({"locale": "en-GB", "viewport": {"width": 1440, "height": 900}} | options))
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    desk = Desk(context.new_page(), market, account)
    desk.sign_in()
    yield desk
    context.close()


@contextmanager
def road_of(chromium: Browser, market: Marketplace, insurer: str = "harbour") -> Iterator[Road]:
    with (
        a_desk(chromium, market, Role.INSURER_ADMIN, insurer) as first,
        a_desk(chromium, market, Role.INSURER_CATALOG, insurer) as second,
        a_desk(chromium, market, Role.ADMIN_REVIEWER) as reviewer,
    ):
        yield Road(first, second, reviewer)


def offers(buyer: Buyer, **other: str) -> str:
    buyer.page.goto(f"{buyer.market.url}/compare/term_life")
    buyer.fill(**ANSWERS | other)
    buyer.press()
    return buyer.page.locator("main").inner_text()

"""Evidence is checked on a page of the site, in the browser: the right verdict, and nothing leaves the machine."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from tests.journeys.conftest import PATIENCE_SECONDS, Marketplace
from tests.journeys.test_accessibility import BEGIN, END, RULES
from tests.verify.attacked import Attack
from tests.verify.attacks import ATTACKS, NO_ATTACKS

pytestmark = pytest.mark.browser


@dataclass
class Reader:
    """Somebody with files at the page. `asked` are the requests since it was loaded."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def check(self, case: Attack) -> str:
        """What the page says: the verdict."""
        files = {"evidence": ("evidence.zip", case.data), "policy": ("trust.policy", case.policy.encode())}
        for name, (file, data) in files.items():
            self.page.set_input_files(
                f"#{name}", {"name": file, "mimeType": "application/octet-stream", "buffer": data}
            )
        receipts: list[Any] = [
            {"name": f"{number}.tlog-proof", "mimeType": "text/plain", "buffer": receipt}
            for number, receipt in enumerate(case.receipts)
        ]
        self.page.set_input_files("#receipts", receipts)
        pem: list[Any] = [
            {"name": "authorities.pem", "mimeType": "text/plain", "buffer": each} for each in [case.authorities] if each
        ]
        self.page.set_input_files("#authorities", pem)
        self.page.evaluate("document.querySelector('[data-result]').hidden = true")
        self.page.click("main form button")
        self.page.wait_for_selector("[data-result]:not([hidden])")
        return self.page.locator("[data-verdict]:visible").inner_text()

    @property
    def findings(self) -> list[str]:
        return self.page.locator("[data-findings] li").all_inner_texts()


@pytest.fixture(params=["en-GB", "zh-CN"])
def reader(request: pytest.FixtureRequest, chromium: Browser, marketplace: Marketplace) -> Iterator[Reader]:
    context = chromium.new_context(locale=request.param)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.add_init_script(AXE_SCRIPT)
    page.goto(f"{marketplace.url}/verify")
    page.click("a[href='/verify/evidence']")
    page.wait_for_selector("form[data-evidence]:not([hidden])")
    at_page = Reader(page)
    page.on("request", lambda asked: at_page.asked.append(asked.url))
    yield at_page
    assert at_page.asked == []
    assert complaints == []
    context.close()


VERDICTS = {
    "en": ("Verified.", "Not verified.", "Entry of the log 6"),
    "zh": ("核验通过。", "核验未通过。", "日志记录 6"),
}


@pytest.mark.requirement("T26-41")
def test_the_page_says_what_was_found_and_sends_nothing(reader: Reader) -> None:
    language = str(reader.page.get_attribute("html", "lang"))[:2]
    verified, faulty, entry = VERDICTS[language]
    assert reader.check(NO_ATTACKS["the untouched bundle"]()).startswith(verified)
    assert [text.split()[0] for text in reader.findings] == ["ILLUSTRATION", "RELEASE_NOT_LOGGED", "NO_TIMESTAMP"]
    assert reader.check(ATTACKS["edit a body"]()).startswith(faulty)
    assert reader.findings[0].startswith(f"BODY_ALTERED {entry}")
    assert reader.check(ATTACKS["rewrite history, with an older receipt"]()).startswith(faulty)
    assert "FORK" in [text.split()[0] for text in reader.findings]
    reader.page.evaluate(BEGIN, RULES)
    assert reader.page.evaluate(END) == []
    assert reader.check(NO_ATTACKS["an erased body"]()).startswith(verified)


INTERVALS = {
    "en": "not before 2026-09-21 14:13:25 UTC and not after 2026-09-21 14:15:40 UTC",
    "zh": "不早于 2026-09-21 14:13:25 UTC 且不晚于 2026-09-21 14:15:40 UTC",
}


@pytest.mark.requirement("T26-41")
def test_the_page_says_between_what_times_by_time_stamps(reader: Reader) -> None:
    language = str(reader.page.get_attribute("html", "lang"))[:2]
    interval = reader.page.locator("[data-interval]:visible")
    assert reader.check(NO_ATTACKS["a sale between two time-stamps"]()).startswith(VERDICTS[language][0])
    assert INTERVALS[language] in interval.inner_text()
    assert reader.check(NO_ATTACKS["a sale before a time-stamp"]()).startswith(VERDICTS[language][0])
    assert interval.inner_text().endswith("2026-09-21 14:15:40 UTC")
    assert "14:13:25" not in interval.inner_text()
    assert reader.check(ATTACKS["have it stamped by an authority that nobody trusts"]()).startswith(
        VERDICTS[language][1]
    )
    assert interval.count() == 0
    assert any("TIMESTAMP_INVALID" in each for each in reader.findings)

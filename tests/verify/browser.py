"""The verifier of the page in a real Chromium, with nothing but its scripts."""

import mimetypes
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

from tests.journeys.conftest import CHROMIUM, FLAGS
from tests.verify.attacked import Attack

SCRIPTS = Path(__file__).parents[2] / "static" / "js" / "verifier"
SITE = "https://verifier.test/"

CHECK = """async ([data, policy, receipts, authorities]) => {
  const { checkEvidence } = await import("/evidence.js");
  const bytes = (text) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  const trusted = authorities && bytes(authorities);
  const { findings } = await checkEvidence(bytes(data), bytes(policy), receipts.map(bytes), trusted);
  return findings.map(({ code, entry }) => [code, entry]);
}"""


@contextmanager
def a_verifier() -> Iterator[Page]:
    """A page that has the scripts and reaches nothing else."""

    def answer(route: Route) -> None:
        file = SCRIPTS / route.request.url.removeprefix(SITE)
        if file.is_file():
            route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0])
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        opened = browser.new_page()
        opened.route("**/*", answer)
        opened.goto(SITE)
        yield opened
        browser.close()


def in_browser(page: Page, case: Attack) -> list[tuple[str, int | None]]:
    """What it finds, with the entry that each is about."""
    told = [b64encode(each).decode() for each in (case.data, case.policy.encode(), *case.receipts)]
    trusted = case.authorities and b64encode(case.authorities).decode()
    found: list[Any] = page.evaluate(CHECK, [told[0], told[1], told[2:], trusted])
    return [(code, entry) for code, entry in found]

"""Chromium in a process of its own: `python -m marketplace.infra.photographer <chromium>`, started by `infra.pictures`.

It is given pages as they were sent and the files that lay beside them, as one JSON document, and answers with a picture
and a paper of each. Script is off, and every request is answered from what was given or not at all: a page that was
kept must look as it looked, and must not tell anybody that it is looked at.
"""

import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

WIDTH, HEIGHT = 1024, 768
ORIGIN = "http://kept.invalid"
PAGE_MILLISECONDS = 20_000
FLAGS = ["--disable-background-networking", "--disable-component-update", "--force-color-profile=srgb"]


def pictures(asked: Mapping[str, Any], chromium: str) -> dict[str, Any]:
    """`pages`: their bytes; `files`: path -> media type and bytes. All bytes in base64."""
    given = {path: (kind, b64decode(data)) for path, (kind, data) in asked["files"].items()}
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium, args=FLAGS) as browser:
        context = browser.new_context(
            java_script_enabled=False,
            service_workers="block",
            viewport={"width": WIDTH, "height": HEIGHT},
            reduced_motion="reduce",
            color_scheme="light",
        )
        context.set_default_timeout(PAGE_MILLISECONDS)
        page = context.new_page()
        taken = [_taken(page, b64decode(each), given) for each in asked["pages"]]
        return {"browser": f"Chromium {browser.version}", "pictures": taken}


def _taken(page: Page, html: bytes, files: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    shown = False

    def answer(route: Route) -> None:
        nonlocal shown
        if route.request.is_navigation_request() and not shown:
            shown = True
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
            return
        kind, data = files.get(urlsplit(route.request.url).path, ("", None))
        if data is None:
            route.abort("aborted")  # any other answer would put the browser's own page in place of ours
        else:
            route.fulfill(body=data, content_type=kind)

    page.route("**/*", answer)
    page.goto(f"{ORIGIN}/", wait_until="load")
    picture = page.screenshot(full_page=True, animations="disabled")
    paper = page.pdf(format="A4", print_background=True)
    page.unroute("**/*")
    return {"png": b64encode(picture).decode(), "pdf": b64encode(paper).decode()}


def main() -> None:
    answer = pictures(json.load(sys.stdin), sys.argv[1])
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()

"""Pages that a walk has kept, shown again in Chromium under their own address, headers and content policy."""

import mimetypes
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, Route

from tests.journeys.kept import Seen

SITE = "http://localhost:8000"
# No complaints: the status of an error page, and a stored page whose script its frame does not run.
MEANT = ("Failed to load resource: the server responded with a status of", "Blocked script execution in")
# What looks at a page here changes styles of its parts for a moment. The recorder would look at each change by an
# attribute, of which the policy complains; what it does where people use a page is tried in `test_recording`.
RECORDER, STILL = "js/vendor/rrweb-record.min.js", "rrwebRecord = { record: () => () => undefined };"
# A page that waits reloads itself; here it stays while it is looked at.
RELOADS = (b'data-refresh="2"', b'data-refresh="9999"')


@dataclass
class Tab:
    """A browser window for kept pages. Whatever the console, a script or the content policy complains of is noted."""

    page: Page
    app: Flask
    framed: dict[str, Seen]
    shown: Seen | None = None
    complaints: list[str] = field(default_factory=list)

    def show(self, seen: Seen) -> Page:
        self.shown = seen
        self.page.goto(SITE + seen.path)
        return self.page

    def _answer(self, route: Route) -> None:
        request, parts = route.request, urlsplit(route.request.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        frame = None if request.frame == self.page.main_frame else self.framed.get(path)
        if request.is_navigation_request() and request.frame != self.page.main_frame and frame is None:
            # The player of recordings, which has a test of its own, or a page of which the walk kept another.
            route.fulfill(status=200, content_type="text/html", body="<!doctype html><title>Not kept</title>")
        elif parts.path.startswith(f"{self.app.static_url_path}/"):
            self._answer_file(route, parts.path.removeprefix(f"{self.app.static_url_path}/"))
        elif page := frame or (self.shown if request.is_navigation_request() else None):
            route.fulfill(status=page.status, headers=dict(page.headers), body=page.body.replace(*RELOADS))
        else:
            self.complaints.append(f"{self._name}: asked for {request.url}")
            route.abort()

    def _answer_file(self, route: Route, name: str) -> None:
        if name == RECORDER:
            route.fulfill(status=200, content_type="text/javascript", body=STILL)
            return
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        with self.app.open_resource(f"{self.app.static_folder}/{name}") as file:
            route.fulfill(status=200, content_type=kind, body=file.read())

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(MEANT):
            self.complaints.append(f"{self._name}: {message.text}")

    @property
    def _name(self) -> str:
        return self.shown.name if self.shown else "-"


def open_tab(browser: Browser, app: Flask, pages: Iterable[Seen], **options: object) -> Tab:
    """A tab in a browser context of its own, with `options` of the context."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    tab = Tab(page, app, {seen.path: seen for seen in pages if seen.framed})
    page.context.route("**/*", tab._answer)
    page.on("console", tab._said)
    page.on("pageerror", lambda error: tab.complaints.append(f"{tab._name}: {error}"))
    return tab

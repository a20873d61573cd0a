"""What a real browser records of the pages of an application: after the notice, without secrets, and small."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.oversight import services as oversight_services
from marketplace.traceability import queries as trail
from marketplace.traceability.jobs.keeping import AFTER_LEAVING, keep_recordings
from marketplace.traceability.values import EntryType, RecordingKept
from marketplace.web.backoffice import replay
from marketplace.web.customer.road import RECORDED
from tests.everything import every_row
from tests.journeys.conftest import PATIENCE_SECONDS, Buyer, Marketplace, until
from tests.journeys.test_buying import application_id

pytestmark = pytest.mark.browser
MOST_KEPT = 1000  # bytes of a page session, sealed (design, section 8)
WIDTHS = (360, 1440, 360, 1440)
PAGES_OF_A_SALE = 10  # of a Chinese product with two documents


class Reader(Buyer):
    """Somebody who looks at each page before anything is done on it, and scrolls."""

    def press(self) -> None:
        for _ in range(3):
            self.page.mouse.wheel(0, 200)
        super().press()
        if self.page.locator("script[data-recorder]").count():
            self.page.wait_for_function("() => Boolean(window.rrwebRecord)")


@pytest.fixture(scope="module")
def buyers(chromium: Browser, marketplace: Marketplace) -> Iterator[list[Buyer]]:
    """Four people, each at a browser of their own; the fourth comes when the others have paid."""
    found = []
    for number, width in enumerate(WIDTHS):
        context = chromium.new_context(locale="en-GB", viewport={"width": width, "height": 800})
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        found.append(Reader(context.new_page(), marketplace, f"recorded.{number}@example.com"))
    yield found
    assert [buyer.complaints for buyer in found] == [[]] * len(WIDTHS)


def recordings(buyer: Buyer, application: UUID) -> tuple[RecordingKept, ...]:
    """Of all pages, put together as the worker does each minute."""
    with buyer.market.app.app_context(), use_scope(Scope.all()):
        with clock.frozen(clock.now() + AFTER_LEAVING + timedelta(seconds=5)):
            keep_recordings()
        return trail.recordings_of(application)


def inputs(recording: RecordingKept) -> list[tuple[Any, Any]]:
    events = json.loads(recording.data)["events"]
    return [(event["data"]["text"], event["data"]["isChecked"]) for event in events if event["data"].get("source") == 5]


@pytest.mark.requirement("T26-06")
def test_what_is_done_is_recorded_after_the_notice_without_secrets_and_small(
    buyers: list[Buyer], record_property: Any
) -> None:
    names = ("Li Na", "Wang Fang", "Chen Jie", "Zhao Min")
    applications = []
    for buyer, name in zip(buyers, names, strict=True):
        buyer.apply(name)
        applications.append(application_id(buyer))
        until(lambda buyer=buyer, each=applications[-1]: len(recordings(buyer, each)) == PAGES_OF_A_SALE, "recordings")
    first = recordings(buyers[0], applications[0])
    whole = b"".join(each.data for each in first)
    code = buyers[0].market.code(buyers[0].email)
    assert code.encode() not in whole
    assert b"Li Na" in whole
    with buyers[0].market.app.app_context():
        versions = {trail.view_kept(each.view_id).page_version_id for each in first}
        assert {version.page for version in trail.page_versions(versions)} <= RECORDED
        entries = trail.entries_of_application(applications[0])
    kept = [entry.body["sha256"] for entry in entries if entry.type is EntryType.RECORDING_KEPT]
    assert sorted(kept) == sorted(each.sha256 for each in first)
    told = [value for each in first for value in inputs(each)]
    assert ("Li Na", False) in told
    assert ("*", False) in told, "the code"
    assert told.count(("yes", True)) >= 5, "each consent that was ticked"
    sizes = sizes_of(buyers[3].market, applications[3])
    record_property("kept_bytes", sizes)
    record_property("recorded_bytes", [len(each.data) for each in recordings(buyers[3], applications[3])])
    assert max(sizes) <= MOST_KEPT, sizes
    plays(buyers[0], applications[0], first[0])


def plays(buyer: Buyer, application: UUID, recording: RecordingKept) -> None:
    """Under the player's origin, without a word of the browser against it; nothing of the recording runs there."""
    market = buyer.market
    with market.app.app_context(), use_scope(Scope.all()):
        oversight_services.refresh_application(application)
        db.session.commit()
        sale = oversight.sale_of_application(application)
        with market.app.test_request_context():
            path = urlsplit(replay.address_of(sale.id, recording.view_id)).path
    page = buyer.page.context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(f"{said.location} {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(market.url.replace("localhost", "replay.localhost") + path)
    inside = page.frame_locator(".replayer-wrapper iframe")
    inside.locator("h1").wait_for()
    assert page.locator(".replayer-wrapper iframe").get_attribute("sandbox") == "allow-same-origin"
    assert inside.locator("script").count() == 0
    page.locator(".acts button").last.click()
    page.locator("[data-play]").click()
    assert [each for each in complaints if "img-src" not in each] == [], "pictures of elsewhere alone are refused"
    page.close()


def sizes_of(market: Marketplace, application: UUID) -> list[int]:
    with market.app.app_context(), every_row() as owner:
        asked = text("SELECT length(content) FROM traceability_recording WHERE application_id = :id ORDER BY kept_at")
        return list(owner.execute(asked, {"id": application}).scalars())

"""Staff of an insurer at a real browser, with what the pages say and nothing else: from the template to a product on
sale, and to a new premium at its instant and not before.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser

from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from tests.journeys.conftest import Buyer, Marketplace
from tests.journeys.insurer_desk import Road, offers, road_of
from tests.web.conftest import days_later

pytestmark = pytest.mark.browser

# Sheet, cell and what is typed there by mistake.
BROKEN: dict[tuple[str, str], Any] = {
    ("my-term", "B7"): "",
    ("my-term risk", "D4"): 27,
    ("my-term risk", "F9"): "a little",
    ("my-term eligibility", "B4"): "10, twenty",
    ("my-term examples", "G3"): 413.99,
}


@pytest.fixture
def road(chromium: Browser, marketplace: Marketplace) -> Iterator[Road]:
    with road_of(chromium, marketplace) as found:
        yield found


@pytest.mark.requirement("O13-45")
def test_from_the_template_to_a_new_premium_at_its_instant(road: Road, buyer: Buyer) -> None:
    first, book = road.first, road.template()
    right = {place: book[place[0]][place[1]].value for place in BROKEN}
    for (sheet, cell), wrong in BROKEN.items():
        book[sheet][cell] = wrong
    rounds, told = 0, set(BROKEN)
    while told:
        first.upload(book, "my catalog.xlsx")
        told = first.findings()
        assert told <= set(BROKEN), "no finding where nothing is wrong"
        marked = first.taken_along("Your file with every finding marked") if told else book
        for sheet, cell in told:
            assert marked[sheet][cell].comment is not None
            book[sheet][cell] = right[sheet, cell]
        rounds += 1
        assert rounds <= len(BROKEN) + 1
    assert "Nothing is wrong in this file." in first.text
    assert "My Term" not in offers(buyer)
    road.go()
    shown = offers(buyer)
    assert "My Term" in shown
    assert "¥414.00" in shown

    first.page.reload()
    book = first.taken_along("This catalog as a workbook")
    book["Catalog"]["B5"] = (clock.today(ZONE) + timedelta(days=3)).isoformat()
    steps = next(sheet for sheet in book if sheet.title.endswith(" steps"))
    fee = next(row for row in steps.iter_rows() if row[0].value == "fee")
    next(cell for cell in fee if cell.value in (30, "30", "30.00")).value = "45.00"
    examples = next(sheet for sheet in book if sheet.title.endswith(" examples"))
    first.upload(book, "dearer.xlsx")
    assert first.findings(), "the examples are those of before"
    for row in first.page.locator("section:has(> h3 code) tbody tr").all():
        place, *_, would_be = (cell.inner_text() for cell in row.locator("td").all())
        examples[place] = would_be.removeprefix("The tariff gives ").removesuffix(".")
    first.upload(book, "dearer.xlsx")
    assert re.search(r"The premium rises [\d.]+ % on average, at most [\d.]+ %\.", first.text)
    first.follow("What changes")
    assert "become dearer" in first.text
    assert "Whom it touches" in first.text
    assert "open offer" in first.text.lower()
    first.page.go_back()
    road.go()
    for days, premium in ((0, "¥414.00"), (2, "¥414.00"), (3, "¥429.00")):
        days_later(buyer.market.app, days)
        assert premium in offers(buyer)

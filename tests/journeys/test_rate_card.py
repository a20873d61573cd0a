"""A wide rate card as another company published it becomes a product that customers compare, without documentation."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.conftest import Buyer, Marketplace
from tests.journeys.insurer_desk import Road, offers, road_of

pytestmark = pytest.mark.browser

CARD = """Mutual of Elsewhere: ten years of level cover,,,,
Yearly rate for each 1000 of cover,Men,,Women,
Age at entry,Non-smoker,Smoker,Non-smoker,Smoker
18 - 29,0.61,1.10,0.42,0.75
30 - 39,0.88,1.71,0.66,1.21
40 - 49,2.05,4.02,1.48,2.89
50 - 60,5.40,9.95,3.77,7.04
"""


@pytest.fixture
def road(chromium: Browser, marketplace: Marketplace) -> Iterator[Road]:
    with road_of(chromium, marketplace) as found:
        yield found


def test_a_rate_card_of_elsewhere_becomes_a_product_that_is_compared(road: Road, buyer: Buyer) -> None:
    first, page = road.first, road.first.page
    first.upload(road.template(), "template.xlsx")
    page.goto(f"{first.market.url}/insurer/rate-cards")
    page.fill('main [name="name"]', "Elsewhere")
    page.select_option('main [name="line"]', "term_life")
    page.set_input_files('main [name="file"]', {"name": "c.csv", "mimeType": "text/csv", "buffer": CARD.encode()})
    first.press("Upload and look at it")
    assert "16 rows." in first.text, "every label was understood"
    header, *risks = page.locator("#examples").input_value().splitlines()
    assert [header.rpartition(",")[2], len(risks)] == ["premium", 5]
    page.locator("#examples").fill("\n".join([header, *(f"{risk}{by_hand(risk)}" for risk in risks)]))
    first.press("Make the draft")
    expect(page.get_by_text("The file is being read.")).to_have_count(0)
    assert "Nothing is wrong in this file." in first.text
    road.go()
    shown = offers(buyer, term_years="10")
    assert "My Term" in shown
    assert f"¥{by_hand('30,female,no,500000'):.2f}" in shown


def by_hand(risk: str) -> Decimal:
    """The card's rate for each 1000, the template's costs of a fifth and its fee of 30."""
    age, sex, smoker, cover, *_ = risk.split(",")
    bands = {int(row[:2]): row.split(",")[1:] for row in CARD.splitlines()[3:]}
    rates = bands[max(start for start in bands if start <= int(age))]
    rate = rates[2 * (sex == "female") + (smoker == "yes")]
    return Decimal(rate) * int(cover) / 1000 * Decimal("1.2") + 30

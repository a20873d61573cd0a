"""Purchases paid with Alipay and WeChat Pay in a real browser: led away, asked there, led back to the policy."""

import pytest

from tests.journeys.conftest import Buyer

pytestmark = pytest.mark.browser


def test_a_policy_is_bought_with_alipay(buyer: Buyer) -> None:
    buyer.apply()
    buyer.press()
    buyer.page.get_by_role("button", name="Pay with Alipay").click()
    assert "Alipay" in buyer.page.locator("h1").inner_text()
    buyer.page.get_by_role("button", name="Confirm the payment", exact=True).click()
    buyer.page.wait_for_url("**/application/*/done")
    buyer.page.locator(".policy-number").wait_for()


def test_wechats_money_that_comes_later_is_waited_for(buyer: Buyer) -> None:
    buyer.apply()
    buyer.press()
    buyer.page.get_by_role("button", name="Pay with WeChat Pay").click()
    assert buyer.page.get_by_alt_text("The code to scan with WeChat").is_visible()
    buyer.page.get_by_role("link", name="Go where the code leads").click()
    buyer.page.get_by_role("button", name="the money comes a little later").click()
    buyer.page.wait_for_url("**/application/*/done")
    assert "Your payment is being confirmed" in buyer.page.locator("main").inner_text()
    buyer.page.goto(buyer.page.url.replace("/done", "/pay"))
    buyer.press()  # nobody pays twice
    buyer.page.wait_for_url("**/application/*/done")
    assert "Your payment is being confirmed" in buyer.page.locator("main").inner_text()
    buyer.market.simulator.wait_for_wallets()
    buyer.page.locator(".policy-number").wait_for()

"""Purchases paid with Alipay and WeChat Pay in a real browser: led away, asked there, led back to the policy."""

from uuid import UUID

import pytest

from marketplace.application import queries as applications
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.quoting import services as quoting
from tests.journeys.conftest import Buyer, Marketplace, until
from tests.journeys.test_buying import application_id

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


def test_wechats_money_goes_back_when_the_contract_cannot_be_concluded(buyer: Buyer) -> None:
    """The offer ends while the customer is at the payment page. The wallet takes its time with the refund too."""
    buyer.apply()
    application = application_id(buyer)
    buyer.press()
    end_offer_of(buyer.market, application)
    buyer.page.get_by_role("button", name="Pay with WeChat Pay").click()
    buyer.page.get_by_role("link", name="Go where the code leads").click()
    buyer.page.get_by_role("button", name="Confirm the payment", exact=True).click()
    buyer.page.get_by_role("heading", name="We could not conclude the contract").wait_for()
    assert "we are sending the whole amount back" in buyer.page.locator("main").inner_text()
    buyer.market.mail(buyer.email, "payment_not_issuable")
    (refund,) = until(lambda: buyer.market.simulator.listed("/v1/refunds"), "the refund at Stripe")
    assert (refund["status"], refund["amount"]) == ("pending", 132_075)
    assert "refund_made" not in mails(buyer)
    buyer.market.simulator.wait_for_wallets()
    assert "¥1,320.75" in text_of(buyer, "refund_made")
    assert mails(buyer) == ["payment_not_issuable", "refund_made"]
    buyer.page.reload()
    assert "You are not covered" in buyer.page.locator("main").inner_text()


def end_offer_of(market: Marketplace, application: UUID) -> None:
    with market.app.app_context():
        quoting.void_offer(applications.application(application).offer_id)
        db.session.commit()


def mails(buyer: Buyer) -> list[str]:
    """What the buyer was written, oldest first, codes left out."""
    with buyer.market.app.app_context():
        found = correspondence.inbox(recipient=buyer.email)
        return [mail.kind for mail in found if "code" not in mail.kind][::-1]


def text_of(buyer: Buyer, kind: str) -> str:
    mail = buyer.market.mail(buyer.email, kind)
    with buyer.market.app.app_context():
        return correspondence.message_parts(mail.id).text

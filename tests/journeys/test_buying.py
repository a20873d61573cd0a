"""Whole purchases in a real browser, on the site, the worker and the payment simulator as their own processes."""

import re
from uuid import UUID

import pytest

from marketplace.application import queries as applications
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import Scope, db, use_scope
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from tests.journeys.conftest import Buyer, Marketplace, until
from tests.simulator_server import DECLINED_CARD, GOOD_CARD

pytestmark = pytest.mark.browser

LEAST_PAGES = 8


def policy_of(buyer: Buyer) -> Policy | None:
    with buyer.market.app.app_context():
        return policies.policy_of_application(application_id(buyer))


def application_id(buyer: Buyer) -> UUID:
    found = re.search(r"/application/([0-9a-f-]{36})/", buyer.page.url)
    assert found
    return UUID(found[1])


def holds_its_policy(market: Marketplace, policy: Policy, email: str) -> None:
    """The mail with the sealed paper, once."""
    mail = market.mail(email, "policy_issued")
    policys, certificate, *receipts = [file.name for file in mail.attachments]
    assert (policys, certificate) == (f"{policy.number}.pdf", f"{policy.number}-certificate.pdf")
    assert all(name.startswith("RC-") for name in receipts), "one that was late follows in a mail of its own"
    with market.app.app_context():
        sent = correspondence.message_parts(mail.id).files[0].content
        assert sent == policies.document_bytes(policy.id)
        assert [each.kind for each in correspondence.inbox(recipient=email)].count("policy_issued") == 1
        assert applications.application(policy.application_id).state == "contracted"


@pytest.mark.requirement("T26-06")
def test_a_declined_card_then_a_good_one(buyer: Buyer) -> None:
    buyer.apply()
    application = application_id(buyer)
    buyer.press()
    buyer.card(DECLINED_CARD)
    assert "declined" in buyer.page.locator(".summary").inner_text().lower()
    buyer.card(GOOD_CARD)
    buyer.page.wait_for_url(f"**/application/{application}/done")
    buyer.page.get_by_role("link", name="Download the policy (PDF)").wait_for()
    policy = policy_of(buyer)
    assert policy
    assert buyer.page.locator(".policy-number").inner_text() == policy.number
    with buyer.page.expect_download() as download:
        buyer.page.get_by_role("link", name="Download the policy (PDF)").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-1.7")
    holds_its_policy(buyer.market, policy, buyer.email)
    buyer.page.goto(f"{buyer.market.url}/verify?number={policy.number}&code={policy.check_code}")
    buyer.press()
    assert policy.number in buyer.page.locator("main").inner_text()
    leaves_a_whole_trail(buyer.market, policy)


def leaves_a_whole_trail(market: Marketplace, policy: Policy) -> None:
    """Each recorded page was entered and left, in that order, and nothing that such a sale leaves is missing."""

    def entries() -> tuple[Entry, ...]:
        with market.app.app_context():
            return trail.journey_entries(policy.journey_id)

    def each_page_left() -> bool:
        left = {entry.body["view"]: entry.recorded_at for entry in entries() if entry.type is EntryType.PAGE_LEFT}
        shown = {str(entry.id): entry.recorded_at for entry in entries() if entry.page_sha256 is not None}
        return all(view in left and left[view] >= at for view, at in shown.items()) and len(left) >= LEAST_PAGES

    until(each_page_left, "the last page to be left")
    with market.app.app_context():
        told = until(lambda: sale_of(policy).completeness, "the trail to be counted")
        assert (told.gaps, told.per_cent) == ((), 100)


def sale_of(policy: Policy) -> Sale:
    with use_scope(Scope.all()):
        (found,) = oversight.sales(SaleFilter(text=policy.number)).sales
        db.session.rollback()
    return found


def test_the_browser_is_closed_right_after_paying(buyer: Buyer) -> None:
    """Stripe's word alone concludes the contract."""
    buyer.apply()
    application = application_id(buyer)
    buyer.press()
    buyer.page.route("**/application/*/return*", lambda route: route.abort())
    hosted = buyer.page.url
    buyer.page.close()
    assert buyer.market.simulator.pay(hosted).status_code == 303
    issued(buyer, application)


def test_stripes_word_is_lost_and_the_customer_does_not_come_back(buyer: Buyer) -> None:
    """Reconciliation asks Stripe."""
    buyer.apply()
    application = application_id(buyer)
    buyer.press()
    hosted = buyer.page.url
    buyer.page.close()
    buyer.market.simulator.switch(drop_webhooks=True)
    assert buyer.market.simulator.pay(hosted).status_code == 303
    buyer.market.simulator.switch()
    issued(buyer, application, asking=True)


def test_the_worker_dies_before_the_payment_and_comes_back(buyer: Buyer) -> None:
    buyer.apply()
    application = application_id(buyer)
    buyer.market.kill_worker()
    buyer.press()
    buyer.card(GOOD_CARD)
    buyer.page.wait_for_url(f"**/application/{application}/done")
    assert buyer.page.locator(".policy-number").count() == 1, "its papers wait for the worker, the contract does not"
    buyer.market.start_worker()
    buyer.page.locator(".policy-number").wait_for()
    issued(buyer, application)


@pytest.mark.parametrize(
    "buyer", [{"locale": "zh-CN", "viewport": {"width": 360, "height": 740}}], indirect=True, ids=["360 px"]
)
def test_a_purchase_in_chinese_on_a_small_telephone(buyer: Buyer) -> None:
    narrow: list[str] = []
    buyer.page.on("domcontentloaded", lambda page: narrow.append(page.url) if not buyer.fits() else None)
    buyer.apply("李娜")
    assert buyer.page.locator("html").get_attribute("lang") == "zh-Hans-CN"
    application = application_id(buyer)
    buyer.press()
    buyer.card(GOOD_CARD)
    buyer.page.wait_for_url(f"**/application/{application}/done")
    buyer.page.locator(".policy-number").wait_for()
    issued(buyer, application)
    assert narrow == []


def issued(buyer: Buyer, application: UUID, *, asking: bool = False) -> None:
    """The contract is concluded and its paper mailed, whatever the browser does."""

    def look() -> Policy | None:
        if asking:
            buyer.market.reconcile()
        with buyer.market.app.app_context():
            return policies.policy_of_application(application)

    holds_its_policy(buyer.market, until(look, "the policy"), buyer.email)

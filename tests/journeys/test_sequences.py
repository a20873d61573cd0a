"""One traced contract, three times: each sale in a real browser gives the events of the regulation checklist, section
6, in the evidence that its holder takes away (issue 7, "Done when").
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.catalog.values import Line
from marketplace.checkout import queries as orders
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.traceability.values import EntryType
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, published
from tests.factories.quoting import a_content, a_tariff, publish
from tests.journeys.bundles import evidence_of, opened, trust_of, verified_elsewhere
from tests.journeys.conftest import Buyer, until
from tests.journeys.insurer_desk import a_desk
from tests.journeys.sequences import EVENTS, SECTION_6, Event, Happened, Sale, entries_of, faults
from tests.journeys.test_buying import application_id, policy_of
from tests.simulator_server import GOOD_CARD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

ILL = frozenset({2})
"""The place of the question of Harbour Term whose "yes" a person looks at."""
WORDS = "去年您因高血压接受过治疗。"
HOUSEHOLD = {
    "age": "34", "sex": "female", "income": "100000", "smoker": "no", "public_insurance": "yes", "hospital_cover": "no",
    "region": "shanghai", "debts": "400000", "budget": "9000",
}  # fmt: skip


def held(buyer: Buyer, policy: Policy, sale: Sale, folder: Path) -> tuple[dict[str, Any], list[Happened]]:
    """The evidence of the contract, as its holder takes it away: verified with the network off, and whole in its
    sequence.
    """
    evidence = evidence_of(buyer, policy.id)
    folder.mkdir()
    done = verified_elsewhere(folder, {"evidence.zip": evidence, "trust.policy": trust_of(buyer.market)})
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("VERIFIED")
    core, files = opened(evidence)
    entries = entries_of(core, files)
    assert faults(entries, sale) == []
    says_who_when_and_where(core, entries)
    return core, entries


def says_who_when_and_where(core: dict[str, Any], entries: Sequence[Happened]) -> None:
    """Each entry: its journey, its number in it without gaps, the server's time, who did it, what came before it; and
    what the applicant did in the application, the version of the page on which it was done.
    """
    leaves = [each["leaf"] for each in core["entries"]]
    assert len({leaf["j"] for leaf in leaves}) == 1
    assert [leaf["n"] for leaf in leaves] == list(range(leaves[0]["n"], leaves[0]["n"] + len(leaves)))
    assert [leaf for leaf in leaves if not leaf["ts"] or not (leaf["p"] or leaf["n"] == 1)] == []
    assert [each.type for each in entries if not each.actor] == []
    begun = next(place for place, each in enumerate(entries) if each.type is EntryType.ENTRY_ACKNOWLEDGED)
    paid = next(place for place, each in enumerate(entries) if each.type is EntryType.PAYMENT_LEFT)
    applicants = [each for each in entries[begun:paid] if each.actor in {"visitor", "customer"}]
    nowhere = {EntryType.COUNTER_OFFER_MADE, EntryType.PAGE_LEFT, EntryType.PAYMENT_STARTED}
    assert {each.type for each in applicants if each.on is None} <= nowhere


@pytest.mark.requirement("T26-01", "T26-13", "T26-31")
def test_a_simple_product(buyer: Buyer, log: None, tmp_path: Path) -> None:
    """Travel insurance: who applies is proven, nothing is asked, everything is read and paid."""
    with buyer.market.app.app_context():
        published(an_insurer("oakroof"), catalog_files("oakroof"))
        db.session.commit()
    buyer.compare("travel", zone="europe", days="10", age="34", sports="no")
    buyer.page.locator("article.offer a.btn").first.click()
    buyer.page.locator("aside a.btn").click()
    buyer.go_through("Li Na")
    assert buyer.step == "pay"
    policy = paid(buyer)
    buyer.market.mail(buyer.email, "policy_issued")
    held(buyer, policy, Sale.SIMPLE, tmp_path / "elsewhere")


def paid(buyer: Buyer) -> Policy:
    """From our payment page to the number of the contract."""
    application = application_id(buyer)
    buyer.press()
    buyer.card(GOOD_CARD)
    buyer.page.wait_for_url(f"**/application/{application}/done")
    buyer.page.locator(".policy-number").wait_for()
    policy = policy_of(buyer)
    assert policy
    return policy


@pytest.mark.requirement("T26-01", "O13-22", "T26-31")
@pytest.mark.parametrize("buyer", [{"locale": "zh-CN"}], indirect=True, ids=["in Chinese"])
def test_referred_asked_and_taken_on_other_terms(buyer: Buyer, chromium: Browser, log: None, tmp_path: Path) -> None:
    """A term life whose applicant says yes to one question, in Chinese; the underwriter sits at another browser."""
    buyer.compare("term_life", age="34", sex="female", smoker="no", sum_insured="1000000", term_years="20",
                  occupation_class="1", region="shanghai")  # fmt: skip
    buyer.page.locator("article.offer a.btn").first.click()
    buyer.page.locator("aside a.btn").click()
    buyer.go_through("李娜", yes_to=ILL)
    assert buyer.step == "ended"
    application = buyer.page.url.rsplit("/", 1)[0]
    with a_desk(chromium, buyer.market, Role.INSURER_UNDERWRITER, "harbour") as desk:
        desk.page.goto(f"{buyer.market.url}/insurer/underwriting")
        desk.page.locator('main a[href$="/underwriting"]').first.click()
        desk.page.fill('main [name="reason"]', "Referred to me")
        desk.press("Open the sale")
        desk.page.fill('main [name="question"]', "您目前服用什么药？")
        desk.press("Ask")
        buyer.market.mail(buyer.email, "application_asked")
        buyer.page.goto(application)
        assert buyer.step == "question"
        buyer.fill(answer="氨氯地平，每天5毫克")
        buyer.press()
        desk.page.reload()
        assert "氨氯地平" in desk.text
        desk.page.check('main [name="decision"][value="accept"]')
        desk.page.fill('main [name="loading"]', "25")
        desk.page.select_option('main [name="code"]', "health")
        desk.page.fill('main [name="words"]', WORDS)
        desk.press("Decide")
    buyer.page.goto(f"{application}/pay")
    assert buyer.step == "other-terms", "nothing is paid before it is agreed to"
    assert WORDS in buyer.page.locator("main").inner_text()
    buyer.tick("agree")
    buyer.press()
    assert buyer.step == "pay"
    policy = paid(buyer)
    assert "loading" in [line["kind"] for line in policy.body["premium"]["lines"]]
    buyer.market.mail(buyer.email, "policy_issued")
    _core, entries = held(buyer, policy, Sale.REFERRED, tmp_path / "elsewhere")
    decided = [each for each in entries if each.type is EntryType.UNDERWRITING_DECIDED]
    assert len(decided) == 2, "the guideline's decision, then the person's"
    (agreed,) = [each for each in entries if each.type is EntryType.COUNTER_OFFER_ACCEPTED]
    assert agreed.said["premium_minor"] == policy.premium.minor


@pytest.mark.requirement("T26-01", "O13-20", "SCM-05", "T26-31")
def test_a_plan_of_three_products_is_paid_once(buyer: Buyer, log: None, tmp_path: Path) -> None:
    """Three products of three insurers: one payment, three policies, three evidences that each stand alone."""
    with buyer.market.app.app_context():
        publish(an_insurer("lantern"), a_content("bills", Line.HOSPITAL), a_tariff("300.00"))
        publish(an_insurer("third"), a_content("falls", Line.ACCIDENT), a_tariff("100.00"))
        db.session.commit()
    page = buyer.page
    page.goto(f"{buyer.market.url}/needs")
    buyer.fill(**HOUSEHOLD)
    buyer.press()
    assert page.locator("main article.card").count() == 3
    page.locator('main form[action$="/apply"] button').click()
    basket = page.url
    for left in (2, 1, 0):
        page.locator("main article a.btn").first.click()
        buyer.go_through("Li Na", date(1992, 3, 5))
        assert page.url == basket
        assert page.locator('main a[href^="/apply/"]').count() == left
    page.get_by_role("link", name="Pay for all that were accepted").click()
    buyer.press()
    buyer.card(GOOD_CARD)
    page.wait_for_url(basket)
    expect(page.get_by_text("Concluded", exact=True)).to_have_count(3, timeout=60_000)
    bought = policies_of(buyer, basket)
    assert len({policy.insurer_id for policy in bought}) == 3
    until(lambda: mails(buyer) == 3, "the mails with the policies", 60)
    for place, policy in enumerate(bought):
        held(buyer, policy, Sale.PLANNED, tmp_path / f"elsewhere-{place}")


def policies_of(buyer: Buyer, basket: str) -> list[Policy]:
    """One for each application, and all of one payment."""
    found = re.search(r"/basket/([0-9a-f-]{36})$", basket)
    assert found
    with buyer.market.app.app_context():
        applied = applications.applications_of_basket(found[1])  # type: ignore[arg-type]
        bought = [policies.policy_of_application(each.id) for each in applied.values()]
        (order_id,) = {order.id for each in applied.values() if (order := orders.order_of_application(each.id))}
        assert len(payments.attempts_of(Purpose.NEW_BUSINESS, order_id)) == 1
    assert None not in bought
    return [policy for policy in bought if policy]


def mails(buyer: Buyer) -> int:
    with buyer.market.app.app_context():
        return [each.kind for each in correspondence.inbox(recipient=buyer.email)].count("policy_issued")


# --- the table itself, and that it finds what is wrong ----------------------------------------------------------------


def test_the_table_names_every_event_and_says_why_one_is_elsewhere_or_missing() -> None:
    named = [each for each in EVENTS if not each.added]
    assert sorted(each.name for each in named) == sorted(SECTION_6)
    assert [each.name for each in named if len(each.of) < len(Sale) and not each.gap] == []
    places = [SECTION_6.index(each.name) for each in named if not each.moved]
    assert places == sorted(places), "what is in another place says why"
    assert {name for each in EVENTS for name in each.after or ()} <= {each.name for each in EVENTS}


def shown_and_done(sale: Sale) -> list[Happened]:
    """A sequence that is as the table wants it."""
    wanted = [each for each in EVENTS if sale in each.of and each.types]
    return [Happened(each.types[0], each.pages[0] if each.pages else "") for each in wanted]


@pytest.mark.parametrize("sale", Sale)
def test_a_sequence_with_an_event_less_or_two_the_other_way_round_is_found(sale: Sale) -> None:
    whole = shown_and_done(sale)
    assert faults(whole, sale) == []
    for place, each in enumerate(whole):
        others = [other for other in whole if other != each]
        assert any(fault.endswith("is missing") for fault in faults(others, sale)), place
    for name in ("entry_ack", "identity_verified", "exclusions_ack", "application_submitted", "policy_issued"):
        event: Event = next(each for each in EVENTS if each.name == name)
        turned = sorted(whole, key=lambda each, event=event: not event.is_it(each))  # type: ignore[misc]
        assert any(fault.startswith(f"{name} before") for fault in faults(turned, sale)), name

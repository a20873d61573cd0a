"""Two contracts of one customer, come about in one journey: the evidence of either withholds what the other says,
whoever asks for it (T26-40, T26-52).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.checkout import services as checkout
from marketplace.checkout.values import PaymentUrls
from marketplace.infra.db import db
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.payment import services as payment
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability.values import RECEIPTED
from marketplace.web.sale_file import sale_file
from sandbox.demo.visitor import Identity, Visitor
from tests.deferred_jobs import hasten
from tests.factories.accounts import an_insurer
from tests.factories.catalog import changed, published
from tests.factories.evidence import File, judged
from tests.factories.retention import an_open_dispute
from tests.simulator_server import SimulatorServer
from tests.web.bought_sale import PUT_OFF
from tests.web.desk_visits import ANSWERS, at_the_desk
from tests.web.laid_open import faces
from tests.web.test_evidence_desks import evidence_of
from tests.web.test_receipts import mails
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
IntoTheLog = Callable[[], int]

EMAIL = "li.na@example.com"
NAMES = ("Nalani Firstname", "Qiuyue Secondname")
BOTH = ("harbour", "farshore")


@dataclass(frozen=True)
class Two:
    """A customer with two contracts, each with the name that was told for it."""

    customer: Visitor
    sales: dict[str, Sale]


@dataclass(frozen=True)
class How:
    """At which insurers they are, and whether one order pays for both."""

    insurers: tuple[str, ...]
    together: bool = False


@pytest.fixture
def two(  # noqa: PLR0917  pytest's fixtures
    request: pytest.FixtureRequest, shop: Flask, code_for: CodeFor, work: Work, into_the_log: IntoTheLog,
    simulator: SimulatorServer,
) -> Two:  # fmt: skip
    """Each is in the log to beyond the end of the other, for disputes begin about both."""
    how: How = request.param
    with shop.app_context():
        if "farshore" in how.insurers:
            published(an_insurer("farshore"), changed("catalog.toml", 'insurer = "harbour"', 'insurer = "farshore"'))
        db.session.commit()
    customer = Visitor(shop.test_client())
    submitted = []
    for number, name in enumerate(NAMES):
        offers = customer.compare("term_life", ANSWERS)
        _apply(customer, offers[number % len(offers)], Identity(name, date(1992, 3, 5), EMAIL), code_for)
        submitted.append(UUID(customer.at.split("/")[2]))
        assert how.together or customer.pay()
    if how.together:
        with shop.app_context():
            _pay_together(submitted, simulator)
    work()
    for _ in PUT_OFF:
        with shop.app_context():
            into_the_log()
            hasten(*PUT_OFF)
        work()
    with shop.app_context():
        sold = oversight.sales(SaleFilter()).sales
        for sale in sold:
            assert sale.policy_id
            an_open_dispute(policies.policy(sale.policy_id))
        into_the_log()
        told = {sale: applications.application(sale.application_id).people for sale in sold}
    assert len({sale.journey_id for sale in sold}) == 1
    assert len({sale.insurer_id for sale in sold}) == len(how.insurers)
    assert len({sale.order_id for sale in sold}) == (1 if how.together else 2)
    return Two(customer, {people.applicant.name: sale for sale, people in told.items() if people})


def _apply(customer: Visitor, offer: str, who: Identity, code_for: CodeFor) -> None:
    customer.enter(offer)
    customer.give_address(who.email)
    if customer.at.endswith("/code"):
        customer.give_code(code_for(who.email))
    customer.give_people(who)
    customer.answer(who)
    assert customer.submit() == "pay"


def _pay_together(submitted: list[UUID], simulator: SimulatorServer) -> None:
    account_id = applications.application(submitted[0]).account_id
    assert account_id
    order = checkout.place_order(submitted, account_id)
    attempt = checkout.pay(order.id, PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay"))
    db.session.commit()
    assert simulator.pay(payment.open_session(attempt.id)).status_code == 303
    checkout.check_payment(order.id)
    db.session.commit()


def at_three_desks(shop: Flask, customer: Visitor, sale: Sale, work: Work) -> list[bytes]:
    """As the insurer, the back office and the customer take it away."""
    with shop.app_context():
        assert sale.insurer_id
        insurer = accounts.insurer(sale.insurer_id)
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, insurer)
    underwriter.get(f"/insurer/sales/{sale.id}/evidence")
    underwriter.post({"reason": "Claim 42"})
    office = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    office.get("/admin/evidence")
    office.post({"text": str(sale.policy_number), "reason": "Complaint C-17"})
    office.post({"reason": "Complaint C-17"}, f"/admin/evidence/contracts/{sale.application_id}")
    customer.get(f"/policies/{sale.policy_id}/evidence")
    customer.post({})
    return [evidence_of(desk, work) for desk in (underwriter, office, customer)]


@pytest.mark.requirement("T26-40", "T26-41", "T26-52")
@pytest.mark.parametrize(
    ("two", "why"),
    [
        pytest.param(How(BOTH), "other_insurer", id="at two insurers"),
        pytest.param(How(BOTH, together=True), "other_insurer", id="at two insurers in one order"),
        pytest.param(How(("harbour",)), "other_contract", id="at one insurer"),
    ],
    indirect=["two"],
)
def test_no_evidence_says_what_another_contract_of_the_journey_says(
    shop: Flask, two: Two, work: Work, why: str
) -> None:
    for own, other in (NAMES, NAMES[::-1]):
        for data in at_three_desks(shop, two.customer, two.sales[own], work):
            hold_withheld(shop, data, two.sales[own], two.sales[other], why)
            laid_open = [face.lower() for face in faces(data)]
            mine, others = canaries(two.sales[own], own), canaries(two.sales[other], other)
            found = {each for each in mine | others if any(each.lower().encode() in face for face in laid_open)}
            assert found == mine, "of an order of both, both have the reference"


def canaries(sale: Sale, name: str) -> set[str]:
    """What stands in what a contract says and shows, and nowhere else."""
    return {name, *map(str, (sale.policy_number, sale.order_reference, sale.application_id, sale.policy_id))}


def hold_withheld(shop: Flask, data: bytes, sale: Sale, other: Sale, why: str) -> None:
    """Every entry of the other contract is there as a leaf alone, every other one whole; and the verifier says so."""
    file = File.opened(data)
    with shop.app_context():
        assert sale.application_id
        assert other.application_id
        entries = {each.log_index: each for each in trail.journey_entries(sale.journey_id)}
        report = judged(data, *(trail.receipt(sale.application_id, kind) for kind in RECEIPTED))
    of_other = {index for index, each in entries.items() if each.application_id == other.application_id}
    shown = {each["index"]: each for each in file.core["entries"]}
    withheld = {index for index, each in shown.items() if each["withheld"]}
    assert withheld == of_other & shown.keys()
    assert {shown[index]["leaf"]["t"] for index in withheld} > {"answer:given", "page:shown", "contract:concluded"}
    assert {(shown[index]["withheld"], shown[index]["body"], shown[index]["page"]) for index in withheld} == {
        (why, None, None)
    }
    names = {f"core/{kind}" for index in of_other for kind in (f"bodies/{index}.json", f"pages/{index}.html")}
    assert names.isdisjoint(file.files)
    assert len([name for name in file.files if name.startswith("core/bodies/")]) == len(shown) - len(withheld)
    assert list(file.exhibits("policy")) == [f"{sale.policy_number}.pdf"]
    assert {each.entry for each in report.findings if each.code is Code.WITHHELD} == withheld
    assert {each.code for each in report.findings if each.code.is_fault} == set()


@pytest.mark.requirement("T26-40", "T26-52")
@pytest.mark.parametrize("two", [How(BOTH, together=True)], indirect=True)
def test_the_receipt_of_several_contracts_reaches_the_customer_once_and_no_insurer(shop: Flask, two: Two) -> None:
    sale = next(iter(two.sales.values()))
    assert sale.policy_id
    with shop.app_context():
        assert sale.insurer_id
        assert sale.order_id
        insurer = accounts.insurer(sale.insurer_id)
        (receipt,) = policies.papers_of_order(sale.order_id)
    of_policies = mails(shop, "policy_issued")
    (of_payment,) = mails(shop, "payment_receipt")
    name = f"{receipt.number}.pdf"
    assert [file.name for file in of_payment.files] == [name]
    assert len(of_policies) == len(two.sales)
    assert name not in {file.name for mail in of_policies for file in mail.files}

    address = f"sales/{sale.id}/papers/{receipt.id}.pdf"
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, insurer)
    page = underwriter.get(f"/insurer/sales/{sale.id}")
    assert (f"{sale.policy_number}" in page, receipt.number in page) == (True, False)
    with shop.app_context():
        money = [each.amount for each in sale_file(sale, only_insurer=sale.insurer_id).money]
        whole = [each.amount for each in sale_file(sale).money]
        own = policies.policy(sale.policy_id).premium
    assert (money, whole > money) == ([own], True), "what the other contract cost is not told"
    underwriter.get(f"/insurer/{address}")
    assert underwriter.status == 404
    office = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert receipt.number in office.get(f"/admin/sales/{sale.id}")
    assert office.client.get(f"/admin/{address}").data.startswith(b"%PDF-1.7")

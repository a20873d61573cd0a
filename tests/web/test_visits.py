"""Who comes back to a contract is on a journey of its own, found by the contract (T26-31, T26-40)."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import Policy
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_view
from marketplace.traceability.values import Actor, ActorRole, Entry, EntryType
from sandbox.demo.visitor import Identity, Visitor, words
from tests.factories.accounts import a_customer
from tests.factories.policy import a_contract
from tests.factories.traceability import a_view, still_opens
from tests.registered_trail import registered
from tests.web.conftest import NothingWritten, count
from tests.web.desk_visits import LI_NA, at_the_desk, buy, links, sign_in
from tests.web.test_fail_closed import broken_trail

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
ZHOU = Identity("Zhou Min", date(1992, 2, 1), "zhou.min@example.com")
LOOKED, OPENED = EntryType.POLICY_VIEWED, EntryType.DOCUMENT_OPENED


@pytest.fixture
def customer(shop: Flask, work: Work, code_for: CodeFor) -> Visitor:
    return buy(shop, work, code_for)


def come_back(shop: Flask, code_for: CodeFor) -> Visitor:
    """Li Na at another browser."""
    again = Visitor(shop.test_client())
    again.get("/find")
    again.post({"email": LI_NA.email})
    again.post({"code": code_for(LI_NA.email)})
    assert again.at == "/account"
    return again


def visits_of(shop: Flask, application_id: UUID | None) -> list[list[Entry]]:
    """The entries of each visit, as they are found from the contract."""
    assert application_id
    with shop.app_context():
        found = trail.entries_of_visits(application_id)
        begun = trail.visits_to({application_id})
    assert {each.application_id for each in found} <= {application_id}
    return [[each for each in found if each.journey_id == journey.id] for journey in begun]


def types(visits: list[list[Entry]]) -> list[list[EntryType]]:
    return [[entry.type for entry in visit] for visit in visits]


@pytest.mark.requirement("T26-31", "T26-32")
def test_two_sign_ins_are_two_visits_and_one_is_one(
    shop: Flask, customer: Visitor, sale: Sale, code_for: CodeFor
) -> None:
    page = f"/policies/{sale.policy_id}"
    with shop.app_context():
        of_sale = trail.journey_entries(sale.journey_id)
    assert visits_of(shop, sale.application_id) == []
    for path in (page, page, f"{page}/document.pdf"):
        assert customer.client.get(path).status_code == 200
    assert come_back(shop, code_for).client.get(page).status_code == 200
    customer.get(page)
    first, second = visits_of(shop, sale.application_id)
    assert types([first, second]) == [[LOOKED, LOOKED, OPENED, LOOKED], [LOOKED]]
    with shop.app_context():
        assert trail.journey_entries(sale.journey_id) == of_sale, "the sale is at its end"
        holder = policies.policy(UUID(str(sale.policy_id)))
        for entry in (*first, *second):
            assert still_opens(entry)
            assert (entry.insurer_id, entry.actor) == (
                sale.insurer_id, Actor(ActorRole.CUSTOMER, holder.account_id, "customer")
            )  # fmt: skip
            assert set(entry.body) <= registered()
        begun = trail.journey(first[0].journey_id)
    assert begun.visit_to == sale.application_id
    assert begun.attribution == {"entered_by": "policy.policy", "locale": "en"}
    assert first[2].body == {
        "policy_id": str(sale.policy_id), "sha256": holder.document_sha256, "title": sale.policy_number,
    }  # fmt: skip


def another(shop: Flask, email: str) -> tuple[Visitor, Policy, Policy]:
    """A customer who is signed in and has two contracts."""
    with shop.app_context():
        account, insurer = a_customer(email), accounts.insurer_by_code("harbour")
        first, second = (
            policy_services.issue(a_contract(insurer, f"{number}@example.com", account_id=account.id))
            for number in (1, 2)
        )
        db.session.commit()
    return sign_in(shop, Visitor(shop.test_client()), account), first, second


def test_two_contracts_in_one_session_are_two_visits(shop: Flask) -> None:
    holder, first, second = another(shop, "holder@example.com")
    for policy in (first, second, first):
        assert holder.client.get(f"/policies/{policy.id}").status_code == 200
    assert types(visits_of(shop, first.application_id)) == [[LOOKED, LOOKED]]
    assert types(visits_of(shop, second.application_id)) == [[LOOKED]]
    assert count(shop, "traceability_journey", "visit_to IS NOT NULL") == 2


@pytest.mark.requirement("PER-09")
def test_the_page_of_a_policy_tells_all_that_is_asked_of_it(customer: Visitor, sale: Sale) -> None:
    said = words(customer.get(f"/policies/{sale.policy_id}"))
    for asked in (
        "Harbour Term", "Harbour Life Internet Term Life Insurance (2026)", str(sale.policy_number),
        "Applicant Li Na", "Insured Li Na", "¥1,320.75", "Sum insured ¥1,000,000", "December 1, 2026 to",
        "Death : The sum insured once", "Suicide in the first 2 years", "Waiting period 90 days",
        "Bought online, without a salesperson", "Telephone of the insurer 400-000-0001",
    ):  # fmt: skip
        assert asked in said, asked


@pytest.mark.requirement("T26-48")
def test_anothers_contract_begins_nothing(shop: Flask, sale: Sale, nothing_written: NothingWritten) -> None:
    stranger, own, _ = another(shop, "stranger@example.com")
    journeys = count(shop, "traceability_journey")
    with nothing_written():
        for path in (f"/policies/{sale.policy_id}", f"/policies/{sale.policy_id}/document.pdf"):
            assert stranger.client.get(path).status_code == 404, path
            assert shop.test_client().get(path).status_code == 302, "nobody is signed in"
        assert stranger.client.get(f"/policies/{own.id}/document.pdf").status_code == 404, "not sealed yet"
    assert count(shop, "traceability_journey") == journeys


@pytest.mark.requirement("T26-33")
def test_what_cannot_be_recorded_is_not_shown(shop: Flask, customer: Visitor, sale: Sale) -> None:
    with broken_trail(shop):
        for path in (f"/policies/{sale.policy_id}", f"/policies/{sale.policy_id}/document.pdf"):
            answer = customer.client.get(path)
            assert answer.status_code == 503, path
            assert b"%PDF" not in answer.data
            assert str(sale.policy_number).encode() not in answer.data
    assert types(visits_of(shop, sale.application_id)) in ([], [[]]), "nothing was looked at"
    assert customer.client.get(f"/policies/{sale.policy_id}").status_code == 200, "and goes on when the trail is back"


@pytest.mark.requirement("T26-37", "T26-42")
def test_the_desks_see_the_visits_beneath_the_sale(
    shop: Flask, customer: Visitor, sale: Sale, code_for: CodeFor
) -> None:
    page = f"/policies/{sale.policy_id}"
    assert customer.client.get(f"{page}/document.pdf").status_code == 200
    come_back(shop, code_for).get(page)
    (opened,), (look,) = visits_of(shop, sale.application_id)
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get(f"/admin/sales/{sale.id}")
    _, later = desk.text.split('id="visits"')
    assert f"Document opened: {sale.policy_number}" in words(later)
    with shop.app_context():
        references = [trail.journey(each.journey_id).reference for each in (look, opened)]
        shown = trail.page_bytes(look.id)
        assert oversight.contracts_in(f"It was {references[0].lower()}, I am sure") == (oversight.sale(sale.id),)
    assert [words(later).find(each) > 0 for each in references] == [True, True]
    assert words(later).find(references[0]) < words(later).find(references[1]), "the latest first"
    path = f"/admin/sales/{sale.id}/pages/{look.id}"
    assert path in links(later, '/admin/sales/[^"]+')
    assert desk.client.get(path).status_code == 200
    assert desk.client.get(f"{path}/stored").data == shown
    assert desk.client.get(f"/admin/sales/{sale.id}/pages/{opened.id}").status_code == 404, "an act keeps no page"

    desk.get(f"/admin/sales/{sale.id}/day")
    desk.post({"day": clock.today(ZONE).isoformat()})
    assert path in links(desk.text, '/admin/sales/[^"]+'), "the page as it was on that day"

    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, harbour)
    underwriter.get(f"/insurer/sales/{sale.id}")
    assert all(each in words(underwriter.text.split('id="visits"')[1]) for each in references)


@pytest.mark.requirement("T26-40")
def test_what_was_looked_at_in_the_journey_of_the_sale_before_there_were_visits_stays_there(
    shop: Flask, sale: Sale
) -> None:
    with shop.app_context():
        about = {"application_id": sale.application_id, "insurer_id": sale.insurer_id}
        old = record_view(a_view(sale.journey_id, b"<!doctype html><title>Policy</title>", type=LOOKED, **about))
        assert oversight.timeline(sale.id)[-1].entry_id == old
        assert oversight.visits(sale) == ()
    desk = at_the_desk(shop, Role.ADMIN_SALES)
    desk.get(f"/admin/sales/{sale.id}")
    assert 'id="visits"' not in desk.text
    assert desk.client.get(f"/admin/sales/{sale.id}/pages/{old}").status_code == 200


def test_a_copy_of_my_data_has_my_visits(
    shop: Flask, customer: Visitor, sale: Sale, work: Work, code_for: CodeFor
) -> None:
    zhou = buy(shop, work, code_for, ZHOU)
    zhou.get("/account")
    zhou.get(links(zhou.text, "/policies/[0-9a-f-]+")[0])
    assert count(shop, "traceability_journey", "visit_to IS NOT NULL") == 1
    customer.get(f"/policies/{sale.policy_id}")
    ((look,),) = visits_of(shop, sale.application_id)
    customer.get("/account/data/copy")
    customer.post({})
    work()
    customer.get("/account/data")
    (link,) = links(customer.text, r"/account/data/copies/[0-9a-f-]+\.zip")
    with zipfile.ZipFile(io.BytesIO(customer.client.get(link).data)) as archive:
        records = json.loads(archive.read("record.json"))["records"]
        page = archive.read(f"pages/{look.id}.html")
    assert str(sale.policy_number).encode() in page
    assert [each["visit_to"] for each in records] == [None, sale.application_reference]
    assert [each["id"] for each in records[1]["entries"]] == [str(look.id)]


@pytest.mark.requirement("T26-47")
def test_a_closed_account_leaves_its_visits_to_compliance(shop: Flask, customer: Visitor, sale: Sale) -> None:
    customer.get(f"/policies/{sale.policy_id}")
    customer.get("/account/close")
    customer.post({"understood": "yes"})
    assert customer.at == "/account-closed"
    ((look,),) = visits_of(shop, sale.application_id)
    path = f"/admin/sales/{sale.id}/pages/{look.id}/stored"
    assert at_the_desk(shop, Role.ADMIN_SALES).client.get(path).status_code == 403
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    officer.get(f"/admin/sales/{sale.id}")
    assert officer.client.get(path).status_code == 200

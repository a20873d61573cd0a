"""One's own data: the public register, a copy, requests, and closing the account."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.privacy.values import registry
from marketplace.traceability import queries as trail
from sandbox.demo.visitor import Identity, Visitor, hidden_fields, words
from tests.everything import every_row
from tests.factories.traceability import still_opens
from tests.registered_trail import registered
from tests.web.conftest import ANSWERS, count, days_later
from tests.web.desk_visits import LI_NA, apply, at_the_desk, buy, links

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
COPY = r"/account/data/copies/[0-9a-f-]+\.zip"
ZHOU = Identity("Zhou Min", date(1992, 2, 1), "zhou.min@example.com")


@pytest.fixture
def li_na(shop: Flask, work: Work, code_for: CodeFor) -> Visitor:
    """Li Na, who has just bought."""
    return buy(shop, work, code_for, LI_NA)


@pytest.fixture
def zhou(shop: Flask, work: Work, code_for: CodeFor) -> Visitor:
    """Another customer at another browser, who has bought the same product."""
    return buy(shop, work, code_for, ZHOU)


def copy_of(visitor: Visitor, work: Work) -> dict[str, bytes]:
    """The files of a copy that this visitor asks for and downloads."""
    visitor.get("/account/data/copy")
    visitor.post({})
    assert visitor.at == "/account/data"
    assert "being made" in words(visitor.text)
    work()
    visitor.get("/account/data")
    (link,) = links(visitor.text, COPY)
    response = visitor.client.get(link)
    assert (response.status_code, response.mimetype) == (200, "application/zip")
    assert response.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(response.data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.requirement("T26-30")
def test_the_public_register_shows_every_item_in_both_languages(visitor: Visitor) -> None:
    visitor.get("/privacy/data")
    assert visitor.status == 200
    for item in registry().items:
        assert item.name.en.replace("’", "’") in words(visitor.text)
    visitor.locale = "zh"
    visitor.get("/privacy/data")
    for item in registry().items:
        assert item.name.zh is not None
        assert item.name.zh in words(visitor.text)


@pytest.mark.requirement("EU-27")
@pytest.mark.asvs("8.3.3")
def test_a_copy_holds_everything_of_one_person_and_nothing_of_another(
    li_na: Visitor, zhou: Visitor, work: Work
) -> None:
    own, others = copy_of(li_na, work), copy_of(zhou, work)
    sections = {item.group for item in registry().items if item.exported}
    assert {f"{section}.json" for section in sections} <= set(own)
    for name in sections - {"questions", "rights"}:
        assert json.loads(own[f"{name}.json"])["records"] != [], name
    assert sum(name.startswith("policies/") for name in own) == 3, "the policy, its certificate and the receipt"
    assert sum(name.startswith("pages/") for name in own) > 10
    for files, mine, foreign in ((own, LI_NA, ZHOU), (others, ZHOU, LI_NA)):
        plain = b"\n".join(data for name, data in files.items() if not name.endswith(".pdf"))
        for mark in (mine.name, mine.email, mine.born_on.isoformat()):
            assert mark.encode() in plain
        for mark in (foreign.name, foreign.email, foreign.born_on.isoformat()):
            assert mark.encode() not in plain


def test_only_the_person_downloads_the_copy(li_na: Visitor, zhou: Visitor, work: Work, shop: Flask) -> None:
    copy_of(li_na, work)
    li_na.get("/account/data")
    (link,) = links(li_na.text, COPY)
    assert zhou.client.get(link).status_code == 404
    assert shop.test_client().get(link).status_code == 302


def test_what_the_trail_of_a_sale_holds_is_in_the_register(li_na: Visitor, shop: Flask) -> None:
    """With the looks of staff at it, which are entries beside its trail."""
    staff_looks(shop)
    named = registered()
    found = {key for entry in entries(shop) for key in entry}
    assert sorted(found - named) == []
    assert {"risk", "field", "subject_sha256", "told_sha256", "body_sha256"} <= found, "a whole sale was looked at"
    assert {"sale_id", "what", "reason", "entry_id", "policy_id"} <= found, "and staff looked at all of it"


def staff_looks(shop: Flask) -> None:
    """An admin and the insurer open everything that there is to see of the sale."""
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    (sale,) = links(admin.get("/admin"), "/admin/sales/[0-9a-f-]+")
    page = links(admin.get(sale), f"{sale}/pages/[0-9a-f-]+")[0]
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, insurer)
    (own,) = links(underwriter.get("/insurer"), "/insurer/sales/[0-9a-f-]+")
    underwriter.get(own)
    for who, path in (
        (admin, page),
        (admin, f"{page}/stored"),
        (admin, f"{sale}/policy.pdf"),
        (underwriter, own),
        (underwriter, f"{own}/policy.pdf"),
    ):
        assert who.client.get(path).status_code == 200, path


def entries(shop: Flask) -> list[dict[str, object]]:
    with shop.app_context(), every_row() as reader:
        journeys = reader.exec_driver_sql("SELECT id FROM traceability_journey").scalars().all()
        return [dict(entry.body) for journey in journeys for entry in trail.journey_entries(journey)]


@pytest.mark.requirement("T26-47")
def test_closing_says_what_is_kept_and_ends_the_sessions(
    li_na: Visitor, shop: Flask, work: Work, code_for: CodeFor
) -> None:
    li_na.get("/account/close")
    page = words(li_na.text)
    assert "li.na@example.com" in page
    assert "Kept until" in page
    li_na.post({})
    assert li_na.status == 422
    assert count(shop, "privacy_restriction") == 0
    li_na.get("/account/close")
    li_na.post({"understood": "yes"})
    assert (li_na.at, li_na.status) == ("/account-closed", 200)
    li_na.get("/account")
    assert li_na.at.startswith("/sign-in")
    assert count(shop, "accounts_account", "disabled_at IS NULL AND role = 'customer'") == 0
    assert count(shop, "privacy_restriction") == 1
    assert "account_closed" in mails_to(shop, work, "li.na@example.com")


def mails_to(shop: Flask, work: Work, address: str) -> list[str]:
    work()
    with shop.app_context():
        return [mail.kind.value for mail in correspondence.inbox(recipient=address)]


def test_whoever_comes_back_starts_anew(li_na: Visitor, shop: Flask, code_for: CodeFor) -> None:
    li_na.get("/account/close")
    li_na.post({"understood": "yes"})
    li_na.get("/find")
    li_na.post({"email": LI_NA.email})
    li_na.post({"code": code_for(LI_NA.email)})
    assert li_na.at == "/account"
    assert "You have no policy here yet" in words(li_na.text)
    assert count(shop, "accounts_account", "role = 'customer'") == 2


def test_a_request_goes_to_compliance_and_its_answer_back(li_na: Visitor, shop: Flask) -> None:
    li_na.get("/account/data/ask")
    li_na.post({"kind": "correction", "words": ""})
    assert li_na.status == 422
    assert count(shop, "privacy_request") == 0
    li_na.post({"kind": "correction", "words": "The name is wrong.\nIt is Li Na."})
    assert li_na.at == "/account/data"
    assert "You get an answer by" in words(li_na.text)
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    officer.get("/admin/privacy")
    (path,) = links(officer.text, "/admin/privacy/requests/[0-9a-f-]+")
    officer.get(path)
    assert "The name is wrong." in words(officer.text)
    officer.post({"outcome": "done", "answer": "It is corrected."})
    assert (officer.at, officer.status) == ("/admin/privacy", 200)
    li_na.get("/account/data")
    assert "It is corrected." in words(li_na.text)


def test_other_staff_do_not_see_requests(shop: Flask) -> None:
    clerk = at_the_desk(shop, Role.ADMIN_SALES)
    clerk.get("/admin/privacy")
    assert clerk.status == 403


@pytest.mark.requirement("T26-47")
@pytest.mark.asvs("8.2.2")
def test_restricted_records_open_to_compliance_only(li_na: Visitor, shop: Flask) -> None:
    clerk = at_the_desk(shop, Role.ADMIN_SALES)
    clerk.get("/admin")
    (sale,) = links(clerk.text, "/admin/sales/[0-9a-f-]+")
    clerk.get(sale)
    assert clerk.status == 200, "before the account was closed"
    entry = links(clerk.text, f"{sale}/pages/[0-9a-f-]+")[0]
    close(li_na)
    looked = count(shop, "traceability_evidence_intake", "type = 'sale:viewed'")
    for path in (sale, entry, f"{entry}/stored", f"{sale}/policy.pdf"):
        assert clerk.client.get(path).status_code == 403, path
    assert count(shop, "traceability_evidence_intake", "type = 'sale:viewed'") == looked, "nothing was looked at"
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    officer.get(sale)
    assert officer.status == 200
    assert "Restricted since" in words(officer.text)


@pytest.mark.requirement("T26-47")
def test_the_insurer_opens_them_while_it_covers_the_risk(li_na: Visitor, shop: Flask) -> None:
    close(li_na)
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    desk = at_the_desk(shop, Role.INSURER_UNDERWRITER, insurer)
    desk.get("/insurer")
    (sale,) = links(desk.text, "/insurer/sales/[0-9a-f-]+")
    desk.get(sale)
    assert desk.status == 200
    days_later(shop, 366 * 20 + 10)
    desk.get(sale)
    assert desk.status == 403


@pytest.mark.requirement("T26-47")
def test_the_evidence_of_a_contract_still_verifies(li_na: Visitor, shop: Flask) -> None:
    close(li_na)
    with shop.app_context(), every_row() as reader:
        (journey,) = reader.exec_driver_sql("SELECT DISTINCT journey_id FROM policy_policy").scalars()
        for entry in trail.journey_entries(journey):
            assert still_opens(entry)
            if entry.page_sha256:
                assert sha256_hex(trail.page_bytes(entry.id)) == entry.page_sha256


def close(customer: Visitor) -> None:
    customer.get("/account/close")
    customer.post({"understood": "yes"})
    assert customer.at == "/account-closed"


@pytest.mark.asvs("7.5.1")
@pytest.mark.parametrize("path", ["/account/data/copy", "/account/close"])
def test_what_cannot_be_taken_back_asks_who_is_there(li_na: Visitor, shop: Flask, path: str) -> None:
    """A session that was opened a while ago is enough to read, not to take everything away."""
    li_na.get(path)
    assert li_na.at == path
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        li_na.get("/account/data")
        assert li_na.at == "/account/data"
        li_na.get(path)
        assert li_na.at.startswith("/account/security/confirm")
        li_na.client.post(path, data=hidden_fields(li_na.text) | {"understood": "yes"})
    assert count(shop, "privacy_export") == 0
    assert count(shop, "privacy_restriction") == 0


@pytest.mark.asvs("14.3.1")
def test_the_browser_is_told_to_forget(li_na: Visitor) -> None:
    li_na.get("/account/data")
    response = li_na.client.post(
        "/sign-out", data={"csrf_token": hidden_fields(li_na.get("/account/data/ask"))["csrf_token"]}
    )
    assert response.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in li_na.client.get("/").headers


@pytest.mark.asvs("14.2.5")
def test_a_page_does_not_answer_under_the_name_of_a_file(li_na: Visitor) -> None:
    for path in ("/account/x.css", "/account/data/x.js", "/account/data.css", "/account/data/copy/x.png"):
        assert li_na.client.get(path).status_code == 404


@pytest.mark.requirement("T26-47")
def test_an_old_browser_begins_anew_after_the_account_was_closed_elsewhere(shop: Flask, code_for: CodeFor) -> None:
    old, led_to = apply(shop, code_for, LI_NA)
    assert led_to == "pay"
    application = old.at
    elsewhere = Visitor(shop.test_client())
    elsewhere.get("/find")
    elsewhere.post({"email": LI_NA.email})
    elsewhere.post({"code": code_for(LI_NA.email)})
    close(elsewhere)
    before = count(shop, "traceability_journey")
    erased = "journey_id IN (SELECT subject_id FROM privacy_erasure)"
    entries_before = count(shop, "traceability_evidence_intake", erased)
    assert entries_before > 10
    assert old.compare("term_life", ANSWERS), "and not: there is nothing here"
    assert old.status == 200
    assert count(shop, "traceability_journey") == before + 1
    old.get("/")
    old.compare("term_life", ANSWERS)
    assert count(shop, "traceability_journey") == before + 1, "it stays in the new one"
    old.get(application)
    assert old.status == 404, "what was erased is nobody's"
    assert count(shop, "traceability_evidence_intake", erased) == entries_before


def test_a_copy_that_could_not_be_made_says_so(li_na: Visitor, shop: Flask, work: Work) -> None:
    li_na.get("/account/data/copy")
    li_na.post({})
    assert "being made" in words(li_na.text)
    with shop.app_context():
        db.session.execute(
            text("UPDATE procrastinate_jobs SET status = 'failed' WHERE task_name = 'privacy.make_export'")
        )
        db.session.commit()
    li_na.get("/account/data")
    assert "could not be made; please ask again" in words(li_na.text)
    assert links(li_na.text, COPY) == []
    li_na.get("/account/data/copy")
    li_na.post({})
    assert "being made" in words(li_na.text)
    work()
    li_na.get("/account/data")
    assert len(links(li_na.text, COPY)) == 1
    assert count(shop, "privacy_export", "state = 'failed'") == 1


def test_an_account_stays_open_while_money_is_on_its_way(shop: Flask, code_for: CodeFor) -> None:
    visitor, led_to = apply(shop, code_for, LI_NA)
    assert led_to == "pay"
    assert visitor.give_card()  # and neither Stripe's word nor the customer has come back yet
    assert count(shop, "checkout_order", "state = 'open'") == 1
    visitor.get("/account/close")
    assert "still under way" in words(visitor.text)
    assert 'name="understood"' not in visitor.text
    visitor.client.post("/account/close", data=hidden_fields(visitor.get("/account/data/ask")) | {"understood": "yes"})
    assert count(shop, "accounts_account", "disabled_at IS NULL") == 1
    assert count(shop, "privacy_erasure") == 0

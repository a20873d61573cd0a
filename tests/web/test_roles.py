"""Where each role of staff begins, which ways it is shown, and that none of them is closed."""

import re

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Desk, Role
from sandbox.demo.visitor import Visitor, words
from tests.web.conftest import ANSWERS, count
from tests.web.desk_visits import at_the_desk

OWN = "/account/security"
SALES, PRODUCTS, UPLOADS = "/insurer", "/insurer/products", "/insurer/uploads"
CASES = "/insurer/underwriting"
STAFF, TERMS, PAID, KEYS = "/insurer/staff", "/insurer/terms", "/insurer/payee", "/insurer/keys"
ACCOUNT = "/insurer/account"
ASKED, PRACTITIONERS = "/insurer/questions", "/insurer/practitioners"
QUESTIONS, CERTIFICATES = "/admin/questions", "/admin/practitioners"
LOG, SECURITY, DATA, CATALOGS = "/admin", "/admin/security", "/admin/privacy", "/admin/catalogs"
EVIDENCE = "/admin/evidence"
INSURERS, BOOKS, REFUNDS, MAIL = "/admin/insurers", "/admin/books", "/admin/refunds", "/admin/mail"
REQUIREMENTS, NOTICES, REPORTS = "/admin/requirements", "/admin/notices", "/admin/reports"
# By role: the ways in its navigation, the first of them where it begins.
WAYS = {
    Role.INSURER_CATALOG: [PRODUCTS, UPLOADS],
    Role.INSURER_UNDERWRITER: [SALES, CASES, ASKED],
    Role.INSURER_CLAIMS: [SALES, ASKED],
    Role.INSURER_FINANCE: [SALES, ACCOUNT],
    Role.INSURER_ADMIN: [
        SALES, CASES, PRODUCTS, UPLOADS, ASKED, PRACTITIONERS, STAFF, TERMS, ACCOUNT, PAID, KEYS,
    ],
    Role.PRACTITIONER: [],
    Role.ADMIN_SALES: [LOG, EVIDENCE, QUESTIONS, NOTICES, REPORTS, MAIL, REQUIREMENTS],
    Role.ADMIN_COMPLIANCE: [
        LOG, EVIDENCE, INSURERS, QUESTIONS, NOTICES, REPORTS, CERTIFICATES, BOOKS, REFUNDS, "/admin/screening", MAIL,
        REQUIREMENTS, SECURITY, DATA,
    ],
    Role.ADMIN_REVIEWER: [CATALOGS],
    Role.ADMIN_FINANCE: [LOG, BOOKS, REFUNDS, REQUIREMENTS],
    Role.ADMIN_COMPLAINTS: [LOG, QUESTIONS, REPORTS, MAIL, REQUIREMENTS],
    Role.ADMIN_OWNER: [LOG, INSURERS, NOTICES, CERTIFICATES, BOOKS, REFUNDS, REQUIREMENTS, SECURITY],
}  # fmt: skip


def test_every_role_of_staff_has_its_ways() -> None:
    assert set(WAYS) == {role for role in Role if role.is_staff}


@pytest.mark.asvs("8.2.1")
@pytest.mark.parametrize("role", WAYS)
def test_a_role_begins_at_its_work_and_is_shown_what_it_may_open(shop: Flask, role: Role) -> None:
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    staff = at_the_desk(shop, role, insurer if role.desk is Desk.INSURER else None)
    assert staff.at == [*WAYS[role], OWN][0]
    assert shown(staff) == [*WAYS[role], OWN]
    assert [way for way in shown(staff) if staff.client.get(way).status_code != 200] == []
    assert count(shop, "accounts_security_event", "type = 'door_refused'") == 0


def shown(visitor: Visitor) -> list[str]:
    navigation = visitor.text.split('<nav aria-label="Main">')[1].split("</nav>")[0]
    return re.findall(r'href="([^"]+)"', navigation)


def test_a_role_without_a_desk_is_told_so(shop: Flask) -> None:
    staff = at_the_desk(shop, Role.PRACTITIONER)
    assert (staff.at, staff.status) == (OWN, 200)
    assert "There is no desk for your role here yet." in words(staff.text)
    assert "There is no desk" not in words(staff.get(OWN)), "once is enough"


def test_a_practitioner_looks_at_what_is_on_sale_and_is_recorded_as_one(shop: Flask) -> None:
    staff = at_the_desk(shop, Role.PRACTITIONER)
    staff.get(staff.compare("term_life", ANSWERS)[0])
    assert staff.status == 200
    shown_to = "type = 'product:shown' AND actor_role = 'practitioner' AND actor_label = 'practitioner'"
    assert count(shop, "traceability_evidence_intake", shown_to) == 1

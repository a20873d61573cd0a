"""Evidence at three desks: asked for with a reason, one's own only, never read without a note (T26-48, T26-52)."""

import io
import zipfile
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import Scope, db, use_scope
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale
from marketplace.policy import queries as policies
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.evidence import faults, kept_evidence
from tests.factories.recordings import record, view_of
from tests.web.conftest import count
from tests.web.desk_visits import WHY, Clerk, at_the_desk, links, sign_in
from tests.web.test_fail_closed import broken_trail

pytestmark = pytest.mark.usefixtures("no_browser")

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
COMPLAINT = "The customer writes: my policy {} was sold to me without telling me what is not covered!"


def readings(shop: Flask, sale: Sale) -> list[tuple[str, str, str]]:
    with shop.app_context():
        assert sale.application_id
        return [(each.what, each.label, each.reason) for each in oversight.readings_of(sale.application_id)]


def core_of(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("core/core.json")


def evidence_of(desk: Visitor, work: Work) -> bytes:
    """From the page to which asking led: the verified file."""
    assert "being put together" in words(desk.text)
    work()
    desk.get(desk.at)
    assert "Verified: the offline verifier finds no fault." in words(desk.text)
    (download,) = links(desk.text, r"/[^\"]+/evidence\.zip")
    answer = desk.client.get(download)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    return answer.data


@pytest.mark.requirement("T26-40", "T26-48", "T26-52")
def test_from_a_complaint_to_one_and_the_same_verified_file_at_every_desk(
    shop: Flask, customer: Visitor, sale: Sale, work: Work
) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/evidence")
    desk.post({"text": COMPLAINT.format(sale.policy_number), "reason": "Complaint C-17"})
    assert str(sale.policy_number) in words(desk.text)
    desk.post({"reason": "Complaint C-17"}, f"/admin/evidence/contracts/{sale.application_id}")
    files = [evidence_of(desk, work)]
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    underwriter = at_the_desk(shop, Role.INSURER_UNDERWRITER, harbour)
    underwriter.get(f"/insurer/sales/{sale.id}")
    assert f"/insurer/sales/{sale.id}/evidence" in underwriter.text
    underwriter.get(f"/insurer/sales/{sale.id}/evidence")
    underwriter.post({"reason": "Claim 42"})
    files.append(evidence_of(underwriter, work))
    customer.get(f"/policies/{sale.policy_id}/evidence")
    customer.post({})
    files.append(evidence_of(customer, work))
    assert len({core_of(data) for data in files}) == 1
    assert len(set(files)) == 3
    with shop.app_context():
        assert [faults(data) for data in files] == [set()] * 3
    own = "The holder of the policy asked for it"
    assert readings(shop, sale) == [
        (what, "marketplace" if what == "made" else label, WHY if what in {"told", "file"} else reason)
        for label, reason, first in (
            ("admin_compliance", "Complaint C-17", ["found"]), ("insurer_underwriter", "Claim 42", ["told", "file"]),
            ("customer", own, []),
        )
        for what in (*first, "asked", "made", "looked", "downloaded")
    ]  # fmt: skip


@pytest.mark.requirement("T26-40", "T26-48")
def test_what_a_search_finds_is_entered_and_opens_without_asking_again(shop: Flask, sale: Sale) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/evidence")
    for text in ("EF-HARBOUR-2026-999999", "nobody@example.com"):
        desk.post({"text": text, "reason": "Complaint C-17"})
        assert "No contract fits what you gave." in words(desk.text)
    assert readings(shop, sale) == []
    desk.post({"text": f"{sale.policy_number}, li.na@example.com", "reason": "Complaint C-17"})
    assert readings(shop, sale) == [("found", "admin_compliance", "Complaint C-17")]
    assert desk.client.get(links(desk.text, "/admin/sales/[0-9a-f-]+")[0]).status_code == 200
    assert readings(shop, sale)[1:] == [("file", "admin_compliance", "Complaint C-17")]


@pytest.mark.requirement("T26-48")
def test_without_a_reason_nothing_is_asked_for(shop: Flask, sale: Sale) -> None:
    desk = at_the_desk(shop, Role.ADMIN_SALES)
    desk.get("/admin/evidence")
    desk.post({"text": str(sale.policy_number)})
    assert desk.status == 422
    desk.post({"reason": ""}, f"/admin/evidence/contracts/{sale.application_id}")
    assert desk.status == 422
    assert readings(shop, sale) == []
    assert count(shop, "oversight_bundle") == 0


@pytest.mark.requirement("T26-52")
def test_another_insurer_finds_no_such_sale(shop: Flask, sale: Sale) -> None:
    with shop.app_context():
        rival = an_insurer("farshore")
        db.session.commit()
    desk = at_the_desk(shop, Role.INSURER_ADMIN, rival)
    assert desk.client.get(f"/insurer/sales/{sale.id}/evidence").status_code == 404
    assert readings(shop, sale) == []


FILE, INSURERS, EVIDENCE = "/admin/sales/{sale}", "/insurer/sales/{sale}", "/evidence.zip"
DOORS: dict[str, tuple[str, str, dict[str, str] | None, int]] = {
    "the reason": ("desk", FILE, {"reason": "Complaint C-17"}, 303),
    "the file": ("desk", FILE, None, 200),
    "a page": ("desk", FILE + "/pages/{page}", None, 200),
    "its bytes": ("desk", FILE + "/pages/{page}/stored", None, 200),
    "the policy": ("desk", FILE + "/policy.pdf", None, 200),
    "the time machine": ("desk", FILE + "/day", None, 200),
    "a day": ("desk", FILE + "/day", {"day": "2026-11-22"}, 200),
    "a recording": ("desk", FILE + "/recordings/{recording}", {"reason": "Complaint C-17"}, 200),
    "a search": ("desk", "/admin/evidence", {"text": "{number}", "reason": "Complaint C-17"}, 200),
    "asking": ("desk", "/admin/evidence/contracts/{application}", {"reason": "Complaint C-17"}, 303),
    "evidence": ("desk", "/admin/evidence/{bundle}", None, 200),
    "its file": ("desk", "/admin/evidence/{bundle}" + EVIDENCE, None, 200),
    "an insurer's reason": ("insurer", INSURERS, {"reason": "A claim"}, 303),
    "an insurer's file": ("insurer", INSURERS, None, 200),
    "an insurer's policy": ("insurer", INSURERS + "/policy.pdf", None, 200),
    "an insurer asking": ("insurer", INSURERS + "/evidence", {"reason": "A claim"}, 303),
    "an insurer's evidence": ("insurer", "/insurer/evidence/{bundle}", None, 200),
    "an insurer's file of it": ("insurer", "/insurer/evidence/{bundle}" + EVIDENCE, None, 200),
    "a customer asking": ("customer", "/policies/{policy}/evidence", {}, 303),
    "a customer's evidence": ("customer", "/policies/evidence/{bundle}", None, 200),
    "a customer's file of it": ("customer", "/policies/evidence/{bundle}" + EVIDENCE, None, 200),
}
"""By what is behind it: whose door it is, where, what is sent, and how it answers."""


@pytest.mark.requirement("T26-33", "T26-48")
@pytest.mark.parametrize("door", DOORS)
def test_what_cannot_be_noted_is_not_handed_out(shop: Flask, customer: Visitor, sale: Sale, door: str) -> None:
    """The attack: read without an entry. With the trail shut neither page nor file comes; opened, each does, noted."""
    who, address, form, status = DOORS[door]
    with shop.app_context(), use_scope(Scope.all()):
        harbour = accounts.insurer_by_code("harbour")
        page = next(each.entry_id for each in oversight.timeline(sale.id) if each.has_page)
        recorded = view_of(sale.application_id, "application.exclusions")
        record(recorded, ticked=True)
        reader = {
            "desk": partial(a_member_of_staff, Role.ADMIN_COMPLIANCE),
            "insurer": partial(a_member_of_staff, Role.INSURER_UNDERWRITER, harbour),
            "customer": lambda: accounts.account(policies.policy(sale.policy_id).account_id),
        }[who]()
        bundle = kept_evidence(sale.application_id, reader)
        db.session.commit()
    visitor = customer if who == "customer" else sign_in(shop, Clerk(shop.test_client()), reader)
    if who != "customer":
        visitor.get({"desk": FILE, "insurer": INSURERS}[who].format(sale=sale.id))
    names = {
        "sale": sale.id, "page": page, "recording": recorded.id, "bundle": bundle, "policy": sale.policy_id,
        "application": sale.application_id, "number": sale.policy_number,
    }  # fmt: skip
    token = hidden_fields(visitor.get("/verify"))["csrf_token"]
    sent = {name: value.format(**names) for name, value in (form or {}).items()}
    how = {"method": "GET"} if form is None else {"method": "POST", "data": sent | {"csrf_token": token}}
    ask = partial(visitor.client.open, address.format(**names), **how)
    before = readings(shop, sale)
    with broken_trail(shop):
        answer = ask()
        assert (answer.status_code, answer.mimetype) == (503, "text/html")
        for told in (str(sale.policy_number), "Li Na", "core.json", "Confirmed what is not covered", "<iframe"):
            assert told not in answer.text
    assert readings(shop, sale) == before
    assert count(shop, "oversight_bundle") == 1
    assert ask().status_code == status
    assert len(readings(shop, sale)) == len(before) + 1


def test_evidence_that_does_not_verify_says_so(shop: Flask, sale: Sale, work: Work) -> None:
    shop.extensions["superuser"].execute(
        "UPDATE oversight_sale SET policy_number = 'EF-HARBOUR-2026-000999' WHERE policy_number IS NOT NULL"
    )
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/evidence")
    desk.post({"reason": "Complaint C-17"}, f"/admin/evidence/contracts/{sale.application_id}")
    work()
    desk.get(desk.at)
    assert "Not verified" in words(desk.text)
    assert "WRONG_CONTRACT" in desk.text
    assert "The entries are of another contract than the file says." in words(desk.text)

"""From the public form of an insurer to its administrator at the desk, as browsers would go."""

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import PASSWORD, a_ready_payee
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk, sign_in

LinkFor = Callable[[str, str], str]
WILLOW = {
    "legal_name": "Willow General Insurance Co.", "legal_name_zh": "柳林财产保险公司", "short_name": "Willow",
    "short_name_zh": "柳林财险", "code": "willow", "licence_no": "SPECIMEN-0009", "regulator": "Specimen Regulator",
    "regulator_zh": "样本监管机构", "regions": "shanghai, beijing", "address": "9 Specimen Road",
    "address_zh": "样本路9号", "phone": "400-000-0009", "email": "service@willow.example", "solvency": "201.5",
    "solvency_source": "Quarterly report", "solvency_on": "2026-09-30", "admin_name": "Mei Lan",
    "admin_email": "admin@willow.example",
}  # fmt: skip


def apply(visitor: Visitor, paper: bytes = b"%PDF-1.7 licence", **changes: str) -> str:
    """Send the public form with a paper; the words of the answer."""
    visitor.get("/insurers/apply")
    form: dict[str, object] = {**hidden_fields(visitor.text), **WILLOW, **changes}
    form["licence"] = (io.BytesIO(paper), "licence.pdf")
    answer = visitor.client.post("/insurers/apply", data=form, content_type="multipart/form-data")
    visitor.status = answer.status_code
    return words(answer.get_data(as_text=True))


def _agree_and_let_it_sell(shop: Flask, first: Visitor, second: Visitor, desk: str) -> None:
    """Terms of both sides, an account at Stripe, and two people: with less it does not sell."""
    second.get(desk)
    terms = {"line": "travel", "basis_points": "1500", "effective_from": clock.today(ZONE).isoformat()}
    second.post(terms, f"{desk}/terms")
    with shop.app_context():
        [account] = [each for each in accounts.staff() if each.email == "admin@willow.example"]
    at_its_desk = sign_in(shop, Visitor(shop.test_client()), account)
    accept = re.search(r"/insurer/terms/[0-9a-f-]{36}/accept", at_its_desk.get("/insurer/terms"))
    assert accept
    at_its_desk.post({}, accept[0])
    assert "You do not sell yet." in words(at_its_desk.get("/insurer"))
    second.get(desk)
    second.post({"reason": "everything is there"}, f"{desk}/ask-to-lift")
    assert "The account of this insurer at Stripe is not ready yet." in words(second.text)
    with shop.app_context():
        a_ready_payee(account)
        db.session.commit()
    second.get(desk)
    second.post({"reason": "everything is there"}, f"{desk}/ask-to-lift")
    assert "Another person than you has to agree." in words(second.text)
    assert count(shop, "accounts_insurer", "code = 'willow' AND NOT active") == 1
    first.get(desk)
    first.post({}, f"{desk}/lift")


def test_an_insurer_comes_in(shop: Flask, visitor: Visitor, link_for: LinkFor, work: Callable[[], list[str]]) -> None:
    assert "We have sent a mail to your administrator." in apply(visitor)
    visitor.get(link_for("admin@willow.example", "confirm_applicant"))
    visitor.post({})
    assert "Your application waits for us" in words(visitor.text)
    first, second = at_the_desk(shop, Role.ADMIN_COMPLIANCE), at_the_desk(shop, Role.ADMIN_OWNER)
    first.get("/admin/insurers/applications")
    found = re.search(r"/admin/insurers/applications/[0-9a-f-]{36}", first.text)
    assert found
    first.get(found[0])
    for said in ("Willow General Insurance Co.", "SPECIMEN-0009", "201.5", "Mei Lan", "admin@willow.example"):
        assert said in words(first.text)
    assert first.client.get(f"{found[0]}/papers/0").get_data() == b"%PDF-1.7 licence"
    first.post({}, f"{found[0]}/approve")
    assert "Another person than you has to agree." in words(first.text)
    second.get(found[0])
    second.post({}, f"{found[0]}/approve")
    assert "It does not sell yet." in words(second.text)
    desk = second.at
    second.post({"reason": "everything is there"}, f"{desk}/ask-to-lift")
    assert second.status == 422
    assert "Nobody has come in at the desk of this insurer yet." in words(second.text)
    admin = Visitor(shop.test_client())
    admin.get(link_for("admin@willow.example", "join_insurer"))
    assert "Willow General Insurance Co." in words(admin.text)
    admin.post({"password": PASSWORD})
    assert admin.at == "/account/security/second-step"
    _agree_and_let_it_sell(shop, first, second, desk)
    disclosed = words(visitor.get("/disclosure"))
    assert "Travel Willow General Insurance Co. 15%" in disclosed
    assert "It sells." in words(first.text)
    assert "Willow" in words(visitor.get("/insurers"))
    page = words(visitor.get("/insurers/willow"))
    assert "201.5% Quarterly report, as of September 30, 2026" in page
    assert "Shanghai, Beijing" in page
    assert "fictional" not in page


def test_whoever_is_rejected_is_told_why(shop: Flask, visitor: Visitor, link_for: LinkFor) -> None:
    apply(visitor)
    visitor.get(link_for("admin@willow.example", "confirm_applicant"))
    visitor.post({})
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/insurers/applications")
    found = re.search(r"/admin/insurers/applications/[0-9a-f-]{36}", desk.text)
    assert found
    desk.get(found[0])
    desk.post({"reason": ""}, f"{found[0]}/reject")
    assert desk.status == 422
    desk.post({"reason": "The licence has run out."}, f"{found[0]}/reject")
    assert "rejected" in words(desk.text)
    assert count(shop, "correspondence_message", "kind = 'applicant_rejected'") == 1
    assert count(shop, "accounts_insurer", "code = 'willow'") == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"code": "Willow!"}, "A code has 2 to 40 small letters"),
        ({"code": "harbour"}, "There is an insurer with this code already."),
        ({"regions": "atlantis"}, "Please use these codes only"),
        ({"solvency": "a lot"}, "Please enter a number."),
        ({"solvency_on": "2999-01-01"}, "This day has not come yet."),
        ({"admin_email": "nobody"}, "Please enter an e-mail address"),
    ],
)
def test_what_will_not_do_is_said(shop: Flask, visitor: Visitor, changes: dict[str, str], said: str) -> None:
    assert said in apply(visitor, **changes)
    assert visitor.status == 422
    assert count(shop, "accounts_insurer_application") == 0


def test_a_paper_that_is_no_pdf_is_refused(shop: Flask, visitor: Visitor) -> None:
    assert "Please attach PDF files" in apply(visitor, b"PK\x03\x04")
    assert count(shop, "accounts_insurer_application") == 0


def test_the_desk_invites_somebody(shop: Flask, visitor: Visitor, link_for: LinkFor) -> None:
    desk = at_the_desk(shop, Role.ADMIN_OWNER)
    desk.get("/admin/insurers")
    found = re.search(r"/admin/insurers/[0-9a-f-]{36}", desk.text)
    assert found
    desk.get(found[0])
    invited = {"name": "Jo", "email": "jo@harbour.example", "role": "insurer_catalog", "language": "en"}
    desk.post(invited, f"{found[0]}/invite")
    assert "The invitation is on its way." in words(desk.text)
    visitor.get(link_for("jo@harbour.example", "join_insurer"))
    visitor.post({"password": "short"})
    assert visitor.status == 422
    visitor.post({"password": PASSWORD})
    assert count(shop, "accounts_account", "role = 'insurer_catalog'") == 1

"""What happens at the doors is written down, and who looks after security reads it; where weaknesses are reported."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from marketplace.accounts import queries
from marketplace.accounts.values import EventOutcome, Role, SecurityEvent, SecurityEventFilter, SecurityEventType
from marketplace.infra.db import db
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import PASSWORD, a_customer
from tests.web.desk_visits import at_the_desk, sign_in


def kept(shop: Flask) -> list[tuple[str, EventOutcome, str]]:
    """What happened, first to last: type, outcome and endpoint."""
    return [(each.type.value, each.outcome, each.endpoint) for each in reversed(told(shop))]


def told(shop: Flask) -> tuple[SecurityEvent, ...]:
    with shop.app_context():
        return queries.security_events(SecurityEventFilter(), size=200).events


@pytest.mark.asvs("16.3.1", "14.3.1")
def test_signing_in_and_out_and_being_refused_are_kept(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        account = a_customer()
        db.session.commit()
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": "not my password"})
    visitor.post({"email": account.email, "password": PASSWORD})
    out = visitor.client.post("/sign-out", data=hidden_fields(visitor.text) | {"csrf_token": _token(visitor)})
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert kept(shop) == [
        ("sign_in", EventOutcome.REFUSED, "account.sign_in"),
        ("sign_in", EventOutcome.DONE, "account.sign_in"),
        ("sign_out", EventOutcome.DONE, "account.sign_out"),
    ]
    refused, *by_account = reversed(told(shop))
    assert {each.account_id for each in by_account} == {account.id}
    assert by_account[0].session_id == by_account[1].session_id
    assert (refused.account_id, refused.actor) == (None, "visitor")


def _token(visitor: Visitor) -> str:
    return visitor.text.split('name="csrf_token" value="')[1].split('"')[0]


def test_a_session_of_staff_is_kept_step_by_step(shop: Flask) -> None:
    at_the_desk(shop, Role.ADMIN_SALES)
    assert kept(shop) == [
        ("staff_added", EventOutcome.DONE, ""),
        ("sign_in", EventOutcome.DONE, "account.sign_in"),
        ("second_factor", EventOutcome.DONE, "factor.verify"),
        ("staff_act", EventOutcome.DONE, "factor.verify"),
    ]


@pytest.mark.asvs("16.3.3")
def test_what_becomes_of_second_steps_is_kept(shop: Flask) -> None:
    staff = at_the_desk(shop, Role.ADMIN_SALES)
    with shop.app_context():
        (account,) = queries.staff()
        (factor,) = queries.factors(account.id).factors
    before = len(kept(shop))
    staff.get("/account/security")
    staff.post({}, "/account/security/recovery-codes")
    staff.get("/account/security")
    staff.post({}, f"/account/security/second-steps/{factor.id}/remove")
    assert "This is your only second step" in words(staff.text)
    assert kept(shop)[before:] == [
        ("recovery_codes_made", EventOutcome.DONE, "factor.recovery_codes"),
        ("staff_act", EventOutcome.DONE, "factor.recovery_codes"),
        ("factor_removed", EventOutcome.REFUSED, "factor.remove"),
        ("staff_act", EventOutcome.DONE, "factor.remove"),
    ]


@pytest.mark.asvs("16.3.3")
def test_an_act_of_staff_is_kept_wherever_it_is_done_and_one_of_a_customer_is_none(shop: Flask) -> None:
    """At a form of the shop as at a desk, refused or not, and for the last time when they sign out."""
    staff = at_the_desk(shop, Role.ADMIN_FINANCE)
    with shop.app_context():
        (member,) = queries.staff()
        customer = a_customer()
        db.session.commit()
    before = len(kept(shop))
    for visitor in (staff, sign_in(shop, Visitor(shop.test_client()), customer)):
        visitor.get("/verify")
        visitor.post({"number": "", "code": ""})
        assert visitor.status == 422
        visitor.post({}, "/sign-out")
    acts = [each for each in reversed(told(shop)) if each.type is SecurityEventType.STAFF_ACT][-2:]
    assert [(each.endpoint, each.outcome, each.account_id) for each in acts] == [
        ("verify.check", EventOutcome.REFUSED, member.id), ("account.sign_out", EventOutcome.DONE, member.id),
    ]  # fmt: skip
    assert [each for each in kept(shop)[before:] if each[0] == "staff_act"] == [
        ("staff_act", EventOutcome.REFUSED, "verify.check"), ("staff_act", EventOutcome.DONE, "account.sign_out"),
    ]  # fmt: skip


@pytest.mark.asvs("16.3.3")
def test_nobody_fills_the_table_by_being_refused(shop: Flask, visitor: Visitor) -> None:
    for _ in range(104):
        visitor.client.post("/sign-in", data={})
    assert len(kept(shop)) == 100


@pytest.mark.asvs("16.3.2")
def test_who_looks_after_security_reads_the_events_and_nobody_else(shop: Flask, visitor: Visitor) -> None:
    sales = at_the_desk(shop, Role.ADMIN_SALES)
    assert sales.client.get("/admin/security").status_code == 403
    assert "/admin/security" not in sales.get("/admin")
    owner = at_the_desk(shop, Role.ADMIN_OWNER)
    assert 'href="/admin/security"' in owner.get("/admin")
    page = words(owner.get("/admin/security"))
    assert "Tried to open what is not theirs refused" in page
    assert "9 entries" in page
    page = words(owner.get("/admin/security?type=door_refused&outcome=refused"))
    assert "1 entry" in page
    assert "security_log.events" in page
    owner.get("/admin/security?account=nobody")
    assert owner.status == 422
    assert "This is not the number of an account" in words(owner.text)
    assert "No entry fits these filters" in words(owner.get("/admin/security?type=account_closed"))


def test_security_txt_says_where_to_report_and_does_not_run_out(visitor: Visitor) -> None:
    answer = visitor.client.get("/.well-known/security.txt")
    assert answer.content_type == "text/plain; charset=utf-8"
    said = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert said["Contact"] == "mailto:service@evenfold.example"
    assert said["Canonical"] == "http://localhost:8000/.well-known/security.txt"
    left = datetime.fromisoformat(said["Expires"]) - clock.now()
    assert timedelta(days=179) < left < timedelta(days=365)

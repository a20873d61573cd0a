"""What a stranger can still check when a customer has left, and when a contract's time is over (T26-44, T26-47)."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Role
from marketplace.infra import business_clock, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE, format_day
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.oversight import services as oversight_services
from marketplace.oversight.values import BundleState, Sale
from marketplace.privacy import queries as privacy
from marketplace.traceability import queries as trail
from marketplace.traceability.values import RECEIPTED
from sandbox.demo.visitor import Visitor, words
from tests.factories.evidence import File, asked, faults
from tests.factories.retention import run
from tests.web.desk_visits import at_the_desk
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
IntoTheLog = Callable[[], int]
CASE = "K-2027-14 against Harbour"


def evidence(sale: Sale, reader: Account) -> File:
    """As the worker makes it, and the marketplace's own verifier finds it good."""
    assert sale.application_id
    found = asked(sale.application_id, reader)
    assert (found.failure, found.verified) == (None, True), found.findings
    return File.of(found, reader)


def close(customer: Visitor) -> None:
    customer.get("/account/close")
    customer.post({"understood": "yes"})


@pytest.mark.requirement("T26-47")
def test_a_customer_who_left_leaves_evidence_that_verifies_for_few_eyes(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    close(customer)
    assert customer.at == "/account-closed"
    with shop.app_context():
        into_the_log()
        assert sale.application_id
        receipts = [trail.receipt(sale.application_id, kind) for kind in RECEIPTED]
        file = evidence(sale, compliance)
        assert faults(file.data, *receipts) == set(), "what the customer took along still fits"
    own = [each for each in file.core["entries"] if each["withheld"] is None]
    assert len(own) == len(file.core["entries"]), "nothing of it is gone"
    assert own[-1]["leaf"]["t"] == "data:restricted"
    assert list(file.exhibits("policy")) == [f"{sale.policy_number}.pdf"]

    path = f"/admin/sales/{sale.id}"
    opened = {role for role in Role if role.desk.value == "backoffice" and "Li Na" in at_the_desk(shop, role).get(path)}
    assert opened == {Role.ADMIN_COMPLIANCE}
    curious = at_the_desk(shop, Role.ADMIN_SALES)
    curious.get("/admin/evidence")
    curious.post({"reason": "I wonder"}, f"/admin/evidence/contracts/{sale.application_id}")
    assert curious.status == 403
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    insurer = at_the_desk(shop, Role.INSURER_UNDERWRITER, harbour)
    assert "Li Na" in insurer.get(f"/insurer/sales/{sale.id}"), "it covers the risk"
    assert customer.client.get(f"/policies/{sale.policy_id}").status_code == 302, "nobody is signed in any more"


def nights_until_destroyed(sale: Sale) -> None:
    """To the end of the contract, of its time, and of the notice."""
    assert sale.policy_id
    go_to(privacy.kept_contract(sale.policy_id).covered_until + timedelta(days=1))
    run("policy.end_expired")
    for days in (1, 15):
        go_to(privacy.kept_contract(sale.policy_id).kept_until + timedelta(days=days))
        run("privacy.forget")
    vault.forget()


def go_to(day: date) -> None:
    business_clock.move_to_offset(day - clock.now().date() + timedelta(hours=12))
    db.session.commit()
    assert abs(clock.today(ZONE) - day) <= timedelta(days=1)


@pytest.mark.requirement("T26-44")
def test_when_its_time_is_over_nothing_of_it_can_be_read_and_all_of_it_is_still_proven(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    with shop.app_context():
        assert sale.application_id
        receipts = [trail.receipt(sale.application_id, kind) for kind in RECEIPTED]
        before = evidence(sale, compliance)
        nights_until_destroyed(sale)
        into_the_log()
        oversight_services.refresh_application(sale.application_id)
        db.session.commit()
        after = evidence(sale, compliance)
        assert faults(after.data, *receipts) == set()
    entries = after.core["entries"]
    assert {each["withheld"] for each in entries} == {"erased"}
    assert [each["leaf"] for each in entries][: len(before.core["entries"])] == [
        e["leaf"] for e in before.core["entries"]
    ]
    assert [each["leaf"]["t"] for each in entries[-3:]] == ["contract:ended", "data:erased", "data:erased"]
    assert not [name for name in after.core_files if name.startswith(("core/bodies", "core/pages"))]
    assert {each["kind"] for each in after.core["exhibits"]} == set(), "no policy, no mail, no picture"
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    said = words(desk.get(f"/admin/sales/{sale.id}"))
    assert "Its time of keeping was over" in said
    assert desk.client.get(f"/admin/sales/{sale.id}/policy.pdf").status_code == 404
    assert "Li Na" not in said
    kept = words(desk.get(f"/admin/privacy/contracts/{sale.policy_id}"))
    assert "what it said was erased" in kept
    assert "Hold the records" not in kept
    with shop.app_context():
        assert oversight_services.rebuild() > 0, "the sales log can still be built from what there is"
        assert oversight.disagreements() == (), "the books agree"
        assert list(oversight.contradictions()) == [], "that it was erased is an entry"


@pytest.mark.requirement("T26-44", "T26-45")
def test_the_desk_sees_what_will_be_erased_and_when_and_can_hold_it(shop: Flask, customer: Visitor, sale: Sale) -> None:
    assert sale.policy_id
    with shop.app_context():
        go_to(privacy.kept_contract(sale.policy_id).covered_until + timedelta(days=1))
        run("policy.end_expired")
        go_to(privacy.kept_contract(sale.policy_id).kept_until + timedelta(days=1))
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert "notice is given tonight" in words(desk.get("/admin/privacy"))
    with shop.app_context():
        run("privacy.forget")
        (due,) = privacy.noticed(privacy.contracts_due())
        assert due.erased_from
        day = format_day(due.erased_from)
    for page in ("/admin/privacy", f"/admin/privacy/contracts/{sale.policy_id}"):
        said = words(desk.get(page))
        assert str(sale.policy_number) in said
        assert "ran out" in said
        assert day in said
    desk.post({"kind": "lawsuit", "reference": CASE, "reason": "She sued."})
    assert day not in words(desk.text)
    listed = words(desk.get("/admin/privacy"))
    assert CASE in listed
    assert day not in listed


@pytest.mark.requirement("T26-45")
def test_a_dispute_is_opened_and_closed_at_the_desk(shop: Flask, customer: Visitor, sale: Sale) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/privacy")
    desk.get(f"/admin/privacy?number={str(sale.policy_number).lower().replace('-', '+')}")
    assert desk.at == f"/admin/privacy/contracts/{sale.policy_id}"
    assert "Its end is not noted" in words(desk.text)
    desk.post({"kind": "lawsuit", "reference": "", "reason": "She was not told."})
    assert desk.status == 422
    assert holds(shop) == 0
    desk.post({"kind": "lawsuit", "reference": CASE, "reason": "She was not told of the waiting time."})
    assert f"Nothing of {sale.policy_number} is erased from now on." in words(desk.text)
    assert CASE in words(desk.get("/admin/privacy"))
    dispute = hold_of(shop)
    desk.get(f"/admin/privacy/disputes/{dispute}")
    assert "waiting time" in words(desk.text)
    late = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    late.get(desk.at)
    desk.post({"outcome": "Settled before the court."})
    assert "The dispute is closed." in words(desk.text)
    said = words(desk.get(f"/admin/privacy/disputes/{dispute}"))
    assert "Settled before the court." in said
    assert "Close the dispute" not in said
    late.post({"outcome": "Again."})
    assert late.status == 409
    trail_ = words(desk.get(f"/admin/sales/{sale.id}"))
    assert "A dispute began; the records are held" in trail_
    assert "A dispute ended" in trail_
    assert CASE not in trail_, "what it is about does not stand in the evidence, which others read"
    desk.get("/admin/privacy?number=EF-NOBODY-2026-000001")
    assert desk.status == 404


@pytest.mark.requirement("T26-45")
def test_whoever_owns_the_database_and_erases_in_dispute_is_found_out(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    """Past the services and past the guards in the database, as its owner can."""
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    contract = f"/admin/privacy/contracts/{sale.policy_id}"
    desk.get(contract)
    desk.post({"kind": "complaint", "reference": CASE, "reason": "She was not told."}, contract)
    owner = shop.extensions["superuser"]
    with shop.app_context():
        into_the_log()
        assert sale.application_id
        evidence(sale, compliance)
        with owner.transaction():
            owner.execute("SET LOCAL session_replication_role = replica")
            gone = "UPDATE infra_subject_key SET wrapped = NULL, destroyed_at = now() WHERE id = %s"
            assert owner.execute(gone, (sale.application_id,)).rowcount == 1
        vault.forget()
        found = asked(sale.application_id, compliance)
        assert (found.state, found.verified) == (BundleState.READY, False)
        assert faults(File.of(found, compliance).data) == {Code.ERASED_IN_DISPUTE}


def holds(shop: Flask) -> int:
    with shop.app_context():
        return int(db.session.scalar(text("SELECT count(*) FROM privacy_hold")) or 0)


def hold_of(shop: Flask) -> str:
    with shop.app_context():
        return str(db.session.scalar(text("SELECT id FROM privacy_hold")))


@pytest.mark.requirement("T26-45")
def test_erasure_under_a_dispute_is_refused_with_the_reason_and_entered(
    shop: Flask, customer: Visitor, sale: Sale
) -> None:
    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    contract = f"/admin/privacy/contracts/{sale.policy_id}"
    desk.get(contract)
    desk.post({"kind": "complaint", "reference": CASE, "reason": "She was not told."}, contract)

    close(customer)
    assert customer.at == "/account/close"
    assert "there is an open dispute about a contract of yours" in words(customer.text)
    assert str(sale.policy_number) in words(customer.text)
    customer.get("/account/data/ask")
    customer.post({"kind": "erasure", "words": "Erase everything."})
    with shop.app_context():
        ((request_id),) = db.session.scalars(text("SELECT id FROM privacy_request")).all()
    answering = f"/admin/privacy/requests/{request_id}"
    assert "the law asks us to keep them until three years" in words(desk.get(answering)).replace("The law", "the law")
    desk.post({"outcome": "done", "answer": "It is erased."}, answering)
    assert desk.status == 422
    assert "Nothing was erased." in words(desk.text)
    desk.post({"outcome": "refused", "answer": "It has to wait."}, answering)
    assert desk.status == 200
    assert "It has to wait." in words(customer.get("/account/data"))

    with shop.app_context():
        assert sale.application_id
        entries = trail.entries_of_application(sale.application_id)
        refusals = [each for each in entries if each.type == "erasure:refused"]
        assert [(each.actor.role, each.body["asked"]) for each in refusals] == [
            ("customer", "closing"), ("admin", "request"),
        ]  # fmt: skip
        assert db.session.scalar(text("SELECT count(*) FROM privacy_erasure")) == 0
        assert db.session.scalar(text("SELECT count(*) FROM infra_subject_key WHERE destroyed_at IS NOT NULL")) == 0
    assert customer.client.get(f"/policies/{sale.policy_id}").status_code == 200

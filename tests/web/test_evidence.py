"""From a purchase in a browser to a file that a stranger verifies (T26-39…43, T26-48)."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Role
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.money import Money
from marketplace.kernel.zips import zipped
from marketplace.oversight import queries as oversight
from marketplace.oversight import services
from marketplace.oversight.values import Bundle, BundleNotFound, BundleState, Sale, SaleFilter
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.services import refunds
from marketplace.payment.values import Purpose, RefundReason
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import SYSTEM, EntryType, TrailUnavailable, journey_of_readings
from sandbox.demo.visitor import Visitor
from tests.deferred_jobs import drain, hasten
from tests.factories.accounts import a_member_of_staff
from tests.factories.evidence import REASON, File, acting, asked, faults, judged
from tests.factories.traceability import an_act
from tests.web.desk_visits import LI_NA, buy
from tests.web.test_visits import ZHOU
from verify.findings import Code

pytestmark = pytest.mark.usefixtures("no_browser")

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
IntoTheLog = Callable[[], int]


@pytest.mark.requirement("T26-41", "T26-43", "T26-39")
def test_the_evidence_of_a_purchase_is_whole_and_verifies(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account
) -> None:
    with shop.app_context():
        bundle = asked(sale.application_id, compliance)
        assert (bundle.state, bundle.verified, bundle.failure) == (BundleState.READY, True, None)
        file = File.of(bundle, compliance)
        receipts = [trail.receipt(sale.application_id, kind) for kind in (EntryType.CONTRACT_CONCLUDED,)]
        assert faults(file.data, *receipts) == set()
        report = judged(file.data)
        types = [each["leaf"]["t"] for each in file.core["entries"]]
        pages = trail.pages_of_journey(sale.journey_id)
        policy_pdf = policies.document_bytes(sale.policy_id)
    assert types[0] == "comparison:made", "the visit before the application"
    assert types[-1] == "policy:mailed", "its last act"
    assert {"entry:acknowledged", "identity:verified", "exclusions:confirmed", "answer:given"} <= set(types)
    assert "contract:concluded" in types
    kept = {file.files[each["page"]] for each in file.core["entries"] if each["page"]}
    assert kept <= set(pages.values())
    assert len(kept) == 15
    assert file.exhibits("policy") == {f"{sale.policy_number}.pdf": policy_pdf}
    (mail,) = file.exhibits("mail").values()
    assert b"policy_issued" in mail or b"Subject:" in mail
    payment = json.loads(file.exhibits("payment")["payment.json"])
    assert payment["order"] == sale.order_reference
    assert sale.premium is not None
    assert payment["payments"][0]["received"] == {"currency": "CNY", "minor": sale.premium.minor}
    assert payment["refunds"] == []
    names = {each["name"] for each in file.core["documents"]}
    assert "Clauses: Harbour Life Internet Term Life Insurance (2026).md" in names
    assert "entry_notice.en.md" in names
    assert set(file.files) == named_in(file.core) | {
        "core/core.json", "core/checkpoint", "README.txt", "wrapper/wrapper.json", "wrapper/pages.wacz",
        "wrapper/releases/1.json",
    }  # fmt: skip
    assert Code.RELEASE_NOT_LOGGED not in {finding.code for finding in report.findings}
    released = "Release 1 of the pages, as the log says: made by Mei Chen (specimen), reviewed by Tom Weber (specimen)."
    assert released in report.shown
    release = json.loads(file.files["wrapper/releases/1.json"])
    assert release["views"] == sorted(each["index"] for each in file.core["entries"] if each["leaf"]["r"])
    assert release["entry"]["index"] < release["views"][0]
    assert file.wrapper["pictures"] == {"reason": "pictures:no-browser"}
    assert "Pictures: none" in file.files["README.txt"].decode()


def test_of_what_went_back_it_names_what_the_bank_kept(
    shop: Flask, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    """Three parts arrived; two of them came back later, and one of these was sent again and arrived."""
    assert sale.order_id
    with shop.app_context():
        (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, sale.order_id)
        kept, sent_back, sent_again = (
            payment.request_refund(attempt.id, Money(minor, "CNY"), reason).id
            for minor, reason in (
                (100, RefundReason.OVERCHARGED),
                (200, RefundReason.GOODWILL),
                (300, RefundReason.CONTRACT_ENDED),
            )
        )
        db.session.commit()
        drain()
        retrieve = Gateway.retrieve_refund
        with pytest.MonkeyPatch.context() as patch:
            failed = lambda self, found: replace(retrieve(self, found), status="failed")  # noqa: E731
            patch.setattr(Gateway, "retrieve_refund", failed)
            for each in (sent_back, sent_again):
                payment.send_refund(each)
                db.session.commit()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(refunds, "_of", lambda *_: [])  # at Stripe it did not fail
            payment.ask_again(sent_again, SYSTEM)
        drain()
        into_the_log()
        file = File.of(asked(sale.application_id, compliance), compliance)
        said = [
            (each.type, each.body["refund_id"])
            for each in trail.entries_of_application(sale.application_id)
            if each.type in {EntryType.REFUND_SUCCEEDED, EntryType.REFUND_FAILED}
        ]
    assert (EntryType.REFUND_FAILED, str(sent_back)) in said
    arrived = [found for kind, found in said if kind is EntryType.REFUND_SUCCEEDED]
    assert sorted(arrived) == sorted(map(str, (kept, sent_back, sent_again, sent_again)))
    told = json.loads(file.exhibits("payment")["payment.json"])["refunds"]
    assert sorted(each["reason"] for each in told) == ["contract_ended", "overcharged"]


def named_in(core: dict[str, Any]) -> set[str]:
    files = {each["file"] for each in (*core["documents"], *core["exhibits"])}
    return files | {each[kind] for each in core["entries"] for kind in ("body", "page") if each[kind]}


def _policy_sha256(sale: Sale) -> str:
    signed = (
        each for each in trail.entries_of_application(sale.application_id) if each.type == EntryType.POLICY_SIGNED
    )
    return str(next(signed).body["document_sha256"])


@pytest.mark.requirement("T26-40")
def test_the_core_is_the_same_whoever_asks_and_whenever(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    with shop.app_context():
        first = asked(sale.application_id, compliance)
        before = File.of(first, compliance)
    customer.get(f"/policies/{sale.policy_id}")
    assert customer.client.get(f"/policies/{sale.policy_id}/document.pdf").status_code == 200
    customer.compare("term_life", {"age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000",
                                   "term_years": "20", "occupation_class": "1", "region": "shanghai"})  # fmt: skip
    with shop.app_context():
        other = a_member_of_staff(Role.ADMIN_SALES)
        db.session.commit()
        into_the_log()
        business_clock.move_to_offset(timedelta(days=40))
        second = asked(sale.application_id, other, "yearly review")
        after = File.of(second, other)
        assert faults(after.data, trail.receipt(sale.application_id, EntryType.POLICY_SIGNED)) == set()
        holder = asked(sale.application_id, accounts.account(policies.policy(sale.policy_id).account_id))
        visited = [each.type for each in trail.entries_of_visits(sale.application_id) if each.log_index is not None]
    assert visited == [EntryType.POLICY_VIEWED, EntryType.DOCUMENT_OPENED], "a later visit is in the log"
    assert before.core_files == after.core_files
    assert holder.core_sha256 == first.core_sha256
    assert first.core_sha256 == second.core_sha256
    assert first.sha256 != second.sha256
    assert (before.wrapper["reason"], after.wrapper["reason"]) == (REASON, "yearly review")
    assert after.wrapper["reader"]["label"] == "admin_sales"
    size = before.core["entries"][0]["size"]
    (newer,) = (name for name in after.files if name.startswith("wrapper/checkpoints/"))
    newest = newer.rsplit("/", 1)[1]
    assert int(newest) > size
    assert f"wrapper/consistency/{size}-{newest}" in after.files


def test_what_is_done_in_a_visit_is_an_act_of_the_contract(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    customer.get(f"/policies/{sale.policy_id}")
    with shop.app_context():
        before = File.of(asked(sale.application_id, compliance), compliance).core["entries"]
        (visit,) = trail.visits_to({sale.application_id})
        about = {"application_id": sale.application_id, "insurer_id": sale.insurer_id}
        traceability.record_act(an_act(visit.id, EntryType.FIELD_ENTERED, **about))  # as a change of the contract will
        db.session.commit()
        into_the_log()
        after = File.of(asked(sale.application_id, compliance), compliance)
        assert faults(after.data, trail.receipt(sale.application_id, EntryType.POLICY_SIGNED)) == set()
    visited = [each["leaf"]["t"] for each in after.core["entries"] if each["leaf"]["j"] == str(visit.id)]
    assert visited == ["policy:viewed", "field:entered"], "the visit is whole"
    assert len(after.core["entries"]) == len(before) + 2


@pytest.mark.requirement("T26-39")
def test_the_pages_are_there_as_a_web_archive_that_the_log_names(shop: Flask, sale: Sale, compliance: Account) -> None:
    with shop.app_context():
        files = [File.of(asked(sale.application_id, compliance), compliance) for _ in range(2)]
        entries = trail.journey_entries(journey_of_readings(sale.application_id))
    first, second = (each.files["wrapper/pages.wacz"] for each in files)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        package = archive.read("datapackage.json")
        listed = archive.read("pages/pages.jsonl").decode().splitlines()
        index = archive.read("indexes/index.cdx").decode()
        packed = archive.read("archive/data.warc.gz")
    made = [each for each in entries if each.body["what"] == "made"]
    assert [each.body["pages_sha256"] for each in made] == [sha256_hex(package)] * 2
    shown = [each for each in files[0].core["entries"] if each["page"]]
    assert len(listed) == 1 + len(shown)
    assert json.loads(listed[1])["title"] == "Term life: 1 offer compared · Evenfold insurance agency"
    warc = gzip.decompress(packed)
    assert all(files[0].files[each["page"]] in warc for each in shown)
    assert "/static/css/" in index


def test_the_same_files_give_the_same_bytes() -> None:
    files = {"b": b"2", "a": b"1" * 1000}
    assert zipped(files) == zipped(dict(sorted(files.items())))
    assert zipped(files) != zipped({**files, "b": b"3"})


def waited_for(sale: Sale, reader: Account) -> Bundle:
    """Evidence asked for right after an act, before that is in the log."""
    traceability.record_act(an_act(sale.journey_id, EntryType.DATA_RESTRICTED, application_id=sale.application_id))
    db.session.commit()
    return asked(sale.application_id, reader)


def made_later(bundle: Bundle, reader: Account) -> Bundle:
    hasten("oversight.make_bundle")
    drain("oversight")
    return oversight.bundle(bundle.id, reader.id)


def test_what_is_not_in_the_log_yet_is_waited_for(
    shop: Flask, sale: Sale, compliance: Account, into_the_log: IntoTheLog
) -> None:
    with shop.app_context():
        bundle = waited_for(sale, compliance)
        assert made_later(bundle, compliance).state is BundleState.ASKED
        with pytest.raises(BundleNotFound):
            oversight.bundle_bytes(bundle.id, compliance.id)
        into_the_log()
        made = made_later(bundle, compliance)
        assert made.state is BundleState.READY
        assert File.of(made, compliance).core["entries"][-1]["leaf"]["t"] == "data:restricted"


def test_what_does_not_come_into_the_log_is_told_and_nothing_is_handed_out(
    shop: Flask, sale: Sale, compliance: Account
) -> None:
    with shop.app_context():
        bundle = waited_for(sale, compliance)
        with clock.frozen(clock.now() + services.PATIENCE):
            refused = made_later(bundle, compliance)
        assert (refused.state, refused.failure) == (BundleState.REFUSED, "traceability:evidence-incomplete")
        assert made_later(bundle, compliance) == refused, "nobody tries again"
        with pytest.raises(BundleNotFound):
            oversight.bundle_bytes(bundle.id, compliance.id)


@pytest.mark.requirement("T26-48")
def test_each_reading_is_an_entry_and_none_is_of_the_contract_itself(
    shop: Flask, sale: Sale, compliance: Account
) -> None:
    with shop.app_context():
        before = len(trail.journey_entries(sale.journey_id))
        bundle = asked(sale.application_id, compliance)
        for what in ("looked", "downloaded"):
            services.note_reading(bundle.id, acting(compliance), what)
        db.session.commit()
        readings = oversight.readings_of(sale.application_id)
        assert [(each.what, each.label, each.reason) for each in readings] == [
            ("asked", "admin_compliance", REASON),
            ("made", "marketplace", REASON),
            ("looked", "admin_compliance", REASON),
            ("downloaded", "admin_compliance", REASON),
        ]
        entries = trail.journey_entries(journey_of_readings(sale.application_id))
        assert {each.type for each in entries} == {EntryType.EVIDENCE_READ}
        assert {(each.application_id, each.insurer_id) for each in entries} == {(sale.application_id, sale.insurer_id)}
        assert entries[-1].body["core_sha256"] == bundle.core_sha256
        assert len(trail.journey_entries(sale.journey_id)) == before


@pytest.mark.requirement("T26-48")
def test_what_cannot_be_entered_is_not_made(
    shop: Flask, sale: Sale, compliance: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unwritable(*_: object) -> NoReturn:
        raise TrailUnavailable

    with shop.app_context():
        monkeypatch.setattr(traceability, "record_reading", unwritable)
        with pytest.raises(TrailUnavailable):
            asked(sale.application_id, compliance)
        db.session.rollback()
        assert oversight.bundles_of(sale.application_id, compliance.id) == ()
        assert drain("oversight") == []


def test_nobody_else_finds_it_and_after_a_week_nobody_does(shop: Flask, sale: Sale, compliance: Account) -> None:
    with shop.app_context():
        bundle = asked(sale.application_id, compliance)
        other = a_member_of_staff(Role.ADMIN_COMPLIANCE)
        with pytest.raises(BundleNotFound):
            oversight.bundle(bundle.id, other.id)
        with pytest.raises(BundleNotFound):
            services.note_reading(bundle.id, acting(other), "looked")
        assert services.drop_old_bundles() == 0
        db.session.execute(db.text("UPDATE oversight_bundle SET expires_at = now()"))
        assert services.drop_old_bundles() == 1
        with pytest.raises(BundleNotFound):
            oversight.bundle_bytes(bundle.id, compliance.id)
        assert oversight.bundle(bundle.id, compliance.id).state is BundleState.DROPPED


@pytest.mark.requirement("T26-40")
def test_by_whichever_key_it_is_found_the_core_is_one(shop: Flask, sale: Sale, compliance: Account) -> None:
    with shop.app_context():
        (paid,) = db.session.execute(db.text("SELECT payment_intent_id FROM payment_attempt")).scalars()
        keys = (sale.policy_number, sale.application_reference, sale.order_reference, paid)
        cores = set()
        for key in map(str, keys):
            (found,) = oversight.contracts_in(f"about {key}")
            cores.add(asked(found.application_id, compliance).core_sha256)
    assert len(cores) == 1
    assert None not in cores


@pytest.mark.requirement("T26-40")
def test_a_mail_address_finds_every_contract_of_its_customer_and_nobody_elses(
    shop: Flask, work: Work, code_for: CodeFor
) -> None:
    for who in (LI_NA, ZHOU, LI_NA):
        buy(shop, work, code_for, who)
    with shop.app_context():
        second, others, first = oversight.sales(SaleFilter()).sales
        assert second.policy_id != first.policy_id
        for text in (
            "li.na@example.com",
            "Write to <Li.Na@EXAMPLE.com>, please.",
            "我的邮箱li.na@example.com投诉未告知免责条款",
            "li.na＠example.com",
            f"mailto:li.na@example.com, about {first.policy_number}",
            "li.na@example.com or nobody@example.com",
        ):
            assert oversight.contracts_in(text) == (second, first), text
        assert oversight.contracts_in("li.na@example.com and zhou.min@example.com") == (second, others, first)
        for text in (
            "nobody@example.com",
            "na@example.com",
            "li.na@example.co",
            "li.na@",
            "@",
            "@" * 4000,
            "a@b" * 999,
        ):
            assert oversight.contracts_in(text) == (), text


@pytest.mark.requirement("T26-40")
def test_an_order_of_several_contracts_gives_all_of_them(shop: Flask, work: Work, code_for: CodeFor) -> None:
    for who in (LI_NA, ZHOU):
        buy(shop, work, code_for, who)
    with shop.app_context():
        second, first = oversight.sales(SaleFilter()).sales
        # As a basket will, which nobody can fill yet: one order, one payment, a line for each contract.
        shop.extensions["superuser"].execute(
            f"UPDATE oversight_sale SET order_id = '{first.order_id}', order_reference = '{first.order_reference}'"
        )
        paying = db.text("SELECT payment_intent_id FROM payment_attempt WHERE subject_id = :order")
        (paid,) = db.session.execute(paying, {"order": first.order_id}).scalars()
        for text in (f"order {first.order_reference}", f"the bank says {paid}"):
            assert [each.id for each in oversight.contracts_in(text)] == [second.id, first.id], text


@pytest.mark.requirement("T26-40")
def test_a_contract_is_found_by_what_a_complaint_says(shop: Flask, sale: Sale) -> None:
    number = str(sale.policy_number)
    with shop.app_context():
        paid = db.session.execute(db.text("SELECT payment_intent_id, session_id FROM payment_attempt")).one()
        for text in (
            number,
            f"保单{number}的问题",
            f"my policy {number.replace('-', ' ')}, bought in November",
            f"about {number.replace('-', '').lower()}!",
            f"application {sale.application_reference}",
            f"order: {sale.order_reference}.",
            f"journey {sale.journey_reference}",
            f"the bank says {paid.payment_intent_id}",
            f"page {paid.session_id}",
            f"{number} {sale.order_reference} {paid.session_id}",
        ):
            assert [each.application_id for each in oversight.contracts_in(text)] == [sale.application_id], text
        for text in ("", "nothing", "EF-HARBOUR-2026-999999", "A-0000-0000", "pi_unknown", "%", "EF-", "_" * 5000):
            assert oversight.contracts_in(text) == (), text

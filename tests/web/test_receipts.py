"""The receipts of a purchase: in the policy, with its mail, or in one that follows, never a second policy."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import MessageParts
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.policy import queries as policies
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import EntryType
from sandbox.embedded_db import EmbeddedServer
from tests.deferred_jobs import hasten, waiting
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act
from tests.web.conftest import the_sale
from tests.web.desk_visits import LI_NA, buy
from verify.findings import Report
from verify.policy import read_policy
from verify.receipt import check_receipt

CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
PUT_OFF = ("policy.make_document", "checkout.send_policy", "checkout.send_receipts")


@pytest.fixture
def into_the_log(shop: Flask, server: EmbeddedServer, tmp_path: Path) -> Callable[[], int]:
    """Do what the sequencer would do, for a log that is alive."""
    folder = a_key_folder(tmp_path / "log")
    with shop.app_context():
        traceability.record_act(an_act(a_journey()))
        db.session.commit()
    integrate(server, folder)
    return lambda: integrate(server, folder)


def go_on(shop: Flask, work: Work) -> None:
    """What was put off is due."""
    with shop.app_context():
        hasten(*PUT_OFF)
    work()


def mails(shop: Flask, kind: str) -> list[MessageParts]:
    with shop.app_context():
        found = [each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == kind]
        return [correspondence.message_parts(each.id) for each in found]


def proves(shop: Flask, receipt: bytes) -> str:
    """Which entry a receipt proves, without our help."""
    with shop.app_context():
        report, trust = Report(), read_policy(trail.trust_policy(ORIGIN))
    found = check_receipt(report, trust, receipt, "the receipt")
    assert found
    assert report.is_proven
    return found.leaf.type


def test_the_policy_carries_one_receipt_and_its_mail_the_other(
    shop: Flask, work: Work, code_for: CodeFor, into_the_log: Callable[[], int]
) -> None:
    buy(shop, work, code_for)
    assert mails(shop, "policy_issued") == []
    into_the_log()
    go_on(shop, work)
    into_the_log()
    go_on(shop, work)
    sale, (mail,) = the_sale(shop), mails(shop, "policy_issued")
    names = [f"{sale.policy_number}.pdf", f"{sale.policy_number}-certificate.pdf", "RC-2026-000001.pdf"]
    assert [file.name for file in mail.files] == [*names, "policy-signed.tlog-proof"]
    assert proves(shop, mail.files[-1].content) == "policy:signed"
    with shop.app_context():
        assert sale.policy_id
        assert policies.policy(sale.policy_id).receipt_sha256
        assert mail.files[0].content == policies.document_bytes(sale.policy_id)
        assert "checkout.send_receipts" not in waiting()
    assert mails(shop, "policy_receipt") == []


def test_receipts_that_come_late_follow_once_and_the_policy_stays(
    shop: Flask, work: Work, code_for: CodeFor, into_the_log: Callable[[], int]
) -> None:
    buy(shop, work, code_for)
    with clock.frozen(clock.now() + timedelta(seconds=11)):
        go_on(shop, work)
    with clock.frozen(clock.now() + timedelta(seconds=30)):
        go_on(shop, work)
    sale, (mail,) = the_sale(shop), mails(shop, "policy_issued")
    names = [f"{sale.policy_number}.pdf", f"{sale.policy_number}-certificate.pdf", "RC-2026-000001.pdf"]
    assert [file.name for file in mail.files] == names
    assert sale.policy_id
    with shop.app_context():
        before = policies.policy(sale.policy_id)
        assert (before.receipt_sha256, "checkout.send_receipts" in waiting()) == (None, True)
    go_on(shop, work)
    assert mails(shop, "policy_receipt") == [], "not in the log yet: asked again later"
    into_the_log()
    go_on(shop, work)
    (late,) = mails(shop, "policy_receipt")
    names = ["contract-concluded.tlog-proof", "policy-signed.tlog-proof"]
    assert [file.name for file in late.files] == names
    assert [proves(shop, file.content) for file in late.files] == ["contract:concluded", "policy:signed"]
    assert str(sale.policy_number) in late.subject
    go_on(shop, work)
    assert len(mails(shop, "policy_receipt")) == 1
    with shop.app_context():
        assert policies.policy(sale.policy_id) == before
        types = [each.type for each in trail.journey_entries(sale.journey_id)]
    assert types.count(EntryType.POLICY_SIGNED) == 1
    assert types.count(EntryType.POLICY_MAILED) == 2

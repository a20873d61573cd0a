"""Evidence at three desks: asked for with a reason, one's own only, never read without a note (T26-48, T26-52)."""

import io
import zipfile
from collections.abc import Callable
from typing import NoReturn

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import Sale
from marketplace.traceability.services import recording
from marketplace.traceability.values import TrailUnavailable
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.evidence import faults
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk, links

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
        (what, "marketplace" if what == "made" else label, reason)
        for label, reason in (
            ("admin_compliance", "Complaint C-17"), ("insurer_underwriter", "Claim 42"), ("customer", own),
        )
        for what in ("asked", "made", "looked", "downloaded")
    ]  # fmt: skip


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


@pytest.mark.requirement("T26-48")
def test_what_cannot_be_noted_is_not_handed_out(
    shop: Flask, sale: Sale, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: evidence read without an entry. With the trail shut neither page nor file comes; opened, both do."""

    def shut(*_: object) -> NoReturn:
        raise TrailUnavailable

    desk = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    desk.get("/admin/evidence")
    desk.post({"reason": "Complaint C-17"}, f"/admin/evidence/contracts/{sale.application_id}")
    page = desk.at
    work()
    before = readings(shop, sale)
    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_act", shut)
        for address in (page, f"{page}/evidence.zip"):
            answer = desk.client.get(address)
            assert answer.status_code == 503
            assert b"PK" not in answer.data[:2]
            assert b"core" not in answer.data.lower()
    assert readings(shop, sale) == before
    assert desk.client.get(f"{page}/evidence.zip").data.startswith(b"PK")
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

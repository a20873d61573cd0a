"""A purchase in a real browser, and then everything of it from the evidence alone, elsewhere and without a network
(whole-system test 1 of the regulation checklist).
"""

import json
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from marketplace.application import queries as applications
from marketplace.application.values import CONFIRMED_AS, ConfirmationKind
from marketplace.infra.formatting import format_money
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries as policies
from sandbox.demo.visitor import words
from tests.journeys.bundles import RECEIPT, evidence_of, opened, trust_of, verified_elsewhere
from tests.journeys.conftest import Buyer
from tests.journeys.test_buying import application_id, policy_of
from tests.simulator_server import GOOD_CARD

pytestmark = pytest.mark.browser

PAPER_SECONDS = 60


def paper_of(buyer: Buyer) -> bytes:
    """The policy, as its holder takes it away from the last page of the purchase."""
    link = buyer.page.get_by_role("link", name="Download the policy (PDF)")
    link.wait_for(timeout=1000 * PAPER_SECONDS)
    with buyer.page.expect_download() as download:
        link.click()
    return download.value.path().read_bytes()


def page_named(core: dict[str, Any], files: dict[str, bytes], name: str) -> str:
    """The last page of that name that the customer was shown, of its kept bytes."""
    shown = [each for each in core["entries"] if each["page"]]
    found = [each for each in shown if core["page_versions"][each["leaf"]["pv"]]["page"] == name]
    return files[found[-1]["page"]].decode()


def said(core: dict[str, Any], files: dict[str, bytes], kind: str) -> list[dict[str, Any]]:
    """What the entries of a type say."""
    bodies = (files[each["body"]] for each in core["entries"] if each["leaf"]["t"] == kind)
    return [json.loads(body)["envelope"]["body"] for body in bodies]


@pytest.mark.timeout(400)
@pytest.mark.requirement("T26-39", "T26-41", "T26-43")
def test_everything_is_rebuilt_from_the_evidence_alone(buyer: Buyer, log: None, tmp_path: Path) -> None:
    buyer.apply()
    application = application_id(buyer)
    buyer.press()
    buyer.card(GOOD_CARD)
    buyer.page.wait_for_url(f"**/application/{application}/done")
    paper, policy = paper_of(buyer), policy_of(buyer)
    assert policy
    assert policy.receipt_sha256, "the log was alive: the policy carries its receipt"
    buyer.market.mail(buyer.email, "policy_issued")
    evidence = evidence_of(buyer, policy.id)
    trust = trust_of(buyer.market)
    with buyer.market.app.app_context():
        assert paper == policies.document_bytes(policy.id)
        view = applications.application_view(application)
        premium = format_money(policy.premium)

    receipt = receipt_in(paper, tmp_path)
    assert sha256_hex(receipt) == policy.receipt_sha256
    given = {"evidence.zip": evidence, "trust.policy": trust, RECEIPT: receipt}
    (elsewhere := tmp_path / "elsewhere").mkdir()
    done = verified_elsewhere(elsewhere, given)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1].startswith("VERIFIED")
    assert f"The entry of the receipt {RECEIPT} is entry " in done.stdout

    core, files = opened(evidence)
    review = words(unescape(page_named(core, files, "application.review")))
    assert premium in review
    assert "Li Na" in review
    (submitted,) = said(core, files, "application:submitted")
    assert (submitted["premium_minor"], submitted["currency"]) == (policy.premium.minor, policy.premium.currency)
    (kept,) = (each for each in core["exhibits"] if each["kind"] == "policy")
    assert (kept["name"], files[kept["file"]]) == (f"{policy.number}.pdf", paper)
    assert {each["sha256"] for each in core["documents"]} >= set(submitted["documents"])
    assert {each["sha256"] for each in policy.body["documents"]} >= set(submitted["documents"]) != set()
    for kind in (ConfirmationKind.DOCUMENT, ConfirmationKind.EXCLUSIONS, ConfirmationKind.HEALTH_CONSENT):
        confirmed = {each["subject_sha256"] for each in said(core, files, CONFIRMED_AS[kind].value)}
        assert confirmed == {each.subject_sha256 for each in view.confirmations if each.kind is kind}
    printed = text_of(paper, tmp_path)
    assert printed is None or (premium in printed and policy.number in printed and "Li Na" in printed)


def receipt_in(paper: bytes, folder: Path) -> bytes:
    """The one inside the paper, taken out by somebody else's tool."""
    if shutil.which("pdfdetach") is None:
        pytest.skip("no pdfdetach on PATH: the receipt is not taken out of the policy")
    (folder / "policy.pdf").write_bytes(paper)
    subprocess.run(["pdfdetach", "-saveall", "-o", folder, folder / "policy.pdf"], check=True)
    return (folder / "receipt.tlog-proof").read_bytes()


def text_of(paper: bytes, folder: Path) -> str | None:
    if shutil.which("pdftotext") is None:
        return None
    (folder / "policy.pdf").write_bytes(paper)
    told = subprocess.run(
        ["pdftotext", "-layout", folder / "policy.pdf", "-"], capture_output=True, text=True, check=True
    )
    return told.stdout

"""A purchase in a real browser, and then everything of it from the evidence alone, elsewhere and without a network
(whole-system test 1 of the regulation checklist).
"""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from marketplace.application import queries as applications
from marketplace.application.values import CONFIRMED_AS, ConfirmationKind
from marketplace.infra.formatting import format_money
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries as policies
from sandbox.demo.visitor import words
from sandbox.embedded_db import EmbeddedServer
from tests.environment import ROOT
from tests.factories.log import a_key_folder
from tests.journeys.conftest import Buyer, Marketplace, until
from tests.journeys.test_buying import application_id, policy_of
from tests.simulator_server import GOOD_CARD

pytestmark = pytest.mark.browser

RECEIPT = "mine.tlog-proof"
PAPER_SECONDS = 60
PICTURES_SECONDS = 150  # a browser of the worker's own takes a picture of each page
# Laid before everything else that Python imports: whoever opens a socket ends.
NO_SOCKETS = (
    "import socket\ndef refused(*_a, **_k): raise SystemExit('the network was asked')\nsocket.socket = refused\n"
)


@pytest.fixture
def log(marketplace: Marketplace, server: EmbeddedServer, tmp_path: Path) -> Iterator[None]:
    """The sequencer works."""
    keys = a_key_folder(tmp_path / "log")
    told = {"DATABASE_SEQUENCER_URL": server.url("marketplace_sequencer"), "LOG_KEY_FOLDER": str(keys.path)}
    sequencer = marketplace.started("-m", "marketplace.sequencer", **told)
    yield
    sequencer.terminate()
    sequencer.wait()


def evidence_of(buyer: Buyer, policy_id: object) -> bytes:
    """As the holder of the policy takes it away."""
    page = buyer.page
    page.goto(f"{buyer.market.url}/policies/{policy_id}/evidence")
    buyer.press()
    link = page.locator('a[href$="/evidence.zip"]')

    def is_there() -> bool:
        page.reload()
        return link.count() > 0

    until(is_there, "the evidence", PICTURES_SECONDS)
    with page.expect_download() as download:
        link.first.click()
    return download.value.path().read_bytes()


def paper_of(buyer: Buyer) -> bytes:
    """The policy, as its holder takes it away from the last page of the purchase."""
    link = buyer.page.get_by_role("link", name="Download the policy (PDF)")
    link.wait_for(timeout=1000 * PAPER_SECONDS)
    with buyer.page.expect_download() as download:
        link.click()
    return download.value.path().read_bytes()


def verified_elsewhere(folder: Path, files: dict[str, bytes]) -> subprocess.CompletedProcess[str]:
    """By the verifier's folder alone, in an empty folder, in an empty environment, without a network."""
    shutil.copytree(ROOT / "verify", folder / "verify", ignore=shutil.ignore_patterns("__pycache__"))
    for name, data in (files | {"blocked/sitecustomize.py": NO_SOCKETS.encode()}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    unshared = ["unshare", "--net", "--"]
    cut_off = unshared if subprocess.run([*unshared, "true"], capture_output=True, check=False).returncode == 0 else []
    command = ["verify", "bundle", "evidence.zip", "--policy", "trust.policy", "--receipt", RECEIPT]
    return subprocess.run(
        [*cut_off, sys.executable, "-m", *command],
        cwd=folder, env={"PYTHONPATH": str(folder / "blocked"), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


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
    trust = requests.get(f"{buyer.market.url}/log/trust.policy", timeout=20).content
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

    with zipfile.ZipFile(io.BytesIO(evidence)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    core = json.loads(files["core/core.json"])
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

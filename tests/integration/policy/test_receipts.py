"""A policy carries the proof that its conclusion stands in the log; what comes too late follows, and no paper is made
twice (T26-41, T26-43).
"""

import json
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.infra import jobs, storage
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.policy import queries, services
from marketplace.policy.values import DocumentState, Policy, PolicyDocumentReady, PolicyIssued
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.queries.evidence import PATIENCE
from marketplace.traceability.values import EntryType
from sandbox.embedded_db import EmbeddedServer
from tests.deferred_jobs import drain, hasten, waiting
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.policy import a_contract
from tests.factories.traceability import a_journey, an_act

pytestmark = pytest.mark.usefixtures("database")
ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[type, tuple[str, ...]] = {PolicyIssued: ("policy.make_document",), PolicyDocumentReady: ()}
    monkeypatch.setattr(jobs, "_subscribers", told)


@pytest.fixture
def folder(database: None, server: EmbeddedServer, tmp_path: Path) -> KeyFolder:
    """Of a log that is alive: it has an entry."""
    folder = a_key_folder(tmp_path / "log")
    traceability.record_act(an_act(a_journey()))
    db.session.commit()
    integrate(server, folder)
    return folder


def concluded() -> UUID:
    policy = services.issue(a_contract())
    db.session.commit()
    return policy.id


def made(policy_id: UUID) -> Policy:
    hasten("policy.make_document")
    drain("policy")
    return queries.policy(policy_id)


def program(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} on PATH")


def verify(receipt: Path, trust: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "verify", "receipt", receipt, "--policy", trust, *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@program("pdfdetach")
@program("pdfsig")
def test_the_paper_waits_for_the_log_and_yields_its_receipt_offline(
    server: EmbeddedServer, folder: KeyFolder, tmp_path: Path
) -> None:
    policy_id = concluded()
    drain("policy")
    assert queries.policy(policy_id).document_state is DocumentState.DUE
    assert waiting() == ["policy.make_document"], "put off, for the log is about to have it"
    integrate(server, folder)
    policy = made(policy_id)
    assert policy.document_state is DocumentState.SEALED
    paper, trust = tmp_path / "policy.pdf", tmp_path / "trust.policy"
    paper.write_bytes(queries.document_bytes(policy_id))
    trust.write_bytes(trail.trust_policy(ORIGIN))
    subprocess.run(["pdfdetach", "-saveall", "-o", tmp_path, paper], check=True)
    receipt = tmp_path / "receipt.tlog-proof"
    assert receipt.read_bytes() == trail.receipt(policy.application_id, EntryType.CONTRACT_CONCLUDED)
    assert receipt.read_bytes() == storage.get(str(policy.receipt_sha256))
    checked = verify(receipt, trust)
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "VERIFIED.")
    assert "“contract:concluded”" in checked.stdout
    said, contract = tmp_path / "conclusion.json", tmp_path / "contract.json"
    read = verify(receipt, trust, "--said", said, "--contract", contract)
    assert (read.returncode, read.stdout.splitlines()[-1]) == (0, "VERIFIED.")
    assert f"It says: number {policy.number}." in read.stdout
    assert "The contract is, word for word, the one that the entry names by its hash." in read.stdout
    assert json.loads(contract.read_text())["number"] == policy.number
    said.write_text(said.read_text().replace(policy.number, "POL-FORGED"))
    assert "BODY_ALTERED" in verify(receipt, trust, "--said", said, "--json").stdout
    signed = subprocess.run(["pdfsig", paper], capture_output=True, text=True, check=False)
    assert "Signature is Valid." in signed.stdout
    printed = subprocess.run(["pdftotext", paper, "-"], capture_output=True, text=True, check=True).stdout
    assert folder.signer().verifier.vkey in printed.replace("\n", "")
    assert "http://localhost:8000/log/trust.policy" in printed.replace("\n", "")


def test_what_comes_later_than_ten_seconds_is_not_waited_for_and_changes_no_paper(
    server: EmbeddedServer, folder: KeyFolder
) -> None:
    policy_id = concluded()
    with clock.frozen(at_the_end_of_patience(policy_id)):
        policy = made(policy_id)
    assert (policy.document_state, policy.receipt_sha256) == (DocumentState.SEALED, None)
    integrate(server, folder)
    services.make_document(policy_id)
    services.seal_document(policy_id)
    db.session.commit()
    assert queries.policy(policy_id) == policy
    assert trail.receipt(policy.application_id, EntryType.CONTRACT_CONCLUDED)


@pytest.mark.usefixtures("folder")
def test_a_moment_before_that_it_is_waited_for() -> None:
    policy_id = concluded()
    with clock.frozen(at_the_end_of_patience(policy_id) - timedelta(microseconds=1)):
        assert made(policy_id).document_state is DocumentState.DUE


def test_without_a_log_nothing_is_waited_for_and_no_key_is_printed() -> None:
    policy = made(concluded())
    assert (policy.document_state, policy.receipt_sha256) == (DocumentState.SEALED, None)


def test_the_conclusion_names_the_newest_entry_of_its_journey_in_the_log(
    server: EmbeddedServer, folder: KeyFolder
) -> None:
    journey_id = a_journey()
    traceability.record_act(an_act(journey_id))
    db.session.commit()
    integrate(server, folder)
    head = trail.journey_head(journey_id)
    assert head is not None
    policy = services.issue(a_contract(journey_id=journey_id))
    db.session.commit()
    entry = trail.journey_entries(journey_id)[-1]
    assert entry.type is EntryType.CONTRACT_CONCLUDED
    assert entry.body == {
        "number": policy.number, "version": 1, "body_sha256": policy.body_sha256, "head": head,
    }  # fmt: skip


def at_the_end_of_patience(policy_id: UUID) -> datetime:
    concluded_at: datetime = db.session.execute(
        text("SELECT recorded_at FROM policy_version WHERE policy_id = :id"), {"id": policy_id}
    ).scalar_one()
    return concluded_at + PATIENCE

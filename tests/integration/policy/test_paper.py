"""The paper of a contract: set, sealed and kept once, whatever is run again; a paper that fails leaves the contract."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text

from marketplace.infra import jobs, pdf, seals, signing, storage, vault
from marketplace.infra.db import db
from marketplace.infra.key_tokens import TokenUnavailable
from marketplace.infra.revocation import SealRevoked
from marketplace.infra.signing import KeyExposed, KeyUnfit, SealUntrusted
from marketplace.infra.timestamping import StampUnavailable
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries, services
from marketplace.policy.models import DocumentRow, VersionRow
from marketplace.policy.values import (
    DocumentNotReady,
    DocumentState,
    Policy,
    PolicyDocumentReady,
    PolicyEnded,
    PolicyIssued,
    PolicyState,
)
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import EntryType
from tests.factories import accounts
from tests.factories.policy import a_contract
from tests.factories.retention import ran_out

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def subscribers(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {PolicyIssued: ("policy.make_document",), PolicyDocumentReady: ("a.subscriber",), PolicyEnded: ()}
    monkeypatch.setattr(jobs, "_subscribers", told)


def concluded(**changes) -> UUID:
    """The id of a contract that was concluded and committed."""
    policy = services.issue(a_contract(**changes))
    db.session.commit()
    return policy.id


def waiting() -> list[str]:
    return list(db.session.execute(text("SELECT task_name FROM procrastinate_jobs ORDER BY id")).scalars())


def run(name: str) -> None:
    """Run the oldest waiting job of that name as a worker does; it stays waiting when it raises."""
    row = db.session.execute(
        text("SELECT id, args FROM procrastinate_jobs WHERE task_name = :name ORDER BY id"), {"name": name}
    ).first()
    db.session.commit()
    jobs.run_once(jobs.known_tasks()[name], **row.args)
    db.session.execute(text("DELETE FROM procrastinate_jobs WHERE id = :id"), {"id": row.id})
    db.session.commit()


def sealed(**changes) -> Policy:
    policy_id = concluded(**changes)
    run("policy.make_document")
    run("policy.seal_document")
    return queries.policy(policy_id)


@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_the_paper_is_set_and_sealed_with_the_seal_of_the_insurer(locale: str) -> None:
    policy = sealed(locale=locale)
    paper = queries.document_bytes(policy.id)
    report = signing.check(paper, seals.trust_roots())
    assert (report.valid, report.reason) == (True, "sealed")
    assert report.signer == "SPECIMEN Harbour Life Insurance Co."
    assert policy.document_state is DocumentState.SEALED
    assert policy.document_sha256 == sha256_hex(paper)
    assert waiting() == ["a.subscriber"]


def test_hashes_and_intent_are_committed_before_the_signer_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    concluded()
    run("policy.make_document")
    seen = []

    def asked(code: str) -> signing.Sealer:
        with db.engine.connect() as elsewhere:
            seen.append(
                elsewhere.execute(
                    text("SELECT state, unsigned_sha256 FROM policy_document WHERE kind = 'policy'")
                ).one()
            )
        return seal_of(code)

    seal_of = seals.sealer_of
    monkeypatch.setattr(seals, "sealer_of", asked)
    run("policy.seal_document")
    assert len(seen) == 2, "of the policy, and of the certificate"
    state, unsigned = seen[0]
    assert state == DocumentState.RENDERED
    assert storage.get(unsigned).startswith(b"%PDF")


def test_the_sealed_paper_is_the_unsigned_one_and_a_seal_behind_it() -> None:
    policy = sealed()
    unsigned = db.session.execute(
        text("SELECT unsigned_sha256 FROM policy_document WHERE kind = 'policy'")
    ).scalar_one()
    assert queries.document_bytes(policy.id).startswith(storage.get(unsigned))


def test_running_again_makes_nothing_anew() -> None:
    policy = sealed()
    services.make_document(policy.id)
    services.seal_document(policy.id)
    db.session.commit()
    assert queries.policy(policy.id) == policy
    assert waiting() == ["a.subscriber"]
    types = [entry.type for entry in journey_entries(policy.journey_id)]
    assert types == [EntryType.PREMIUMS_PLANNED, EntryType.CONTRACT_CONCLUDED, EntryType.POLICY_SIGNED]


def test_a_worker_that_dies_after_sealing_leaves_one_paper() -> None:
    policy_id = concluded()
    run("policy.make_document")
    services.seal_document(policy_id)
    db.session.rollback()  # died before the commit
    with pytest.raises(DocumentNotReady):
        queries.document_bytes(policy_id)
    run("policy.seal_document")
    policy = queries.policy(policy_id)
    *_, signed = journey_entries(policy.journey_id)
    assert signed.body["document_sha256"] == policy.document_sha256


def test_a_crash_before_the_paper_is_kept_makes_the_same_bytes_again() -> None:
    policy_id = concluded()
    hashes = []
    for _ in range(2):
        services.make_document(policy_id)
        hashes.append(
            db.session.execute(text("SELECT unsigned_sha256 FROM policy_document WHERE kind = 'policy'")).scalar_one()
        )
        db.session.rollback()
    assert hashes[0] == hashes[1]


def test_the_trail_says_which_body_became_which_paper() -> None:
    policy = sealed()
    entry = journey_entries(policy.journey_id)[-1]
    assert entry.type is EntryType.POLICY_SIGNED
    assert entry.body["number"] == policy.number
    assert entry.body["body_sha256"] == policy.body_sha256
    assert entry.body["document_sha256"] == policy.document_sha256
    assert "SPECIMEN Harbour Life Insurance Co." in entry.body["seal"]


def test_an_insurer_without_a_seal_of_its_own_uses_the_marketplaces() -> None:
    north = accounts.an_insurer("north")
    policy = services.issue(a_contract(north))
    db.session.commit()
    run("policy.make_document")
    run("policy.seal_document")
    report = signing.check(queries.document_bytes(policy.id), seals.trust_roots())
    assert (report.valid, report.signer) == (True, "SPECIMEN Evenfold insurance agency")


def test_without_a_time_stamp_nothing_is_sealed_and_the_job_may_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    policy_id = concluded()
    run("policy.make_document")
    with monkeypatch.context() as broken:

        def unavailable(*_: object, **__: object) -> bytes:
            raise StampUnavailable

        broken.setattr(signing.Sealer, "seal", unavailable)
        with pytest.raises(StampUnavailable):
            run("policy.seal_document")
    assert queries.policy(policy_id).document_state is DocumentState.RENDERED
    run("policy.seal_document")
    assert queries.policy(policy_id).document_state is DocumentState.SEALED


def test_an_unprintable_paper_raises_an_alarm_and_leaves_the_contract_in_force(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    policy_id = concluded()
    with monkeypatch.context() as broken:

        def unprintable(*_: object, **__: object) -> bytes:
            raise pdf.Unprintable("the font lacks some characters", ("𠮷",))

        broken.setattr(pdf, "render", unprintable)
        run("policy.make_document")
    policy = queries.policy(policy_id)
    assert (policy.state, policy.document_state) == (PolicyState.IN_FORCE, DocumentState.FAILED)
    assert "ALARM" in caplog.text
    assert "张伟" not in caplog.text
    assert waiting() == []
    assert queries.check(policy.number, policy.check_code) is not None
    with pytest.raises(DocumentNotReady):
        queries.document_bytes(policy_id)
    assert services.retry_failed() == 2, "the policy and its certificate"
    db.session.commit()
    run("policy.make_document")
    run("policy.seal_document")
    assert queries.policy(policy_id).document_state is DocumentState.SEALED


def test_a_failed_paper_of_what_was_erased_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    erased, kept = concluded(), services.issue(a_contract(accounts.an_insurer("north"))).id
    db.session.commit()
    with monkeypatch.context() as broken:
        broken.setattr(pdf, "render", lambda *_, **__: (_ for _ in ()).throw(pdf.Unprintable("no such character")))
        run("policy.make_document")
        run("policy.make_document")
    gone = db.session.scalars(select(VersionRow.sealed_for).where(VersionRow.policy_id == erased)).one()
    ran_out(queries.policy(erased))  # with the other one: both are for the same days
    vault.destroy(gone)
    db.session.commit()
    assert services.retry_failed() == 2, "those of the other contract"
    db.session.commit()
    assert queries.policy(kept).document_state is DocumentState.DUE
    states = select(DocumentRow.state).where(DocumentRow.sealed_for == gone)
    assert set(db.session.scalars(states)) == {DocumentState.FAILED}
    assert waiting().count("policy.make_document") == 2, "one for each paper, and none for what was erased"


def test_only_failed_papers_are_made_again() -> None:
    policy, jobs = sealed(), waiting()
    assert (services.retry_failed(), waiting()) == (0, jobs)
    assert queries.policy(policy.id) == policy


def test_a_paper_that_waits_for_its_seal_rings_until_it_is_sealed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    policy_id = concluded()
    run("policy.make_document")

    def refused(*_: object, **__: object) -> bytes:
        raise SealUntrusted("the certificate has run out")

    with monkeypatch.context() as broken:
        broken.setattr(signing.Sealer, "seal", refused)
        with pytest.raises(SealUntrusted):
            run("policy.seal_document")
    db.session.rollback()
    assert "is not sealed: the certificate has run out" in caplog.text
    assert services.watch_papers() == 0
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert services.watch_papers() == 2, "the policy and its certificate"
    assert "ALARM 2 papers are not made or not sealed" in caplog.text
    run("policy.seal_document")
    assert queries.policy(policy_id).document_state is DocumentState.SEALED
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert services.watch_papers() == 0


def test_a_seal_is_waited_for_however_long_it_takes() -> None:
    for name in ("make_document", "seal_document", "make_paper", "seal_paper"):
        task = jobs.known_tasks()[f"policy.{name}"]
        pauses = jobs.GrowingPauses(task.attempts)
        later = jobs.Job(id=1, queue="policy", lock=None, queueing_lock=None, task_name=task.name, attempts=9_000)
        for error in (KeyUnfit(), KeyExposed(), SealUntrusted(), SealRevoked(), TokenUnavailable(), StampUnavailable()):
            assert pauses.get_retry_decision(exception=error, job=later) is not None, (name, error)

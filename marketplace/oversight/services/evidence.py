"""Evidence of a contract: asked for with a reason, made by a job, checked by the offline verifier, kept for a week.

What is in it is gathered here, from whoever knows it; the trail makes the file. Nobody asks for it, looks at it or
takes it away without an entry in the journey of its readings (T26-48): where that cannot be written, nothing happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.application import queries as applications
from marketplace.infra import vault, verifying
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.jobs import defer
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.errors import NotFound, Unavailable
from marketplace.kernel.zips import zipped
from marketplace.oversight.document import Told, readme, watermark_of
from marketplace.oversight.models import BundleRow, locked_bundle
from marketplace.oversight.queries.exhibits import documents_of, exhibits_of
from marketplace.oversight.queries.sales import sale_of_application
from marketplace.oversight.services.archiving import archive_pages
from marketplace.oversight.services.pictures import take_pictures, words_of
from marketplace.oversight.values import AskBundle, BundleNotFound, BundleState, Look, Sale
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import (
    RECEIPTED,
    SYSTEM,
    Act,
    Actor,
    EntryNotFound,
    EntryType,
    EvidenceIncomplete,
    Extract,
    NotInLogYet,
    journey_of_readings,
)

KEPT = timedelta(days=7)
PATIENCE = timedelta(minutes=1)
"""How long somebody who asks waits for the last entries to come into the log; a moment is usual."""
FORMAT = "evenfold-evidence-wrapper/1"
SAMPLED = "sampled"


def ask_bundle(command: AskBundle) -> UUID:
    """Have the evidence made; the id by which whoever asks finds it. Entered in the journey of its readings."""
    if command.by.account_id is None:
        raise ValueError("evidence is asked for by somebody")
    insurer_id = applications.application(command.application_id).insurer_id
    bundle_id = ids.new_id()
    erased = vault.is_destroyed(command.application_id)
    row = BundleRow(
        id=bundle_id,
        sealed_for=bundle_id if erased else command.application_id,
        state=BundleState.ASKED.value,
        application_id=command.application_id,
        insurer_id=insurer_id,
        account_id=command.by.account_id,
        actor_role=command.by.role.value,
        actor_label=command.by.label,
        reason=command.reason,
        locale=command.locale,
        asked_at=clock.now(),
        findings=[],
    )
    db.session.add(row)
    db.session.flush()
    _note(row, command.by, "asked")
    defer("oversight.make_bundle", bundle_id=bundle_id)
    return bundle_id


def note_reading(bundle_id: UUID, by: Actor, what: str) -> None:
    """Enter that evidence which was made is looked at (`looked`) or taken away (`downloaded`). Raises BundleNotFound
    for everybody but who asked for it.
    """
    row = db.session.get(BundleRow, bundle_id)
    if row is None or row.account_id != by.account_id:
        raise BundleNotFound
    _note(row, by, what)


def note_look(look: Look) -> None:
    """Enter that somebody of the staff looks at a sale, and why: among its readings, so that looking changes nothing of
    its own trail.
    """
    said = {"sale_id": look.sale.id, "what": look.what, "reason": look.reason, **look.which}
    _enter(look.sale, EntryType.SALE_VIEWED, said, look.by)


def note_replay(sale: Sale, view_id: UUID, by: Actor, reason: str) -> None:
    """Enter that what was done on a page is played again, and why."""
    _enter(sale, EntryType.EVIDENCE_READ, {"view": view_id, "what": "replayed", "reason": reason}, by)


def _enter(sale: Sale, kind: EntryType, said: Mapping[str, Any], by: Actor) -> None:
    readings = journey_of_readings(sale.application_id or sale.journey_id)
    reading = Act(readings, kind, said, by, sale.application_id, sale.insurer_id)
    traceability.record_reading(reading, of_visit=sale.journey_id)


def _note(row: BundleRow, by: Actor, what: str, **more: str | None) -> None:
    said = {"bundle_id": row.id, "what": what, "reason": row.reason, "core_sha256": row.core_sha256, **more}
    readings = journey_of_readings(row.application_id)
    traceability.record_reading(Act(readings, EntryType.EVIDENCE_READ, said, by, row.application_id, row.insurer_id))


def make_bundle(bundle_id: UUID) -> None:
    """Make the file and have it verified. While the last entries are not in the log it is put off for `PATIENCE`. What
    cannot be made is refused with its cause, for whoever asked to read: they are not there yet, or something that is
    kept was altered. Making it again changes nothing.
    """
    row = locked_bundle(bundle_id)
    if row is None or row.state != BundleState.ASKED:
        return
    try:
        made = _made(row.application_id, _reader_of(row))
    except (Unavailable, NotFound) as error:
        if isinstance(error, EvidenceIncomplete) and trail.worth_waiting(row.asked_at, PATIENCE):
            defer("oversight.make_bundle", in_seconds=2, bundle_id=bundle_id)
            return
        row.state, row.failure, row.made_at = BundleState.REFUSED.value, error.code, clock.now()
        return
    row.content, row.sha256, row.size = made.content, sha256_hex(made.content), len(made.content)
    row.core_sha256, row.verified, row.findings = made.hashes.core, made.verdict.verified, list(made.verdict.findings)
    row.state, row.made_at, row.expires_at = BundleState.READY.value, clock.now(), clock.now() + KEPT
    _note(row, SYSTEM, "made", pages_sha256=made.hashes.pages)


def judge_contract(application_id: UUID, sample_id: UUID) -> tuple[str, bool]:
    """Make the file of a contract, keep nothing of it, and have it verified: the SHA-256 of its core, and the verdict.
    Entered in the journey of its readings.

    Raises EvidenceIncomplete while its last entries are not in the log, and Unavailable or NotFound where no file can
    be made.
    """
    reader = _Reader(sample_id, None, SYSTEM.role.value, SYSTEM.label, SAMPLED, clock.now(), "en")
    made, sale = _made(application_id, reader), sale_of_application(application_id)
    said = {"bundle_id": sample_id, "what": SAMPLED, "reason": "", "core_sha256": made.hashes.core}
    _enter(sale, EntryType.EVIDENCE_READ, said, SYSTEM)
    return made.hashes.core, made.verdict.verified


def drop_old_bundles() -> int:
    """Drop the bytes of those whose week is over. Returns how many."""
    old = BundleRow.state == BundleState.READY.value, BundleRow.expires_at <= clock.now()
    rows = db.session.scalars(select(BundleRow).where(*old).order_by(BundleRow.id).with_for_update()).all()
    for row in rows:
        row.state, row.content_sealed = BundleState.DROPPED.value, None
    db.session.flush()
    return len(rows)


@dataclass(frozen=True, slots=True)
class _Reader:
    """For whom the file is made, and why."""

    bundle_id: UUID
    account_id: UUID | None
    role: str
    label: str
    reason: str
    asked_at: datetime
    locale: str


@dataclass(frozen=True, slots=True)
class _Hashes:
    """SHA-256 (hex) of the core, and of the package of the web archive where there are pages."""

    core: str
    pages: str | None


@dataclass(frozen=True, slots=True)
class _Made:
    """The file, and what the verifier says of it."""

    content: bytes
    hashes: _Hashes
    verdict: verifying.Verdict


def _reader_of(row: BundleRow) -> _Reader:
    return _Reader(row.id, row.account_id, row.actor_role, row.actor_label, row.reason, row.asked_at, row.locale)


def _made(application_id: UUID, reader: _Reader) -> _Made:
    lacking = take_pictures(application_id)
    found, sale = trail.extract(application_id), sale_of_application(application_id)
    core = trail.core_files(found, sale.policy_number, documents_of(found), exhibits_of(found, sale))
    wrapper, pages_sha256 = trail.wrapper_files(found), None
    if (archive := archive_pages(found, sale.policy_number or sale.application_reference or "")) is not None:
        wrapper["wrapper/pages.wacz"], pages_sha256 = archive.data, archive.package_sha256
    hashes = _Hashes(sha256_hex(core["core/core.json"]), pages_sha256)
    content = zipped(core | wrapper | _wrapped(reader, sale, hashes, lacking, _stamps(wrapper)))
    policy = trail.trust_policy(found.origin)
    return _Made(content, hashes, verifying.judge(content, policy, _receipts(found), trail.time_authorities()))


def _stamps(wrapper: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """The files of time-stamps, each with the checkpoint that was stamped."""
    tokens = {name: name.rpartition("/")[2].partition("-")[0] for name in wrapper if name.endswith(".tst")}
    newer = {token: f"wrapper/checkpoints/{size}" for token, size in tokens.items()}
    return sorted((token, name if name in wrapper else "core/checkpoint") for token, name in newer.items())


def _wrapped(
    reader: _Reader, sale: Sale, hashes: _Hashes, lacking: str | None, stamps: Sequence[tuple[str, str]]
) -> dict[str, bytes]:
    """Who reads it and why, and how it is checked."""
    watermark = watermark_of(reader.label, reader.reason, reader.asked_at, ZONE, reader.locale)
    wrapper: Mapping[str, Any] = {
        "format": FORMAT,
        "bundle_id": reader.bundle_id,
        "reader": {"account_id": reader.account_id, "label": reader.label, "role": reader.role},
        "reason": reader.reason,
        "asked_at": reader.asked_at,
        "watermark": watermark,
        "core_sha256": hashes.core,
        "readings": journey_of_readings(sale.application_id or sale.journey_id),
        "pictures": {"reason": lacking} if lacking else {},
    }
    told = Told(
        contract=sale.policy_number or sale.application_reference or "",
        core_sha256=hashes.core,
        watermark=watermark,
        pictures=words_of(lacking, reader.locale),
        pages_sha256=hashes.pages,
        site=letterhead().public_url,
        stamps=stamps,
    )
    return {"wrapper/wrapper.json": canonical_bytes(wrapper), "README.txt": readme(told, reader.locale)}


def _receipts(found: Extract) -> list[bytes]:
    """Those that the customer holds: the file must fit them."""
    receipts = []
    for kind in RECEIPTED:
        try:
            receipts.append(trail.receipt(found.application_id, kind))
        except (EntryNotFound, NotInLogYet):
            continue
    return receipts

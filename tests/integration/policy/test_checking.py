"""The public check of a file: only what we issued, to the last byte, is valid (the tamper table of the design)."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from sqlalchemy import text

from marketplace.infra import seals, signing, storage, timestamping
from marketplace.infra.confinement import NoAnswer, NoAnswerError
from marketplace.infra.db import db
from marketplace.infra.signing import SealSettings
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries, services
from marketplace.policy.values import CoverState, EndContract, Ending, Ground, PaperCheck, Verdict
from sandbox import demo_pki
from tests.factories.policy import a_contract

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.requirement("O13-04", "SCM-10")]


class Issued(NamedTuple):
    """A contract, its paper, and what it was before its seal."""

    policy_id: UUID
    number: str
    pdf: bytes
    unsealed: bytes


@pytest.fixture
def issued() -> Issued:
    policy_id = services.issue(a_contract()).id
    services.make_document(policy_id)
    services.seal_document(policy_id)
    db.session.commit()
    unsealed = db.session.execute(
        text("SELECT unsigned_sha256 FROM policy_document WHERE kind = 'policy'")
    ).scalar_one()
    policy = queries.policy(policy_id)
    return Issued(policy_id, policy.number, queries.document_bytes(policy_id), storage.get(unsealed))


def ground(pdf: bytes) -> Ground:
    return queries.check_paper(pdf).ground


def with_bit_flipped(pdf: bytes, at: int) -> bytes:
    return pdf[:at] + bytes([pdf[at] ^ 1]) + pdf[at + 1 :]


def stream_of(pdf: bytes, wanted: Callable[[pikepdf.Pdf], pikepdf.Object]) -> int:
    """Where in the file the middle of a stream's bytes lies."""
    with pikepdf.open(BytesIO(pdf)) as document:
        raw = wanted(document).read_raw_bytes()
    return pdf.index(raw) + len(raw) // 2


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    update, out = IncrementalPdfFileWriter(BytesIO(pdf)), BytesIO()
    change(update)
    update.write(out)
    return out.getvalue()


def turned(update: IncrementalPdfFileWriter) -> None:
    page = update.root["/Pages"]["/Kids"][0].get_object()
    page["/Rotate"] = generic.NumberObject(90)
    update.update_container(page)


def renamed(update: IncrementalPdfFileWriter) -> None:
    title = generic.DictionaryObject({generic.NameObject("/Title"): generic.TextStringObject("Forged")})
    update.set_info(update.add_object(title))


def saved_anew(pdf: bytes) -> bytes:
    out = BytesIO()
    with pikepdf.open(BytesIO(pdf)) as document:
        document.save(out)
    return out.getvalue()


def container(pdf: bytes) -> tuple[int, int]:
    """From where to where the digits of the signature lie, without its padding."""
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    return start, start + len(pdf[start : pdf.index(b">", start)].rstrip(b"0"))


def with_digit_changed(pdf: bytes, at: int) -> bytes:
    return pdf[:at] + (b"2" if pdf[at : at + 1] == b"1" else b"1") + pdf[at + 1 :]


def sealed_by_a_stranger(pdf: bytes, folder: Path) -> bytes:
    """With keys of the same names under another root."""
    demo_pki.make_pki(folder, {"harbour": "Harbour Life Insurance Co."})
    authority = timestamping.load_authority(SealSettings.in_folder(folder, timestamping.SEAL_CODE))
    return signing.load_sealer(SealSettings.in_folder(folder, "harbour"), authority).seal(pdf, reason="Policy")


# What is ours


def test_the_paper_as_issued_is_valid_and_says_what_number_and_code_say(issued: Issued) -> None:
    answer = queries.check_paper(issued.pdf)
    assert (answer.ground, answer.ground.verdict) == (Ground.AS_ISSUED, Verdict.VALID)
    assert answer.paper is not None
    assert answer.paper.contract == queries.check(issued.number, queries.policy(issued.policy_id).check_code)
    assert answer.paper.contract.state is CoverState.NOT_STARTED
    assert (answer.paper.version, answer.paper.sealed_at) == (1, queries.policy(issued.policy_id).sealed_at)


def test_an_old_version_is_valid_and_is_said_to_be_replaced(issued: Issued) -> None:
    db.session.execute(
        text(
            "INSERT INTO policy_version (id, policy_id, number, sealed_for, body, body_sha256, recorded_at)"
            " SELECT gen_random_uuid(), policy_id, 2, sealed_for, body, body_sha256, recorded_at FROM policy_version"
        )
    )
    db.session.commit()
    answer = queries.check_paper(issued.pdf)
    assert (answer.ground, answer.ground.verdict) == (Ground.REPLACED, Verdict.VALID)
    assert answer.paper is not None
    assert answer.paper.version == 1


def test_of_an_erased_contract_the_paper_is_valid_and_nothing_more_is_said(issued: Issued) -> None:
    services.end_contract(EndContract(issued.policy_id, Ending.WITHDRAWN, clock.today("Asia/Shanghai")))
    services.erase_contract(issued.policy_id)
    db.session.commit()
    assert queries.check_paper(issued.pdf) == PaperCheck(Ground.ERASED)
    assert queries.check_paper(issued.pdf + b" ") == PaperCheck(Ground.ADDED_TO)


def test_a_paper_outlives_the_certificate_of_its_seal(issued: Issued) -> None:
    later = clock.now().replace(year=clock.now().year + 10)
    with clock.frozen(later):
        assert ground(issued.pdf) is Ground.AS_ISSUED


# What was changed


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (lambda pdf: pdf.pages[0].Contents, Ground.ALTERED),
        (lambda pdf: pdf.Root.AF[0].EF.F, Ground.ALTERED),
        (lambda pdf: pdf.Root.Metadata, Ground.SEAL_BROKEN),  # written anew with the seal, behind our paper
    ],
    ids=["content", "attached JSON", "XMP"],
)
def test_a_bit_that_was_flipped_is_seen(
    issued: Issued, stream: Callable[[pikepdf.Pdf], pikepdf.Object], expected: Ground
) -> None:
    answer = queries.check_paper(with_bit_flipped(issued.pdf, stream_of(issued.pdf, stream)))
    assert (answer.ground, answer.ground.verdict) == (expected, Verdict.CHANGED)
    assert (answer.paper is None) is (expected is Ground.ALTERED), "of other bytes than ours nothing is told"


@pytest.mark.parametrize("change", [turned, renamed])
def test_an_incremental_update_is_seen_and_the_paper_below_it_named(
    issued: Issued, change: Callable[[IncrementalPdfFileWriter], None]
) -> None:
    answer = queries.check_paper(updated(issued.pdf, change))
    assert (answer.ground, answer.ground.verdict) == (Ground.ADDED_TO, Verdict.CHANGED)
    assert answer.paper is not None
    assert answer.paper.contract.number == issued.number


@pytest.mark.parametrize("tail", [b" ", b"\0", b"\n%%EOF\n", b"%%EOF" * 40])
def test_an_appended_byte_is_seen(issued: Issued, tail: bytes) -> None:
    assert ground(issued.pdf + tail) is Ground.ADDED_TO


def test_damaged_certificates_are_seen(issued: Issued) -> None:
    """Some of these raise in the library, and pdfsig 22.12 calls them valid."""
    start, end = container(issued.pdf)
    for at in range(start, end, (end - start) // 12):
        answer = queries.check_paper(with_digit_changed(issued.pdf, at))
        assert (answer.ground, answer.ground.verdict) == (Ground.SEAL_BROKEN, Verdict.CHANGED), at


def test_a_digit_in_the_padding_is_seen_though_the_signature_holds(issued: Issued) -> None:
    _, end = container(issued.pdf)
    changed = with_digit_changed(issued.pdf, end + 20)
    assert seals.judge(changed, seals.trust_roots()).holds, "no signature covers it"
    assert ground(changed) is Ground.SEAL_BROKEN


def test_a_paper_saved_anew_is_changed(issued: Issued) -> None:
    assert queries.check_paper(saved_anew(issued.pdf)) == PaperCheck(Ground.ALTERED)


def test_a_paper_cut_off_is_changed_or_no_paper(issued: Issued) -> None:
    assert ground(issued.pdf[:-300]) is Ground.SEAL_BROKEN
    assert ground(issued.pdf[: len(issued.pdf) // 2]) in {Ground.UNREADABLE, Ground.NO_SEAL}


def test_our_paper_under_the_seal_of_a_stranger_is_changed(issued: Issued, tmp_path: Path) -> None:
    forged = sealed_by_a_stranger(issued.unsealed, tmp_path)
    assert seals.judge(forged, (tmp_path / "root.pem").read_bytes()).holds, "whoever trusts that root"
    assert ground(forged) is Ground.SEAL_BROKEN


def test_our_paper_without_its_seal_is_changed(issued: Issued) -> None:
    assert ground(issued.unsealed) is Ground.SEAL_BROKEN


def test_a_second_signature_is_seen(issued: Issued, tmp_path: Path) -> None:
    demo_pki.make_pki(tmp_path, {"harbour": "Harbour Life Insurance Co."})
    signer = signing.HeldKey.from_pem(*signing.read_seal(SealSettings.in_folder(tmp_path, "harbour")))
    writer = IncrementalPdfFileWriter(BytesIO(issued.pdf.replace(b"/DocMDP", b"/DocMDQ")))
    twice = PdfSigner(PdfSignatureMetadata(field_name="Other"), signer).sign_pdf(writer).getvalue()
    assert ground(twice) is Ground.SEAL_BROKEN


# What is not ours


def test_a_policy_of_a_strangers_key_is_not_ours(issued: Issued, tmp_path: Path) -> None:
    out = BytesIO()
    with pikepdf.open(BytesIO(issued.unsealed)) as document:
        document.docinfo["/Title"] = "Another policy"
        document.save(out)
    answer = queries.check_paper(sealed_by_a_stranger(out.getvalue(), tmp_path))
    assert answer == PaperCheck(Ground.FOREIGN_SEAL)
    assert answer.ground.verdict is Verdict.NOT_OURS


def test_what_our_seal_was_put_on_and_we_do_not_know_is_not_ours(issued: Issued) -> None:
    out = BytesIO()
    with pikepdf.open(BytesIO(issued.unsealed)) as document:
        document.docinfo["/Title"] = "Never issued"
        document.save(out)
    stolen = seals.sealer_of("harbour").seal(out.getvalue(), reason="Policy")
    assert queries.check_paper(stolen) == PaperCheck(Ground.NOT_ON_RECORD)


def test_a_file_without_a_seal_is_not_ours() -> None:
    services.note_seal_roots()
    blank, out = pikepdf.new(), BytesIO()
    blank.add_blank_page()
    blank.save(out)
    assert ground(out.getvalue()) is Ground.NO_SEAL


@pytest.mark.parametrize(
    "junk", [b"", b"%PDF-1.7", b"\0" * 5000, "保单".encode(), b"%PDF-1.7\n1 0 obj\n" + b"[" * 2_000_000]
)
def test_what_is_no_pdf_is_not_ours(junk: bytes) -> None:
    services.note_seal_roots()
    assert ground(junk) is Ground.UNREADABLE


# What the house itself may have wrong


def test_a_paper_whose_seal_does_not_hold_is_not_valid_though_we_know_its_hash(issued: Issued) -> None:
    forged = updated(issued.pdf, turned)
    db.session.execute(
        text("UPDATE policy_document SET document_sha256 = :forged WHERE kind = 'policy'"),
        {"forged": sha256_hex(forged)},
    )
    db.session.commit()
    assert ground(forged) is Ground.SEAL_BROKEN


def test_whatever_happens_to_the_judge_nothing_is_valid(issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(*_: object) -> bytes:
        raise NoAnswerError(NoAnswer.TOO_LARGE, -9)

    for answer in (ended, lambda *_: b"", lambda *_: b"[]", lambda *_: b'{"reason": 1, "known_signer": "yes"}'):
        monkeypatch.setattr(seals._judges, "ask", answer)
        assert ground(issued.pdf) is Ground.SEAL_BROKEN


def test_asking_writes_nothing(issued: Issued) -> None:
    before = db.session.execute(text("SELECT pg_current_xact_id_if_assigned()")).scalar()
    queries.check_paper(issued.pdf)
    assert before is None
    assert db.session.execute(text("SELECT pg_current_xact_id_if_assigned()")).scalar() is None


def test_the_roots_are_told_once_however_often(issued: Issued) -> None:
    services.note_seal_roots()
    db.session.commit()
    rows = db.session.execute(text("SELECT sha256, pem FROM policy_seal_root")).all()
    assert [(each.sha256, each.pem.encode()) for each in rows] == [
        (sha256_hex(seals.trust_roots()), seals.trust_roots())
    ]
    assert ground(issued.pdf) is Ground.AS_ISSUED

"""Seals: what one says, and that no change to a sealed document goes unseen."""

import hashlib
import random
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_pem_x509_certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

from marketplace.infra import memory, signing, timestamping
from marketplace.infra.signing import KeyExposed, KeyUnfit, SealReport, SealSettings, SealUntrusted
from marketplace.infra.timestamping import StampUnavailable
from marketplace.kernel import clock
from sandbox import demo_pki


@pytest.fixture(scope="module")
def sealed(sealer, plain_pdf) -> bytes:
    return sealer.seal(plain_pdf, reason="Issue of the policy", location="Hangzhou")


def reason(pdf: bytes, roots: bytes) -> str:
    report = signing.check(pdf, roots)
    assert report.valid is (report.reason == "sealed")
    return report.reason


# What a seal is


def test_a_sealed_document_is_valid_and_says_by_whom_and_when(sealer, plain_pdf, roots):
    before = clock.now().replace(microsecond=0)
    report = signing.check(sealer.seal(plain_pdf, reason="Issue"), roots)

    assert report == SealReport(
        valid=True,
        reason="sealed",
        signer="SPECIMEN Harbour Mutual Insurance Ltd",
        stamped_at=report.stamped_at,
        known_signer=True,
    )
    assert before <= report.stamped_at <= before + timedelta(minutes=1)


def test_the_time_is_the_authoritys(pki, plain_pdf, sealer, roots):
    morning = clock.now().replace(microsecond=0) - timedelta(minutes=3)
    with clock.frozen(morning):
        sealed = sealer.seal(plain_pdf, reason="Issue")
    assert signing.check(sealed, roots).stamped_at == morning


def test_a_chinese_legal_name_is_in_the_seal(pki, authority, plain_pdf, roots):
    lantern = signing.load_sealer(SealSettings.in_folder(pki, "lantern"), authority)
    assert lantern.name == "SPECIMEN 灯塔人寿保险有限公司"
    assert signing.check(lantern.seal(plain_pdf, reason="出单"), roots).signer == lantern.name


def test_the_document_is_kept_byte_for_byte_under_the_seal(sealed, plain_pdf):
    assert sealed.startswith(plain_pdf)


def test_a_file_that_ends_without_a_line_end_gets_one(sealer, plain_pdf, roots):
    bare = plain_pdf.rstrip(b"\n")
    sealed = sealer.seal(bare, reason="Issue")
    assert sealed.startswith(bare + b"\n")
    assert reason(sealed, roots) == "sealed"


def test_the_seal_certifies_without_changes_and_shows_nothing(sealed):
    with pikepdf.open(BytesIO(sealed)) as document:
        seal = document.Root.AcroForm.Fields[0]
        assert seal.V.SubFilter == "/ETSI.CAdES.detached"
        assert seal.V.Reason == "Issue of the policy"
        assert seal.V.Location == "Hangzhou"
        assert document.Root.Perms.DocMDP.objgen == seal.V.objgen
        [transform] = seal.V.Reference
        assert (transform.TransformMethod, transform.TransformParams.P) == ("/DocMDP", 1)
        assert list(seal.Rect) == [0, 0, 0, 0]


@pytest.mark.skipif(shutil.which("pdfsig") is None, reason="no pdfsig (poppler-utils) on PATH")
def test_pdfsig_accepts_the_seal(sealed, tmp_path):
    (tmp_path / "sealed.pdf").write_bytes(sealed)
    done = subprocess.run(["pdfsig", "-nocert", "sealed.pdf"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Signature Validation: Signature is Valid." in done.stdout
    assert "Total document signed" in done.stdout
    assert "Signature Type: ETSI.CAdES.detached" in done.stdout
    assert "Signer Certificate Common Name: SPECIMEN Harbour Mutual Insurance Ltd" in done.stdout


# What breaks one


def test_a_document_without_a_seal_is_not_valid(plain_pdf, roots):
    assert reason(plain_pdf, roots) == "no-seal"


@pytest.mark.parametrize("junk", [b"", b"%PDF-1.7", b"\x00" * 500, "保单".encode()])
def test_what_is_no_pdf_is_not_valid(junk, roots):
    assert reason(junk, roots) == "unreadable"


def test_a_flipped_byte_in_the_document_is_seen(sealed, plain_pdf, roots):
    at = sealed.index(b"/MediaBox") + len(b"/MediaBox")
    altered = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    assert altered != sealed
    assert reason(altered, roots) in {"damaged", "unreadable"}


def test_a_changed_reason_is_seen(sealed, roots):
    assert sealed.count(b"Issue of the policy") == 1
    assert reason(sealed.replace(b"Issue of the policy", b"Issue of the Policy"), roots) == "damaged"


@pytest.mark.parametrize("tail", [b" ", b"\n", b"%%EOF\n"])
def test_an_appended_byte_is_seen(sealed, tail, roots):
    assert reason(sealed + tail, roots) in {"extended", "unreadable"}


def test_a_page_turned_by_an_incremental_update_is_seen(sealed, roots):
    update = IncrementalPdfFileWriter(BytesIO(sealed))
    page = update.root["/Pages"]["/Kids"][0].get_object()
    page["/Rotate"] = generic.NumberObject(90)
    update.update_container(page)
    out = BytesIO()
    update.write(out)
    assert reason(out.getvalue(), roots) == "extended"


def test_a_title_changed_by_an_incremental_update_is_seen(sealed, roots):
    update = IncrementalPdfFileWriter(BytesIO(sealed))
    forged = generic.DictionaryObject({generic.NameObject("/Title"): generic.TextStringObject("Forged")})
    update.set_info(update.add_object(forged))
    out = BytesIO()
    update.write(out)
    assert reason(out.getvalue(), roots) == "extended"


def test_a_seal_allows_no_second_signature(sealed, pki):
    signer = signing.HeldKey.from_pem(*signing.read_seal(SealSettings.in_folder(pki, "lantern")))
    with pytest.raises(SigningError, match="forbids all changes"):
        PdfSigner(PdfSignatureMetadata(field_name="Other"), signer).sign_pdf(IncrementalPdfFileWriter(BytesIO(sealed)))


def test_two_signatures_are_no_seal(plain_pdf, pki, roots):
    twice = plain_pdf
    for code in ("harbour", "lantern"):
        signer = signing.HeldKey.from_pem(*signing.read_seal(SealSettings.in_folder(pki, code)))
        writer = IncrementalPdfFileWriter(BytesIO(twice))
        twice = PdfSigner(PdfSignatureMetadata(field_name=code), signer).sign_pdf(writer).getvalue()
    assert reason(twice, roots) == "no-seal"


def test_a_document_saved_anew_is_not_valid(sealed, roots):
    out = BytesIO()
    with pikepdf.open(BytesIO(sealed)) as document:
        document.save(out)
    assert reason(out.getvalue(), roots) in {"damaged", "extended", "unreadable"}


def container(pdf: bytes) -> tuple[int, bytes]:
    """Where the signature's hexadecimal container begins, and its digits without the padding."""
    start = pdf.index(b"/Contents <") + len(b"/Contents <")
    return start, pdf[start : pdf.index(b">", start)].rstrip(b"0")


def with_digit_changed(pdf: bytes, at: int) -> bytes:
    return pdf[:at] + (b"2" if pdf[at : at + 1] == b"1" else b"1") + pdf[at + 1 :]


def test_damaged_certificates_are_seen(sealed, pki, roots):
    """The digest of the document still fits; pdfsig 22.12 calls such a file valid."""
    start, digits = container(sealed)
    pem = SealSettings.in_folder(pki, "harbour").certificate.read_bytes()
    certificate = load_pem_x509_certificate(pem).public_bytes(Encoding.DER).hex().upper().encode()
    within = start + digits.upper().index(certificate)
    for at in range(within, within + len(certificate), 31):
        assert not signing.check(with_digit_changed(sealed, at), roots).valid, at - within


def test_whoever_knows_the_issued_file_sees_every_change(sealed, roots):
    issued = hashlib.sha256(sealed).hexdigest()
    assert signing.check(sealed, roots, issued_sha256=issued).valid

    start, digits = container(sealed)
    padding = start + len(digits) + 20
    assert signing.check(with_digit_changed(sealed, padding), roots).valid
    report = signing.check(with_digit_changed(sealed, padding), roots, issued_sha256=issued)
    assert (report.valid, report.reason) == (False, "not-issued")

    for at in range(start, start + len(digits), 149):
        assert not signing.check(with_digit_changed(sealed, at), roots, issued_sha256=issued).valid, at


def test_random_flipped_bits_outside_the_container_are_seen(sealed, roots):
    start, length = map(int, re.search(rb"/ByteRange \[\s*0 (\d+) (\d+)", sealed).groups())
    signed = [*range(start), *range(length, len(sealed))]
    chance = random.Random(20261122)  # noqa: S311 - the same places each time
    for at in chance.sample(signed, 120):
        altered = bytearray(sealed)
        altered[at] ^= 1 << chance.randrange(8)
        assert not signing.check(bytes(altered), roots).valid, at


# Whom a seal is trusted from


@pytest.mark.asvs("12.3.4")
def test_a_seal_of_another_root_is_untrusted(sealed, tmp_path):
    demo_pki.make_pki(tmp_path, {})
    report = signing.check(sealed, (tmp_path / "root.pem").read_bytes())
    assert (report.valid, report.reason) == (False, "untrusted")


@pytest.mark.asvs("12.3.4")
def test_of_a_broken_seal_it_is_known_whether_it_was_of_a_known_signer(sealed, roots, tmp_path):
    changed = sealed.replace(b"Issue of the policy", b"Issue of the Policy")
    assert signing.check(changed, roots).known_signer
    demo_pki.make_pki(tmp_path, {})
    assert not signing.check(changed, (tmp_path / "root.pem").read_bytes()).known_signer


def test_a_seal_is_judged_as_of_the_moment_that_is_asked_for(sealed, roots):
    now = clock.now()
    assert signing.check(sealed, roots, moment=now).valid
    late = signing.check(sealed, roots, moment=now + timedelta(days=20_000))
    assert (late.valid, late.reason, late.known_signer) == (False, "untrusted", True)


def by_others(pki, pdf: bytes, code: str, authority) -> bytes:
    """As somebody seals who does not care whether anybody can trust it."""
    signer = signing.HeldKey.of(SealSettings.in_folder(pki, code))
    metadata = PdfSignatureMetadata(
        field_name="Seal", subfilter=SigSeedSubFilter.PADES, certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
    )
    sealing = PdfSigner(metadata, signer, timestamper=authority)
    return sealing.sign_pdf(IncrementalPdfFileWriter(BytesIO(pdf))).getvalue()


def test_a_stamp_of_another_root_makes_the_seal_untrusted(pki, tmp_path, plain_pdf, roots):
    demo_pki.make_pki(tmp_path, {})
    elsewhere = timestamping.load_authority(SealSettings.in_folder(tmp_path, timestamping.SEAL_CODE))
    assert reason(by_others(pki, plain_pdf, "harbour", elsewhere), roots) == "untrusted"
    sealer = signing.load_sealer(SealSettings.in_folder(pki, "harbour"), elsewhere)
    with pytest.raises(SealUntrusted):
        sealer.seal(plain_pdf, reason="Issue")


def test_no_roots_trust_nobody(sealed):
    with pytest.raises(ValueError, match="Insufficient data"):
        signing.check(sealed, b"")


def test_a_certificate_for_time_stamping_cannot_seal(pki, authority, plain_pdf, roots):
    assert reason(by_others(pki, plain_pdf, timestamping.SEAL_CODE, authority), roots) == "untrusted"
    sealer = signing.load_sealer(SealSettings.in_folder(pki, timestamping.SEAL_CODE), authority)
    with pytest.raises(SealUntrusted):
        sealer.seal(plain_pdf, reason="Issue")


def test_without_a_time_stamp_nothing_is_sealed(pki, plain_pdf):
    class Silent(timestamping.TimeAuthority):
        async def async_request_tsa_response(self, _req):
            raise TimeoutError

    sealer = signing.load_sealer(SealSettings.in_folder(pki, "harbour"), Silent())
    with pytest.raises(StampUnavailable):
        sealer.seal(plain_pdf, reason="Issue")


# Which keys may seal


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_key_that_others_may_touch_is_refused(pki, authority, tmp_path, mode):
    settings = SealSettings.in_folder(pki, "harbour")
    key = tmp_path / "harbour.key"
    key.write_bytes(settings.key.read_bytes())
    key.chmod(mode)
    exposed = SealSettings(settings.certificate, key, settings.chain)
    with pytest.raises(KeyExposed) as refused:
        signing.load_sealer(exposed, authority)
    assert refused.value.code == "seal:key-exposed"


@pytest.mark.asvs("11.6.1", "11.2.3")
@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(public_exponent=65537, key_size=2048), ec.generate_private_key(ec.SECP384R1())]
)
def test_only_p256_keys_seal(pki, key):
    certificate, _, chain = signing.read_seal(SealSettings.in_folder(pki, "harbour"))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(KeyUnfit, match="P-256"):
        signing.HeldKey.from_pem(certificate, pem, chain)


def test_a_key_of_another_certificate_is_refused(pki):
    certificate, _, chain = signing.read_seal(SealSettings.in_folder(pki, "harbour"))
    _, key, _ = signing.read_seal(SealSettings.in_folder(pki, "lantern"))
    with pytest.raises(KeyUnfit, match="certificate names"):
        signing.HeldKey.from_pem(certificate, key, chain)


@pytest.mark.asvs("15.4.1")
def test_threads_share_one_seal(sealer, plain_pdf, roots):
    with ThreadPoolExecutor(4) as workers:
        made = list(workers.map(lambda number: sealer.seal(plain_pdf, reason=f"Policy {number}"), range(12)))
    assert [signing.check(sealed, roots).reason for sealed in made] == ["sealed"] * 12


def test_free_memory_is_handed_back_now_and_then_and_not_with_every_seal(sealer, plain_pdf, monkeypatch):
    handed_back = []
    monkeypatch.setattr(memory, "give_back", lambda: handed_back.append(1))
    monkeypatch.setattr(signing, "SEALS_BETWEEN", 3)
    for _ in range(6):
        sealer.seal(plain_pdf, reason="Issue")
    assert len(handed_back) == 2

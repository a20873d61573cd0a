"""What a seal takes along so that it can be judged when its issuers are gone (PAdES B-LT), and which are refused."""

import asyncio
import logging
import shutil
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko_certvalidator import ValidationContext

from marketplace.infra import revocation, signing, timestamping
from marketplace.infra.revocation import SealRevoked
from marketplace.infra.signing import Sealer, SealSettings, SealUntrusted
from marketplace.kernel import clock
from sandbox import demo_pki


@pytest.fixture
def cabinet(pki, tmp_path) -> Path:
    """Seals of its own, with whatever lists a test puts there."""
    folder = tmp_path / "seals"
    shutil.copytree(pki, folder)
    return folder


def sealer_in(folder: Path, authority) -> Sealer:
    return signing.load_sealer(SealSettings.in_folder(folder, "harbour"), authority)


def revoke(folder: Path, *codes: str, name: str = "root.crl", days: int = 30) -> None:
    """Replace a list: the root takes the certificates of these back."""
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())
    key = load_pem_private_key((folder / "root.key").read_bytes(), password=None)
    made = clock.now() - timedelta(days=60)
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    builder = builder.last_update(made).next_update(clock.now() + timedelta(days=days))
    for code in codes:
        of = x509.load_pem_x509_certificate((folder / f"{code}.pem").read_bytes())
        taken_back = x509.RevokedCertificateBuilder().serial_number(of.serial_number).revocation_date(made)
        builder = builder.add_revoked_certificate(taken_back.build())
    (folder / name).write_bytes(builder.sign(key, SHA256()).public_bytes(Encoding.DER))


def judged_by_itself(pdf: bytes, roots: bytes) -> bool:
    """By the root alone and by what the file brings along; every certificate must be on nobody's list, provably."""
    reader = PdfFileReader(BytesIO(pdf))
    try:
        brought = DocumentSecurityStore.read_dss(reader)
        certificates, lists = list(brought.load_certs()), [each.get_object().data for each in brought.crls]
    except NoDSSFoundError:
        certificates, lists = [], []
    trust = ValidationContext(
        trust_roots=list(load_certs_from_pemder_data(roots)), other_certs=certificates, crls=lists,
        revocation_mode="require", allow_fetching=False,
    )  # fmt: skip
    (seal,) = reader.embedded_signatures
    return bool(asyncio.run(async_validate_pdf_signature(seal, trust)).bottom_line)


def test_a_seal_brings_along_what_judging_it_needs(sealer, plain_pdf, roots):
    sealed = sealer.seal(plain_pdf, reason="Issue")
    assert signing.check(sealed, roots).valid
    assert judged_by_itself(sealed, roots)


def test_where_there_is_no_list_it_is_a_seal_all_the_same(cabinet, authority, plain_pdf, roots):
    (cabinet / "root.crl").unlink()
    sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert signing.check(sealed, roots).valid
    assert not judged_by_itself(sealed, roots)


def test_a_list_is_taken_as_soon_as_it_is_there(cabinet, authority, plain_pdf, roots):
    (cabinet / "root.crl").unlink()
    sealer = sealer_in(cabinet, authority)
    sealer.seal(plain_pdf, reason="Issue")
    revoke(cabinet, "lantern")
    assert judged_by_itself(sealer.seal(plain_pdf, reason="Issue"), roots)


def test_a_certificate_that_was_taken_back_seals_nothing(cabinet, authority, plain_pdf):
    sealer = sealer_in(cabinet, authority)
    revoke(cabinet, "lantern", "harbour")
    with pytest.raises(SealRevoked):
        sealer.seal(plain_pdf, reason="Issue")


def test_a_list_that_has_run_out_is_left_out_and_rings(cabinet, authority, plain_pdf, roots, caplog):
    revoke(cabinet, "harbour", days=-1)
    with caplog.at_level(logging.ERROR):
        sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert "root.crl has run out" in caplog.text
    assert signing.check(sealed, roots).valid


def test_a_list_that_is_not_by_whom_it_names_is_left_out_and_rings(cabinet, authority, plain_pdf, tmp_path, caplog):
    """Its issuer changed its key, or somebody else made it."""
    other = tmp_path / "other"
    demo_pki.make_pki(other, {"harbour": "Harbour"})
    shutil.copy(other / "root.crl", cabinet / "root.crl")
    sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert "root.crl is not signed by whom it names" in caplog.text
    assert signing.check(sealed, (cabinet / "root.pem").read_bytes()).valid


def test_a_list_too_long_for_every_paper_is_left_out_and_rings(cabinet, authority, plain_pdf, caplog, monkeypatch):
    monkeypatch.setattr(revocation, "LONGEST", 100)
    sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert "root.crl is too long" in caplog.text
    assert signing.check(sealed, (cabinet / "root.pem").read_bytes()).valid


def test_an_authority_whose_certificate_was_taken_back_stamps_no_seal(cabinet, authority, plain_pdf):
    sealer = sealer_in(cabinet, authority)
    revoke(cabinet, timestamping.SEAL_CODE)
    with pytest.raises(SealRevoked, match="Time stamps"):
        sealer.seal(plain_pdf, reason="Issue")


Party = tuple[x509.Name, ec.EllipticCurvePrivateKey]


def a_party(name: str) -> Party:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), ec.generate_private_key(ec.SECP256R1())


def certified(whom: Party, by: Party, *, ca: bool) -> bytes:
    """PEM, of the least that makes a certificate of a seal or of its issuer."""
    usage = dict.fromkeys(
        ["key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"], False
    )
    usage |= {"digital_signature": not ca, "content_commitment": not ca, "key_cert_sign": ca, "crl_sign": ca}
    since = clock.now() - timedelta(minutes=5)
    builder = x509.CertificateBuilder(by[0], whom[0], whom[1].public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(since).not_valid_after(since + timedelta(days=30))
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    made = builder.add_extension(x509.KeyUsage(**usage), critical=True).sign(by[1], SHA256())
    return made.public_bytes(Encoding.PEM)


def test_what_stands_beside_a_certificate_is_not_trusted_for_that(cabinet, authority, plain_pdf):
    """Its issuer is there, and the root of that is not among those that we trust."""
    root, between, own = a_party("Elsewhere"), a_party("Elsewhere Issuing"), a_party("Harbour")
    (cabinet / "harbour.pem").write_bytes(certified(own, between, ca=False) + certified(between, root, ca=True))
    (cabinet / "harbour.key").write_bytes(own[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(SealUntrusted):
        sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")


def test_an_authority_that_changes_its_certificate_is_asked_anew(cabinet, pki, tmp_path, plain_pdf):
    """The first answer was of one that leads nowhere; the next one is of the right one."""
    other = tmp_path / "other"
    demo_pki.make_pki(other, {})
    right, wrong = (
        timestamping.load_authority(SealSettings.in_folder(folder, timestamping.SEAL_CODE)) for folder in (pki, other)
    )

    class Changing(timestamping.TimeAuthority):
        now = wrong

        async def async_request_tsa_response(self, req):
            return await self.now.async_request_tsa_response(req)

    changing = Changing()
    sealer = sealer_in(cabinet, changing)
    with pytest.raises(SealUntrusted):
        sealer.seal(plain_pdf, reason="Issue")
    changing.now = right
    assert signing.check(sealer.seal(plain_pdf, reason="Issue"), (pki / "root.pem").read_bytes()).valid
    changing.now = wrong
    with pytest.raises(SealUntrusted):
        sealer.seal(plain_pdf, reason="Issue")


@pytest.mark.parametrize(
    "junk", [b"", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", b"\x30\x03\x02\x01"]
)
def test_what_is_no_list_is_left_out_and_rings(cabinet, authority, plain_pdf, caplog, junk):
    (cabinet / "root.crl").write_bytes(junk)
    with caplog.at_level(logging.ERROR):
        sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert "root.crl cannot be read" in caplog.text
    assert signing.check(sealed, (cabinet / "root.pem").read_bytes()).valid

"""What a seal takes along so that it can be judged when its issuers are gone (PAdES B-LT), and which are refused."""

import asyncio
import logging
import shutil
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko_certvalidator import ValidationContext

from marketplace.infra import signing
from marketplace.infra.revocation import SealRevoked
from marketplace.infra.signing import Sealer, SealSettings
from marketplace.kernel import clock


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


@pytest.mark.parametrize(
    "junk", [b"", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", b"\x30\x03\x02\x01"]
)
def test_what_is_no_list_is_left_out_and_rings(cabinet, authority, plain_pdf, caplog, junk):
    (cabinet / "root.crl").write_bytes(junk)
    with caplog.at_level(logging.ERROR):
        sealed = sealer_in(cabinet, authority).seal(plain_pdf, reason="Issue")
    assert "root.crl cannot be read" in caplog.text
    assert signing.check(sealed, (cabinet / "root.pem").read_bytes()).valid

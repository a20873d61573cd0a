"""The demonstration's certificates: random, made at first start, never in the repository.

    folder/SPECIMEN              says that nothing here proves anything; production refuses such a folder
    folder/root.pem              the demonstration's root, which every check trusts
    folder/root.key
    folder/root.crl              what that root has taken back: nothing
    folder/timestamp.pem|.key    the time-stamping authority
    folder/marketplace.pem|.key  the marketplace's own seal
    folder/<code>.pem|.key       one seal for each insurer

Every name begins with SPECIMEN, so that no viewer shows a seal that could be taken for a real one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from marketplace.infra.signing import SealSettings
from marketplace.infra.timestamping import SEAL_CODE
from marketplace.kernel import clock

_MARKER = "SPECIMEN"
_ROOT = "root.pem"
_ROOT_KEY = "root.key"
_LIST = "root.crl"
_RESERVED = {"root", SEAL_CODE}
_MARKETPLACE = {"marketplace": "Evenfold insurance agency"}
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_LONGEST_NAME = 64  # X.520, ub-common-name
_DAYS = 825
_ROOT_DAYS = 3650
_LIST_DAYS = 365
_LIST_LEFT = timedelta(days=100)
_DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


@dataclass(frozen=True, slots=True)
class _Root:
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def make_pki(folder: Path, seals: Mapping[str, str]) -> None:
    """Make what is missing: the root, the time-stamping authority, the marketplace's seal and those of `seals`.

    `seals` maps the code of an insurer to its legal name. What stands is left as it is,
    unless another root issued it. Raises ValueError on a code that is no file name.
    """
    for code in seals:
        if not _CODE.fullmatch(code) or code in _RESERVED:
            raise ValueError(f"not a usable code for a seal: {code!r}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    _write(folder / _MARKER, b"A demonstration's keys. They prove nothing and are trusted nowhere else.\n")
    root = _root(folder)
    if not _lists(folder / _LIST, root):
        _write(folder / _LIST, _revocations(root))
    for code, legal_name in {SEAL_CODE: "Time stamps", **_MARKETPLACE, **seals}.items():
        if not _stands(folder, code, root):
            _issue(folder, code, legal_name, root)


def _root(folder: Path) -> _Root:
    at, key_at = folder / _ROOT, folder / _ROOT_KEY
    if at.exists() and key_at.exists():
        held = load_pem_private_key(key_at.read_bytes(), password=None)
        if isinstance(held, EllipticCurvePrivateKey):
            return _Root(x509.load_pem_x509_certificate(at.read_bytes()), held)
    key = generate_private_key(SECP256R1())
    name = _name("Demonstration root")
    certificate = (
        _builder(name, name, key, _ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, SHA256())
    )
    _store(at, key_at, certificate, key)
    return _Root(certificate, key)


def _lists(at: Path, root: _Root) -> bool:
    """Whether there is a list of this root that is good for a while."""
    if not at.exists():
        return False
    found = x509.load_pem_x509_crl(at.read_bytes())
    until = found.next_update_utc
    of_root = found.is_signature_valid(root.key.public_key())
    return of_root and until is not None and until > clock.now() + _LIST_LEFT


def _revocations(root: _Root) -> bytes:
    """RFC 5280, 5. The number only grows, as it is made of the time."""
    now = clock.now()
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.certificate.subject)
        .last_update(now - timedelta(minutes=5))
        .next_update(now + timedelta(days=_LIST_DAYS))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .sign(root.key, SHA256())
        .public_bytes(Encoding.PEM)
    )


def _stands(folder: Path, code: str, root: _Root) -> bool:
    at = SealSettings.in_folder(folder, code)
    if not (at.certificate.exists() and at.key.exists()):
        return False
    try:
        x509.load_pem_x509_certificate(at.certificate.read_bytes()).verify_directly_issued_by(root.certificate)
    except (ValueError, InvalidSignature):
        return False
    return True


def _issue(folder: Path, code: str, legal_name: str, root: _Root) -> None:
    """A seal's certificate, or the authority's: RFC 3161, 2.3 wants one critical purpose for that."""
    is_authority = code == SEAL_CODE
    purpose = ExtendedKeyUsageOID.TIME_STAMPING if is_authority else _DOCUMENT_SIGNING
    key = generate_private_key(SECP256R1())
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    usage = _usage(digital_signature=True, content_commitment=not is_authority)
    certificate = (
        _builder(_name(legal_name), root.certificate.subject, key, _DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=is_authority)
        .add_extension(issuer_key, critical=False)
        .sign(root.key, SHA256())
    )
    at = SealSettings.in_folder(folder, code)
    _store(at.certificate, at.key, certificate, key)


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    since = clock.now() - timedelta(minutes=5)  # other clocks may be a little behind
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(legal_name: str) -> x509.Name:
    shown = f"SPECIMEN {legal_name}"[:_LONGEST_NAME]
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, shown),
            x509.NameAttribute(NameOID.COMMON_NAME, shown),
        ]
    )


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _store(at: Path, key_at: Path, certificate: x509.Certificate, key: EllipticCurvePrivateKey) -> None:
    """The certificate last: where it stands, its key does."""
    _write(key_at, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    _write(at, certificate.public_bytes(Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and at no moment readable by others."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    partial.replace(path)

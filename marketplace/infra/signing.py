"""Seals on documents: invisible PAdES signatures of the baseline level B-T (ETSI EN 319 142-1).

The seal certifies the document with DocMDP "no changes" (ISO 32000-1, 12.8.2.2) and carries a time stamp,
so that it says who issued the document, when at the latest, and that nothing was added afterwards. It is
invisible because a visible signature field breaks PDF/UA-1; the page itself prints where to check it.

Keys are ECDSA P-256, held in memory as one parsed object: pyHanko's own signer parses the key anew for each
signature. Long-term data (level B-LT) are not in the seal yet, so `check` judges certificates at the present time.

`seal`, `check` and `TimeAuthority.stamp` run their own event loop and must not be called from inside one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Self

from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Refused

_OTHERS = 0o077
_LONGEST_SIGNATURE = 72  # bytes of a DER-encoded ECDSA P-256 signature, for the size estimate


class KeyUnfit(Refused):
    """The key cannot seal: it is not ECDSA P-256, or it is not the key of the certificate."""

    code = "seal:key-unfit"


class KeyExposed(Refused):
    """The key file can be read by others than its owner, so the seal would prove nothing."""

    code = "seal:key-exposed"


@dataclass(frozen=True, slots=True)
class SealSettings:
    """Where a certificate and its key lie: PEM files; `chain` holds the certificates above."""

    certificate: Path
    key: Path
    chain: Path

    @classmethod
    def in_folder(cls, folder: Path, code: str) -> Self:
        """The layout of a folder of seals: `<code>.pem`, `<code>.key`, and for all of them `root.pem`."""
        return cls(folder / f"{code}.pem", folder / f"{code}.key", folder / "root.pem")


@dataclass(frozen=True, slots=True)
class SealReport:
    """What `check` found. `reason` is a stable word, never a sentence for a reader:

    sealed        the one valid state: intact, trusted, covering the whole file
    no-seal       the file has no signature, or several
    damaged       signed bytes differ from those sealed
    untrusted     whole, but the certificate or the time stamp leads to no trusted root, or is out of date
    extended      something was added after sealing
    not-issued    a good seal, but not on the very file that was issued
    unreadable    not a PDF, or a seal that cannot be read
    """

    valid: bool
    reason: str
    signer: str | None = None
    stamped_at: datetime | None = None


class HeldKey(Signer):
    """A pyHanko signer that keeps its parsed key; `certificates` is the signer's own and those above it."""

    def __init__(self, certificates: Iterable[x509.Certificate], key: EllipticCurvePrivateKey) -> None:
        own, *above = certificates
        registry = SimpleCertificateStore.from_certs(above)  # type: ignore[no-untyped-call]  # pyHanko's
        super().__init__(signing_cert=own, cert_registry=registry, embed_roots=False)
        self.certificate: x509.Certificate = own
        self._key = key

    @classmethod
    def from_pem(cls, certificate: bytes, key: bytes, chain: bytes) -> Self:
        """Parse PEM. Raises KeyUnfit where key and certificate do not belong together."""
        held = load_pem_private_key(key, password=None)
        if not isinstance(held, EllipticCurvePrivateKey) or not isinstance(held.curve, SECP256R1):
            raise KeyUnfit("the key is not ECDSA on P-256")
        certificates = [*load_certs_from_pemder_data(certificate), *load_certs_from_pemder_data(chain)]
        public = held.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if certificates[0].public_key.dump() != public:
            raise KeyUnfit("the key is not the one the certificate names")
        return cls(certificates, held)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - pyHanko's signature
        if digest_algorithm != "sha256":
            raise KeyUnfit(f"P-256 seals with SHA-256, not {digest_algorithm}")
        return bytes(_LONGEST_SIGNATURE) if dry_run else self._key.sign(data, ECDSA(SHA256()))


class Sealer:
    """One legal person's seal. Certificates and key are PEM; safe to share between threads."""

    def __init__(self, certificate_pem: bytes, key_pem: bytes, chain: bytes, timestamper: TimeStamper) -> None:
        self._signer = HeldKey.from_pem(certificate_pem, key_pem, chain)
        self._timestamper = timestamper

    @property
    def name(self) -> str:
        """The name in the certificate."""
        return str(self._signer.subject_name)

    def seal(self, pdf: bytes, *, reason: str, location: str | None = None) -> bytes:
        """Return the sealed PDF: the given bytes, a line end, and one incremental update.

        Raises `timestamping.StampUnavailable` where no time stamp can be had; then nothing is sealed.
        """
        # Typst ends its file without a line end; an update glued to "%%EOF" would break PDF/A-3 (6.1.9).
        document = IncrementalPdfFileWriter(BytesIO(pdf if pdf.endswith(b"\n") else pdf + b"\n"))
        metadata = PdfSignatureMetadata(
            field_name="Seal",
            subfilter=SigSeedSubFilter.PADES,
            md_algorithm="sha256",
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
            name=self.name,
            reason=reason,
            location=location,
        )
        field = SigFieldSpec("Seal", readable_field_name=self.name)
        signer = PdfSigner(metadata, self._signer, timestamper=self._timestamper, new_field_spec=field)
        sealed: BytesIO = signer.sign_pdf(document)
        return sealed.getvalue()


def load_sealer(settings: SealSettings, timestamper: TimeStamper) -> Sealer:
    """Read the files of a seal. Raises KeyExposed, KeyUnfit or OSError."""
    return Sealer(*read_seal(settings), timestamper)


def read_seal(settings: SealSettings) -> tuple[bytes, bytes, bytes]:
    """Certificate, key and chain as PEM; refuses a key file that its group or others may touch."""
    if settings.key.stat().st_mode & _OTHERS:
        raise KeyExposed(f"{settings.key.name} must be readable by its owner only (chmod 600)")
    return settings.certificate.read_bytes(), settings.key.read_bytes(), settings.chain.read_bytes()


def check(pdf: bytes, trust_roots: bytes, *, issued_sha256: str | None = None) -> SealReport:
    """Judge the seal of a PDF against the trusted roots (one or more certificates, PEM).

    A few bytes of every signature's own container are covered by nothing: its zero padding, and repeated names
    of algorithms. Hand in the SHA-256 (hex) of the file as issued, where it is known, to see a change there too.
    """
    roots = list(load_certs_from_pemder_data(trust_roots))
    try:
        seals = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if len(seals) != 1:
            return SealReport(valid=False, reason="no-seal")
        trust = ValidationContext(trust_roots=roots, allow_fetching=False)
        report = _report(validate_pdf_signature(seals[0], trust))
    except Exception:  # noqa: BLE001 - whatever a forged file does to the parser, the answer is "not valid"
        return SealReport(valid=False, reason="unreadable")
    if report.valid and issued_sha256 not in {None, sha256_hex(pdf)}:
        return replace(report, valid=False, reason="not-issued")
    return report


def _report(status: PdfSignatureStatus) -> SealReport:
    stamp = status.timestamp_validity
    signer = status.signing_cert.subject.native.get("common_name")
    stamped_at = stamp.timestamp if stamp is not None else None
    if not (status.intact and status.valid):
        reason = "damaged"
    elif status.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not status.docmdp_ok:
        reason = "extended"
    elif not status.bottom_line:
        reason = "untrusted"
    else:
        return SealReport(valid=True, reason="sealed", signer=signer, stamped_at=stamped_at)
    return SealReport(valid=False, reason=reason, signer=signer, stamped_at=stamped_at)

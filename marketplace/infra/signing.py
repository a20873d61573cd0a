"""Seals on documents: invisible PAdES signatures of the baseline level B-T (ETSI EN 319 142-1).

The seal certifies the document with DocMDP "no changes" (ISO 32000-1, 12.8.2.2) and carries a time stamp,
so that it says who issued the document, when at the latest, and that nothing was added afterwards. It is
invisible because a visible signature field breaks PDF/UA-1; the page itself prints where to check it.

Keys are ECDSA P-256, held in memory as one parsed object: pyHanko's own signer parses the key anew for each
signature. Long-term data (level B-LT) are not in the seal yet, so `check` judges certificates at the present time.

`seal` and `TimeAuthority.stamp` run their own event loop and must not be called from inside one. `check` runs none: it
asks nobody, so that it also works where no file and no socket can be opened.
"""

from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Self, TypeVar, cast

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
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Refused

T = TypeVar("T")
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

    `known_signer`: the certificate in the file leads to a trusted root, whether the seal holds or not.
    """

    valid: bool
    reason: str
    signer: str | None = None
    stamped_at: datetime | None = None
    known_signer: bool = False


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


def check(
    pdf: bytes, trust_roots: bytes, *, issued_sha256: str | None = None, moment: datetime | None = None
) -> SealReport:
    """Judge the seal of a PDF against the trusted roots (one or more certificates, PEM), as of `moment` or of now.

    A few bytes of every signature's own container are covered by nothing: its zero padding, and repeated names
    of algorithms. Hand in the SHA-256 (hex) of the file as issued, where it is known, to see a change there too.
    """
    roots = list(load_certs_from_pemder_data(trust_roots))
    try:
        seals = PdfFileReader(BytesIO(pdf)).embedded_signatures
        if len(seals) != 1:
            return SealReport(valid=False, reason="no-seal")
        trust = ValidationContext(trust_roots=roots, allow_fetching=False, moment=moment)
        report = _report(_run(async_validate_pdf_signature(seals[0], trust)))
        report = replace(report, known_signer=report.known_signer or _leads_to(roots, seals[0]))
    except Exception:  # noqa: BLE001 - whatever a forged file does to the parser, the answer is "not valid"
        return SealReport(valid=False, reason="unreadable")
    if report.valid and issued_sha256 not in {None, sha256_hex(pdf)}:
        return replace(report, valid=False, reason="not-issued")
    return report


def _leads_to(roots: list[x509.Certificate], seal: EmbeddedPdfSignature) -> bool:
    """Whether the certificate in a broken seal is one of ours, or was when it began."""
    own, others = seal.signer_cert, seal.other_embedded_certs
    then = ValidationContext(trust_roots=roots, allow_fetching=False, moment=own.not_valid_before)
    try:
        _run(CertificateValidator(own, others, then).async_validate_path())
    except (PathBuildingError, PathValidationError):
        return False
    return True


def _run(judging: Coroutine[Any, Any, T]) -> T:
    """Nothing is fetched, so it never waits for anything."""
    try:
        judging.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    raise AssertionError("nothing is to be waited for")


def _report(status: PdfSignatureStatus) -> SealReport:
    stamp = status.timestamp_validity
    said = SealReport(
        valid=False,
        reason="untrusted",
        signer=status.signing_cert.subject.native.get("common_name"),
        stamped_at=stamp.timestamp if stamp is not None else None,
        known_signer=bool(status.trusted),
    )
    if not (status.intact and status.valid):
        return replace(said, reason="damaged")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not status.docmdp_ok:
        return replace(said, reason="extended")
    return replace(said, valid=True, reason="sealed") if status.bottom_line else said

"""Seals on documents: invisible PAdES signatures of the baseline level B-LT (ETSI EN 319 142-1).

The seal certifies the document with DocMDP "no changes" (ISO 32000-1, 12.8.2.2) and carries a time stamp,
so that it says who issued the document, when at the latest, and that nothing was added afterwards. It is
invisible because a visible signature field breaks PDF/UA-1; the page itself prints where to check it.

Keys are ECDSA P-256, in a file or in a token (`key_tokens`). One of a file is held in memory as one parsed object:
pyHanko's own signer parses the key anew for each signature. The certificates and the revocation lists of their issuers
(`revocation`) are in the seal, in the same revision; without lists it is of level B-T. `check` asks neither: it judges
certificates at the present time, or at the moment that it is told.

`seal` and `TimeAuthority.stamp` run their own event loop and must not be called from inside one. `check` runs none: it
asks nobody, so that it also works where no file and no socket can be opened.
"""

import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from asn1crypto import x509
from asn1crypto.crl import CertificateList
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, SigDSSPlacementPreference
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import SignatureCoverageLevel, async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from marketplace.infra import memory
from marketplace.infra.revocation import RevocationLists, require_standing
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Unavailable

T = TypeVar("T")
# It warns at each seal that nothing is fetched, which is meant: a seal must not wait for its issuer's site.
logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)
_OTHERS = 0o077
_LONGEST_SIGNATURE = 72  # bytes of a DER-encoded ECDSA P-256 signature, for the size estimate
SEALS_BETWEEN = 50
"""After so many, free memory is handed back: a worker would grow by 40 kB with each policy otherwise."""
_ALGORITHM = ECDSA(SHA256())
_PROBE = b"Is this the key of the certificate?"
# In the revision of the seal itself: a second one would be a change, which the seal forbids.
_ALONGSIDE = DSSContentSettings(include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE)


class KeyUnfit(Unavailable):
    """The key cannot seal: it is not ECDSA P-256, or it is not the key of the certificate. Whoever runs the marketplace
    can mend that, as all that follows, so what waits for a seal goes on waiting.
    """

    code = "seal:key-unfit"


class KeyExposed(Unavailable):
    """The key file can be read by others than its owner, so the seal would prove nothing."""

    code = "seal:key-exposed"


class SealUntrusted(Unavailable):
    """Nobody could trust the seal: its certificate, or that of the time-stamping authority, ran out, is for another
    purpose, or does not lead to `root.pem`.
    """

    code = "seal:untrusted"


@dataclass(frozen=True, slots=True)
class SealSettings:
    """Where a certificate and its key lie: PEM files; `chain` holds the certificates above, and is among the
    revocation lists. Where `token` is there, the key is in a token, which it names.
    """

    certificate: Path
    key: Path
    chain: Path

    @property
    def token(self) -> Path:
        return self.certificate.with_suffix(".token")

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
    """A pyHanko signer that has its key at hand. `certificate` (PEM) holds its own and whatever stands between that and
    the `chain`, which is trusted.

    `sign` makes an ECDSA signature over SHA-256, DER.
    """

    def __init__(self, certificate: bytes, chain: bytes, sign: Callable[[bytes], bytes]) -> None:
        own, *self.between = load_certs_from_pemder_data(certificate)
        self.roots = list(load_certs_from_pemder_data(chain))
        registry = SimpleCertificateStore.from_certs([*self.between, *self.roots])  # type: ignore[no-untyped-call]  # pyHanko's
        super().__init__(signing_cert=own, cert_registry=registry, embed_roots=False)
        self.certificate: x509.Certificate = own
        for each in (own, *self.between, *self.roots):
            # asn1crypto keeps the names in a certificate while it still reads them: read before threads share them.
            _ = each.subject.native, each.issuer.native
        self._sign = sign

    @classmethod
    def of(cls, settings: SealSettings) -> Self:
        """The key of a seal, wherever it is. Raises KeyExposed, KeyUnfit, Unavailable (its token) or OSError."""
        return cls._in_token(settings) if settings.token.exists() else cls.from_pem(*read_seal(settings))

    @classmethod
    def from_pem(cls, certificate: bytes, key: bytes, chain: bytes) -> Self:
        """Parse PEM. Raises KeyUnfit where key and certificate do not belong together."""
        held = load_pem_private_key(key, password=None)
        if not isinstance(held, EllipticCurvePrivateKey) or not isinstance(held.curve, SECP256R1):
            raise KeyUnfit("the key is not ECDSA on P-256")
        signer = cls(certificate, chain, partial(held.sign, signature_algorithm=_ALGORITHM))
        public = held.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if signer.certificate.public_key.dump() != public:
            raise KeyUnfit("the key is not the one the certificate names")
        return signer

    @classmethod
    def _in_token(cls, settings: SealSettings) -> Self:
        """It has to sign once, to show that it is the key of the certificate."""
        from marketplace.infra.key_tokens import TokenKey, TokenSettings  # noqa: PLC0415  where there is a token only

        try:
            told = TokenSettings.read(settings.token)
        except ValueError as error:
            raise KeyUnfit(str(error)) from error
        pin = settings.token.with_name(told.pin_file)
        _require_hidden(pin)
        key = TokenKey(told, pin.read_text(encoding="utf-8").strip())
        signer = cls(settings.certificate.read_bytes(), settings.chain.read_bytes(), key.sign)
        named = load_der_public_key(signer.certificate.public_key.dump())
        if not isinstance(named, EllipticCurvePublicKey) or not isinstance(named.curve, SECP256R1):
            raise KeyUnfit("the key is not ECDSA on P-256")
        try:
            named.verify(key.sign(_PROBE), _PROBE, _ALGORITHM)
        except InvalidSignature:
            raise KeyUnfit("the key in the token is not the one the certificate names") from None
        return signer

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: FBT001, FBT002 - pyHanko's signature
        if digest_algorithm != "sha256":
            raise KeyUnfit(f"P-256 seals with SHA-256, not {digest_algorithm}")
        return bytes(_LONGEST_SIGNATURE) if dry_run else self._sign(data)


class Sealer:
    """One legal person's seal; safe to share between threads."""

    def __init__(self, signer: HeldKey, timestamper: TimeStamper, lists: RevocationLists) -> None:
        self._signer = signer
        self._timestamper = timestamper
        self._lists = lists
        self._made = count(1)

    @property
    def name(self) -> str:
        """The name in the certificate."""
        return str(self._signer.subject_name)

    def seal(self, pdf: bytes, *, reason: str, location: str | None = None) -> bytes:
        """Return the sealed PDF: the given bytes, a line end, and one incremental update.

        Raises `timestamping.StampUnavailable` where no time stamp can be had, `revocation.SealRevoked`, SealUntrusted,
        and Unavailable where the key is in a token that does not answer; then nothing is sealed.
        """
        held = self._signer
        lists = self._lists.current([held.certificate, *held.between, *held.roots])
        require_standing([held.certificate, *held.between], lists)
        trust = ValidationContext(
            trust_roots=held.roots, other_certs=held.between, crls=list(lists), allow_fetching=False
        )
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
            validation_context=trust,
            embed_validation_info=True,
            dss_settings=_ALONGSIDE,
        )
        field = SigFieldSpec("Seal", readable_field_name=self.name)
        signer = PdfSigner(metadata, self._signer, timestamper=self._timestamper, new_field_spec=field)
        try:
            sealed: bytes = signer.sign_pdf(document).getvalue()
            self._require_trusted(sealed, lists)
        except (SigningError, PathBuildingError, ValidationError, SealUntrusted) as error:
            # pyHanko judges an authority by its first answer for as long as the process lives: it may have a new one.
            self._timestamper._dummy_response_cache.clear()  # noqa: SLF001  it has no other way
            self._timestamper._certs.clear()  # noqa: SLF001  as above
            raise SealUntrusted(str(error)) from error
        if next(self._made) % SEALS_BETWEEN == 0:
            memory.give_back()
        return sealed

    def _require_trusted(self, sealed: bytes, lists: Sequence[CertificateList]) -> None:
        """As a stranger will judge it: of the time-stamping authority nothing is known before its answer."""
        (seal,) = PdfFileReader(BytesIO(sealed)).embedded_signatures
        trust = ValidationContext(trust_roots=self._signer.roots, allow_fetching=False)
        status = _run(async_validate_pdf_signature(seal, trust))
        report = _report(status)
        if not report.valid or status.timestamp_validity is None:
            raise SealUntrusted(report.reason)
        require_standing([status.timestamp_validity.signing_cert], lists)


def load_sealer(settings: SealSettings, timestamper: TimeStamper) -> Sealer:
    """Read the files of a seal. Raises as `HeldKey.of`."""
    return Sealer(HeldKey.of(settings), timestamper, RevocationLists(settings.chain.parent))


def _require_hidden(path: Path) -> None:
    if path.stat().st_mode & _OTHERS:
        raise KeyExposed(f"{path.name} must be readable by its owner only (chmod 600)")


def read_seal(settings: SealSettings) -> tuple[bytes, bytes, bytes]:
    """Certificate, key and chain as PEM; refuses a key file that its group or others may touch."""
    _require_hidden(settings.key)
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

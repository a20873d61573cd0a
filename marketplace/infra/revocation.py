"""Revocation lists (RFC 5280, 5): which certificates their issuers have taken back.

They lie beside the seals as `*.crl` (PEM or DER), one for each issuer of a seal or of a time stamp, and are replaced by
whoever runs the marketplace as often as the issuers make new ones. A seal takes them along, so that it can be judged
when their issuers are long gone (PAdES baseline level B-LT, ETSI EN 319 142-1).
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from asn1crypto import x509
from asn1crypto.crl import CertificateList
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    CertificateRevocationList,
    load_der_x509_certificate,
    load_der_x509_crl,
    load_pem_x509_crl,
)

from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable

log = logging.getLogger(__name__)
LONGEST = 200_000
"""Bytes of a list that goes into every paper."""


class SealRevoked(Unavailable):
    """The certificate was taken back by its issuer: nothing may be sealed before there is another one."""

    code = "seal:revoked"


class _UnfitError(Exception):
    """Why a list is of no use."""


class RevocationLists:
    """Those of a folder. Read when asked: they are replaced while the process lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self, held: Sequence[x509.Certificate]) -> tuple[CertificateList, ...]:
        """Those that may be relied on; any other rings. `held` are the certificates that we know: a list that bears the
        name of one must be signed by it.
        """
        issuers = [load_der_x509_certificate(each.dump()) for each in held]
        found = []
        for path in sorted(self._folder.glob("*.crl")):
            try:
                found.append(CertificateList.load(_fit(path, issuers).public_bytes(Encoding.DER)))
            except _UnfitError as error:
                log.error("ALARM the revocation list %s %s; seals are made without it", path.name, error)  # noqa: TRY400  no trace of a file
        return tuple(found)


def _fit(path: Path, issuers: Sequence[Certificate]) -> CertificateRevocationList:
    try:
        data = path.read_bytes()
        found = (load_pem_x509_crl if data.startswith(b"-----") else load_der_x509_crl)(data)
    except (OSError, ValueError) as error:
        raise _UnfitError(f"cannot be read ({type(error).__name__})") from None
    if len(data) > LONGEST:
        raise _UnfitError("is too long to go into every paper")
    if found.next_update_utc is not None and found.next_update_utc <= clock.now():
        raise _UnfitError("has run out")
    named = [each for each in issuers if each.subject == found.issuer]
    if named and not any(_is_by(found, each) for each in named):
        raise _UnfitError("is not signed by whom it names")
    return found


def _is_by(found: CertificateRevocationList, issuer: Certificate) -> bool:
    try:
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # what is no such key raises
    except (TypeError, ValueError):
        return False


def require_standing(certificates: Sequence[x509.Certificate], lists: Sequence[CertificateList]) -> None:
    """Raises SealRevoked where the list of an issuer names one of them."""
    for certificate in certificates:
        for each in lists:
            revoked = each["tbs_cert_list"]["revoked_certificates"] if each.issuer == certificate.issuer else None
            if any(entry["user_certificate"].native == certificate.serial_number for entry in revoked or ()):
                raise SealRevoked(f"{certificate.subject.human_friendly} was taken back by its issuer")

"""Revocation lists (RFC 5280, 5): which certificates their issuers have taken back.

They lie beside the seals as `*.crl` (PEM or DER), one for each issuer of a seal or of a time stamp, and are replaced by
whoever runs the marketplace as often as the issuers make new ones. A seal takes them along, so that it can be judged
when their issuers are long gone (PAdES baseline level B-LT, ETSI EN 319 142-1).
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from asn1crypto import pem, x509
from asn1crypto.crl import CertificateList

from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable

log = logging.getLogger(__name__)


class SealRevoked(Unavailable):
    """The certificate was taken back by its issuer: nothing may be sealed before there is another one."""

    code = "seal:revoked"


class RevocationLists:
    """Those of a folder. Read when asked: they are replaced while the process lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> tuple[CertificateList, ...]:
        """Those that have not run out. One that has, or that cannot be read, rings."""
        return tuple(found for path in sorted(self._folder.glob("*.crl")) if (found := _current(path)))


def _current(path: Path) -> CertificateList | None:
    try:
        data = path.read_bytes()
        found = CertificateList.load(pem.unarmor(data)[2] if pem.detect(data) else data, strict=True)
        next_update = found["tbs_cert_list"]["next_update"].native
    except (OSError, ValueError, TypeError) as error:
        log.error("ALARM the revocation list %s cannot be read: %s", path.name, type(error).__name__)  # noqa: TRY400  no trace of a stranger's file
        return None
    if next_update is not None and next_update <= clock.now():
        log.error("ALARM the revocation list %s has run out, and seals are made without it", path.name)
        return None
    return found


def require_standing(certificate: x509.Certificate, lists: Sequence[CertificateList]) -> None:
    """Raises SealRevoked where its issuer's list names it."""
    for each in lists:
        if each.issuer == certificate.issuer:
            revoked = each["tbs_cert_list"]["revoked_certificates"]
            if any(entry["user_certificate"].native == certificate.serial_number for entry in revoked or ()):
                raise SealRevoked

"""Trusted time (RFC 3161): a remote authority by its address, or one made in this process.

The local authority serves demonstrations and tests. It needs no other program: the token is CMS signed data
made with the same machinery as the seals. Its time is real time; the business clock never reaches it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asn1crypto import cms, pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.x509 import random_serial_number
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from marketplace.infra import metrics
from marketplace.infra.signing import HeldKey, SealSettings
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable

# A policy identifier needs no registration under the arc of UUIDs (ITU-T X.667).
_POLICY = f"2.25.{UUID('5b0c1f0e-6e0f-4c1e-9d0f-8a4f2f1c7a11').int}"
_SHA256_BYTES = 32
SEAL_CODE = "timestamp"  # what the local authority's files are called in a folder of seals


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token (DER) and what it says: when, and to which certificate that we trust (PEM) it leads."""

    token: bytes
    at: datetime
    root: bytes


class StampUnavailable(Unavailable):
    """No usable time stamp came back: try again later. Nothing may be issued without it."""

    code = "timestamp:unavailable"


class TimeAuthority(TimeStamper):
    """A time-stamping authority: what seals are stamped with, and `stamp` for any other record."""

    def stamp(self, digest_sha256: bytes) -> bytes:
        """The token (DER, a CMS ContentInfo) over a SHA-256 digest. Raises StampUnavailable."""
        if len(digest_sha256) != _SHA256_BYTES:
            raise ValueError("a SHA-256 digest has 32 bytes")
        token: bytes = asyncio.run(self.async_timestamp(digest_sha256, "sha256")).dump()
        return token

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Fetch a token and see that it is about this digest, which pyHanko leaves to the verifier."""
        try:
            with metrics.timed(metrics.NEIGHBOURS, "timestamps"):
                token = await super().async_timestamp(message_digest, md_algorithm)
            imprint = token["content"]["encap_content_info"]["content"].parsed["message_imprint"]
            about = imprint["hash_algorithm"]["algorithm"].native, imprint["hashed_message"].native
        # OSError: refused or not reached. The others: an answer that is no token, or not to our question.
        except (OSError, ValueError, TypeError, AttributeError, KeyError) as failure:
            raise StampUnavailable("the time-stamping authority gave no usable token") from failure
        if about != (md_algorithm, message_digest):
            raise StampUnavailable("the time stamp is about other data")
        return token


class _RemoteAuthority(TimeAuthority, HTTPTimeStamper):
    """RFC 3161 over HTTP; certificate and status are in the answer."""


class _LocalAuthority(TimeAuthority):
    def __init__(self, signer: HeldKey) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # pyHanko's
        self._signer = signer

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        content = cms.EncapsulatedContentInfo({"content_type": "tst_info", "content": self._statement(req)})
        token = await self._signer.async_sign_general_data(content, "sha256", detached=False)
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})

    def _statement(self, req: tsp.TimeStampReq) -> tsp.TSTInfo:
        """TSTInfo (RFC 3161, 2.4.2): these bytes existed at this second."""
        statement = {
            "version": "v1",
            "policy": _POLICY,
            "message_imprint": req["message_imprint"],
            "serial_number": random_serial_number(),
            "gen_time": clock.now().replace(microsecond=0),
            "accuracy": tsp.Accuracy({"seconds": 1}),
            "tsa": asn1_x509.GeneralName("directory_name", self._signer.certificate.subject),
        }
        if req["nonce"].native is not None:
            statement["nonce"] = req["nonce"]
        return tsp.TSTInfo(statement)


def local_authority(cert: bytes, key: bytes, chain: bytes) -> TimeAuthority:
    """An authority in this process, from PEM. Its certificate must be for time stamping only (RFC 3161, 2.3)."""
    return _LocalAuthority(HeldKey.from_pem(cert, key, chain))


def load_authority(settings: SealSettings) -> TimeAuthority:
    """A local authority from its files; refuses them as `HeldKey.of` does."""
    return _LocalAuthority(HeldKey.of(settings))


def remote_authority(url: str) -> TimeAuthority:
    """An authority reached by HTTP. Asking it gives up after five seconds."""
    return _RemoteAuthority(url, timeout=5)


def read_stamp(token: bytes, digest_sha256: bytes, roots: bytes) -> Stamp:
    """What a token of this moment says. Raises StampUnavailable where it is not of an authority that leads to one of
    `roots` (PEM): what nobody can check later must not be kept as evidence.
    """
    trust = ValidationContext(trust_roots=list(load_certs_from_pemder_data(roots)), allow_fetching=False)
    try:
        signed = cms.ContentInfo.load(token)["content"]
        found = asyncio.run(validate_tst_signed_data(signed, trust, lambda _: digest_sha256))
        status = TimestampSignatureStatus(**found)
        sound = status.intact and status.valid and status.trusted
    except (ValueError, TypeError, KeyError, SignatureValidationError) as failure:
        raise StampUnavailable("the time stamp cannot be read") from failure
    if not sound or status.validation_path is None:
        raise StampUnavailable("the time stamp is of an authority that does not lead to root.pem, or of something else")
    return Stamp(token, status.timestamp, pem.armor("CERTIFICATE", status.validation_path.first.dump()))


def certificates_of(token: bytes) -> bytes:
    """The certificates that a token brings along (PEM): who stamped it. Whom to trust they do not say.

    Raises ValueError for what is no token.
    """
    try:
        held = [each.dump() for each in cms.ContentInfo.load(token)["content"]["certificates"]]
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError("this is no token of RFC 3161") from error
    return b"".join(pem.armor("CERTIFICATE", each) for each in sorted(held))

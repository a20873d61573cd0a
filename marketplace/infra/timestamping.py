"""Trusted time (RFC 3161): a remote authority by its address, or one made in this process.

The local authority serves demonstrations and tests. It needs no other program: the token is CMS signed data
made with the same machinery as the seals. Its time is real time; the business clock never reaches it.
"""

import asyncio
from uuid import UUID

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.x509 import random_serial_number
from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper

from marketplace.infra import metrics
from marketplace.infra.signing import HeldKey, SealSettings, read_seal
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable

# A policy identifier needs no registration under the arc of UUIDs (ITU-T X.667).
_POLICY = f"2.25.{UUID('5b0c1f0e-6e0f-4c1e-9d0f-8a4f2f1c7a11').int}"
_SHA256_BYTES = 32
SEAL_CODE = "timestamp"  # what the local authority's files are called in a folder of seals


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
    """A local authority from its files; refuses them as `signing.read_seal` does."""
    return local_authority(*read_seal(settings))


def remote_authority(url: str) -> TimeAuthority:
    """An authority reached by HTTP. Asking it gives up after five seconds."""
    return _RemoteAuthority(url, timeout=5)

"""Time stamps: what a stranger's program accepts, and what is refused."""

import asyncio
import hashlib
import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper

from marketplace.infra import timestamping
from marketplace.infra.signing import SealSettings
from marketplace.infra.timestamping import StampUnavailable, TimeAuthority
from marketplace.kernel import clock
from sandbox import demo_pki

CHECKPOINT = b"size 1024, root 9f86d081884c7d659a2feaa0c55ad015"
DIGEST = hashlib.sha256(CHECKPOINT).digest()

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on PATH")


def verdict(pki, token: bytes, data: bytes) -> str:
    (pki / "token").write_bytes(token)
    (pki / "data").write_bytes(data)
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-data", "data", "-token_in", "-in", "token", "-CAfile", "root.pem"],
        cwd=pki,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def statement(token: bytes) -> tsp.TSTInfo:
    return cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed


@needs_openssl
def test_openssl_accepts_the_token_of_the_local_authority(pki, authority):
    assert verdict(pki, authority.stamp(DIGEST), CHECKPOINT) == "Verification: OK"


@needs_openssl
def test_openssl_refuses_the_token_for_other_data(pki, authority):
    assert verdict(pki, authority.stamp(DIGEST), CHECKPOINT + b"!") == "Verification: FAILED"


@needs_openssl
def test_openssl_refuses_an_altered_time(pki, authority):
    token = authority.stamp(DIGEST)
    said = statement(token)["gen_time"].contents
    assert token.count(said) == 1
    assert verdict(pki, token.replace(said, b"20200101000000Z"), CHECKPOINT) == "Verification: FAILED"


def answer(authority: TimeAuthority, query: bytes) -> bytes:
    return asyncio.run(authority.async_request_tsa_response(tsp.TimeStampReq.load(query))).dump()


@needs_openssl
def test_openssl_accepts_the_answer_to_its_own_question(pki, authority):
    (pki / "asked").write_bytes(CHECKPOINT)
    ask = ["openssl", "ts", "-query", "-data", "asked", "-sha256", "-cert", "-out", "question"]
    subprocess.run(ask, cwd=pki, capture_output=True, check=True)
    (pki / "answer").write_bytes(answer(authority, (pki / "question").read_bytes()))

    check = ["openssl", "ts", "-verify", "-queryfile", "question", "-in", "answer", "-CAfile", "root.pem"]
    done = subprocess.run(check, cwd=pki, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verification: OK"


def test_a_token_names_the_digest_the_second_and_the_authority(authority):
    noon = datetime(2026, 11, 22, 12, 0, 0, 654321, tzinfo=UTC)
    with clock.frozen(noon):
        said = statement(authority.stamp(DIGEST))

    assert said["message_imprint"].native == {
        "hash_algorithm": {"algorithm": "sha256", "parameters": None},
        "hashed_message": DIGEST,
    }
    assert said["gen_time"].native == datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
    assert said["tsa"].native["common_name"] == "SPECIMEN Time stamps"


def test_the_business_clock_never_reaches_a_time_stamp(authority):
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with clock.frozen(noon):
        before = clock.business_offset()
        clock.set_business_offset(datetime(2025, 1, 1, tzinfo=UTC) - noon)
        try:
            assert clock.business_now() == datetime(2025, 1, 1, tzinfo=UTC)
            assert statement(authority.stamp(DIGEST))["gen_time"].native == noon
        finally:
            clock.set_business_offset(before)


def test_serial_numbers_differ(authority):
    serials = {statement(authority.stamp(DIGEST))["serial_number"].native for _ in range(5)}
    assert len(serials) == 5


@pytest.mark.asvs("11.4.3")
def test_only_sha256_digests_are_stamped(authority):
    with pytest.raises(ValueError, match="32 bytes"):
        authority.stamp(hashlib.sha1(CHECKPOINT).digest())  # noqa: S324 - the refused one


def test_a_token_about_other_data_is_refused(pki):
    class Confused(TimeAuthority):
        """Stamps another digest than the one it was asked to."""

        def __init__(self, honest: TimeStamper) -> None:
            super().__init__()
            self.honest = honest

        async def async_request_tsa_response(self, req):
            other = tsp.TimeStampReq.load(req.dump())
            other["message_imprint"]["hashed_message"] = hashlib.sha256(b"other").digest()
            return await self.honest.async_request_tsa_response(other)

    authority = timestamping.load_authority(SealSettings.in_folder(pki, timestamping.SEAL_CODE))
    with pytest.raises(StampUnavailable, match="other data"):
        Confused(authority).stamp(DIGEST)


def test_an_answer_to_another_question_is_refused(authority):
    class Replaying(TimeAuthority):
        async def async_request_tsa_response(self, req):
            assert req["cert_req"].native
            _, earlier = self.request_cms(DIGEST, "sha256")
            return await authority.async_request_tsa_response(earlier)

    with pytest.raises(StampUnavailable):
        Replaying().stamp(DIGEST)


def roots(pki) -> bytes:
    return (pki / "root.pem").read_bytes()


def test_a_token_says_when_and_to_whom_it_leads(pki, authority):
    now = clock.now().replace(microsecond=0)
    token = authority.stamp(DIGEST)
    stamp = timestamping.read_stamp(token, DIGEST, roots(pki))
    assert stamp.token == token
    assert abs((stamp.at - now).total_seconds()) <= 1
    assert stamp.root.split() == roots(pki).split()
    (signer,) = timestamping.certificates_of(token).split(b"-----END CERTIFICATE-----")[:-1]
    own = (pki / "timestamp.pem").read_bytes().split(b"-----END CERTIFICATE-----")[0]
    assert signer.split() == own.split()


@pytest.mark.parametrize("what", ["time", "data", "length", "nothing"])
def test_a_token_that_cannot_be_relied_on_is_not_read(pki, authority, what):
    token = authority.stamp(DIGEST)
    said = statement(token)["gen_time"].contents
    other = {"time": token.replace(said, b"20200101000000Z"), "data": token, "length": token[:-9], "nothing": b""}[what]
    digest = hashlib.sha256(b"other").digest() if what == "data" else DIGEST
    with pytest.raises(StampUnavailable):
        timestamping.read_stamp(other, digest, roots(pki))


def test_a_token_of_an_authority_that_we_do_not_trust_is_not_read(pki, authority, tmp_path):
    demo_pki.make_pki(tmp_path / "other", {})
    with pytest.raises(StampUnavailable, match="does not lead to"):
        timestamping.read_stamp(authority.stamp(DIGEST), DIGEST, roots(tmp_path / "other"))

"""A time-stamping authority across HTTP, as a production set-up uses one."""

import asyncio
import hashlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from asn1crypto import cms, tsp

from marketplace.infra.signing import SealSettings
from marketplace.infra.timestamping import SEAL_CODE, StampUnavailable, load_authority, remote_authority
from sandbox.demo_pki import make_pki

DIGEST = hashlib.sha256(b"a checkpoint").digest()


@pytest.fixture
def address(tmp_path):
    make_pki(tmp_path / "pki", {})
    authority = load_authority(SealSettings.in_folder(tmp_path / "pki", SEAL_CODE))

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self):
            query = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/closed":
                self.send_error(503)
                return
            answer = asyncio.run(authority.async_request_tsa_response(query)).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(answer if self.path == "/" else b"no such structure")

        def log_message(self, *_said):
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Desk) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_remote_authority_stamps(address):
    token = cms.ContentInfo.load(remote_authority(f"{address}/").stamp(DIGEST))
    said = token["content"]["encap_content_info"]["content"].parsed
    assert said["message_imprint"]["hashed_message"].native == DIGEST


@pytest.mark.parametrize("desk", ["closed", "garbled"])
def test_an_authority_that_gives_no_token_is_unavailable(address, desk):
    with pytest.raises(StampUnavailable) as refused:
        remote_authority(f"{address}/{desk}").stamp(DIGEST)
    assert refused.value.code == "timestamp:unavailable"


def test_an_authority_that_cannot_be_reached_is_unavailable():
    with pytest.raises(StampUnavailable):
        remote_authority("http://127.0.0.1:9/").stamp(DIGEST)

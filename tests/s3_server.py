"""moto, a program of others that answers as Amazon S3 and IAM do, in a process and an environment of its own
(requirements-s3.txt): it checks signatures and rights. And a proxy before it that can fail.
"""

import json
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from marketplace.infra.storage.bucket import Address

PYTHON = Path(sys.prefix) / "s3" / "bin" / "python"
WHY_NOT = f"no {PYTHON.relative_to(sys.prefix)} (make install): nothing speaks as Amazon S3 does"
BUCKET, PREFIX = "insurance-files", "marketplace"
_GUIDE = Path(__file__).parents[1] / "docs" / "running.md"
_EVERYBODY = 10**9


@dataclass(frozen=True)
class S3Server:
    """A running one. Whoever speaks to it by `address` has the rights of the guide; `open_to_all` is for its owner."""

    url: str
    key_id: str
    secret_key: str

    def address(self, prefix: str = PREFIX, endpoint: str = "") -> Address:
        return Address(BUCKET, prefix, endpoint or self.url, "us-east-1", self.key_id, self.secret_key)

    @contextmanager
    def open_to_all(self) -> Iterator[None]:
        _demand_keys_after(self.url, _EVERYBODY)
        yield
        _demand_keys_after(self.url, 0)

    def versions(self, prefix: str) -> list[str]:
        """What is kept beneath the prefix, as its owner sees it: `Version` or `DeleteMarker`, the newest first."""
        with self.open_to_all():
            said = requests.get(f"{self.url}/{BUCKET}?versions&prefix={prefix}", timeout=10).text
        return re.findall(r"<(Version|DeleteMarker)>", said)


def rights(*, without: tuple[str, ...] = ()) -> str:
    """The policy that stands in docs/running.md."""
    policy = json.loads(re.findall(r"```json\n(.*?)```", _GUIDE.read_text(), re.DOTALL)[0])
    for each in policy["Statement"]:
        said = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        each["Action"] = [action for action in said if action not in without]
    policy["Statement"] = [each for each in policy["Statement"] if each["Action"]]
    return json.dumps(policy)


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """A server with the bucket of the guide, which keeps versions, and somebody with the rights of the guide."""
    command = [str(PYTHON), "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={"INITIAL_NO_AUTH_ACTION_COUNT": str(_EVERYBODY)},
    ) as process:  # fmt: skip
        assert process.stderr is not None
        url = next(found[0] for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        drain = threading.Thread(target=deque, args=(process.stderr, 0), daemon=True)
        drain.start()
        requests.put(f"{url}/{BUCKET}", timeout=10).raise_for_status()
        state = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        requests.put(f"{url}/{BUCKET}?versioning", data=state, timeout=10).raise_for_status()
        made = somebody(url, "house", rights())
        _demand_keys_after(url, 0)
        yield S3Server(url, *made)
        process.terminate()
        drain.join()


def somebody(url: str, name: str, policy: str) -> tuple[str, str]:
    """A user with these rights: the id of its key, and the key."""
    _ask_iam(url, Action="CreateUser", UserName=name)
    _ask_iam(url, Action="PutUserPolicy", UserName=name, PolicyName="files", PolicyDocument=policy)
    said = _ask_iam(url, Action="CreateAccessKey", UserName=name)
    ((key_id, secret),) = re.findall(
        r"<AccessKeyId>(.*)</AccessKeyId>.*<SecretAccessKey>(.*)</SecretAccessKey>", said, re.DOTALL
    )
    return key_id, secret


def _ask_iam(url: str, **said: str) -> str:
    to = "AWS4-HMAC-SHA256 Credential=owner/20261122/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
    answer = requests.post(url, data=said | {"Version": "2010-05-08"}, headers={"Authorization": to}, timeout=10)
    answer.raise_for_status()
    return answer.text


def _demand_keys_after(url: str, requests_of_anybody: int) -> None:
    requests.post(f"{url}/moto-api/reset-auth", data=str(requests_of_anybody), timeout=10).raise_for_status()


# --- a proxy that fails -----------------------------------------------------------------------------------------------


@dataclass
class Answer:
    """What came from behind."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


Fault = Callable[["_Passing", Callable[[], Answer]], Answer | None]
"""What becomes of a request: it may ask behind, and gives the answer, or None where it has answered by itself."""


@dataclass
class FaultyProxy:
    """Passes on what it is asked. Each request takes the next of `faults`; without one it is passed on as it is."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


class _Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy
    behind: str

    def _pass(self) -> None:
        self.proxy.asked.append(self.command)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.proxy.faults.pop(0) if self.proxy.faults else None
        answer = fault(self, lambda: self._ask(body)) if fault else self._ask(body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _pass  # noqa: N815  names of the standard library

    def _ask(self, body: bytes) -> Answer:
        connection = HTTPConnection(self.behind, timeout=10)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        said = connection.getresponse()
        answer = Answer(said.status, [each for each in said.getheaders() if each[0] != "Connection"], said.read())
        connection.close()
        return answer

    def log_message(self, *_said: object) -> None:
        """Nothing."""


@contextmanager
def failing_before(server: S3Server) -> Iterator[FaultyProxy]:
    """Ends whatever still hangs."""
    handler = type("Passing", (_Passing,), {"behind": server.url.removeprefix("http://")})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        proxy = handler.proxy = FaultyProxy(f"http://127.0.0.1:{listening.server_port}")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield proxy
        proxy.over.set()
        listening.shutdown()
        thread.join()


def busy(_handler: _Passing, _ask: Callable[[], Answer]) -> Answer:
    return _refusing(503, "SlowDown")


def conflict(_handler: _Passing, _ask: Callable[[], Answer]) -> Answer:
    return _refusing(409, "ConditionalRequestConflict")


def _refusing(status: int, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    return Answer(status, [("Content-Length", str(len(body)))], body)


def silent(handler: _Passing, _ask: Callable[[], Answer]) -> None:
    handler.proxy.over.wait(30)


def dripping(handler: _Passing, ask: Callable[[], Answer]) -> None:
    """A byte now and then: each is in time, the whole never comes."""
    answer = ask()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(answer.body))
    handler.wfile.write(b"Last-Modified: Sun, 22 Nov 2026 04:00:00 GMT\r\n\r\n")
    for byte in answer.body:
        if handler.proxy.over.wait(0.05):
            break
        try:
            handler.wfile.write(bytes([byte]))
        except OSError:  # nobody listens any more
            break


def cut_short(handler: _Passing, ask: Callable[[], Answer]) -> None:
    answer = ask()
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(answer.body))
    handler.wfile.write(b"Last-Modified: Sun, 22 Nov 2026 04:00:00 GMT\r\n\r\n" + answer.body[:-1])


def altered(_handler: _Passing, ask: Callable[[], Answer]) -> Answer:
    answer = ask()
    answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
    return answer


def done_and_not_said(_handler: _Passing, ask: Callable[[], Answer]) -> None:
    """It does what it was asked, and the line breaks."""
    ask()


def not_passed(_handler: _Passing, _ask: Callable[[], Answer]) -> None:
    """The line breaks before anything is done."""


def unconditional(_handler: _Passing, ask: Callable[[], Answer]) -> Answer:
    """As a store answers that does not know the condition."""
    answer = ask()
    return Answer(200, [("ETag", '"0"'), ("Content-Length", "0")], b"") if answer.status == 412 else answer

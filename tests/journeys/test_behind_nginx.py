"""The shipped proxy configuration in a real nginx, in front of a listener and in front of the site."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marketplace.kernel import clock
from tests.journeys.conftest import ROOT, SITE, START_SECONDS, Marketplace, until

SHIPPED = ROOT / "docs" / "deployment" / "nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="no nginx in PATH: the proxy is left out")


@dataclass(frozen=True)
class Proxy:
    """A running nginx with the shipped configuration for `localhost`."""

    port: int
    clear_port: int
    trust: ssl.SSLContext
    logs: Path

    def ask(self, path: str = "/", method: str = "GET", body: bytes | None = None, **headers: str) -> "Answer":
        connection = HTTPSConnection("localhost", self.port, context=self.trust, timeout=START_SECONDS)
        return _asked(connection, method, path, body, headers)

    def ask_in_clear(self, path: str = "/", method: str = "GET") -> "Answer":
        return _asked(HTTPConnection("localhost", self.clear_port, timeout=20), method, path, None, {})

    def say(self, raw: bytes) -> bytes:
        """Everything that comes back for bytes as they are."""
        plain = socket.create_connection(("localhost", self.port), timeout=20)
        with self.trust.wrap_socket(plain, server_hostname="localhost") as tls:
            tls.sendall(raw)
            answer = b""
            while part := tls.recv(65_536):
                answer += part
            return answer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes


def _asked(connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    names = {name.lower() for name in answer.headers}
    found = Answer(answer.status, {name: answer.headers.get_all(name) or [] for name in names}, answer.read())
    connection.close()
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = clock.now()
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@contextmanager
def _proxied(folder: Path, certificate: tuple[Path, Path], upstream_port: int) -> Iterator[Proxy]:
    """Nginx with the shipped file; only names, ports and paths are replaced."""
    port, clear_port = _free_port(), _free_port()
    folder /= str(port)
    folder.mkdir()
    shipped = SHIPPED.read_text()
    for there, here in {
        "listen 80;": f"listen 127.0.0.1:{clear_port};", "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "insurance.example": "localhost", "127.0.0.1:8000": f"127.0.0.1:{upstream_port}",
        "/etc/ssl/marketplace/fullchain.pem": str(certificate[0]), "/etc/ssl/marketplace/key.pem": str(certificate[1]),
        "/var/log/nginx/marketplace": f"{folder}/marketplace",
    }.items():  # fmt: skip
        assert there in shipped
        shipped = shipped.replace(there, here)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ {paths}\n{shipped}\n}}\n"
    )
    (folder / "log").touch()
    with (folder / "log").open("ab") as log:
        nginx = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(main)], stdout=log, stderr=log)
    try:
        proxy = Proxy(port, clear_port, ssl.create_default_context(cafile=str(certificate[0])), folder)
        until(lambda: _listens(port), f"nginx: {(folder / 'log').read_text()}")
        yield proxy
    finally:
        nginx.terminate()
        nginx.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class _Telling(BaseHTTPRequestHandler):
    """Answers with the headers that reached it, and counts how often it was asked."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        told = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815  the library's own name

    def log_message(self, *_: object) -> None:
        """Nothing: the test asserts on what was answered."""


@pytest.fixture(scope="module")
def telling(folder: Path, certificate: tuple[Path, Path]) -> Iterator[Proxy]:
    """The proxy in front of a listener that tells what reached it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Telling)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with _proxied(folder, certificate, server.server_port) as proxy:
            yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.asvs("4.1.3")
def test_what_a_client_claims_about_itself_does_not_get_through(telling: Proxy) -> None:
    forged = {
        "X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "http", "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Prefix": "/evil", "Forwarded": "for=203.0.113.7;host=evil.example", "User_Agent": "a browser",
    }  # fmt: skip

    reached = json.loads(telling.ask(**forged).body)

    assert (reached["x-forwarded-for"], reached["x-forwarded-proto"]) == ("127.0.0.1", "https")
    assert (reached["host"], reached["user-agent"]) == ("localhost", "a browser")
    assert not {"x-forwarded-host", "x-forwarded-prefix", "forwarded"} & set(reached)


@pytest.mark.asvs("14.2.1")
def test_a_log_of_the_proxy_names_no_address_of_a_page(folder: Path, certificate: tuple[Path, Path]) -> None:
    """A link to a new password works for whoever reads it there; nothing listens behind, so errors are logged too."""
    with _proxied(folder, certificate, _free_port()) as proxy:
        assert proxy.ask("/reset/the-token?number=E-1&code=the-code").status == 502
        access = proxy.logs / "marketplace.log"
        until(lambda: " GET 502 " in access.read_text(), "the request is not in the log")
        written = "".join(file.read_text(errors="replace") for file in proxy.logs.iterdir() if "log" in file.name)
    assert "the-token" not in written
    assert "the-code" not in written


@pytest.mark.asvs("4.1.2", "12.2.1")
def test_a_page_asked_in_clear_leads_to_tls_and_a_form_in_clear_is_refused(telling: Proxy) -> None:
    asked = _Telling.asked
    page = telling.ask_in_clear("/compare/travel?days=3")
    assert (page.status, page.headers["location"]) == (301, ["https://localhost/compare/travel?days=3"])
    for path in ("/hooks/stripe", "/sign-in"):
        form = telling.ask_in_clear(path, "POST")
        assert (form.status, form.headers.get("location")) == (403, None)
    assert _Telling.asked == asked


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcdGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ],
    ids=["both lengths", "two lengths", "odd coding", "two codings"],
)
@pytest.mark.asvs("4.2.1")
def test_a_request_of_two_lengths_is_no_request(telling: Proxy, raw: bytes) -> None:
    asked = _Telling.asked
    answer = telling.say(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + raw)
    assert answer.split(b" ", 2)[1] in {b"400", b"501"}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert _Telling.asked == asked


def test_a_body_that_is_too_large_is_stopped_before_the_site(telling: Proxy) -> None:
    asked = _Telling.asked
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\n\r\n"
    assert telling.say(head).startswith(b"HTTP/1.1 413 ")
    assert _Telling.asked == asked
    assert telling.ask(method="POST", body=b"x" * 1024).status == 200
    assert _Telling.asked == asked + 1


@pytest.mark.asvs("12.1.1", "12.1.2")
@pytest.mark.parametrize(
    ("oldest", "newest", "suites", "agreed"),
    [
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, "", "TLSv1.3"),
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2"),
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256:AES128-SHA", ""),
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", ""),
    ],
    ids=["1.3", "1.2", "1.2 without forward secrecy or authentication", "1.1"],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_only_new_tls_with_good_suites_is_spoken(
    telling: Proxy, oldest: ssl.TLSVersion, newest: ssl.TLSVersion, suites: str, agreed: str
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if suites:
        context.set_ciphers(suites)
    context.minimum_version, context.maximum_version = oldest, newest
    with socket.create_connection(("localhost", telling.port), timeout=20) as plain:
        if not agreed:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(plain, server_hostname="localhost")
            return
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            assert tls.version() == agreed


@pytest.mark.asvs("3.3.1", "3.3.3", "3.4.1", "13.4.6")
def test_the_site_behind_it_is_reached_over_tls_with_its_own_cookies_and_headers(
    marketplace: Marketplace, folder: Path, certificate: tuple[Path, Path]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = listener.getsockname()[1]
        with _proxied(folder, certificate, upstream) as proxy:
            site = marketplace.started(
                *SITE, "--bind", f"fd://{listener.fileno()}", keep=listener.fileno(),
                PUBLIC_URL=f"https://localhost:{proxy.port}", TRUSTED_PROXIES="1", REPLAY_ORIGIN="",
            )  # fmt: skip
            try:
                until(lambda: proxy.ask("/healthz/ready").status == 200, "the site", START_SECONDS)
                form = proxy.ask("/sign-in")
                assert form.status == 200
                assert form.headers["strict-transport-security"] == ["max-age=31536000; includeSubDomains"]
                assert form.headers["server"] == ["nginx"], "neither whose version nor what is behind it"
                assert not {"x-powered-by", "via", "x-runtime"} & set(form.headers)
                for cookie in form.headers["set-cookie"]:
                    assert cookie.startswith("__Host-")
                    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
                assert proxy.ask(Host="evil.example").status == 400
            finally:
                site.terminate()
                site.wait()

"""The attacks. Each is given the few acts it needs and returns what it found: nothing, where the door holds.

The acts are functions, so that the same attack is run on the leaky shop and on the marketplace. The kinds are those of
the probes that found every planted hole where six scanners together found a third of them.
"""

import csv
import io
import re
import threading
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote, urljoin, urlsplit

HOME = "http://localhost"
MARKUP = "\"><img src=x onerror=alert(7301)>'"
RAW_MARKUP = "<img src=x onerror=alert(7301)>"
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    '=HYPERLINK("http://evil.example","see")',
)
ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example/", "///evil.example/",
    "/\t/evil.example/", "https:evil.example", "javascript:alert(1)", "http://localhost@evil.example/",
    "/%09/evil.example/", "\n//evil.example/", "http:\\\\evil.example",
)  # fmt: skip
CLIMBS = (
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "....//secret.txt", "..%5csecret.txt", "..%252fsecret.txt",
    "./.././secret.txt", "public/../../secret.txt", "/etc/passwd", "../../../../../../etc/passwd", "%2fetc%2fpasswd",
)  # fmt: skip
# What stands before the quote finds nothing by itself, so that the condition alone decides.
TRUE_AND_FALSE = (
    ("zz' OR '1'='1' -- ", "zz' OR '1'='2' -- "),
    ("zz' OR 1=1 -- ", "zz' OR 1=2 -- "),
    ("0 OR 1=1", "0 OR 1=2"),
    ("zz') OR ('1'='1", "zz') OR ('1'='2"),
    ("zz'||(SELECT 1 WHERE 1=1)||'", "zz'||(SELECT 1 WHERE 1=2)||'"),
)
BOMB_BYTES = 96 * 2**20
TOO_MUCH = 24 * 2**20


def sql_injection(ask: Callable[[str], tuple[int, str]]) -> list[str]:
    """A condition that is always true must find what one that is never true finds. `ask(value)` -> status, words."""
    found = []
    for true, false in TRUE_AND_FALSE:
        answers = [(status, _without(said, value)) for value in (true, false) for status, said in [ask(value)]]
        if answers[0] != answers[1] or answers[0][0] >= 500:
            found.append(true)
    return found


def _without(said: str, value: str) -> str:
    """What was said, less what was asked and the number of the request."""
    for form in (value, escape(value), quote(value), value.strip(), escape(value.strip())):
        said = said.replace(form, "")
    return re.sub(r"\s+|[0-9a-f]{16}", " ", said)


def stored_markup(pages: Iterable[tuple[str, str]]) -> list[str]:
    """Pages that hold planted `MARKUP` as markup. Where no page shows it at all nothing was tried, which is told."""
    shown, raw = False, []
    for name, text in pages:
        shown = shown or "alert(7301)" in text
        if RAW_MARKUP in text:
            raw.append(name)
    return raw if shown else ["nowhere shown"]


def foreign_object(
    paths: Iterable[str], ask_as_another: Callable[[str], tuple[int, str]], secrets: list[str]
) -> list[str]:
    """Paths of one customer that tell another anything."""
    found = []
    for path in paths:
        status, said = ask_as_another(path)
        if status == 200 or any(secret in said for secret in secrets):
            found.append(path)
    return found


def forged_form(send: Callable[[], object], state: Callable[[], object]) -> list[str]:
    """A form sent without the token of a page: what it changed."""
    before = state()
    send()
    after = state()
    return [] if after == before else [f"{before} -> {after}"]


def mass_assignment(send: Callable[[dict[str, str]], object], state: Callable[[], object]) -> list[str]:
    """Fields no form has, of everything that would be worth setting."""
    wanted = {
        "role": "admin_owner", "is_admin": "1", "account_id": "1", "insurer_id": "1", "state": "contracted", "id": "1",
        "premium_minor": "1", "total_minor": "1", "confirmed_at": "2020-01-01", "password_hash": "x", "price": "1",
    }  # fmt: skip
    before = state()
    send(wanted)
    after = state()
    return [] if after == before else [f"{before} -> {after}"]


def open_redirect(go: Callable[[str], str]) -> list[str]:
    """Addresses to which we can be made to send somebody. `go(next)` -> the Location, or nothing."""
    found = []
    for target in ELSEWHERE:
        location = go(target)
        # as browsers read it: tabs and newlines vanish, a backslash is a slash
        read = urljoin(f"{HOME}/", re.sub(r"[\t\r\n]", "", location).replace("\\", "/"))
        if urlsplit(read).hostname != "localhost" or urlsplit(read).scheme not in {"http", "https"}:
            found.append(target)
    return found


def price_tampering(charged: Callable[[dict[str, str]], str], honest: str) -> list[str]:
    """What is charged when the form names a price of its own."""
    tampered = dict.fromkeys(("price", "amount", "premium", "premium_minor", "total", "total_minor", "discount"), "1")
    asked = charged(tampered | {"currency": "JPY"})
    return [] if asked == honest else [asked]


def formula(export: Callable[[str], bytes]) -> list[str]:
    """Cells that a spreadsheet would run. `export(cell)` -> a table that holds the cell."""
    found = []
    for cell in FORMULAS:
        table = csv.reader(io.StringIO(export(cell).decode("utf-8-sig"), newline=""))
        if any(each[:1] in "=+-@＝＋－＠\t\r\n\0" for row in table for each in row if each):
            found.append(cell)
    return found


def unpacking(take: Callable[[bytes], object]) -> list[str]:
    """Archives that are unpacked before their size is known, by what memory they take."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            archive.writestr(f"bomb-{number}.csv", b"0" * (BOMB_BYTES // 4))
    tracemalloc.start()
    try:
        take(bomb.getvalue())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return [f"{peak >> 20} MiB"] if peak > TOO_MUCH else []


def external_entity(read: Callable[[bytes], str], secret_file: str, secret: str) -> list[str]:
    """A document that asks for another file's content, and one that grows while it is read."""
    asking = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "file://{secret_file}">]><a>&e;</a>'
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 8}">' for n in range(1, 5))
    growing = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "grow">{entities}]><a>&e4;</a>'
    found = ["read another file"] if secret in read(asking.encode()) else []
    return [*found, *(["grew"] if "grow" * 64 in read(growing.encode()) else [])]


def server_side_request(send: Callable[[str], object]) -> list[str]:
    """Addresses of this machine, spelled in many ways, that we can be made to call."""
    with _listening() as (port, heard):
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "user@127.0.0.1"):
            send(f"http://{host}:{port}/internal")
        return heard


@contextmanager
def _listening() -> Iterator[tuple[int, list[str]]]:
    heard: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers.get("Host", ""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: what was heard is told by the attack."""

    server = HTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port, heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def session_fixation(plant: Callable[[], object], sign_in: Callable[[], object], look: Callable[[], int]) -> list[str]:
    """Cookies that we gave a stranger, planted on a victim who then signs in: does the stranger get in with them?"""
    plant()
    sign_in()
    return ["the stranger is signed in"] if look() == 200 else []


def no_limit(attempt: Callable[[], int], tries: int = 40) -> list[str]:
    """Whether the same thing can be tried on and on."""
    return [] if 429 in (attempt() for _ in range(tries)) else [f"{tries} tries"]


def host_header(ask: Callable[[str], str]) -> list[str]:
    """Whether a link that we send leads where the request said we live. `ask(host)` -> every mail and answer."""
    return [host for host in ("evil.example", "localhost.evil.example") if host in ask(host)]


def path_traversal(get: Callable[[str], str], secrets: Iterable[str]) -> list[str]:
    """Paths out of the folder that a file is served from."""
    return [climb for climb in CLIMBS if any(secret in get(climb) for secret in secrets)]

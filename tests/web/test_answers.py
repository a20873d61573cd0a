"""What the answers of the whole site are: their kind, their addresses, their names, what stands on every page."""

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from marketplace.web import papers
from tests.conftest import empty_tables
from tests.factories.accounts import PASSWORD
from tests.simulator_server import SimulatorServer
from tests.web import walker
from tests.web.conftest import LI_NA
from tests.web.walked_site import Site, a_walked_site
from tests.web.walker import Answers

READERS = ("visitor", "owner", "insurer_admin", "admin_compliance")
# How the bytes of each kind that we serve begin; what is not in here is not served.
BEGINNINGS = {
    "text/html": (b"<!doctype html>",), "application/json": (b"{",), "application/pdf": (b"%PDF-",),
    "application/problem+json": (b"{",),
    "application/zip": (b"PK\x03\x04",), "application/octet-stream": (b"%PDF-",),  # a stranger's, not to be opened
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04",),
    "application/atom+xml": (b"<?xml",),
    "text/csv": (b"\xef\xbb\xbf",), "text/css": (b"",), "text/javascript": (b"",), "image/svg+xml": (b"<svg",),
    "text/plain": (b"",), "text/markdown": (b"#",), "message/rfc822": (b"From: ",),
}  # fmt: skip
SHOWN_AS_THEY_ARE = {
    "text/html", "application/json", "application/problem+json", "text/css", "text/javascript", "image/svg+xml",
    "text/plain", "application/atom+xml",
}  # fmt: skip
# What an address of ours may ask; nothing that a person is known by.
QUERIES = {
    "next", "v", "text", "insurer", "line", "state", "since", "until", "page", "type", "outcome", "account", "age",
    "cancelled", "number", "code", "from", "need", "sent", "start", "law",
    "kind", "like", "revokes",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(migrated_app: Flask, simulator: SimulatorServer) -> Iterator[Site]:
    try:
        with a_walked_site(migrated_app, simulator) as walked:
            yield walked
    finally:
        empty_tables(migrated_app)


@pytest.fixture(scope="module")
def answered(site: Site) -> dict[str, Answers]:
    """By reader: what every door answered."""
    return {role: walker.answers(site, role) for role in READERS}


def is_page(response: TestResponse | Response) -> bool:
    """A page of ours, not a stored one in its sandbox."""
    policy = response.headers.get("Content-Security-Policy", "")
    return response.mimetype == "text/html" and response.status_code < 300 and "sandbox" not in policy


def kind_faults(endpoint: str, response: TestResponse | Response) -> list[str]:
    """An answer of another kind than it says, or one that a browser would run or show as ours though it is not."""
    if 300 <= response.status_code < 400:
        return []
    kind, body = response.mimetype, response.get_data()
    faults = []
    if kind not in BEGINNINGS:
        return [f"{endpoint}: {kind} is no kind of ours"]
    if not body[:200].lstrip().lower().startswith(tuple(each.lower() for each in BEGINNINGS[kind])):
        faults.append(f"{endpoint}: is no {kind}")
    if kind == "application/json":
        json.loads(body)
    alone = "attachment" in response.headers.get("Content-Disposition", "")
    alone |= "sandbox" in response.headers.get("Content-Security-Policy", "")
    if kind not in SHOWN_AS_THEY_ARE and not alone:
        faults.append(f"{endpoint}: a {kind} neither for download nor in a sandbox")
    return faults


def addresses(response: TestResponse | Response) -> set[str]:
    """Where an answer leads: its links, forms and redirects."""
    found = re.findall(r'\b(?:href|src|action)="([^"]*)"', response.get_data(as_text=True)) if is_page(response) else []
    found.append(response.headers.get("Location", ""))
    return {unescape(each) for each in found if not each.startswith("/inbox")}  # the demonstration's, which shows codes


def told_in_addresses(response: TestResponse | Response, secrets: set[str]) -> list[str]:
    faults = []
    for address in addresses(response):
        asked = set(parse_qs(urlsplit(address).query))
        if asked - QUERIES or any(secret in unescape(address).replace("%40", "@") for secret in secrets):
            faults.append(address)
    return faults


def hindered_passwords(page: str) -> list[str]:
    """Fields for a password that show it, or that keep a manager or a long one out."""
    fields = re.findall(r"<input[^>]*>", page)
    return [
        field
        for field in fields
        if re.search(r'name="(password|old)"', field)
        and (
            'type="password"' not in field
            or not re.search(r'autocomplete="(new|current)-password"', field)
            or re.search(r"readonly|onpaste", field)
            or int((re.search(r'maxlength="(\d+)"', field) or ["", "64"])[1]) < 64
        )
    ]


@pytest.mark.asvs("3.2.1", "4.1.1", "13.4.7")
@pytest.mark.parametrize("role", READERS)
def test_every_answer_is_what_it_says(answered: dict[str, Answers], role: str) -> None:
    assert [fault for endpoint, response in answered[role] for fault in kind_faults(endpoint, response)] == []
    assert {"text/html", "application/json", "text/css"} <= {response.mimetype for _, response in answered[role]}


@pytest.mark.asvs("3.2.1", "4.1.1", "13.4.7")
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": "<script>"}', "text/html"),
        (b"<!doctype html>", "application/pdf"),
        (b"%PDF-1.7", "application/pdf"),
        (b"MZ", "application/octet-stream"),
    ],
    ids=["json as a page", "a page as paper", "a paper shown as ours", "a kind nobody knows"],
)
def test_an_answer_of_another_kind_is_seen(body: bytes, kind: str) -> None:
    assert kind_faults("planted", Response(body, mimetype=kind)) != []


@pytest.mark.asvs("14.2.1")
@pytest.mark.parametrize("role", READERS)
def test_no_address_tells_a_secret_or_who_it_is(site: Site, answered: dict[str, Answers], role: str) -> None:
    cookies = (site.browsers[role].get_cookie(name) for name in ("session", "device"))
    held = {cookie.value for cookie in cookies if cookie}
    secrets = {LI_NA.email, LI_NA.name, LI_NA.born_on.isoformat(), PASSWORD, site.token(role)} | held
    led = {each for _, response in answered[role] for each in addresses(response)}
    assert len(led) > 15
    assert [fault for _, response in answered[role] for fault in told_in_addresses(response, secrets)] == []


@pytest.mark.asvs("14.2.1")
@pytest.mark.parametrize("address", ["/find?email=x", "/a/li.na@example.com", "/a?next=%2Fb%2Fli.na%40example.com"])
def test_an_address_that_tells_is_seen(address: str) -> None:
    page = Response(f'<!doctype html><a href="{address}">', mimetype="text/html")
    assert told_in_addresses(page, {LI_NA.email}) != []


@pytest.mark.asvs("7.4.4")
@pytest.mark.parametrize("role", READERS)
def test_who_is_signed_in_can_leave_from_every_page(answered: dict[str, Answers], role: str) -> None:
    pages = [(endpoint, response) for endpoint, response in answered[role] if is_page(response)]
    can_leave = {endpoint for endpoint, response in pages if 'action="/sign-out"' in response.get_data(as_text=True)}
    assert len(pages) > 10
    assert can_leave == (set() if role == "visitor" else {endpoint for endpoint, _ in pages})


@pytest.mark.asvs("6.2.6", "6.2.7", "6.2.9")
def test_a_password_is_hidden_and_a_manager_may_fill_it_in(site: Site) -> None:
    for role, path in (("visitor", "/sign-in"), ("visitor", "/register"), ("owner", "/account/security/password")):
        page = site.ask(role, "GET", path).get_data(as_text=True)
        assert re.search(r'<input[^>]*name="password"', page), path
        assert hindered_passwords(page) == [], path


@pytest.mark.asvs("6.2.6", "6.2.7", "6.2.9")
@pytest.mark.parametrize(
    "field",
    [
        '<input name="password" type="text" autocomplete="new-password">',
        '<input name="password" type="password" autocomplete="off">',
        '<input name="old" type="password" autocomplete="current-password" maxlength="20">',
        '<input name="old" type="password" autocomplete="current-password" onpaste="return false">',
    ],
)
def test_a_password_that_is_shown_or_cannot_be_pasted_is_seen(field: str) -> None:
    assert hindered_passwords(field) == [field]


@pytest.mark.asvs("6.4.2")
def test_nobody_is_asked_a_secret_question(site: Site) -> None:
    """Exactly these are asked of somebody who comes in, registers or lost the password."""
    asked = {
        path: set(re.findall(r'<input[^>]*name="([a-z_]+)"', site.ask("visitor", "GET", path).get_data(as_text=True)))
        - {"csrf_token", "back", "credential"}
        for path in ("/sign-in", "/register", "/reset", "/find")
    }
    assert asked == {
        "/sign-in": {"email", "password"}, "/register": {"name", "email", "password"}, "/reset": {"email"},
        "/find": {"email"},
    }  # fmt: skip


@pytest.mark.asvs("3.5.7")
def test_scripts_are_the_same_for_everybody(site: Site) -> None:
    page = site.ask("visitor", "GET", "/").get_data(as_text=True)
    found = re.findall(r'<script[^>]*src="([^"]+)"', page)
    assert len(found) == 1
    assert len({site.ask(role, "GET", found[0]).get_data() for role in READERS}) == 1


@pytest.mark.asvs("5.4.2")
@pytest.mark.parametrize(
    ("language", "name"), [("en", r"certificate-EF-[0-9A-Z-]+\.pdf"), ("zh-CN", r"保险凭证-EF-[0-9A-Z-]+\.pdf")]
)
def test_the_name_of_a_download_survives_its_header(site: Site, language: str, name: str) -> None:
    path = site.path("policy.document")
    header = site.ask("owner", "GET", path, headers={"Accept-Language": language}).headers["Content-Disposition"]
    assert header.isascii()
    kind, options = parse_options_header(header)
    assert kind == "attachment"
    assert re.fullmatch(name, options["filename"])


@pytest.mark.asvs("5.4.1", "5.4.2")
@pytest.mark.parametrize("name", ['a"; filename="b.exe', "a;b.pdf", "\u202efdp.exe", "保单.pdf", "a\\b.pdf"])
def test_a_name_cannot_break_out_of_the_header(name: str) -> None:
    """The one way in which every download of ours is named (tests/architecture holds that there is no other)."""
    header = papers.download(b"", "application/pdf", name).headers["Content-Disposition"]
    assert header.isascii()
    assert parse_options_header(header) == ("attachment", {"filename": name})


@pytest.mark.asvs("13.4.1", "13.4.5", "13.4.3")
@pytest.mark.parametrize(
    "path",
    ["/metrics", "/console", "/openapi.json", "/.git/config", "/.env", "/config.py", "/README.md", "/docs/running.md",
     "/static/", "/static/js/", "/server-status", "/demonstration/codes"],
)  # fmt: skip
def test_what_is_for_us_only_is_not_there(site: Site, path: str) -> None:
    assert site.ask("visitor", "GET", path).status_code == 404
    assert site.ask("visitor", "GET", "/static/css/evenfold.css").status_code == 200

"""What every door must be. Each check walks the map of addresses and returns what is wrong, one line for each fault.

The checks know nothing of our pages but their addresses, so a throw-away application with a planted fault shows that
each of them can fail (`test_walker_controls.py`).
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from marketplace.accounts import rules
from marketplace.web.storefront.legal import ASSOCIATION
from sandbox.demo.visitor import words
from tests.everything import every_row
from tests.web.walked_site import ROLES, Site

TABLE = Path(__file__).with_name("doors.csv")
SIGNED = {"stripe.receive"}
OWN_PROOF = {"leaving.left", "interactions.record"}  # what is posted is known to nobody but who was sent the page
KEYED = {"api_v1.put_catalog"}
"""What opens by a key, and by no cookie that another site could use."""
PUBLIC_FILES = {
    "static", "product.document_bytes", "evidence_log.checkpoint", "evidence_log.tile", "evidence_log.entries",
    "evidence_log.trust_policy", "evidence_log.authorities",
}  # fmt: skip
# Shown in a frame of our own pages, which runs nothing; everything else in none.
FRAMED = {"sales_log.stored_page", "inbox.body"}
COOKIES = {"evenfold": "session", "session": "session", "device": "kept"}
ODD_METHODS = ("TRACE", "PUT", "DELETE", "PATCH", "OPTIONS", "FOO")
EVIL = "https://evil.example"
OUTSIDE = re.compile(
    r"""<[^>]*\s(?:href|src|action|formaction|data|poster)=["']?((?:[a-z][a-z0-9+.-]*:)?//[^"'\s>]*)"""
)
LINKED = re.compile(r'(?:href|src)="(/(?:admin|insurer)[^"?]*)"')
SECRET = "kept from strangers /srv/secret SELECT password FROM accounts"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LEADS_TO = {"/sign-in": "sign-in", "/second-step": "second-step"}


@dataclass(frozen=True)
class Cell:
    """One question to the table: who asks what of which endpoint, of what was seeded or of what is not there."""

    endpoint: str
    method: str
    seeded: bool
    role: str
    expected: str

    @property
    def name(self) -> str:
        return f"{self.method} {self.endpoint} {'seeded' if self.seeded else 'none'} as {self.role}"

    @property
    def refused(self) -> bool:
        """Nothing may change by it, whatever it says."""
        return self.expected in LEADS_TO.values() or self.expected[0] in "45"


def table() -> list[Cell]:
    """The table of doors, row by row in the order in which it is walked."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [
            Cell(row["endpoint"], row["method"], row["object"] != "none", role, row[role])
            for row in csv.DictReader(file)
            for role in ROLES
        ]


def answer_of(response: TestResponse) -> str:
    """The status; where a redirect leads to a proof of identity, its name."""
    if 300 <= response.status_code < 400:
        return LEADS_TO.get(urlsplit(response.headers["Location"]).path, str(response.status_code))
    return str(response.status_code)


# --- who may ----------------------------------------------------------------------------------------------------------


def unlisted_doors(site: Site, cells: Iterable[Cell]) -> list[str]:
    """Endpoints and methods without a row, and rows without a door."""
    listed = {(cell.endpoint, cell.method) for cell in cells}
    there = {(endpoint, method) for endpoint in site.endpoints() for method in site.methods(endpoint)}
    return [f"{endpoint} {method}: {what}" for pairs, what in (
        (there - listed, "has no row"), (listed - there, "has no door"),
    ) for endpoint, method in sorted(pairs)]  # fmt: skip


def wrong_answers(site: Site, cells: Iterable[Cell]) -> list[str]:
    """Cells whose answer is another than the table's."""
    faults = []
    for cell in cells:
        got = answer_of(site.ask(cell.role, cell.method, site.path(cell.endpoint, seeded=cell.seeded)))
        if got != cell.expected:
            faults.append(f"{cell.name}: {got} instead of {cell.expected}")
    return faults


# --- what may be read -------------------------------------------------------------------------------------------------

FIELDS = Path(__file__).with_name("fields.csv")


def fields() -> dict[str, set[str]]:
    """By what is about a customer: the roles of staff that read it at their desks."""
    with FIELDS.open(encoding="utf-8", newline="") as file:
        return {
            row.pop("field"): {role for role, reads in row.items() if reads == "yes"} for row in csv.DictReader(file)
        }


Tour = list[tuple[str, TestResponse]]


def tour(site: Site, role: str, begin: Iterable[str]) -> Tour:
    """The pages of the desks at which `role` begins, and every one that a link or a frame on them leads to."""
    answered, waiting = [], list(begin)
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        response = site.ask(role, "GET", path)
        answered.append((path, response))
        readable = response.status_code == 200 and response.mimetype == "text/html"
        found = LINKED.findall(response.get_data(as_text=True)) if readable else []
        ahead = [each for each in dict.fromkeys(map(unescape, found)) if each not in seen]
        waiting += ahead
        seen |= set(ahead)
    return answered


def read_on(toured: Tour, marks: Mapping[str, Callable[[str], bool]]) -> set[str]:
    """Which of the things that `marks` know are on some page of it; of what is no page they are told the kind."""
    opened = [response for _path, response in toured if response.status_code == 200]
    told = [words(each.get_data(as_text=True)) if each.mimetype == "text/html" else each.mimetype for each in opened]
    return {name for name, knows in marks.items() if any(map(knows, told))}


# --- what is written --------------------------------------------------------------------------------------------------

LOOKING = {
    "accounts_limit": "every try is counted", "accounts_security_event": "every refusal is kept",
    "infra_subject_key": "a journey's key is made with its first page",
    "traceability_evidence_intake": "every page shown and every look is recorded",
    "traceability_journey": "a browser without one begins its journey", "traceability_page_version": "kept once",
    "traceability_page_online": "noted once",
}  # fmt: skip


def digests(app: Flask, looks: Iterable[str]) -> dict[str, str]:
    """By table: a digest of its rows, when a session was last used left out; of the trail, of its acts but `looks`; of
    cases, what is decided but not who looked.
    """
    entered = ", ".join(f"'{look}'" for look in looks)
    with app.app_context(), every_row() as reader:
        names = reader.execute(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 1"
            )
        ).scalars()
        return {name: str(reader.execute(text(_digest_of(name, entered))).scalar()) for name in list(names)}


def _digest_of(name: str, entered: str) -> str:
    where = ""
    if name == "traceability_evidence_intake":
        where = f" WHERE page_bytes IS NULL AND type NOT IN ({entered})"
    elif name == "screening_event":
        where = " WHERE kind <> 'looked'"
    elif name in LOOKING or name.startswith("procrastinate_worker"):
        where = " WHERE false"
    row = "(to_jsonb(t) - 'last_seen_at')::text"
    return f'SELECT md5(string_agg({row}, chr(10) ORDER BY {row})) FROM "{name}" t{where}'


def written_by(
    app: Flask, acts: Mapping[str, Callable[[], object]], looks: Iterable[str] = ("sale:viewed",)
) -> list[str]:
    """Which of `acts` changed a row of any table, and of which, but for entries of these `looks`. All at first; one by
    one only to name the culprit.
    """
    before = digests(app, looks)
    for act in acts.values():
        act()
    if digests(app, looks) == before:
        return []
    faults = []
    for name, act in acts.items():
        before = digests(app, looks)
        act()
        after = digests(app, looks)
        changed = [each for each in after if after[each] != before.get(each)]
        if changed:
            faults.append(f"{name}: wrote {changed}")
    return faults or ["something was written, once"]


def acts_kept(site: Site) -> Counter[tuple[str, str]]:
    """By endpoint and account of staff: how often it is kept that something was done there, or refused."""
    staff = site.accounts.values()
    with site.app.app_context(), every_row() as reader:
        rows = reader.execute(
            text(
                "SELECT endpoint, account_id, count(*) FROM accounts_security_event "
                "WHERE type IN ('staff_act', 'door_refused') AND account_id = ANY(:staff) "
                "GROUP BY endpoint, account_id"
            ),
            {"staff": list(staff)},
        ).all()
        return Counter({(row[0], str(row[1])): row[2] for row in rows})


def unkept_acts(site: Site, before: Counter[tuple[str, str]], acts: Iterable[Cell]) -> list[str]:
    """Where `acts` of staff, all of them since `before`, left fewer events than there were, or more."""
    kept = acts_kept(site)
    kept.subtract(before)
    kept.subtract((cell.endpoint, str(site.accounts[cell.role])) for cell in acts)
    roles = {str(account): role for role, account in site.accounts.items()}
    return [f"{endpoint} as {roles.get(who, who)}: {more:+}" for (endpoint, who), more in sorted(kept.items()) if more]


# --- how it may be asked ----------------------------------------------------------------------------------------------


def unsafe_doors(site: Site) -> list[tuple[str, str]]:
    return [(e, method) for e in site.endpoints() for method in sorted(site.methods(e) - {"GET"})]


def forgeable(site: Site, role: str, stranger: str) -> list[str]:
    """Unsafe doors that open without a token, with one made up, or with the good one of another's session."""
    tokens = {"no token": None, "a made-up token": "forged", "a stranger's token": site.token(stranger)}
    faults = []
    for endpoint, method in unsafe_doors(site):
        if endpoint in SIGNED | KEYED | OWN_PROOF:
            continue
        for what, token in tokens.items():
            data = {"x": "1"} if token is None else {"csrf_token": token}
            got = site.ask(role, method, site.path(endpoint), data=data).status_code
            if got != 400:
                faults.append(f"{method} {endpoint} with {what}: {got}")
    return faults


def open_to_other_sites(site: Site, role: str, personal: set[str], papers: set[str]) -> list[str]:
    """Doors that answer what a page of another site makes a browser send (Fetch Metadata)."""
    image = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    asked = [(e, method, link) for e, method in unsafe_doors(site) if e not in SIGNED | KEYED | OWN_PROOF]
    asked += [(e, "GET", image) for e in sorted(personal) if "GET" in site.methods(e)]
    asked += [(e, "GET", link) for e in sorted(papers)]
    return [
        f"{method} {endpoint} as {headers['Sec-Fetch-Dest']}: {got}"
        for endpoint, method, headers in asked
        if (got := site.ask(role, method, site.path(endpoint), headers=headers).status_code) != 403
    ]


def other_methods(site: Site, role: str) -> list[str]:
    """Methods that a door does not have and yet does not refuse with those it has."""
    faults = []
    for endpoint in site.endpoints():
        has = site.methods(endpoint)
        for method in {*ODD_METHODS, "GET", "POST"} - has:
            response = site.ask(role, method, site.path(endpoint))
            allowed = set(response.headers.get("Allow", "").replace(" ", "").split(",")) - {"HEAD"}
            if response.status_code != 405 or (allowed != has and endpoint != "application.document"):
                faults.append(f"{method} {endpoint}: {response.status_code}, allows {sorted(allowed)}")
    return faults


def doubled_names(site: Site, role: str) -> list[str]:
    """Doors that guess at a name given twice, in the address or in the form."""
    faults = []
    for endpoint in site.endpoints():
        path, methods = site.path(endpoint), site.methods(endpoint)
        if "GET" in methods and (got := site.ask(role, "GET", f"{path}?a=1&a=2").status_code) != 400:
            faults.append(f"GET {endpoint}: {got}")
        if "POST" in methods and endpoint not in SIGNED:
            data = {"csrf_token": site.token(role), "a": ["1", "2"]}
            if (got := site.ask(role, "POST", path, data=data).status_code) != 400:
                faults.append(f"POST {endpoint}: {got}")
    return faults


def broken_by_bytes(site: Site, role: str) -> list[str]:
    """Doors that break when what stands in the address is no UTF-8 and was not encoded either."""
    names = ("account", "from", "insurer", "line", "next", "page", "since", "state", "text", "to", "type", "v")
    raw = {"QUERY_STRING": "&".join(f"{name}=\xff" for name in names)}  # WSGI: each character a byte
    return [
        f"GET {endpoint}: {got}"
        for endpoint in site.endpoints()
        if "GET" in site.methods(endpoint)
        and (got := site.ask(role, "GET", site.path(endpoint), environ_overrides=raw).status_code) >= 500
    ]


# --- what the answer is ----------------------------------------------------------------------------------------------


Answers = list[tuple[str, TestResponse]]


def answers(site: Site, role: str) -> Answers:
    """Every door that can be read, asked for what is there and for what is not."""
    return [
        (endpoint, site.ask(role, "GET", site.path(endpoint, seeded=seeded)))
        for endpoint in site.endpoints()
        if "GET" in site.methods(endpoint)
        for seeded in (True, False)
    ]


def header_faults(answered: Answers, *, secure: bool) -> list[str]:
    """Answers that lack a header, and pages whose nonce was used before."""
    faults, nonces = [], {""}
    for endpoint, response in answered:
        policy = response.headers.get("Content-Security-Policy", "")
        by = "'self'" if endpoint in FRAMED and response.status_code < 400 else "'none'"
        wanted = HEADERS | {"Cross-Origin-Resource-Policy": "cross-origin" if endpoint == "static" else "same-origin"}
        if secure:
            wanted["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        faults += [f"{endpoint}: {name} is {response.headers.get(name)}" for name, value in wanted.items()
                   if response.headers.get(name) != value]  # fmt: skip
        directives = {directive.strip() for directive in policy.split(";")}
        if not {"default-src 'none'", f"frame-ancestors {by}"} <= directives:
            faults.append(f"{endpoint}: the policy is {policy}")
        if "geolocation=()" not in response.headers.get("Permissions-Policy", ""):
            faults.append(f"{endpoint}: no Permissions-Policy")
        nonce = re.search(r"'nonce-([^']+)'", policy)
        if nonce and nonce[1] in nonces:
            faults.append(f"{endpoint}: a nonce for the second time")
        nonces |= {nonce[1]} if nonce else set()
        if response.mimetype.startswith("text/") and "charset=utf-8" not in response.headers["Content-Type"]:
            faults.append(f"{endpoint}: no charset")
    return faults


def ways_out(answered: Answers) -> list[str]:
    """Links, frames, pictures and redirects to another site; what is shown in a frame was said elsewhere."""
    faults = []
    for endpoint, response in answered:
        faults += [f"{endpoint}: led to {to}" for to in response.headers.getlist("Location") if urlsplit(to).netloc]
        if response.mimetype == "text/html" and endpoint not in FRAMED:
            led = (found[1] for found in OUTSIDE.finditer(response.get_data(as_text=True)))
            faults += [f"{endpoint}: {address}" for address in led if address != ASSOCIATION]
    return faults


def cache_faults(answered: Answers) -> list[str]:
    """Answers that a cache may keep though they are somebody's, or may not keep though they never change."""
    faults = []
    for endpoint, response in answered:
        control = response.headers.get("Cache-Control", "")
        if endpoint not in PUBLIC_FILES or response.status_code >= 400:
            good = control == "no-store" or (endpoint == "static" and response.status_code == 404)
        else:
            good = control in {"no-cache", "public, max-age=1", "public, max-age=31536000, immutable"}
        if not good:
            faults.append(f"{endpoint} {response.status_code}: {control}")
    return faults


def cookie_faults(answered: Answers, *, secure: bool) -> list[str]:
    """Cookies that are not on the list, miss a flag, are bound to no host over TLS, or are larger than 4096 bytes."""
    faults = []
    for _endpoint, response in answered:
        for cookie in response.headers.getlist("Set-Cookie"):
            name = cookie.partition("=")[0]
            flags = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
            wanted = {"httponly", "samesite", "path"} | ({"secure"} if secure else set())
            plain = name.removeprefix("__Host-")
            if plain not in COOKIES or (name == plain) == secure:
                faults.append(f"{name} is not on the list")
            if (
                not wanted <= flags
                or "domain" in flags
                or "SameSite=Lax" not in cookie
                or "Path=/;" not in cookie + ";"
            ):
                faults.append(f"{name}: {sorted(flags)}")
            if len(cookie.partition(";")[0]) > 4096:
                faults.append(f"{name} is too large")
    return faults


def shared_with_other_origins(site: Site, role: str) -> list[str]:
    """Doors that tell another origin it may read, or that make a script of what they say."""
    faults = []
    for endpoint in site.endpoints():
        path = site.path(endpoint)
        for method in sorted(site.methods(endpoint)):
            for origin in (EVIL, "null"):
                who = role if method == "GET" else "visitor"  # who signs out or ends a session asks nothing any more
                site.tokens.clear()
                response = site.ask(who, method, f"{path}?callback=evil_call", headers={"Origin": origin})
                shared = [name for name, _value in response.headers if name.lower().startswith("access-control-")]
                if shared:
                    faults.append(f"{method} {endpoint}: {shared}")
                if "javascript" in response.mimetype or response.get_data().lstrip().startswith(b"evil_call("):
                    faults.append(f"{method} {endpoint}: answers as a script")
    return faults


def talkative_errors(site: Site, cells: Iterable[Cell]) -> list[str]:
    """Doors that tell more than that something went wrong when it does."""
    faults = []

    def broken(**_: object) -> str:
        raise RuntimeError(SECRET)

    for cell in cells:
        with patch.dict(site.app.view_functions, {cell.endpoint: broken}):
            response = site.ask(cell.role, cell.method, site.path(cell.endpoint))
        body = response.get_data(as_text=True)
        told = [word for word in (SECRET, "Traceback", "RuntimeError", "SELECT ", "/srv/") if word in body]
        told += re.findall(r"\.py\b", body)  # not the ".py" that a token may hold by chance
        if response.status_code != 500 or told:
            faults.append(f"{cell.method} {cell.endpoint}: {response.status_code} {told}")
    return faults


@contextmanager
def one_try_each() -> Iterator[None]:
    with patch.object(rules, "LIMITS", {bucket: rules.Limit(1, timedelta(minutes=5)) for bucket in rules.LIMITS}):
        yield


def unlimited(site: Site, cells: Iterable[Cell], forget: Callable[[], None]) -> list[str]:
    """Unsafe doors at which the second request of a burst is not refused, with when to come back, and nothing done."""
    faults = []
    for cell in cells:
        done: list[str] = []
        forget()
        site.token(cell.role)

        def act(done: list[str] = done, **_: object) -> str:
            done.append("done")
            return "done"

        with one_try_each(), patch.dict(site.app.view_functions, {cell.endpoint: act}):
            path = site.path(cell.endpoint)
            first, second = (site.ask(cell.role, cell.method, path) for _ in range(2))
        wait = second.headers.get("Retry-After", "")
        if (first.status_code, second.status_code) != (200, 429) or not wait.isdigit() or done != ["done"]:
            faults.append(f"{cell.method} {cell.endpoint}: {first.status_code}, {second.status_code}, {wait!r}, {done}")
    return faults

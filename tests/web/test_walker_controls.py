"""Each check of the walker against a throw-away application in which everything is wrong that it looks for."""

from collections.abc import Callable

import pytest
from flask import Flask, Response, abort, jsonify, request

from tests.web import walker
from tests.web.walked_site import Site
from tests.web.walker import Cell

ROLE = "visitor"


@pytest.fixture
def leaky() -> Site:
    """No token, no limit, no header, cookies for everybody, errors with all they know; OPTIONS and TRACE welcome."""
    app = Flask(__name__, static_folder=None)

    @app.route("/", methods=["GET", "POST", "TRACE", "PUT"])
    def page() -> Response:
        response = jsonify(secret="of somebody")
        response.headers.add("Set-Cookie", f"tracker={'x' * 5000}; Domain=localhost; Path=/")
        response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
        if "callback" in request.args:
            response = Response(f"{request.args['callback']}({{}})", mimetype="text/javascript")
        return response

    @app.get("/desk")
    def desk() -> Response:
        response = Response("<p>whose?</p>", content_type="text/html")
        response.headers["Cache-Control"] = "public"
        response.headers["Content-Security-Policy"] = "script-src 'nonce-always-the-same'"
        return response

    @app.get("/closed")
    def closed() -> str:
        abort(404)

    @app.get("/elsewhere")
    def elsewhere() -> Response:
        """Away from here, by itself or by what is on the page; `full_path` breaks on bytes that are no text."""
        if request.full_path.endswith("?go=1"):
            return Response(status=302, headers={"Location": walker.EVIL})
        return Response('<a href="//evil.example/">on</a> <img src=https://evil.example/p.png> <a href="/own">in</a>')

    @app.errorhandler(RuntimeError)
    def told(error: RuntimeError) -> tuple[str, int]:
        return f"Traceback: {error!r}", 500

    return Site(app, {ROLE: app.test_client()}, token_from="/")


def cell(endpoint: str, method: str, expected: str) -> Cell:
    return Cell(endpoint, method, seeded=True, role=ROLE, expected=expected)


def test_a_door_without_a_row_and_a_row_without_a_door(leaky: Site) -> None:
    assert walker.unlisted_doors(leaky, [cell("page", "GET", "200"), cell("gone", "GET", "200")]) == [
        "closed GET: has no row", "desk GET: has no row", "elsewhere GET: has no row", "page POST: has no row",
        "page PUT: has no row", "page TRACE: has no row", "gone GET: has no door",
    ]  # fmt: skip


def test_a_door_that_opens_to_the_wrong_one(leaky: Site) -> None:
    assert walker.wrong_answers(leaky, [cell("desk", "GET", "404"), cell("closed", "GET", "404")]) == [
        "GET desk seeded as visitor: 200 instead of 404"
    ]


FAULTS: dict[str, tuple[Callable[[Site], list[str]], list[str]]] = {
    "no token asked for": (
        lambda site: walker.forgeable(site, ROLE, ROLE),
        [f"{method} page with {what}: 200" for method in ("POST", "PUT", "TRACE")
         for what in ("no token", "a made-up token", "a stranger's token")],
    ),
    "other sites' pages answered": (
        lambda site: walker.open_to_other_sites(site, ROLE, {"desk"}, {"desk"}),
        ["POST page as document: 200", "PUT page as document: 200", "TRACE page as document: 200",
         "GET desk as image: 200", "GET desk as document: 200"],
    ),
    "a method nobody meant": (
        lambda site: [fault for fault in walker.other_methods(site, ROLE) if fault.startswith("OPTIONS")],
        ["OPTIONS closed: 200, allows ['GET', 'OPTIONS']", "OPTIONS desk: 200, allows ['GET', 'OPTIONS']",
         "OPTIONS elsewhere: 200, allows ['GET', 'OPTIONS']",
         "OPTIONS page: 200, allows ['GET', 'OPTIONS', 'POST', 'PUT', 'TRACE']"],
    ),
    "a name given twice": (
        lambda site: walker.doubled_names(site, ROLE),
        ["GET closed: 404", "GET desk: 200", "GET elsewhere: 200", "GET page: 200", "POST page: 200"],
    ),
    "read by another origin, and as a script": (
        lambda site: [fault for fault in walker.shared_with_other_origins(site, ROLE) if fault.startswith("GET page")],
        ["GET page: answers as a script", "GET page: answers as a script"],
    ),
    "bytes that are no text": (
        lambda site: walker.broken_by_bytes(site, ROLE),
        ["GET elsewhere: 500", "GET page: 500"],
    ),
    "ways to another site": (
        lambda site: walker.ways_out([("it", site.ask(ROLE, "GET", f"/elsewhere{end}")) for end in ("", "?go=1")]),
        ["it: //evil.example/", "it: https://evil.example/p.png", f"it: led to {walker.EVIL}"],
    ),
    "an error that talks": (
        lambda site: walker.talkative_errors(site, [cell("desk", "GET", "200")]),
        [f"GET desk: 500 {[walker.SECRET, 'Traceback', 'RuntimeError', 'SELECT ', '/srv/']}"],
    ),
    "no limit": (
        lambda site: walker.unlimited(site, [cell("page", "POST", "200")], lambda: None),
        ["POST page: 200, 200, '', ['done', 'done']"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_finds(leaky: Site, fault: str) -> None:
    check, found = FAULTS[fault]
    assert check(leaky) == found


def test_an_answer_without_its_headers(leaky: Site) -> None:
    answered = [("desk", leaky.ask(ROLE, "GET", "/desk")), ("desk", leaky.ask(ROLE, "GET", "/desk"))]
    found = walker.header_faults(answered, secure=True)
    assert [fault for fault in found if "nonce" in fault and "policy" not in fault] == [
        "desk: a nonce for the second time"
    ]
    for name in (*walker.HEADERS, "Cross-Origin-Resource-Policy", "Strict-Transport-Security"):
        assert found.count(f"desk: {name} is None") == 2
    assert found.count("desk: no Permissions-Policy") == found.count("desk: no charset") == 2
    assert sum("the policy is" in fault for fault in found) == 2


def test_a_sandbox_does_not_keep_others_from_framing(leaky: Site) -> None:
    response = leaky.ask(ROLE, "GET", "/desk")
    policies = {
        "default-src 'none'; sandbox": ["desk", "inbox.body"],
        "default-src 'none'; sandbox; frame-ancestors 'self'": ["desk"],
        "default-src 'none'; sandbox; frame-ancestors 'none'": ["inbox.body"],
    }
    for policy, faulty in policies.items():
        response.headers["Content-Security-Policy"] = policy
        found = walker.header_faults([("desk", response), ("inbox.body", response)], secure=False)
        assert [fault.partition(":")[0] for fault in found if "the policy is" in fault] == faulty, policy


def test_a_page_for_every_cache(leaky: Site) -> None:
    assert walker.cache_faults([("desk", leaky.ask(ROLE, "GET", "/desk"))]) == ["desk 200: public"]


def test_a_cookie_that_follows_people_about(leaky: Site) -> None:
    answered = [("page", leaky.ask(ROLE, "GET", "/"))]
    assert walker.cookie_faults(answered, secure=False) == [
        "tracker is not on the list", "tracker: ['domain', 'path']", "tracker is too large",
    ]  # fmt: skip
    honest = Flask(__name__)
    honest.add_url_rule("/", "page", _with_session_cookie)
    plain = [("page", honest.test_client().get("/"))]
    assert walker.cookie_faults(plain, secure=False) == []
    assert walker.cookie_faults(plain, secure=True) == [
        "session is not on the list", "session: ['httponly', 'path', 'samesite']",
    ]  # fmt: skip


def _with_session_cookie() -> Response:
    response = Response("")
    response.set_cookie("session", "x", httponly=True, samesite="Lax")
    return response

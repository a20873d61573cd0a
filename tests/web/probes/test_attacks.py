"""Each attack succeeds on the leaky shop and fails on the marketplace; the first half is the control of the second."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts.values import Insurer, Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra import spreadsheet
from marketplace.infra.db import db
from marketplace.listing import queries as uploads
from marketplace.listing import services as listing
from marketplace.listing.values import Upload
from sandbox.demo.visitor import Visitor, hidden_fields, ticked, words
from tests.factories.accounts import PASSWORD, a_customer, an_insurer
from tests.factories.catalog import STAFF, catalog_files, published, zipped
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, LI_NA, asked, count, step_of, written
from tests.web.desk_visits import at_the_desk, buy, sign_in
from tests.web.probes import attacks
from tests.web.probes.leaky import SECRET, leaky_shop

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
AtStep = Callable[..., Visitor]


@pytest.fixture
def leaky(tmp_path: Path) -> FlaskClient:
    return leaky_shop(tmp_path).test_client()


@pytest.fixture
def marked(shop: Flask) -> str:
    """A product of another insurer whose every sentence carries markup; the path of its offer is found by comparing."""
    product = "products/harbour-term/product.toml"
    files = catalog_files()
    text = files[product].decode()
    for name in ("Harbour Term", "港湾定期寿险"):
        text = text.replace(name, name + attacks.MARKUP.replace('"', '\\"'))
    files[product] = text.encode()
    with shop.app_context():
        published(an_insurer("harbour2"), files | _of_insurer(files, "harbour2"))
        db.session.commit()
    return attacks.MARKUP


def _of_insurer(files: dict[str, bytes], code: str) -> dict[str, bytes]:
    return {"catalog.toml": files["catalog.toml"].replace(b'"harbour"', f'"{code}"'.encode())}


@pytest.mark.asvs("1.2.4")
def test_sql_injection(shop: Flask, leaky: FlaskClient, visitor: Visitor) -> None:
    def searched(value: str) -> tuple[int, str]:
        return 200, leaky.get("/search", query_string={"q": value}).text

    assert attacks.sql_injection(searched) != []

    admin = at_the_desk(shop, Role.ADMIN_SALES)
    customer = Visitor(shop.test_client())
    doors: list[Callable[[str], tuple[int, str]]] = [
        lambda value: _got(admin, f"/admin?text={quote(value)}"),
        lambda value: _got(admin, f"/admin?line={quote(value)}"),
        lambda value: _got(customer, f"/compare/term_life?from={quote(value)}"),
        lambda value: _sent(customer, "/verify", number=value, code="ABCD"),
        lambda value: _sent(customer, "/verify", number="H-1", code=value),
        lambda value: _sent(customer, "/compare/term_life", **(ANSWERS | {"region": value})),
    ]
    assert [attacks.sql_injection(door) for door in doors] == [[]] * len(doors)


@pytest.mark.asvs("1.2.1", "1.3.1")
def test_stored_markup(shop: Flask, leaky: FlaskClient, work: Work, code_for: CodeFor, marked: str) -> None:
    leaky.post("/comments", data={"said": marked})
    assert attacks.stored_markup([("comments", leaky.get("/comments").text)]) != []

    visitor = Visitor(shop.test_client())
    pages = []
    offers = visitor.compare("term_life", ANSWERS)
    pages.append(("comparison", visitor.text))
    pages += [(offer, visitor.get(offer)) for offer in offers]
    customer = buy(shop, work, code_for)
    pages += [("done", customer.text), ("account", customer.get("/account"))]
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    pages += [("sales log", admin.get("/admin")), ("search", admin.get(f"/admin?text={quote(marked)}"))]
    with shop.app_context():
        parts = [correspondence.message_parts(mail.id) for mail in correspondence.inbox()]
    pages += [("mail", part.html) for part in parts if part.html]
    assert attacks.stored_markup(pages) == []


@pytest.mark.asvs("8.2.2")
def test_foreign_object(shop: Flask, leaky: FlaskClient, at_step: AtStep, work: Work) -> None:
    def leaks(path: str) -> tuple[int, str]:
        answer = leaky.get(path)
        return answer.status_code, answer.text

    assert attacks.foreign_object(["/orders/1"], leaks, [SECRET]) != []

    owner = at_step("pay")
    application = owner.at.removesuffix("/pay")
    assert owner.pay()
    work()
    steps = ("people", "identity", "questions", "documents", "exclusions", "review", "pay", "done", "policy.pdf")
    paths = [f"{application}/{step}" for step in steps]
    paths += [path for path in _links(owner.get("/account")) if path.startswith("/policies/")]
    assert len(paths) > len(steps)
    with shop.app_context():
        other = a_customer("other@example.com")
        db.session.commit()
    stranger = sign_in(shop, Visitor(shop.test_client()), other)

    def asks(path: str) -> tuple[int, str]:
        answer = stranger.client.get(path)
        return answer.status_code, answer.get_data(as_text=True)

    assert attacks.foreign_object(paths, asks, [LI_NA.name, LI_NA.email, "%PDF"]) == []


@pytest.mark.asvs("3.5.1")
def test_forged_form(shop: Flask, leaky: FlaskClient, at_step: AtStep) -> None:
    def leaks() -> str:
        return leaky.get("/comments").text

    assert attacks.forged_form(lambda: leaky.post("/comments", data={"said": "forged"}), leaks) != []

    owner = at_step("exclusions")
    fields = hidden_fields(owner.text) | {"confirm": "yes"}
    del fields["csrf_token"]
    assert attacks.forged_form(lambda: owner.client.post(owner.at, data=fields), lambda: _acts(shop)) == []


@pytest.mark.asvs("15.3.3", "8.2.3")
def test_mass_assignment(shop: Flask, leaky: FlaskClient, at_step: AtStep, visitor: Visitor) -> None:
    assert attacks.mass_assignment(
        lambda extra: leaky.post("/profile", data=extra), lambda: leaky.post("/profile").text
    )

    def register(extra: dict[str, str]) -> None:
        visitor.get("/register")
        visitor.post({"email": "new@example.com", "name": "New", "password": PASSWORD} | extra)
        assert visitor.status == 200

    assert attacks.mass_assignment(register, lambda: count(shop, "accounts_account", "role <> 'customer'")) == []

    owner = at_step("people")

    def tell(extra: dict[str, str]) -> None:
        owner.post({"applicant_name": LI_NA.name, "applicant_birth_on": LI_NA.born_on.isoformat(),
                    "relationship": "self", "insured_sex": "female"} | extra)  # fmt: skip
        owner.expect("/identity$")

    untouched = "state = 'started' AND id::text <> '1' AND insurer_id::text <> '1'"
    assert attacks.mass_assignment(tell, lambda: count(shop, "application_application", untouched)) == []


@pytest.mark.asvs("3.7.2", "1.2.2")
def test_open_redirect(shop: Flask, leaky: FlaskClient) -> None:
    def leads(target: str) -> str:
        return leaky.post("/sign-in", query_string={"next": target}).headers.get("Location", "")

    assert attacks.open_redirect(leads) != []

    with shop.app_context():
        customer = a_customer("li.na@example.com")
        db.session.commit()

    def signed_in(target: str) -> str:
        visitor = Visitor(shop.test_client())
        path = f"/sign-in?next={quote(target)}"
        visitor.get(path)
        fields = hidden_fields(visitor.text) | {"email": customer.email, "password": PASSWORD}
        answer = visitor.client.post(path, data=fields)
        assert answer.status_code in {302, 303}
        return answer.headers["Location"]

    assert attacks.open_redirect(signed_in) == []


@pytest.mark.asvs("2.2.2")
def test_price_tampering(shop: Flask, leaky: FlaskClient, simulator: SimulatorServer, at_step: AtStep) -> None:
    assert attacks.price_tampering(lambda fields: leaky.post("/pay", data=fields).text, "100") != []

    visitor = at_step("questions")

    def charged(fields: dict[str, str]) -> str:
        visitor.post(ticked(visitor.text) | dict.fromkeys(asked(visitor.text), "no") | fields)
        while step_of(visitor.at) in {"documents", "exclusions"}:
            visitor.post({"confirm": "yes"} | fields)
        visitor.post({"declare": "yes"} | fields)
        visitor.post(fields)
        session = simulator.listed("/v1/checkout/sessions", limit=1)[0]
        return f"{session['currency']} {session['amount_total']}"

    assert attacks.price_tampering(charged, "cny 132075") == []


@pytest.mark.asvs("1.2.10")
def test_formula_injection(leaky: FlaskClient) -> None:
    def leaks(cell: str) -> bytes:
        leaky.post("/comments", data={"said": cell})
        return leaky.get("/comments.csv").data

    assert len(attacks.formula(leaks)) == len(attacks.FORMULAS)
    assert attacks.formula(lambda cell: spreadsheet.csv_bytes(("said", cell), [("", cell)])) == []


def _read(insurer: Insurer, data: bytes) -> Upload:
    """An upload as the worker reads it."""
    upload = listing.upload_catalog(insurer.id, data, STAFF)
    listing.read_upload(upload.id)
    return uploads.upload(upload.id)


@pytest.mark.asvs("5.2.3", "5.2.1")
def test_unpacking_a_bomb(database: None, leaky: FlaskClient) -> None:
    assert attacks.unpacking(lambda data: leaky.post("/archive", data=data)) != []

    insurer = an_insurer()
    assert attacks.unpacking(lambda data: _read(insurer, data)) == []


@pytest.mark.asvs("1.5.1")
def test_external_entity(database: None, leaky: FlaskClient, tmp_path: Path) -> None:
    secret = str(tmp_path / "secret.txt")
    found = attacks.external_entity(lambda data: leaky.post("/xml", data=data).text, secret, SECRET)
    assert found == ["read another file", "grew"]

    insurer = an_insurer()

    def upload(data: bytes) -> str:
        """Under each name that somebody may take for a document."""
        names = (
            "logo.svg",
            "terms.xml",
            "products/harbour-term/documents/terms.md",
            "products/harbour-term/product.toml",
        )
        return "".join(repr(_read(insurer, zipped(catalog_files() | {name: data}))) for name in names)

    assert attacks.external_entity(upload, secret, SECRET) == []


@pytest.mark.asvs("1.3.6", "15.3.2")
def test_server_side_request(shop: Flask, leaky: FlaskClient, work: Work, visitor: Visitor) -> None:
    assert attacks.server_side_request(lambda url: leaky.post("/fetch", data={"url": url})) != []

    number = iter(range(100))

    def everywhere(url: str) -> None:
        """Where a customer can say something, and in an insurer's documents, read by a person and by the worker."""
        code = f"harbour-{next(number)}"
        files = catalog_files()
        document = next(name for name in files if name.endswith(".md"))
        image = f"\n\n![a picture]({url}) <img src='{url}'> [{url}]({url})\n".encode()
        with shop.app_context():
            version = published(
                an_insurer(code), files | _of_insurer(files, code) | {document: files[document] + image}
            )
            db.session.commit()
        assert version
        for offer in visitor.compare("term_life", ANSWERS):
            visitor.get(offer)
            for path in [path for path in _links(visitor.text) if path.startswith("/documents/")]:
                visitor.client.get(path)
        visitor.get(f"/sign-in?next={quote(url)}")
        _sent(visitor, "/verify", number=url[:40], code="ABCD")
        work()

    assert attacks.server_side_request(everywhere) == []


@pytest.mark.asvs("7.2.4")
def test_session_fixation(shop: Flask, leaky: FlaskClient) -> None:
    def leaky_sign_in() -> None:
        leaky.post("/sign-in")

    assert (
        attacks.session_fixation(lambda: leaky.get("/"), leaky_sign_in, lambda: leaky.get("/account").status_code) != []
    )

    attacker, victim = Visitor(shop.test_client()), Visitor(shop.test_client())
    with shop.app_context():
        customer = a_customer("li.na@example.com")
        db.session.commit()

    def plant() -> None:
        attacker.get("/sign-in")
        for cookie in attacker.client._cookies.values():
            victim.client.set_cookie(cookie.key, cookie.value)

    found = attacks.session_fixation(
        plant, lambda: sign_in(shop, victim, customer), lambda: attacker.client.get("/account").status_code
    )
    assert found == []
    assert victim.client.get("/account").status_code == HTTPStatus.OK


@pytest.mark.asvs("2.4.1", "6.3.1", "6.6.3")
def test_no_limit(shop: Flask, leaky: FlaskClient, visitor: Visitor) -> None:
    assert attacks.no_limit(lambda: leaky.post("/reset").status_code) != []

    with shop.app_context():
        customer = a_customer("li.na@example.com")
        db.session.commit()
    doors: dict[str, dict[str, str]] = {
        "/sign-in": {"email": customer.email, "password": "a wrong guess"},
        "/reset": {"email": customer.email},
        "/find": {"email": customer.email},
        "/register": {"email": "new@example.com", "name": "New", "password": PASSWORD},
        "/verify": {"number": "H-1", "code": "ABCD"},
    }
    for path, fields in doors.items():
        assert attacks.no_limit(lambda path=path, fields=fields: _sent(visitor, path, **fields)[0]) == [], path  # type: ignore[misc]  # bound now


@pytest.mark.asvs("4.1.3")
def test_host_header(shop: Flask, leaky: FlaskClient, visitor: Visitor, work: Work) -> None:
    assert attacks.host_header(lambda host: leaky.post("/reset", headers={"Host": host}).text) != []

    with shop.app_context():
        customer = a_customer("li.na@example.com")
        db.session.commit()

    def reset(host: str) -> str:
        visitor.get("/reset")
        fields = hidden_fields(visitor.text) | {"email": customer.email}
        told = [visitor.client.post("/reset", data=fields, headers={"Host": host}).get_data(as_text=True)]
        told.append(
            visitor.client.post("/reset", data=fields, headers={"X-Forwarded-Host": host}).get_data(as_text=True)
        )
        work()
        with shop.app_context():
            told += [correspondence.message_parts(mail.id).text for mail in correspondence.inbox()]
        assert len(told) > 2, "no mail was sent at all"
        return "".join(told)

    assert attacks.host_header(reset) == []


@pytest.mark.asvs("5.3.2", "13.4.1", "13.4.3")
def test_path_traversal(shop: Flask, leaky: FlaskClient, visitor: Visitor) -> None:
    assert attacks.path_traversal(lambda climb: leaky.get(f"/leaflets/{climb}").text, [SECRET]) != []

    visitor.compare("term_life", ANSWERS)
    visitor.get(_links(visitor.text, "/offers/")[0])
    document = _links(visitor.text, "/documents/")[0]
    secrets = ["class Settings", "root:x:", "repositoryformatversion"]
    for folder in ("/static", document, "/documents", "/policies", ""):
        for file in ("config.py", ".git/config", "instance/keys.json"):
            found = attacks.path_traversal(
                lambda climb, folder=folder, file=file: (
                    shop.test_client()  # type: ignore[misc]  # bound now
                    .get(f"{folder}/{climb.replace('secret.txt', file)}")
                    .get_data(as_text=True)
                ),
                secrets,
            )
            assert found == [], folder


def _got(visitor: Visitor, path: str) -> tuple[int, str]:
    visitor.get(path)
    return visitor.status, words(visitor.text)


def _sent(visitor: Visitor, path: str, **fields: str) -> tuple[int, str]:
    visitor.get(path)
    visitor.post(fields)
    return visitor.status, words(visitor.text)


def _links(page: str, beginning: str = "/") -> list[str]:
    found = [part.split('"')[0] for part in page.split('href="')[1:]]
    return list(dict.fromkeys(path for path in found if path.startswith(beginning)))


def _acts(shop: Flask) -> dict[str, str]:
    """Every table's rows, less what a refused request itself leaves behind."""
    return {name: digest for name, digest in written(shop).items() if name != "accounts_security_event"}

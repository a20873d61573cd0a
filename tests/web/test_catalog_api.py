"""The door by which an insurer's machine sends a catalog, and the desk at which its key is made."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from marketplace.accounts import queries as accounts
from marketplace.accounts import rules, services
from marketplace.accounts.services.suspending import hold_back
from marketplace.accounts.values import Bucket, KeyScope, MadeKey, Role
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.web.api import v1
from sandbox.demo.visitor import words
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.catalog import catalog_files, zipped
from tests.web.conftest import count, run_jobs
from tests.web.desk_visits import at_the_desk

PATH = "/api/v1/catalogs"
Make = Callable[..., MadeKey]


@pytest.fixture
def a_key(shop: Flask) -> Make:
    def make(insurer: str = "harbour", scopes: frozenset[KeyScope] = frozenset(KeyScope)) -> MadeKey:
        with shop.app_context():
            admin = a_member_of_staff(Role.INSURER_ADMIN, accounts.insurer_by_code(insurer))
            made = services.make_api_key(admin, "nightly upload", 30, scopes)
            db.session.commit()
            return made

    return make


@pytest.fixture
def machine(shop: Flask) -> FlaskClient:
    return shop.test_client()


def put(machine: FlaskClient, token: str, data: bytes, kind: str = "application/zip", **more: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind} | more.pop("headers", {})
    return machine.put(PATH, data=data, headers=headers, **more)


def problem(answer: TestResponse) -> Mapping[str, Any]:
    assert answer.mimetype == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.get_data())
    assert told["status"] == answer.status_code
    assert told["title"]
    return told


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether an answer is as the description says, as far as it says it: names, kinds, references."""
    if "$ref" in schema:
        return fits(value, json.loads(v1.DESCRIPTION)["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "null": type(None)}
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, kinds[kind]) for kind in allowed):
        return False
    if isinstance(value, dict) and "properties" in schema:
        known = set(value) <= set(schema["properties"]) or schema.get("additionalProperties") is not False
        inside = all(
            fits(each, schema["properties"][name]) for name, each in value.items() if name in schema["properties"]
        )
        return known and inside and set(schema.get("required", ())) <= set(value)
    return all(fits(each, schema["items"]) for each in value) if isinstance(value, list) else True


def described(path: str, method: str, status: int) -> Mapping[str, Any]:
    """The schema of an answer in the description."""
    answer = json.loads(v1.DESCRIPTION)["paths"][path][method]["responses"][str(status)]
    return dict(next(iter(answer["content"].values()))["schema"])


def a_catalog() -> bytes:
    """One that nobody has sent before: the shop's own, with a word more."""
    files = catalog_files("harbour")
    return zipped(files | {"catalog.toml": files["catalog.toml"] + b"# sent by a machine"})


def test_a_catalog_is_received_once_however_often_it_is_sent(shop: Flask, machine: FlaskClient, a_key: Make) -> None:
    made, data = a_key(), a_catalog()
    before = count(shop, "listing_upload")
    first, again = put(machine, made.token, data), put(machine, made.token, data)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.get_json() == again.get_json()
    told = first.get_json()
    assert (told["sha256"], told["state"], told["findings"]) == (sha256_hex(data), "received", [])
    assert first.headers["Location"] == again.headers["Location"] == f"{PATH}/{told['id']}"
    assert count(shop, "listing_upload") == before + 1
    for answer in (first, again):
        assert fits(answer.get_json(), described(PATH, "put", answer.status_code))
    looked = machine.get(first.headers["Location"], headers={"Authorization": f"Bearer {made.token}"})
    assert looked.get_json() == told
    run_jobs(shop)
    read = machine.get(first.headers["Location"], headers={"Authorization": f"Bearer {made.token}"}).get_json()
    assert (read["state"], read["products"]) == ("draft", ["harbour-term"])
    assert fits(told, described(f"{PATH}/{{upload_id}}", "get", 200))
    assert count(shop, "accounts_security_event", "type = 'api_key_used'") == 2
    assert count(shop, "accounts_api_key", "last_used_at IS NOT NULL") == 1


def test_what_is_wrong_with_it_is_told_in_the_language_asked_for(
    shop: Flask, machine: FlaskClient, a_key: Make
) -> None:
    made = a_key()
    answer = put(machine, made.token, b"PK no zip")
    assert answer.status_code == 201
    run_jobs(shop)
    bearer = {"Authorization": f"Bearer {made.token}", "Accept-Language": "zh"}
    told = machine.get(answer.headers["Location"], headers=bearer).get_json()
    assert told["state"] == "refused"
    assert re.search("[\u4e00-\u9fff]", told["findings"][0]["wrong"])
    assert fits(told, described(PATH, "put", 201))


def test_no_cookie_comes_and_none_is_read(shop: Flask, machine: FlaskClient, a_key: Make) -> None:
    made = a_key()
    answers = [
        put(machine, made.token, a_catalog()),
        put(machine, "nothing", b"x"),
        machine.get("/api/v1/openapi.json"),
    ]
    assert [answer.headers.getlist("Set-Cookie") for answer in answers] == [[], [], []]
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    staff = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    assert staff.client.put(PATH, data=a_catalog(), headers={"Content-Type": "application/zip"}).status_code == 401


@pytest.mark.parametrize("token", ["", "nobody", "evenfold_AAAA_secret"])
def test_without_a_key_nothing_opens(shop: Flask, machine: FlaskClient, token: str) -> None:
    before = count(shop, "listing_upload")
    answer = put(machine, token, a_catalog())
    assert (answer.status_code, problem(answer)["code"]) == (401, "accounts:api-key-refused")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="evenfold"'
    assert count(shop, "listing_upload") == before
    assert count(shop, "accounts_security_event", "type = 'forged_request' AND detail->>'reason' = 'api_key'") == 1


def test_while_the_sales_of_an_insurer_are_stopped_its_machines_send_nothing(
    shop: Flask, machine: FlaskClient, a_key: Make
) -> None:
    made = a_key()
    sent = put(machine, made.token, a_catalog()).headers["Location"]
    with shop.app_context():
        services.suspend_insurer(made.key.insurer_id, "solvency", a_member_of_staff(Role.ADMIN_OWNER))
        db.session.commit()
    before = count(shop, "listing_upload"), count(shop, "procrastinate_jobs")
    answer = put(machine, made.token, a_catalog() + b" ")
    assert (answer.status_code, problem(answer)["code"]) == (403, "accounts:sales-stopped")
    assert (count(shop, "listing_upload"), count(shop, "procrastinate_jobs")) == before
    assert count(shop, "accounts_security_event", "type = 'api_key_used'") == 1
    assert machine.get(sent, headers={"Authorization": f"Bearer {made.token}"}).status_code == 200


def test_before_its_first_sale_an_insurer_sends_catalogs(shop: Flask, machine: FlaskClient, a_key: Make) -> None:
    made = a_key()
    with shop.app_context():
        hold_back(made.key.insurer_id, a_member_of_staff(Role.ADMIN_OWNER))
        db.session.commit()
    assert put(machine, made.token, a_catalog()).status_code == 201


def test_a_key_without_the_scope_sends_nothing(shop: Flask, machine: FlaskClient, a_key: Make) -> None:
    before = count(shop, "listing_upload")
    answer = put(machine, a_key(scopes=frozenset()).token, a_catalog())
    assert (answer.status_code, problem(answer)["code"]) == (403, "accounts:scope-missing")
    assert count(shop, "listing_upload") == before


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ((b"", "application/zip"), 422),
        ((b"a,b", "text/csv"), 415),
        ((b"PK" + bytes(8 * 1024 * 1024), "application/zip"), 413),
    ],
)
def test_what_is_no_catalog_is_not_kept(
    shop: Flask, machine: FlaskClient, a_key: Make, sent: tuple[bytes, str], status: int
) -> None:
    before = count(shop, "listing_upload")
    answer = put(machine, a_key().token, *sent)
    assert answer.status_code == problem(answer)["status"] == status
    assert fits(problem(answer), described(PATH, "put", status))
    assert count(shop, "listing_upload") == before


def test_anothers_upload_is_not_there(shop: Flask, machine: FlaskClient, a_key: Make) -> None:
    sent = put(machine, a_key().token, a_catalog())
    with shop.app_context():
        an_insurer("farshore")
        db.session.commit()
    other = a_key("farshore")
    answer = machine.get(sent.headers["Location"], headers={"Authorization": f"Bearer {other.token}"})
    assert (answer.status_code, problem(answer)["code"]) == (404, "listing:upload-not-found")


def test_each_key_sends_so_much_and_no_more(machine: FlaskClient, a_key: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LIMITS", rules.LIMITS | {Bucket.UPLOAD_OF_KEY: rules.Limit(1, timedelta(hours=1))})
    made, data = a_key(), a_catalog()
    assert put(machine, made.token, data).status_code == 201
    answer = put(machine, made.token, data)
    assert (answer.status_code, problem(answer)["code"]) == (429, "accounts:too-many-tries")
    assert int(answer.headers["Retry-After"]) > 0
    assert put(machine, a_key().token, data).status_code == 200


def test_the_description_names_every_door_and_no_other(shop: Flask, machine: FlaskClient) -> None:
    told = json.loads(machine.get("/api/v1/openapi.json").get_data())
    assert told["openapi"] == "3.1.0"
    doors = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in shop.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert doors == {(path, method) for path, methods in told["paths"].items() for method in methods}
    assert set(told["paths"][PATH]["put"]["requestBody"]["content"]) == v1.CONTAINERS


# --- the desk ---------------------------------------------------------------------------------------------------------


def test_an_admin_makes_a_key_sees_it_once_and_takes_it_back(shop: Flask, machine: FlaskClient) -> None:
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    admin = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    admin.get("/insurer/keys")
    admin.post({"name": "nightly upload", "days": "30"}, "/insurer/keys/make")
    found = re.search(r"evenfold_[A-Z0-9]{8}_[\w-]{43}", admin.text)
    assert found
    token = found[0]
    assert put(machine, token, a_catalog()).status_code == 201
    assert token not in admin.get("/insurer/keys")
    assert "nightly upload" in words(admin.text)
    revoke = re.search(r"/insurer/keys/[0-9a-f-]{36}/revoke", admin.text)
    assert revoke
    admin.post({}, revoke[0])
    assert "revoked" in words(admin.text)
    assert put(machine, token, a_catalog()).status_code == 401


@pytest.mark.parametrize("fields", [{"name": "", "days": "30"}, {"name": "x", "days": "400"}])
def test_a_key_that_will_not_do_is_not_made(shop: Flask, fields: dict[str, str]) -> None:
    with shop.app_context():
        insurer = accounts.insurer_by_code("harbour")
    admin = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    admin.get("/insurer/keys")
    admin.post(fields, "/insurer/keys/make")
    assert admin.status == 422
    assert count(shop, "accounts_api_key") == 0

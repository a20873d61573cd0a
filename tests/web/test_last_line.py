"""What holds when something breaks that nobody thought of, and what is signed."""

import hmac
import logging
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha1, sha256
from unittest.mock import patch

import pytest
from flask import Flask, Response, request
from flask.helpers import get_debug_flag
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from config import Settings
from marketplace.app import create_app
from marketplace.infra import keys, payment_gateway
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, hidden_fields
from tests.web.conftest import NothingWritten

AtStep = Callable[..., Visitor]

SECRET = "SELECT a secret FROM /srv"
PAGE = partial(URLSafeSerializer, signer_kwargs={"digest_method": sha256})


@pytest.fixture
def breaking(shop: Flask) -> Iterator[Callable[[], Response]]:
    """The page `/verify` breaks."""

    def broken(**_: object) -> str:
        raise RuntimeError(SECRET)

    plain = FlaskClient(shop)
    with patch.dict(shop.view_functions, {"verify.check": broken}):
        yield lambda: plain.get("/verify")


@pytest.mark.asvs("16.3.4", "16.5.1")
def test_what_nobody_expected_is_logged_once_with_its_cause(
    breaking: Callable[[], Response], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = breaking()
    assert (answer.status_code, SECRET in answer.get_data(as_text=True)) == (500, False)
    found = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.name for record in found] == ["marketplace.web.error_pages"]
    assert found[0].exc_info is not None
    assert SECRET in str(found[0].exc_info[1])


@pytest.mark.asvs("16.5.4")
@pytest.mark.parametrize("where", ["view", "before", "after", "page of the error"])
def test_whatever_breaks_the_site_goes_on(
    shop: Flask, visitor: Visitor, breaking: Callable[[], Response], nothing_written: NothingWritten, where: str
) -> None:
    """Even where the page that says so cannot be made, the process answers and serves the next one."""

    def fail(*_: object, **__: object) -> Response:
        raise RuntimeError(SECRET)

    hooks = {"before": shop.before_request_funcs, "after": shop.after_request_funcs}
    templates = shop.jinja_env
    shop.testing, shop.config["PROPAGATE_EXCEPTIONS"] = False, False
    try:
        with nothing_written():
            if where in hooks:
                hooks[where].setdefault(None, []).append(fail)
            with patch.object(templates, "get_or_select_template", fail if where == "page of the error" else
                              templates.get_or_select_template):  # fmt: skip
                answer = breaking()
    finally:
        shop.testing, shop.config["PROPAGATE_EXCEPTIONS"] = True, None
        if where in hooks:
            hooks[where][None].remove(fail)
    assert answer.status_code == 500
    assert SECRET not in answer.get_data(as_text=True)
    visitor.get("/how-we-rank")
    assert visitor.status == 200


@pytest.mark.asvs("13.4.2")
def test_no_variable_of_the_environment_turns_debugging_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert get_debug_flag(), "without a word of ours it would be on"
    gateway = payment_gateway.gateway()
    try:
        app = create_app(settings)
        assert (app.debug, app.jinja_env.auto_reload) == (False, False)
    finally:
        payment_gateway.configure(gateway)
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def cookie(shop: Flask, visitor: Visitor) -> str:
    """The signed cookie of a visitor whose journey has begun."""
    visitor.get("/compare/term_life")
    found = visitor.client.get_cookie("evenfold")
    assert found
    assert _read(shop, found.value), "it can be read as it is"
    return found.value


def _read(shop: Flask, cookie: str) -> dict[str, str]:
    with shop.test_request_context(headers={"Cookie": f"evenfold={cookie}"}):
        session = shop.session_interface.open_session(shop, request)
        return dict(session or {})


@pytest.mark.asvs("9.1.1")
def test_every_changed_character_of_the_signed_cookie_is_noticed(shop: Flask, cookie: str) -> None:
    for place, character in enumerate(cookie[:-1]):  # the last has idle bits
        changed = cookie[:place] + ("A" if character != "A" else "B") + cookie[place + 1 :]
        assert _read(shop, changed) == {}, f"character {place}"


def _signed(shop: Flask, **how: object) -> str:
    """A cookie as we sign it, or with one thing otherwise."""
    ours = shop.session_interface.get_signing_serializer(shop)
    assert ours
    options: dict[str, object] = {
        "secret_key": shop.secret_key, "salt": "cookie-session", "serializer": ours.serializer,
        "signer_kwargs": {"key_derivation": "hmac", "digest_method": sha256},
    }  # fmt: skip
    return str(URLSafeTimedSerializer(**(options | how)).dumps({"journey": "planted"}))  # type: ignore[arg-type]


@pytest.mark.asvs("9.1.2", "9.1.3", "9.2.2")
def test_only_our_key_our_algorithm_and_our_purpose_are_taken(shop: Flask, cookie: str) -> None:
    key = str(shop.secret_key)
    others = {
        "another key": _signed(shop, secret_key="x" * 40),
        "another purpose": _signed(shop, salt="seen-page"),
        "another derivation": _signed(shop, signer_kwargs={"key_derivation": "none", "digest_method": sha256}),
        "another digest": _signed(shop, signer_kwargs={"key_derivation": "hmac", "digest_method": sha1}),
        "the token of a page": str(PAGE(key, salt="seen-page").dumps({"journey": "planted"})),
        "no signature": cookie.rsplit(".", 1)[0] + ".",
        "a token that names its own algorithm": "eyJhbGciOiJub25lIn0.eyJqb3VybmV5IjoicGxhbnRlZCJ9.",
    }
    assert _read(shop, _signed(shop)) == {"journey": "planted"}, "the control: signed as we do"
    assert {name: _read(shop, each) for name, each in others.items()} == {name: {} for name in others}


@pytest.mark.asvs("9.1.3", "9.2.2")
def test_a_page_signed_for_another_purpose_or_with_another_key_is_not_the_page_shown(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("exclusions")
    genuine = hidden_fields(visitor.text)["seen"]
    version_id, _, proof = genuine.partition(".")
    said = f"{version_id}\0{visitor.at}".encode()
    with shop.app_context():
        keys_of = {purpose: keys.derived(purpose) for purpose in ("seen-page", "cookie-session")}
    assert hmac.new(keys_of["seen-page"], said, "sha256").hexdigest() == proof
    for key in (b"x" * 32, keys_of["cookie-session"], str(shop.secret_key).encode()):
        with nothing_written():
            visitor.get(visitor.at)
            visitor.post({"confirm": "yes", "seen": f"{version_id}.{hmac.new(key, said, 'sha256').hexdigest()}"})
        assert visitor.status == 409
    visitor.get(visitor.at)
    visitor.post({"confirm": "yes", "seen": genuine})
    assert visitor.status == 200

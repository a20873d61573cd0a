"""What every answer carries, whichever page it is."""

import re

import pytest
from flask import Flask

from sandbox.demo.visitor import Visitor

PATHS = ("/", "/compare/term_life", "/sign-in", "/no-such-page", "/healthz/live", "/inbox", "/admin", "/hooks/stripe")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.requirement("T26-07")
def test_every_answer_is_closed_to_frames_scripts_and_caches(visitor: Visitor, path: str) -> None:
    headers = visitor.client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_forms_lead_to_us_and_to_the_payment_page_only(visitor: Visitor, shop: Flask) -> None:
    policy = visitor.client.get("/").headers["Content-Security-Policy"]
    assert re.search(r"form-action 'self' (\S+);", policy)


def test_each_answer_has_a_nonce_of_its_own(visitor: Visitor) -> None:
    nonces = set()
    for _ in range(3):
        answer = visitor.client.get("/")
        nonce = answer.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
        assert f'nonce="{nonce}"' in answer.get_data(as_text=True)
        nonces.add(nonce)
    assert len(nonces) == 3


def test_the_session_is_for_this_site_and_no_script(visitor: Visitor) -> None:
    cookie = visitor.client.get("/sign-in").headers["Set-Cookie"]
    parts = {part.strip().split("=")[0] for part in cookie.split(";")}
    assert {"HttpOnly", "SameSite"} <= parts
    assert "Domain" not in parts

"""When a recorded page is left, the trail says so, for whom it was shown to and for nobody else (T26-06)."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask

from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, hidden_fields
from tests.web.conftest import ANSWERS, NothingWritten, count

AtStep = Callable[..., Visitor]
SEEN = r'<main[^>]* data-recorded="([^"]+)"'


def leave(visitor: Visitor, **changed: str) -> int:
    """What the script of the page sends."""
    told = {
        "csrf_token": hidden_fields(visitor.text)["csrf_token"],
        "page": urlsplit(visitor.at).path,
        "seen": re.findall(SEEN, visitor.text)[0],
    }
    return visitor.client.post("/left", data=told | changed).status_code


def left(shop: Flask) -> int:
    return count(shop, "traceability_evidence_intake", "type = 'page:left'")


def journey_of(visitor: Visitor) -> str:
    with visitor.client.session_transaction() as session:
        return str(session["journey"])


@pytest.mark.requirement("T26-06")
def test_a_page_of_the_application_that_is_left_is_entered(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("exclusions")
    assert leave(visitor) == 204
    with shop.app_context():
        view, entered = trail.journey_entries(UUID(journey_of(visitor)))[-2:]
    assert (entered.type, entered.body) == (EntryType.PAGE_LEFT, {"view": str(view.id)})
    assert (entered.page_version_id, entered.application_id) == (view.page_version_id, view.application_id)
    assert entered.insurer_id == view.insurer_id is not None
    assert entered.recorded_at >= view.recorded_at


@pytest.mark.requirement("T26-06")
def test_a_page_from_memory_is_left_like_any_other(shop: Flask, visitor: Visitor) -> None:
    visitor.get("/")
    assert not re.search(SEEN, visitor.text), "the start page is not recorded"
    visitor.compare("term_life", ANSWERS)
    for _ in range(2):
        assert leave(visitor) == 204
        visitor.get(visitor.at)
    assert left(shop) == 2


def test_nothing_is_entered_for_what_was_not_shown(
    shop: Flask, at_step: AtStep, stranger: Visitor, nothing_written: NothingWritten
) -> None:
    visitor = at_step("exclusions")
    page, seen = urlsplit(visitor.at).path, re.findall(SEEN, visitor.text)[0]
    stranger.compare("term_life", ANSWERS)
    with nothing_written():
        assert leave(visitor, seen=seen[:-4] + "0000") == 409
        assert leave(visitor, seen=f"{'0' * 64}{seen[64:]}") == 409
        assert leave(visitor, page="/") == 409
        assert leave(visitor, page="") == 422
        assert leave(stranger, page=page, seen=seen) == 404
    product = stranger.text
    assert left(shop) == 0
    assert re.search(SEEN, product)


def test_a_page_that_another_visitor_was_shown_is_not_left_by_this_one(
    shop: Flask, visitor: Visitor, stranger: Visitor
) -> None:
    visitor.compare("term_life", ANSWERS)
    seen, page = re.findall(SEEN, visitor.text)[0], urlsplit(visitor.at).path
    assert stranger.client.post("/left", data={"seen": seen, "page": page, "csrf_token": "x"}).status_code == 400
    stranger.get("/compare/term_life")
    token = hidden_fields(stranger.text)["csrf_token"]
    answer = stranger.client.post("/left", data={"seen": seen, "page": page, "csrf_token": token})
    assert answer.status_code == 404, "this browser has not seen a recorded page yet"
    assert left(shop) == 0

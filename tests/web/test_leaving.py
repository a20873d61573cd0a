"""When a recorded page is left, the trail says so, of this page and of no other (T26-06)."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from sandbox.demo.visitor import Visitor
from tests.web.conftest import ANSWERS, NothingWritten

AtStep = Callable[..., Visitor]


def token(visitor: Visitor) -> str:
    """The nonce of a page that is recorded."""
    recorded = re.search(r"<main[^>]* data-recorded", visitor.text)
    return str(re.findall(r'<script[^>]* nonce="([^"]+)"', visitor.text)[0]) if recorded else ""


def leave(visitor: Visitor, nonce: str) -> int:
    """What the script of a page sends, whatever became of the session meanwhile."""
    return visitor.client.post("/left", data={"nonce": nonce}).status_code


def entries(shop: Flask, visitor: Visitor) -> tuple[Entry, ...]:
    with visitor.client.session_transaction() as session, shop.app_context():
        return trail.journey_entries(UUID(session["journey"]))


@pytest.mark.requirement("T26-06")
def test_a_page_of_the_application_that_is_left_is_entered(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("exclusions")
    assert leave(visitor, token(visitor)) == 204
    view, left = entries(shop, visitor)[-2:]
    assert (left.type, left.body) == (EntryType.PAGE_LEFT, {"view": str(view.id)})
    assert (left.page_version_id, left.application_id) == (view.page_version_id, view.application_id)
    assert left.insurer_id == view.insurer_id is not None
    assert left.recorded_at >= view.recorded_at


@pytest.mark.requirement("T26-06")
def test_each_answer_of_a_page_from_memory_is_left_as_itself(shop: Flask, visitor: Visitor, stranger: Visitor) -> None:
    visitor.get("/")
    assert token(visitor) == "", "the start page is not recorded"
    visitor.compare("term_life", ANSWERS)
    comparison, first = visitor.at, token(visitor)
    visitor.get(comparison)
    second = token(visitor)
    stranger.get(comparison)
    theirs = token(stranger)
    assert len({first, second, theirs}) == 3
    assert [leave(visitor, each) for each in (second, first)] == [204, 204]
    told = entries(shop, visitor)
    shown = [str(entry.id) for entry in told if entry.type is EntryType.COMPARISON_SHOWN]
    left = [entry.body["view"] for entry in told if entry.type is EntryType.PAGE_LEFT]
    assert left == [shown[1], shown[0]]
    assert EntryType.PAGE_LEFT not in {entry.type for entry in entries(shop, stranger)}


def test_nothing_is_entered_for_what_we_did_not_send(
    visitor: Visitor, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("exclusions")
    known = token(visitor)
    visitor.get("/")
    unrecorded = re.findall(r'<script[^>]* nonce="([^"]+)"', visitor.text)[0]
    with nothing_written():
        for told in ("", "x", known[:-1], known.swapcase(), unrecorded):
            assert leave(visitor, told) == 404

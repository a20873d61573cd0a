"""What a browser records comes in by the page it is of, and nothing else does."""

import gzip
import json
from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from marketplace.infra.db import db
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import LONGEST_PART, EntryType
from sandbox.demo.visitor import Visitor
from tests.everything import every_row
from tests.web.conftest import ANSWERS, NothingWritten
from tests.web.test_leaving import entries, token

AtStep = Callable[..., Visitor]
AT = 1_795_000_000_000
TICK = {"type": 3, "data": {"source": 5, "text": "yes", "isChecked": True, "id": 7}, "timestamp": AT}


def a_part(number: int = 0, **changes: object) -> bytes:
    said = {"number": number, "sent_at": AT, "left": False, "cut": False, "events": [TICK]} | changes
    return gzip.compress(json.dumps(said).encode())


def send(visitor: Visitor, nonce: str, part: bytes) -> int:
    return visitor.client.post("/recording", data=part, headers={"Page-Nonce": nonce}).status_code


def parts(shop: Flask) -> int:
    with shop.app_context(), every_row() as owner:
        return int(owner.execute(text("SELECT count(*) FROM traceability_recording_chunk")).scalar_one())


@pytest.mark.requirement("T26-06")
def test_a_page_of_the_application_is_recorded(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("exclusions")
    assert "data-recorder=" in visitor.text
    assert [send(visitor, token(visitor), a_part(number)) for number in (0, 1, 1)] == [204, 204, 204]
    assert parts(shop) == 2
    view = entries(shop, visitor)[-1]
    with shop.app_context():
        traceability.keep_recording(view.id)
        db.session.commit()
        (kept,) = trail.recordings_of(UUID(str(view.application_id)))
        assert json.loads(kept.data)["events"] == [TICK, TICK]
    assert entries(shop, visitor)[-1].type is EntryType.RECORDING_KEPT
    assert send(visitor, token(visitor), a_part(2)) == 409


def test_no_page_is_recorded_before_the_notice_nor_while_paying(
    shop: Flask, visitor: Visitor, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor.compare("term_life", ANSWERS)
    seen = [(visitor.text, token(visitor))]
    paying = at_step("pay")
    seen.append((paying.text, token(paying)))
    with nothing_written():
        for page, nonce in seen:
            assert "data-recorder=" not in page
            assert nonce
            assert send(visitor, nonce, a_part()) == 404
        for unknown in ("", "x", seen[1][1][:-1]):
            assert send(visitor, unknown, a_part()) == 404


def test_what_does_not_fit_is_refused_and_nothing_kept(at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("exclusions")
    nonce = token(visitor)
    with nothing_written():
        for part, status in (
            (b"", 422),
            (b"<html>", 422),
            (a_part(events=[{"type": 2, "data": {"node": "<script>", "initialOffset": {}}, "timestamp": AT}]), 422),
            (gzip.compress(b" " * (5 * 2**20)), 422),
            (b" " * (LONGEST_PART + 1), 413),
        ):
            assert send(visitor, nonce, part) == status


@pytest.mark.requirement("T26-33")
def test_without_the_store_nothing_is_kept_and_the_page_works(
    shop: Flask, at_step: AtStep, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = at_step("exclusions")

    def refuse(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception())

    monkeypatch.setattr("marketplace.traceability.services.interactions._lock", refuse)
    assert send(visitor, token(visitor), a_part()) == 503
    assert parts(shop) == 0
    visitor.get(visitor.at)
    assert token(visitor)

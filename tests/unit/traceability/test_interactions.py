"""What a browser says is read with distrust, and put together as it was."""

import gzip
import json
from typing import Any
from uuid import uuid4

import pytest

from marketplace.traceability.rules import interactions
from marketplace.traceability.rules.alike import recorded_alike
from marketplace.traceability.values import RecordingInvalid

AT = 1_795_000_000_000
PAGE = {"type": 0, "childNodes": [], "id": 1}
SNAPSHOT = {"type": 2, "data": {"node": PAGE, "initialOffset": {"left": 0, "top": 0.5}}, "timestamp": AT}
TICK = {"type": 3, "data": {"source": 5, "text": "yes", "isChecked": True, "id": 7}, "timestamp": AT + 900}
SUBMIT = {"type": 5, "data": {"tag": "submit", "payload": {}}, "timestamp": AT + 1000}
SIZE = {"type": 4, "data": {"href": "https://x.example/", "width": 360, "height": 640}, "timestamp": AT}


def a_part(*events: Any, **changes: Any) -> bytes:
    said = {"number": 0, "sent_at": AT, "left": False, "cut": False, "events": list(events)} | changes
    return json.dumps(said).encode()


def test_a_part_is_read_as_it_was_sent() -> None:
    chunk = interactions.chunk_of(interactions.unpacked(gzip.compress(a_part(SIZE, SNAPSHOT, TICK, SUBMIT, number=3))))
    assert (chunk.number, chunk.sent_at, chunk.left, chunk.cut) == (3, AT, False, False)
    assert chunk.events == (SIZE, SNAPSHOT, TICK, SUBMIT)
    assert interactions.unpacked(a_part(TICK, left=True)) == a_part(TICK, left=True)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'{"events": []}',
        b"\xff",
        a_part(number=-1),
        a_part(number=True),
        a_part(number=10_000),
        a_part(sent_at=1.5),
        a_part(left="yes"),
        a_part(more=1),
        a_part(events={}),
        a_part("<b>"),
        a_part({**TICK, "delay": 1}),
        a_part({**TICK, "timestamp": -1}),
        a_part({**TICK, "data": []}),
        a_part({**TICK, "type": 6}),
        a_part({**TICK, "type": 3.0}),
        a_part({**TICK, "data": {"source": 9}}),
        a_part({**SUBMIT, "data": {"tag": "else", "payload": {}}}),
        a_part({**SUBMIT, "data": {"tag": "submit", "payload": {"html": "<script>"}}}),
        a_part({**SNAPSHOT, "data": {"node": "<html>", "initialOffset": {}}}),
        a_part(TICK).replace(b"900", b"NaN"),
        a_part(SNAPSHOT).replace(b"0.5", b"1e999"),
        b"[" * 200_000,
        a_part(TICK).replace(b'"yes"', b"[" * 130 + b"]" * 130),
    ],
)
def test_nothing_else_is_taken(text: bytes) -> None:
    with pytest.raises(RecordingInvalid):
        interactions.chunk_of(text)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * (interactions.MOST_UNPACKED + 1))
    assert len(bomb) < 10_000
    for data in (bomb, gzip.compress(a_part())[:-9], gzip.compress(a_part()) + b"more", interactions.GZIP + b"x"):
        with pytest.raises(RecordingInvalid):
            interactions.unpacked(data)


def test_parts_are_put_in_their_order_and_what_is_missing_is_named() -> None:
    view_id = uuid4()
    parts = [interactions.chunk_of(a_part(event, number=n)) for n, event in ((3, SUBMIT), (0, SNAPSHOT), (2, TICK))]
    assert json.loads(interactions.recording_of(view_id, parts, -40, cut=True)) == {
        "format": "evenfold-recording/1",
        "view": str(view_id),
        "clock_ahead": -40,
        "missing": [1],
        "left": False,
        "cut": True,
        "events": [SNAPSHOT, TICK, SUBMIT],
    }


def test_what_three_people_did_alike_is_about_none_of_them() -> None:
    def recorded(name: str, at: int) -> bytes:
        told = {**TICK, "data": {**TICK["data"], "text": name}, "timestamp": at}
        return interactions.recording_of(uuid4(), [interactions.chunk_of(a_part(SNAPSHOT, told))], at, cut=False)

    names = ('Li "Na"', "Wang Fang\\", "Chen Jie")
    recordings = [recorded(name, AT + 7919 * number) for number, name in enumerate(names, 1)]
    common = recorded_alike(recordings)
    assert b'"childNodes"' in common
    assert b'"isChecked"' in common
    assert [word for word in (b"Li", b"Na", b"Wang", b"Chen") if word in common] == []
    assert recorded_alike([recordings[0]] * 3) == recordings[0]

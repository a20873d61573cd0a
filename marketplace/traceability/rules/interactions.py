"""What a browser says that was done on a page: read with distrust, put together, and told apart from another person's.

What comes here was made by whoever knows the nonce of a page. Nothing of it is believed but that it was sent; it is
kept beside the page that was sent and the form that came back, which prove (decision 21).
"""

import json
import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from marketplace.traceability.values import RecordingInvalid

FORMAT = "evenfold-recording/1"
MOST_UNPACKED = 4 * 2**20
MOST_OF_PAGE = 5 * 2**20
"""Bytes: of what is sent at once, unpacked, and of all of it for one page as it was shown to one person."""

MOST_CHUNKS, MOST_EVENTS, DEEPEST = 10_000, 20_000, 128
GZIP = b"\x1f\x8b"

# Of rrweb's kinds of events (docs/decisions/0021): a snapshot of the page, a change of it, its size, one of our own.
SNAPSHOT, CHANGE, SIZE, OWN = 2, 3, 4, 5
# Of its sources of changes: the document, clicks and focus, scrolling, the window's size, inputs.
MUTATION, CLICK, SCROLL, RESIZE, INPUT = 0, 2, 3, 4, 5
SUBMITTED = "submit"
_SOURCES = frozenset({MUTATION, CLICK, SCROLL, RESIZE, INPUT})
_LATEST = 10**14  # milliseconds since 1970

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a page sent at once: `number` counts from 0, `sent_at` is the browser's clock in milliseconds since 1970.

    `left`: the page was left with it; `cut`: nothing more comes, because it was too much.
    """

    number: int
    sent_at: int
    left: bool
    cut: bool
    events: tuple[Event, ...]


def unpacked(data: bytes) -> bytes:
    """JSON as it was sent, pressed by gzip or plain. Raises RecordingInvalid."""
    if not data.startswith(GZIP):
        return data
    reading = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = reading.decompress(data, MOST_UNPACKED + 1)
    except zlib.error as error:
        raise RecordingInvalid("it is not pressed as gzip does") from error
    if len(text) > MOST_UNPACKED or not reading.eof or reading.unused_data:
        raise RecordingInvalid("it unpacks to too much, or is not whole")
    return text


def chunk_of(text: bytes) -> Chunk:
    """Raises RecordingInvalid for whatever our own script does not send."""
    said = _read(text)
    if not isinstance(said, dict) or said.keys() != {"number", "sent_at", "left", "cut", "events"}:
        raise RecordingInvalid("it is no part of a recording")
    number, sent_at, events = said["number"], said["sent_at"], said["events"]
    counted = type(number) is int and 0 <= number < MOST_CHUNKS and type(sent_at) is int and 0 < sent_at < _LATEST
    if not counted or type(said["left"]) is not bool or type(said["cut"]) is not bool:
        raise RecordingInvalid("its frame does not fit")
    if not isinstance(events, list) or len(events) > MOST_EVENTS or not all(map(_is_event, events)):
        raise RecordingInvalid("it holds something else than events")
    return Chunk(number, sent_at, said["left"], said["cut"], tuple(events))


def _read(text: bytes) -> Any:
    try:
        said = json.loads(text, parse_float=_finite, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise RecordingInvalid("it is no JSON") from error
    if _depth(said) > DEEPEST:
        raise RecordingInvalid("it goes too deep")
    return said


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _refused(name: str) -> Any:
    raise ValueError(name)


def _depth(value: Any) -> int:
    """How deep lists and objects lie in one another, without recursion: how deep is the sender's choice."""
    depth, level = 0, [value]
    while level := [
        inner
        for each in level
        if isinstance(each, dict | list)
        for inner in (each.values() if isinstance(each, dict) else each)
    ]:
        depth += 1
    return depth


def _is_event(event: Any) -> bool:
    if not isinstance(event, dict) or event.keys() != {"type", "data", "timestamp"}:
        return False
    kind, data, at = event["type"], event["data"], event["timestamp"]
    timed = type(at) is int and 0 < at < _LATEST
    return timed and type(kind) is int and kind in _FITS and isinstance(data, dict) and _FITS[kind](data)


_FITS: Mapping[int, Callable[[dict[str, Any]], bool]] = {
    SNAPSHOT: lambda data: data.keys() == {"node", "initialOffset"} and isinstance(data["node"], dict),
    CHANGE: lambda data: type(data.get("source")) is int and data["source"] in _SOURCES,
    SIZE: lambda data: data.keys() == {"href", "width", "height"},
    OWN: lambda data: data == {"tag": SUBMITTED, "payload": {}},
}


def recording_of(view_id: UUID, chunks: Sequence[Chunk], clock_ahead: int, *, cut: bool) -> bytes:
    """The whole of it as it is hashed and kept. `clock_ahead`: milliseconds by which our clock is ahead of the
    browser's, where the quickest chunk tells the most. What is missing between the chunks is named by their numbers.
    """
    known = {each.number for each in chunks}
    told = {
        "format": FORMAT,
        "view": str(view_id),
        "clock_ahead": clock_ahead,
        "missing": [number for number in range(max(known, default=-1) + 1) if number not in known],
        "left": any(each.left for each in chunks),
        "cut": cut,
        "events": [event for each in sorted(chunks, key=lambda each: each.number) for event in each.events],
    }
    return json.dumps(told, separators=(",", ":"), allow_nan=False).encode()

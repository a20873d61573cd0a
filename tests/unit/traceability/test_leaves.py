"""Leaves and envelopes, byte by byte (docs/evidence-format.md)."""

from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.canonical import canonical_bytes
from marketplace.traceability.rules.leaves import LONGEST_LEAF, Frame, Leaf, body_sha256, microseconds, parted
from marketplace.traceability.values import EntryType

JOURNEY = UUID("11111111-2222-4333-8444-555555555555")
ENTRY = UUID("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
AT = datetime(2026, 11, 22, 4, 0, 0, 123_456, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def a_leaf(**changes: object) -> Leaf:
    given = {
        "type": "entry:acknowledged", "journey_id": JOURNEY, "number": 7, "previous": b"\x01" * 32, "recorded_at": AT,
        "page_version_id": "a" * 64, "page_sha256": "b" * 64, "body_sha256": "c" * 64,
    }  # fmt: skip
    return Leaf(**(given | changes))  # type: ignore[arg-type]


def a_frame(**changes: object) -> Frame:
    given = {
        "entry_id": ENTRY, "application_id": None, "insurer_id": None, "actor_role": "visitor", "actor_id": None,
        "actor_label": '访客 "x"', "business_at": AT,
    }  # fmt: skip
    return Frame(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.requirement("T26-31", "T26-41")
def test_a_leaf_has_one_spelling() -> None:
    assert a_leaf().to_bytes() == (
        b'{"b":"%s","j":"11111111-2222-4333-8444-555555555555","n":7,"p":"%s","pv":"%s","r":"%s",'
        b'"t":"entry:acknowledged","ts":1795320000123456,"v":1}'
    ) % (b"c" * 64, b"01" * 32, b"a" * 64, b"b" * 64)


def test_the_first_of_a_journey_and_an_act_without_a_page_have_nulls() -> None:
    said = a_leaf(number=1, previous=None, page_version_id=None, page_sha256=None).to_json()
    assert [key for key, value in said.items() if value is None] == ["p", "pv", "r"]


def test_no_leaf_is_longer_than_promised() -> None:
    longest = max(EntryType, key=len)
    assert len(a_leaf(type=longest, number=10**9).to_bytes()) <= LONGEST_LEAF


@given(st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001  hypothesis adds the zone itself
def test_no_microsecond_is_lost(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(at)) == at


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_an_envelope_is_canonical_whatever_it_holds(body: dict[str, object]) -> None:
    frame = a_frame(application_id=JOURNEY, insurer_id=ENTRY, actor_id=JOURNEY)
    whole = frame.to_json() | {"body": body}
    assert frame.envelope(canonical_bytes(body)) == canonical_bytes(whole)
    assert set(whole) == {"actor", "application_id", "body", "business_at", "entry_id", "insurer_id"}


def test_an_instant_is_spelled_in_utc_wherever_the_database_stands() -> None:
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert a_frame(business_at=shanghai).envelope(b"{}") == a_frame().envelope(b"{}")
    assert b'"business_at":"2026-11-22T04:00:00.123456+00:00"' in a_frame().envelope(b"{}")


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    "change",
    [
        {"entry_id": JOURNEY}, {"application_id": ENTRY}, {"insurer_id": ENTRY}, {"actor_role": "admin"},
        {"actor_id": ENTRY}, {"actor_label": "desk"}, {"business_at": AT + timedelta(microseconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_column_is_bound_by_the_hash(change: dict[str, object]) -> None:
    salt = b"s" * 16
    plain = body_sha256(salt, a_frame().envelope(b"{}"))
    assert plain == sha256(salt + a_frame().envelope(b"{}")).hexdigest()
    assert body_sha256(salt, a_frame(**change).envelope(b"{}")) != plain


def test_salt_and_body_are_parted_as_they_were_put_together() -> None:
    assert parted(b"0123456789abcdef" + b'{"a":1}') == (b"0123456789abcdef", b'{"a":1}')

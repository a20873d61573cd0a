"""What entries say comes back byte for byte, whenever it was kept, in half the bytes."""

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.canonical import canonical_bytes
from marketplace.traceability.models import EDITION, packed, specimens, unpacked

NEVER_CHANGED = {1: "10dad028b14db49bf41bdbaac93bb086090124244e06a8249aaf79b2e66f7f21"}
"""Edition -> SHA-256 of its file: what lies in the database of every marketplace was pressed against it."""

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=6))
def test_every_body_comes_back(body: dict[str, object]) -> None:
    plain = canonical_bytes(body)
    assert unpacked(packed(plain)) == plain
    assert len(packed(plain)) <= len(plain)


@pytest.mark.parametrize("edition", NEVER_CHANGED)
def test_an_edition_is_never_changed(edition: int) -> None:
    assert sha256(specimens(edition)).hexdigest() == NEVER_CHANGED[edition]
    assert max(NEVER_CHANGED) == EDITION


def test_specimens_are_bodies_that_name_nobody() -> None:
    lines = [json.loads(line) for line in specimens(EDITION).splitlines()]
    hashes = [value for line in lines for key, value in line.items() if key.endswith(("sha256", "_id", "root", "head"))]
    assert set(hashes) <= {"", "<@", None}


def test_what_is_said_often_takes_less_than_half() -> None:
    body = {"field": "email", "new": {"salt": "5f" * 16, "sha256": sha256(b"x").hexdigest()}, "old": None}
    assert len(packed(canonical_bytes(body | {"new": ""}))) <= 22
    assert len(packed(canonical_bytes(body))) < 0.75 * len(canonical_bytes(body))


def test_what_was_kept_before_there_were_editions_is_read() -> None:
    assert unpacked(b'{"endpoint":"application.code","status":200}') == b'{"endpoint":"application.code","status":200}'
    assert packed(b"{}") == b"{}"

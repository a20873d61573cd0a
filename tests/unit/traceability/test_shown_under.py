"""Under which release a page was shown, where its version came online more than once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability.queries.evidence import _release_of
from marketplace.traceability.rules.leaves import microseconds
from marketplace.traceability.values import EntryType, Logged, Release, ReleaseContent

BEGUN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def a_view(at: datetime, page: bytes | None = b"<p>") -> Logged:
    leaf = {"pv": sha256_hex(b"version"), "r": page and sha256_hex(page), "ts": microseconds(at)}
    return Logged(7, EntryType.PAGE_SHOWN, leaf, (), None, page, None)


def a_release(number: int) -> Release:
    content = ReleaseContent({}, {}, {})
    return Release(number, content, "Anna Li", "Tom Weber", "Why.", "1", BEGUN, UUID(int=number))


WAYS = [(BEGUN, a_release(1)), (BEGUN + 2 * DAY, a_release(3))]


@pytest.mark.requirement("T26-36")
@pytest.mark.parametrize(
    ("at", "number"),
    [
        (BEGUN, 1),
        (BEGUN + 2 * DAY - timedelta(microseconds=1), 1),
        (BEGUN + 2 * DAY, 3),
        (BEGUN + 99 * DAY, 3),
        (BEGUN - timedelta(seconds=1), 1),  # seen by a host whose clock is behind
    ],
)
def test_it_is_the_newest_that_was_not_later(at: datetime, number: int) -> None:
    release = _release_of(a_view(at), WAYS)
    assert release is not None
    assert release.number == number


def test_what_shows_no_page_or_was_never_online_was_shown_under_none() -> None:
    assert _release_of(a_view(BEGUN, page=None), WAYS) is None
    assert _release_of(a_view(BEGUN), ()) is None

"""When what is announced may begin, when it holds, and what it has to say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from marketplace.disclosure import rules
from marketplace.disclosure.values import Announcement, AnnouncementKind, NewAnnouncement
from marketplace.kernel.text import LocalizedText

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = LocalizedText("Words", "文字")
SAID = NewAnnouncement(AnnouncementKind.OTHER, BOTH, BOTH)


@pytest.mark.requirement("O13-06", "N108-10", "SCM-01", "SCM-03")
@pytest.mark.parametrize(
    ("kind", "earliest"),
    [
        (AnnouncementKind.CLOSING, NOW + 28 * DAY),
        (AnnouncementKind.SCOPE, NOW + 11 * DAY),
        (AnnouncementKind.SALE, NOW),
        (AnnouncementKind.TERMS, NOW),
        (AnnouncementKind.COOPERATION, NOW),
        (AnnouncementKind.OTHER, NOW),
        (AnnouncementKind.REVOCATION, NOW),
        (AnnouncementKind.INTERRUPTION, None),
    ],
)
def test_only_an_interruption_may_have_begun_before_it_is_announced(
    kind: AnnouncementKind, earliest: datetime | None
) -> None:
    found = rules.earliest_start(kind, NOW, after_working_days=NOW + 28 * DAY, after_days=NOW + 11 * DAY)
    assert found == earliest


@pytest.mark.parametrize(
    ("new", "missing"),
    [
        (SAID, []),
        (replace(SAID, title=LocalizedText("Words")), ["title_zh"]),
        (replace(SAID, text=LocalizedText(" ", "文字")), ["text"]),
        (replace(SAID, handling=LocalizedText("Words", "")), ["handling_zh"]),
        (replace(SAID, kind=AnnouncementKind.INTERRUPTION), ["handling", "handling_zh"]),
        (replace(SAID, kind=AnnouncementKind.CLOSING), ["handling", "handling_zh", "starts_at"]),
        (replace(SAID, kind=AnnouncementKind.SCOPE), ["starts_at"]),
        (replace(SAID, kind=AnnouncementKind.COOPERATION), ["insurer", "starts_at"]),
    ],
)
def test_both_languages_say_what_the_kind_has_to_say(new: NewAnnouncement, missing: list[str]) -> None:
    assert list(rules.missing(new)) == missing


@pytest.mark.parametrize(("ends_at", "before"), [(None, False), (NOW, True), (NOW + DAY, False), (NOW - DAY, True)])
def test_it_ends_after_it_begins(ends_at: datetime | None, before: bool) -> None:  # noqa: FBT001  a row of the table
    assert rules.ends_before_it_begins(replace(SAID, starts_at=NOW, ends_at=ends_at)) is before


def announced(kind: AnnouncementKind, **changes: object) -> Announcement:
    said = replace(SAID, kind=kind, starts_at=NOW, ends_at=NOW + DAY)
    plain = Announcement(uuid4(), said, NOW, uuid4(), NOW, uuid4(), None, None)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (AnnouncementKind.CLOSING, [True, True, False]),
        (AnnouncementKind.INTERRUPTION, [True, True, False]),
        (AnnouncementKind.SCOPE, [True, False, False]),
        (AnnouncementKind.SALE, [False, False, False]),
        (AnnouncementKind.OTHER, [False, False, False]),
    ],
)
def test_what_concerns_everybody_stands_on_pages_until_it_is_over(kind: AnnouncementKind, shown: list[bool]) -> None:
    found = announced(kind)
    assert [found.is_shown(NOW + each) for each in (-DAY, timedelta(), DAY)] == shown
    assert [found.in_force(NOW + each) for each in (-DAY, timedelta(), DAY)] == [False, True, False]


@pytest.mark.parametrize("changes", [{"released_at": None}, {"revoked_by": uuid4()}])
def test_what_is_not_released_or_is_taken_back_holds_nowhere(changes: dict[str, object]) -> None:
    found = announced(AnnouncementKind.CLOSING, **changes)
    assert not found.is_shown(NOW)
    assert not found.in_force(NOW)


def test_the_trouble_of_one_insurer_stops_no_others_sales() -> None:
    said = announced(AnnouncementKind.INTERRUPTION).said
    assert said.stops_sales
    assert not replace(said, insurer_id=uuid4()).stops_sales
    assert not replace(said, kind=AnnouncementKind.SCOPE).stops_sales


def test_the_hash_is_of_all_it_says_in_whichever_zone_its_instants_are_told() -> None:
    said = replace(SAID, starts_at=NOW)
    assert said.sha256 == replace(said, starts_at=NOW.astimezone()).sha256
    assert said.sha256 != replace(said, starts_at=NOW + DAY).sha256
    assert said.sha256 != replace(said, text=LocalizedText("Words", "字")).sha256

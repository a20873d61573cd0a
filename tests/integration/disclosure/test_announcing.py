"""One person writes an announcement, another releases it, and nothing of it is changed from then on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from marketplace.accounts.values import Account, Role
from marketplace.disclosure import queries, services
from marketplace.disclosure.values import (
    Announcement,
    AnnouncementDecided,
    AnnouncementKind,
    AnnouncementNotFound,
    NewAnnouncement,
    ReleaserNeeded,
    StartsTooSoon,
)
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.kernel.text import LocalizedText
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Actor, ActorRole, EntryType
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff, an_insurer

pytestmark = pytest.mark.usefixtures("database", "frozen_clock")

BOTH = LocalizedText("Words", "文字")
ORIGIN = "market.example/log"
SAID = NewAnnouncement(AnnouncementKind.OTHER, BOTH, BOTH)
HANDLED = replace(SAID, handling=BOTH)
DAY = timedelta(days=1)


@pytest.fixture
def author(database: None) -> Account:
    return a_member_of_staff(Role.ADMIN_COMPLIANCE)


@pytest.fixture
def second(database: None) -> Actor:
    return acting(a_member_of_staff(Role.ADMIN_OWNER))


def acting(account: Account) -> Actor:
    return Actor(ActorRole.ADMIN, account.id, account.role.value)


def drafted(author: Account, said: NewAnnouncement = SAID) -> Announcement:
    return services.draft_announcement(said, author.id)


def released(author: Account, second: Actor, said: NewAnnouncement = SAID) -> Announcement:
    return services.release_announcement(drafted(author, said).id, ORIGIN, second)


def test_what_is_written_is_public_once_another_person_released_it(author: Account, second: Actor) -> None:
    found = drafted(author)
    assert queries.drafts() == (found,)
    assert queries.standing() == queries.released(9) == ()
    found = services.release_announcement(found.id, ORIGIN, second)
    assert queries.drafts() == ()
    assert queries.standing() == queries.released(9) == (found,)
    assert found.said.starts_at == clock.business_now()
    assert found.released_by == second.account_id


def test_its_author_cannot_release_it(author: Account) -> None:
    found = drafted(author)
    with pytest.raises(ReleaserNeeded):
        services.release_announcement(found.id, ORIGIN, acting(author))
    assert queries.announcement(found.id).waits
    assert trail.entries_of_type(EntryType.ANNOUNCEMENT_RELEASED) == ()


def test_the_log_says_that_it_was_released_by_whom_and_what_it_says(author: Account, second: Actor) -> None:
    found = released(author, second)
    db.session.commit()
    (entry,) = trail.entries_of_type(EntryType.ANNOUNCEMENT_RELEASED)
    assert entry.actor == second
    assert entry.body == {
        "announcement_id": str(found.id),
        "kind": "other",
        "sha256": found.said.sha256,
        "author": str(author.id),
        "reviewer": str(second.account_id),
    }
    assert list(queries.altered_announcements()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('UPDATE disclosure_announcement SET title = \'{"en": "x"}\'', "the announcement is not of its hash"),
        (
            "UPDATE disclosure_announcement SET entry_id = gen_random_uuid()",
            "no entry says that this announcement was released as it is",
        ),
        ("DELETE FROM disclosure_announcement", "the announcement that an entry says was released is not kept"),
    ],
)
def test_what_is_altered_past_the_triggers_is_found(author: Account, second: Actor, change: str, said: str) -> None:
    found = released(author, second)
    db.session.commit()
    with every_row() as owner:
        owner.execute(text("ALTER TABLE disclosure_announcement DISABLE TRIGGER keep_announcement"))
        owner.execute(text(change))
        owner.execute(text("ALTER TABLE disclosure_announcement ENABLE TRIGGER keep_announcement"))
        owner.commit()
    db.session.expire_all()
    assert list(queries.altered_announcements()) == [(str(found.id), said)]


@pytest.mark.requirement("O13-06")
def test_a_closing_needs_twenty_working_days(author: Account, second: Actor) -> None:
    earliest = services.earliest_start(AnnouncementKind.CLOSING)
    assert earliest == datetime(2026, 12, 18, 16, tzinfo=UTC), (
        "from Sunday 22 November, 20 working days end on 18 December"
    )
    closing = replace(HANDLED, kind=AnnouncementKind.CLOSING)
    with pytest.raises(StartsTooSoon) as refused:
        drafted(author, replace(closing, starts_at=earliest - timedelta(minutes=1)))
    assert refused.value.earliest == earliest
    assert queries.drafts() == ()
    assert released(author, second, replace(closing, starts_at=earliest)).released_at


@pytest.mark.requirement("O13-06")
def test_a_draft_that_waited_too_long_is_not_released(
    author: Account, second: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    earliest = services.earliest_start(AnnouncementKind.CLOSING)
    found = drafted(author, replace(HANDLED, kind=AnnouncementKind.CLOSING, starts_at=earliest))
    now = clock.business_now()
    monkeypatch.setattr(clock, "business_now", lambda: now + DAY)
    with pytest.raises(StartsTooSoon):
        services.release_announcement(found.id, ORIGIN, second)
    assert queries.standing() == ()


def test_where_the_holidays_are_not_known_more_days_lie_between(monkeypatch: pytest.MonkeyPatch) -> None:
    far = datetime(2090, 3, 1, 4, tzinfo=UTC)
    monkeypatch.setattr(clock, "business_now", lambda: far)
    earliest = services.earliest_start(AnnouncementKind.CLOSING)
    assert earliest is not None
    assert earliest - far > 45 * DAY


@pytest.mark.requirement("N108-10")
def test_a_change_of_scope_is_announced_for_ten_whole_days(author: Account, second: Actor) -> None:
    earliest = services.earliest_start(AnnouncementKind.SCOPE)
    assert earliest == datetime(2026, 12, 2, 16, tzinfo=UTC), "the day itself does not count, ten days do"
    scope = replace(SAID, kind=AnnouncementKind.SCOPE)
    with pytest.raises(StartsTooSoon):
        drafted(author, replace(scope, starts_at=earliest - timedelta(minutes=1)))
    assert released(author, second, replace(scope, starts_at=earliest)).released_at


@pytest.mark.requirement("SCM-01", "SCM-03")
@pytest.mark.parametrize("kind", [AnnouncementKind.SALE, AnnouncementKind.TERMS, AnnouncementKind.OTHER])
def test_nothing_begins_before_it_is_announced(author: Account, second: Actor, kind: AnnouncementKind) -> None:
    with pytest.raises(StartsTooSoon):
        drafted(author, replace(SAID, kind=kind, starts_at=clock.business_now() - timedelta(minutes=1)))
    assert queries.drafts() == ()


def test_the_database_takes_none_that_is_backdated_either(author: Account, second: Actor) -> None:
    found = drafted(author, replace(SAID, starts_at=clock.business_now() + DAY))
    backdated = text(
        "UPDATE disclosure_announcement SET released_at = now(), released_by = :by, entry_id = :by, "
        "business_released_at = starts_at + interval '1 day' WHERE id = :id"
    )
    with pytest.raises(IntegrityError, match="not_backdated"), db.session.begin_nested():
        db.session.execute(backdated, {"by": second.account_id, "id": found.id})


def test_an_interruption_may_have_begun(author: Account, second: Actor) -> None:
    begun = clock.business_now() - timedelta(hours=1)
    found = released(author, second, replace(HANDLED, kind=AnnouncementKind.INTERRUPTION, starts_at=begun))
    assert found.in_force(clock.business_now())


def test_it_is_taken_back_by_a_further_one_and_stays(author: Account, second: Actor) -> None:
    first = released(author, second)
    back = replace(SAID, kind=AnnouncementKind.REVOCATION, revokes_id=first.id)
    draft = drafted(author, back)
    assert queries.announcement(first.id).revoked_by is None, "until it is released"
    later = services.release_announcement(draft.id, ORIGIN, second)
    assert queries.announcement(first.id).revoked_by == later.id
    assert queries.standing() == (later,)
    assert {each.id for each in queries.released(9)} == {first.id, later.id}
    with pytest.raises(AnnouncementDecided):
        drafted(author, back)


def test_of_two_that_take_one_back_one_is_released(author: Account, second: Actor) -> None:
    first = released(author, second)
    one, other = (
        drafted(author, replace(SAID, kind=AnnouncementKind.REVOCATION, revokes_id=first.id)) for _ in range(2)
    )
    services.release_announcement(one.id, ORIGIN, second)
    with pytest.raises(AnnouncementDecided):
        services.release_announcement(other.id, ORIGIN, second)
    assert queries.announcement(other.id).waits


def test_what_is_not_public_cannot_be_taken_back(author: Account) -> None:
    for unknown in (drafted(author).id, new_id()):
        with pytest.raises(AnnouncementNotFound):
            drafted(author, replace(SAID, kind=AnnouncementKind.REVOCATION, revokes_id=unknown))


def test_a_draft_is_dropped_and_released_no_more(author: Account, second: Actor) -> None:
    found = drafted(author)
    services.drop_announcement(found.id, author.id)
    assert queries.drafts() == ()
    for again in (
        lambda: services.release_announcement(found.id, ORIGIN, second),
        lambda: services.drop_announcement(found.id, author.id),
    ):
        with pytest.raises(AnnouncementDecided):
            again()
    assert queries.released(9) == ()
    with pytest.raises(AnnouncementNotFound):
        services.drop_announcement(new_id(), author.id)


def test_what_is_missing_is_named(author: Account) -> None:
    with pytest.raises(Invalid) as refused:
        drafted(author, replace(SAID, kind=AnnouncementKind.CLOSING, title=LocalizedText("x")))
    assert sorted(refused.value.fields) == ["handling", "handling_zh", "starts_at", "title_zh"]
    begins = clock.business_now() + DAY
    with pytest.raises(Invalid) as refused:
        drafted(author, replace(SAID, starts_at=begins, ends_at=begins))
    assert sorted(refused.value.fields) == ["ends_at"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE disclosure_announcement SET title = '{}'",
        "UPDATE disclosure_announcement SET ends_at = now()",
        "DELETE FROM disclosure_announcement",
    ],
)
def test_the_site_changes_no_word_and_removes_none(author: Account, second: Actor, change: str) -> None:
    released(author, second)
    with pytest.raises(ProgrammingError), db.session.begin_nested():
        db.session.execute(text(change))


def test_what_was_released_is_not_released_anew(author: Account, second: Actor) -> None:
    released(author, second)
    with pytest.raises(ProgrammingError, match="what was announced is not changed"), db.session.begin_nested():
        db.session.execute(text("UPDATE disclosure_announcement SET released_at = now()"))


def test_insurers_read_what_is_released_and_write_nothing(author: Account, second: Actor) -> None:
    insurer = an_insurer("harbour")
    found = released(author, second)
    drafted(author)
    db.session.commit()
    with use_scope(Scope.insurer(insurer.id)):
        assert [each.id for each in queries.released(9)] == [found.id]
        assert queries.drafts() == ()
        with pytest.raises(ProgrammingError, match="row-level security"), db.session.begin_nested():
            drafted(author)

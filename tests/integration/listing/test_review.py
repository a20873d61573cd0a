"""Who takes which step: a second person of the insurer, then a reviewer of the marketplace; nobody twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer, Role
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Line
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.kernel.errors import MarketplaceError
from marketplace.kernel.ids import new_id
from marketplace.kernel.text import LocalizedText
from marketplace.kernel.transitions import TransitionRefused
from marketplace.listing import queries, services
from marketplace.listing.values import (
    ReasonMissing,
    ReviewNotYours,
    SaleOver,
    SecondPersonNeeded,
    StillOnSale,
    UploadEvent,
    UploadNotFound,
    UploadState,
)
from marketplace.traceability.values import SYSTEM, Actor
from tests.conftest import NOON
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.catalog import HARBOUR_TERM, STAFF, catalog_files, changed
from tests.factories.listing import People, accepted, acting, approved, people_of, read, submitted

TODAY = NOON.date()
PRODUCT = f"{HARBOUR_TERM}product.toml"
Act = Callable[[UUID, Actor], object]


@pytest.fixture
def people(database: None) -> Iterator[People]:
    with clock.frozen(NOON):
        yield people_of(an_insurer("harbour"))


def send_back(upload_id: UUID, actor: Actor) -> None:
    services.send_back_upload(upload_id, "The table of smokers is last year's.", actor)


def refuse(upload_id: UUID, actor: Actor) -> None:
    services.refuse_upload(upload_id, "The filing number is another product's.", actor)


STEPS: dict[str, tuple[Act, Callable[[People, Any], Any]]] = {
    "submit": (services.submit_upload, read),
    "approve": (services.approve_upload, submitted),
    "send back": (send_back, submitted),
    "accept": (services.accept_upload, approved),
    "refuse": (refuse, approved),
    "withdraw": (services.withdraw_upload, approved),
}


def state(upload_id: UUID) -> UploadState:
    db.session.expire_all()
    return queries.upload(upload_id).state


def refused(act: Act, upload_id: UUID, actor: Actor, error: type[MarketplaceError]) -> None:
    """The step is refused and nothing changes by it."""
    before = (queries.upload(upload_id), queries.steps_of(upload_id))
    with pytest.raises(error):
        act(upload_id, actor)
    db.session.expire_all()
    assert (queries.upload(upload_id), queries.steps_of(upload_id)) == before


@pytest.mark.requirement("O13-45")
def test_the_whole_road_is_written_down_with_who_took_each_step(people: People) -> None:
    upload = approved(people, catalog_files())
    services.accept_upload(upload.id, people.reviewer)
    steps = queries.steps_of(upload.id)
    assert [(step.event.value, step.account_id, step.actor, step.reason) for step in steps] == [
        ("read", None, "marketplace", ""),
        ("submit", people.first.account_id, "insurer_admin", ""),
        ("approve", people.second.account_id, "insurer_catalog", ""),
        ("accept", people.reviewer.account_id, "admin_reviewer", ""),
    ]
    assert {step.at for step in steps} == {NOON}
    found = queries.upload(upload.id)
    assert (found.submitted_by, found.approved_by) == (people.first.account_id, people.second.account_id)


@pytest.mark.requirement("O13-45")
@pytest.mark.parametrize("step", ["approve", "send back"])
def test_whoever_uploaded_or_submitted_does_not_approve(people: People, step: str) -> None:
    act, _ = STEPS[step]
    third = acting(a_member_of_staff(Role.INSURER_ADMIN, people.insurer))
    upload = read(people, catalog_files())
    services.submit_upload(upload.id, people.second)
    refused(act, upload.id, people.first, SecondPersonNeeded)
    refused(act, upload.id, people.second, SecondPersonNeeded)
    act(upload.id, third)
    assert state(upload.id) in {UploadState.APPROVED, UploadState.REJECTED}


def test_what_nobody_known_uploaded_is_approved_by_nobody(people: People) -> None:
    upload = services.upload_catalog(people.insurer.id, catalog_files(), STAFF)
    services.read_upload(upload.id)
    services.submit_upload(upload.id, people.first)
    refused(services.approve_upload, upload.id, people.second, SecondPersonNeeded)


def test_the_database_itself_holds_the_second_person(people: People) -> None:
    upload = submitted(people, catalog_files())
    for who in (people.first.account_id, None):
        statement = text("UPDATE listing_upload SET approved_by = :first, submitted_by = :who WHERE id = :id")
        with pytest.raises(IntegrityError, match="second_person"), db.session.begin_nested():
            db.session.execute(statement, {"first": people.first.account_id, "who": who, "id": upload.id})
    assert queries.upload(upload.id).approved_by is None


@pytest.mark.requirement("O13-45")
@pytest.mark.asvs("8.2.2")
@pytest.mark.parametrize("step", STEPS)
def test_nobody_else_takes_a_step(people: People, step: str) -> None:
    act, come_to = STEPS[step]
    upload = come_to(people, catalog_files())
    rival = people_of(an_insurer("rival"))
    of_the_marketplace = step in {"accept", "refuse"}
    theirs = {Role.ADMIN_REVIEWER} if of_the_marketplace else {Role.INSURER_CATALOG, Role.INSURER_ADMIN}
    for role in Role:
        if role.is_staff and role not in theirs:
            member = a_member_of_staff(role, people.insurer if role.value.startswith("insurer") else None)
            refused(act, upload.id, acting(member), ReviewNotYours)
    if not of_the_marketplace:
        refused(act, upload.id, rival.second, ReviewNotYours)
    refused(act, upload.id, SYSTEM, ReviewNotYours)
    with pytest.raises(UploadNotFound):
        act(new_id(), people.second)


def test_a_disabled_account_takes_no_step(people: People) -> None:
    upload = submitted(people, catalog_files())
    db.session.execute(
        text("UPDATE accounts_account SET disabled_at = now() WHERE id = :id"), {"id": people.second.account_id}
    )
    db.session.expire_all()
    refused(services.approve_upload, upload.id, people.second, ReviewNotYours)


@pytest.mark.parametrize("step", STEPS)
def test_each_step_is_taken_once(people: People, step: str) -> None:
    act, come_to = STEPS[step]
    upload = come_to(people, catalog_files())
    actor = people.reviewer if step in {"accept", "refuse"} else people.second
    act(upload.id, actor)
    refused(act, upload.id, actor, TransitionRefused)


@pytest.mark.parametrize("step", ["send back", "refuse"])
def test_a_rejection_gives_its_reason_and_the_file_can_come_again(people: People, step: str) -> None:
    act, come_to = STEPS[step]
    upload = come_to(people, catalog_files())
    actor = people.reviewer if step == "refuse" else people.second
    silent = services.refuse_upload if step == "refuse" else services.send_back_upload
    with pytest.raises(ReasonMissing):
        silent(upload.id, " ", actor)
    act(upload.id, actor)
    assert state(upload.id) is UploadState.REJECTED
    assert queries.steps_of(upload.id)[-1].reason != ""
    again = services.upload_catalog(people.insurer.id, catalog_files(), people.first)
    assert (again.id != upload.id, again.state) == (True, UploadState.RECEIVED)


def test_an_insurer_takes_it_back_wherever_it_stands_on_the_road(people: People) -> None:
    for come_to in (read, submitted, approved):
        upload = come_to(people, catalog_files())
        services.withdraw_upload(upload.id, people.first)
        assert state(upload.id) is UploadState.WITHDRAWN
    upload = services.upload_catalog(people.insurer.id, catalog_files(), people.first)
    services.withdraw_upload(upload.id, people.first)
    services.read_upload(upload.id)
    assert state(upload.id) is UploadState.WITHDRAWN
    assert queries.drafts_of(upload.id) == ()


def test_buttons_are_for_those_who_may(people: People) -> None:
    received = services.upload_catalog(people.insurer.id, catalog_files(), people.first)
    taken = {event.value for event in UploadEvent if queries.may_take(event, received, account_of(people.first))}
    assert taken == {"withdraw"}
    upload = submitted(people, catalog_files())
    first, second, reviewer = (
        {event.value for event in UploadEvent if queries.may_take(event, queries.upload(upload.id), account)}
        for account in (account_of(people.first), account_of(people.second), account_of(people.reviewer))
    )
    assert (first, second, reviewer) == ({"withdraw"}, {"approve", "send_back", "withdraw"}, set())


def account_of(actor: Actor) -> Any:
    assert actor.account_id is not None
    return accounts.account(actor.account_id)


# --- days -------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("SCM-01")
def test_what_was_to_begin_earlier_begins_today(people: People) -> None:
    """Nothing is sold backdated."""
    (version_id,) = accepted(people, catalog_files())
    assert catalog.product_version(version_id).effective_from == TODAY


def test_what_begins_later_is_sold_from_its_instant_and_not_before(people: People) -> None:
    """Midnight in the market's time zone: 16:00 of the day before in UTC."""
    (version_id,) = accepted(people, changed("catalog.toml", "2026-01-01", "2026-12-01"))
    midnight = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    for instant, found in ((midnight - timedelta(seconds=1), []), (midnight, [version_id])):
        with clock.frozen(instant):
            assert [each.id for each in catalog.on_sale(Line.TERM_LIFE, clock.today("Asia/Shanghai"))] == found


def test_what_is_over_already_is_not_accepted(people: People) -> None:
    files = changed(PRODUCT, "[term]", "[effective]\nto = 2026-11-22\n\n[term]")
    upload = approved(people, files)
    db.session.commit()
    with pytest.raises(SaleOver):
        services.accept_upload(upload.id, people.reviewer)
    db.session.rollback()
    assert state(upload.id) is UploadState.APPROVED
    assert catalog.products_of_insurer(people.insurer.id) == ()


def test_a_product_that_says_the_same_stays_the_version_it_is(people: People) -> None:
    """A catalog is uploaded whole; only what it changes is published."""
    first = catalog_files()
    for path, data in catalog_files().items():
        if path.startswith(HARBOUR_TERM):
            other = path.replace("harbour-term", "harbour-other")
            first[other] = data.replace(b'code = "harbour-term"', b'code = "harbour-other"')
    unchanged, before = accepted(people, first)
    with clock.frozen(NOON + timedelta(days=1)):
        same, after = accepted(people, changed(PRODUCT, "A level premium", "The same premium", first))
    assert (same, after != before) == (unchanged, True)
    assert len(catalog.products_of_insurer(people.insurer.id)) == 3
    with clock.frozen(NOON + timedelta(days=2)):
        services.stop_sale(unchanged, None, LocalizedText("A pause."), people.first)
        resumed, _ = accepted(people, changed(PRODUCT, "A level premium", "One premium", first))
    assert resumed != unchanged, "what is not sold any more is published anew"


# --- again ------------------------------------------------------------------------------------------------------------


def test_what_is_on_sale_is_not_uploaded_again(people: People) -> None:
    upload = approved(people, catalog_files())
    services.accept_upload(upload.id, people.reviewer)
    with pytest.raises(StillOnSale):
        services.upload_again(upload.id, people.first)
    assert services.upload_catalog(people.insurer.id, catalog_files(), people.first).id == upload.id


def test_what_was_recalled_takes_the_whole_road_again_as_a_new_version(people: People) -> None:
    upload = approved(people, catalog_files())
    (version_id,) = services.accept_upload(upload.id, people.reviewer)
    services.recall_version(version_id, LocalizedText("A wrong table."), people.first)
    again = services.upload_again(upload.id, people.first)
    assert (again.id != upload.id, again.state, again.sha256) == (True, UploadState.RECEIVED, upload.sha256)
    services.read_upload(again.id)
    services.submit_upload(again.id, people.first)
    services.approve_upload(again.id, people.second)
    (newer,) = services.accept_upload(again.id, people.reviewer)
    version = catalog.product_version(newer)
    assert (version.number, version.effective_from) == (2, TODAY)
    assert catalog.on_sale(Line.TERM_LIFE, TODAY) == (version,)


# --- races ------------------------------------------------------------------------------------------------------------


def at_once(app: Flask, *acts: Callable[[], object]) -> list[str]:
    """Each in a transaction of its own, all at the same moment; what became of them, in no order."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        with app.app_context(), use_scope(Scope.all()):
            barrier.wait()
            try:
                act()
                db.session.commit()
            except MarketplaceError as error:
                db.session.rollback()
                return error.code
            return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


@pytest.mark.requirement("O13-45")
@pytest.mark.asvs("15.4.2")
def test_of_two_approvals_at_once_one_counts(app: Flask, people: People) -> None:
    third = acting(a_member_of_staff(Role.INSURER_ADMIN, people.insurer))
    upload = submitted(people, catalog_files())
    db.session.commit()
    outcome = at_once(
        app,
        lambda: services.approve_upload(upload.id, people.second),
        lambda: services.approve_upload(upload.id, third),
    )
    assert outcome == ["done", "transition:refused"]
    assert [step.event.value for step in queries.steps_of(upload.id)] == ["read", "submit", "approve"]


def test_an_acceptance_and_a_withdrawal_at_once_end_in_one_of_them(app: Flask, people: People) -> None:
    upload = approved(people, catalog_files())
    db.session.commit()
    outcome = at_once(
        app,
        lambda: services.accept_upload(upload.id, people.reviewer),
        lambda: services.withdraw_upload(upload.id, people.first),
    )
    assert outcome == ["done", "transition:refused"]
    published = state(upload.id) is UploadState.PUBLISHED
    assert len(catalog.products_of_insurer(people.insurer.id)) == (1 if published else 0)


def test_the_same_file_sent_twice_at_once_is_one_upload(app: Flask, people: People) -> None:
    db.session.commit()
    insurer: Insurer = people.insurer
    outcome = at_once(
        app,
        lambda: services.upload_catalog(insurer.id, catalog_files(), people.first),
        lambda: services.upload_catalog(insurer.id, catalog_files(), people.second),
    )
    assert outcome == ["done", "done"]
    assert len(queries.uploads_of_insurer(insurer.id)) == 1

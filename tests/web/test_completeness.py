"""The trail of a finished sale is counted against what such a sale leaves; what is missing is named and said aloud."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import create_engine, pool, text
from structlog.testing import capture_logs

from marketplace.accounts.values import Insurer, Role
from marketplace.application import queries as applications
from marketplace.application.values import ApplicationView
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.errors import Unavailable
from marketplace.oversight import queries as oversight
from marketplace.oversight import services
from marketplace.oversight.rules import completeness
from marketplace.oversight.values import Gap, Lack, Sale, SaleFilter
from marketplace.policy.services import numbers
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.web.conftest import days_later
from tests.web.desk_visits import at_the_desk, buy

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]

MILESTONES = (
    EntryType.ENTRY_SHOWN,
    EntryType.ENTRY_ACKNOWLEDGED,
    EntryType.PRIVACY_NOTICE_ACKNOWLEDGED,
    EntryType.CLIENT_NOTICE_ACKNOWLEDGED,
    EntryType.IDENTITY_VERIFIED,
    EntryType.HEALTH_NOTICE_ACKNOWLEDGED,
    EntryType.HEALTH_CONSENT_GIVEN,
    EntryType.ANSWER_GIVEN,
    EntryType.DOCUMENT_OPENED,
    EntryType.DOCUMENT_CONFIRMED,
    EntryType.EXCLUSIONS_CONFIRMED,
    EntryType.APPLICATION_SUBMITTED,
    EntryType.UNDERWRITING_DECIDED,
    EntryType.PAYMENT_SUCCEEDED,
    EntryType.CONTRACT_CONCLUDED,
    EntryType.POLICY_SIGNED,
    EntryType.POLICY_MAILED,
)


@pytest.fixture
def bought(shop: Flask, work: Work, code_for: CodeFor) -> Sale:
    buy(shop, work, code_for)
    work()
    with shop.app_context():
        return oversight.sales(SaleFilter()).sales[0]


def told_of(shop: Flask, sale: Sale) -> tuple[ApplicationView, tuple[Entry, ...]]:
    assert sale.application_id is not None
    with shop.app_context():
        return applications.application_view(sale.application_id), trail.journey_entries(sale.journey_id)


def without(entries: Sequence[Entry], type_: EntryType) -> list[Entry]:
    return [entry for entry in entries if entry.type is not type_]


@pytest.mark.requirement("T26-01", "T26-06")
def test_a_sale_through_the_pages_leaves_a_whole_trail(shop: Flask, bought: Sale) -> None:
    assert bought.completeness is not None
    assert (bought.completeness.gaps, bought.completeness.per_cent) == ((), 100)
    view, entries = told_of(shop, bought)
    documents = sum(each.confirmed for each in view.documents)
    # entry page, field, identity, entry, both notices, health notice, consent, exclusions; each document opened and
    # confirmed; answers; six afterwards
    assert bought.completeness.wanted == 9 + 2 * documents + len(view.application.answers) + 6
    assert completeness(view, entries) == bought.completeness
    desk = at_the_desk(shop, Role.ADMIN_SALES)
    assert "trail complete" in words(desk.get(f"/admin/sales/{bought.id}"))
    assert "gaps in the trail" not in words(desk.get("/admin"))


@pytest.mark.requirement("T26-06", "T26-31")
def test_each_entry_that_is_missing_is_named(shop: Flask, bought: Sale) -> None:
    view, entries = told_of(shop, bought)
    for type_ in MILESTONES:
        told = completeness(view, without(entries, type_))
        assert {gap.type for gap in told.gaps if gap.lack is Lack.MISSING} == {type_}
        assert told.per_cent < 100
    for question in view.application.answers:
        kept = [entry for entry in entries if entry.body.get("question") != question]
        assert completeness(view, kept).gaps == (Gap(Lack.MISSING, EntryType.ANSWER_GIVEN, question),)


def test_what_is_in_another_order_is_named(shop: Flask, bought: Sale) -> None:
    view, entries = told_of(shop, bought)
    late = [entry for entry in entries if entry.type is EntryType.EXCLUSIONS_CONFIRMED]
    told = completeness(view, [*without(entries, EntryType.EXCLUSIONS_CONFIRMED), *late])
    assert {(gap.lack, gap.type) for gap in told.gaps} == {(Lack.OUT_OF_ORDER, EntryType.EXCLUSIONS_CONFIRMED)}
    early = [entry for entry in entries if entry.type is EntryType.DOCUMENT_CONFIRMED]
    told = completeness(view, [entries[0], *early, *without(entries[1:], EntryType.DOCUMENT_CONFIRMED)])
    assert {gap.lack for gap in told.gaps} == {Lack.OUT_OF_ORDER, Lack.PAGE_NOT_SHOWN}
    mailed = [entry for entry in entries if entry.type is EntryType.POLICY_MAILED]
    told = completeness(view, [*mailed, *without(entries, EntryType.POLICY_MAILED)])
    assert told.gaps == (Gap(Lack.OUT_OF_ORDER, EntryType.POLICY_MAILED),)


def test_an_act_on_a_page_that_was_never_shown_is_named(shop: Flask, bought: Sale) -> None:
    view, entries = told_of(shop, bought)
    elsewhere = [
        replace(entry, page_version_id="0" * 64) if entry.type is EntryType.EXCLUSIONS_CONFIRMED else entry
        for entry in entries
    ]
    (gap,) = completeness(view, elsewhere).gaps
    assert (gap.lack, gap.type) == (Lack.PAGE_NOT_SHOWN, EntryType.EXCLUSIONS_CONFIRMED)


def test_a_gap_is_said_aloud_and_shown_at_the_desk(shop: Flask, bought: Sale) -> None:
    delete = text("DELETE FROM traceability_evidence_intake WHERE type = 'exclusions:confirmed'")
    engine = create_engine(shop.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        assert connection.execute(delete).rowcount == 1
    engine.dispose()
    assert bought.application_id is not None
    with shop.app_context(), capture_logs() as logs:
        services.refresh_application(bought.application_id)
        db.session.commit()
        with use_scope(Scope.all()):
            (reading,) = oversight.readings()
    assert [(each["event"], each["entry"]) for each in logs] == [
        ("ALARM the trail of a sale has a gap", "exclusions:confirmed")
    ]
    assert reading.values == (((), 1.0),)
    desk = at_the_desk(shop, Role.ADMIN_SALES)
    assert "gaps in the trail" in words(desk.get("/admin"))
    assert "Not in the trail: Confirmed what is not covered" in words(desk.get(f"/admin/sales/{bought.id}"))


def test_a_contract_whose_policy_was_not_mailed_in_an_hour_has_a_gap(shop: Flask, bought: Sale) -> None:
    assert bought.application_id is not None
    with shop.app_context(), every_row() as owner:
        owner.execute(
            text("UPDATE correspondence_message SET state = 'ready', sent_at = NULL WHERE kind = 'policy_issued'")
        )
        owner.execute(text("DELETE FROM traceability_evidence_intake WHERE type = 'policy:mailed'"))
        owner.commit()
    told = []
    for days in (0, 1):
        days_later(shop, days)
        with shop.app_context():
            services.refresh_application(bought.application_id)
            db.session.commit()
            told.append(oversight.sale(bought.id).completeness)
    before, after = told
    assert before is None
    assert after is not None
    assert after.gaps == (Gap(Lack.MISSING, EntryType.POLICY_MAILED),)


class Silent:
    """The system of an insurer, out of order."""

    def number(self, insurer: Insurer, application_id: UUID, year: int) -> str:
        raise Unavailable(f"no answer for {application_id} of {insurer.code} in {year}")


@pytest.mark.requirement("T26-03")
def test_the_record_is_ours_whatever_becomes_of_an_insurers_system(
    shop: Flask, at_step: Callable[..., Visitor], work: Work
) -> None:
    """Out of order when it is to number the contract: every step before is recorded; back again, the trail is whole."""
    visitor = at_step("pay")
    application_id = UUID(visitor.at.split("/")[2])
    numbers.configure({"harbour": Silent()})
    try:
        assert visitor.pay() is True
        with pytest.raises(Unavailable):
            work()
        with shop.app_context():
            said = {entry.type for entry in trail.entries_of_application(application_id)}
    finally:
        numbers.configure({})
    before = MILESTONES.index(EntryType.CONTRACT_CONCLUDED)
    assert set(MILESTONES[1:before]) <= said
    assert set(MILESTONES[before:]) & said == set()
    visitor.get(f"/application/{application_id}/return")
    work()
    with shop.app_context():
        (found,) = oversight.sales(SaleFilter()).sales
    assert found.completeness is not None
    assert found.completeness.gaps == ()

"""A copy of one's data: asked for once at a time, kept a week, sealed, and never of two who share a browser."""

import asyncio
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account
from marketplace.application import queries as applications
from marketplace.application.values import Step
from marketplace.correspondence import queries as correspondence
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Refused
from marketplace.kernel.ids import new_id
from marketplace.privacy import queries, services
from marketplace.privacy.services import exporting
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import ExportNotFound, ExportState
from marketplace.traceability.services import record_act, record_reading, record_view
from marketplace.traceability.values import VISITOR, Actor, ActorRole, EntryType, journey_of_readings
from tests.deferred_jobs import drain, waiting
from tests.everything import every_row
from tests.factories.accounts import a_customer, a_guest, a_member_of_staff
from tests.factories.application import an_application
from tests.factories.checkout import an_offer_of
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_view, an_act
from tests.integration.privacy.copies import text_of

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def test_a_second_wish_while_one_is_being_made_is_the_same(database: None) -> None:
    customer = a_customer()
    first, second = services.ask_export(customer.id), services.ask_export(customer.id)
    assert first == second
    db.session.commit()
    assert waiting().count("privacy.make_export") == 1
    drain("privacy")
    (ready,) = queries.exports_of(customer.id)
    assert ready.state is ExportState.READY
    assert services.ask_export(customer.id).id != first.id, "when it is made, another may be asked for"


def work(app: Flask, settings: Settings) -> None:
    """The real worker, until nothing is left to do."""
    db.session.commit()
    worker = jobs.worker_app(settings.database_url.get_secret_value(), app.app_context)

    async def run() -> None:
        async with worker.open_async():
            await worker.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

    asyncio.run(run())
    db.session.expire_all()


def states(customer: Account) -> list[ExportState]:
    return [export.state for export in queries.exports_of(customer.id)]


def test_a_copy_that_could_not_be_made_stands_in_nobodys_way(
    database: None, app: Flask, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer, other = a_customer("li.na@example.com"), a_customer("zhou.min@example.com")
    failed = services.ask_export(customer.id)
    services.ask_export(other.id)
    assert states(customer) == states(other) == [ExportState.ASKED]

    def refuse_hers(account: Account, made_at: datetime) -> bytes:
        if account.id == customer.id:
            raise Refused
        return copy_of(account, made_at)

    with monkeypatch.context() as patched:
        patched.setattr(exporting, "copy_of", refuse_hers)
        work(app, settings)
    assert (states(customer), states(other)) == ([ExportState.FAILED], [ExportState.READY])
    assert correspondence.inbox(recipient="li.na@example.com") == ()
    again = services.ask_export(customer.id)
    assert again.id != failed.id
    db.session.commit()
    assert states(customer) == [ExportState.ASKED, ExportState.FAILED]
    work(app, settings)
    assert states(customer) == [ExportState.READY, ExportState.FAILED]
    services.make_export(failed.id)
    assert states(customer) == [ExportState.READY, ExportState.FAILED], "what failed is not made behind her back"


def test_a_copy_that_is_being_made_has_not_failed(database: None) -> None:
    """While it is tried, and between two tries."""
    customer = a_customer()
    first = services.ask_export(customer.id)
    for status, later in (("doing", "0"), ("todo", "1800")):
        db.session.execute(
            text(
                "UPDATE procrastinate_jobs SET status = CAST(:status AS procrastinate_job_status), "
                "scheduled_at = now() + :later * interval '1 second' WHERE task_name = 'privacy.make_export'"
            ),
            {"status": status, "later": later},
        )
        assert states(customer) == [ExportState.ASKED]
        assert services.ask_export(customer.id) == first


def test_a_copy_is_kept_for_a_week(database: None, frozen_clock: datetime) -> None:
    customer = a_customer("li.na@example.com")
    export = services.ask_export(customer.id)
    drain("privacy")
    services.make_export(export.id)
    assert len(queries.exports_of(customer.id)) == 1, "making it again changes nothing"
    assert [mail.kind for mail in correspondence.inbox(recipient="li.na@example.com")] == ["data_export_ready"]
    with pytest.raises(ExportNotFound):
        queries.export_bytes(export.id, new_id())
    with clock.frozen(frozen_clock + timedelta(days=7) - timedelta(seconds=1)):
        assert queries.export_bytes(export.id, customer.id).startswith(b"PK")
        assert services.drop_expired_exports() == 0
    with clock.frozen(frozen_clock + timedelta(days=7)):
        with pytest.raises(ExportNotFound):
            queries.export_bytes(export.id, customer.id)
        assert queries.exports_of(customer.id)[0].state is ExportState.EXPIRED
        assert services.drop_expired_exports() == 1
    db.session.commit()
    with every_row() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM privacy_export WHERE content IS NOT NULL").scalar() == 0


@pytest.mark.asvs("14.2.4")
def test_a_copy_lies_sealed(database: None) -> None:
    customer = a_customer("li.na@example.com")
    services.ask_export(customer.id)
    drain("privacy")
    with every_row() as reader:
        content = bytes(reader.exec_driver_sql("SELECT content FROM privacy_export").scalar_one())
    assert not content.startswith(b"PK")
    assert not zipfile.is_zipfile(io.BytesIO(content))


def test_two_who_share_a_browser_do_not_find_each_other(database: None) -> None:
    """One journey, two accounts: each finds the own application, and what came before both is nobody's."""
    first, second = a_guest("li.na@example.com"), a_guest("zhou.min@example.com")
    offer = an_offer_of()
    _, own = an_application(offer, upto=Step.DOCUMENTS, account=first)
    other_offer = an_offer(own.journey_id, offer.version.content.line, start_on=offer.need.start_on)
    _, others = an_application(other_offer, upto=Step.DOCUMENTS, account=second)
    assert own.journey_id == others.journey_id
    db.session.commit()
    for who, mine, foreign in ((first, own, others), (second, others, own)):
        words = text_of(copy_of(accounts.account(who.id), NOON))
        assert mine.reference in words
        assert foreign.reference not in words
        assert str(foreign.id) not in words
    assert len(applications.applications_of_journey(own.journey_id)) == 2


def test_what_another_did_in_a_shared_journey_stays_theirs_when_they_have_left(database: None) -> None:
    """Closing takes the number of its owner out of an application; it is another's all the same."""
    first, second = a_guest("li.na@example.com"), a_guest("zhou.min@example.com")
    offer = an_offer_of()
    journey_id, line, start_on = offer.need.journey_id, offer.version.content.line, offer.need.start_on
    _, own = an_application(offer, upto=Step.DOCUMENTS, account=first)
    _, others = an_application(an_offer(journey_id, line, start_on=start_on), upto=Step.DOCUMENTS, account=second)
    others_page = b"<p>what Zhou Min looked at"
    by = Actor(ActorRole.CUSTOMER, second.id, "customer")
    record_view(a_view(journey_id, others_page, actor=by))
    record_view(a_view(journey_id, b"<p>somebody compared"))
    record_view(a_view(journey_id, b"<p>li na applied", application_id=own.id))
    db.session.commit()
    services.close_account(second.id)
    db.session.commit()
    words = text_of(copy_of(accounts.account(first.id), NOON))
    assert "li na applied" in words
    for foreign in (str(others.id), str(second.id), "what Zhou Min looked at", "somebody compared"):
        assert foreign not in words


def test_what_another_saw_without_applying_is_not_in_the_copy_either(database: None) -> None:
    first, second = a_guest("li.na@example.com"), a_guest("zhou.min@example.com")
    _, own = an_application(an_offer_of(), upto=Step.DOCUMENTS, account=first)
    for who, page in ((None, b"<p>before signing in"), (second, b"<p>what Zhou Min saw"), (first, b"<p>what I saw")):
        actor = Actor(ActorRole.CUSTOMER, who.id, "customer") if who else VISITOR
        record_view(a_view(own.journey_id, page, actor=actor))
    staff = a_member_of_staff()
    look = {"sale_id": own.id}
    by = Actor(ActorRole.ADMIN, staff.id, "admin_sales")
    record_act(an_act(own.journey_id, EntryType.SALE_VIEWED, actor=by, application_id=own.id, body=look))
    readings, why = journey_of_readings(own.id), {"reason": "a complaint, C-17", "what": "file"}
    record_reading(an_act(readings, EntryType.SALE_VIEWED, actor=by, application_id=own.id, body=why))
    custody = {"reason": "a court asks", "what": "asked"}
    record_reading(an_act(readings, EntryType.EVIDENCE_READ, actor=by, application_id=own.id, body=custody))
    record_act(an_act(own.journey_id, EntryType.COMPARISON_SHOWN, actor=by, body={"need": "seen by staff"}))
    db.session.commit()
    words = text_of(copy_of(accounts.account(first.id), NOON))
    assert "before signing in" in words
    assert "what I saw" in words
    assert words.count("sale:viewed") == 4, "that staff looked at one's application is about oneself"
    assert "a complaint, C-17" in words, "and why"
    assert "a court asks" not in words
    for foreign in ("what Zhou Min saw", "seen by staff", str(staff.id), str(second.id)):
        assert foreign not in words

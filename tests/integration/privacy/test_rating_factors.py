"""Rating factors are taken out once what they were told for is erased, and in no other way."""

from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import DBAPIError

from marketplace.accounts.values import Account
from marketplace.application import services as applications
from marketplace.application.queries import application_view
from marketplace.application.values import Application, Step
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence import services as mails
from marketplace.correspondence.values import MessageKind
from marketplace.infra import vault
from marketplace.infra.db import Scope, apart, db, use_scope
from marketplace.infra.formatting import ZONE
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter
from marketplace.privacy.services import erasing
from marketplace.privacy.values import ErasureReason, Subject
from marketplace.quoting import queries, services
from marketplace.quoting.values import NeedErased, OfferNotFound, OfferView, OfferVoided
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application
from tests.factories.correspondence import a_message
from tests.factories.quoting import a_content, a_tariff, an_offer, publish

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def offers() -> tuple[OfferView, ...]:
    """Two offers of one need."""
    for code, price in (("first", "100.00"), ("second", "120.00")):
        publish(an_insurer(code), a_content(code), a_tariff(price))
    offer = an_offer()
    db.session.commit()
    return queries.offers_for(offer.need.id)


def kept(need_id: UUID) -> Mapping[str, Any]:
    """The row as it lies in the table."""
    row = db.session.execute(text("SELECT * FROM quoting_need WHERE id = :id"), {"id": need_id})
    return row.mappings().one()


def told_in(offer: OfferView, account: Account | None = None) -> Application:
    _, told = an_application(offer, upto=Step.DOCUMENTS, account=account)
    db.session.commit()
    return told


@pytest.mark.requirement("T26-30")
def test_an_erased_journey_takes_its_rating_factors_along(offers: tuple[OfferView, ...]) -> None:
    need = offers[0].need
    before = kept(need.id)
    assert before["risk"]["age"] == 34
    erasing.erase_journey(need.journey_id, ErasureReason.RETENTION)
    db.session.commit()
    after = kept(need.id)
    assert (after["risk"], after["assumed"], after["stated"], after["start_on"]) == ({}, [], [], None)
    assert after["panel"]["not_offered"] == []
    for what in ("reference", "line", "business_at", "expires_at", "ranking_rule"):
        assert after[what] == before[what]
    found = queries.need_by_id(need.id)
    day = found.business_at.astimezone(ZoneInfo(ZONE)).date()
    assert (found.erased, dict(found.risk), found.start_on) == (True, {}, day)
    with pytest.raises(NeedErased):
        queries.need(need.reference)
    for offer in offers:
        with pytest.raises(OfferNotFound):
            queries.offer(offer.id)


def test_of_what_was_applied_for_the_price_stays(offers: tuple[OfferView, ...]) -> None:
    told = told_in(offers[0])
    erasing.erase_application(told.id, ErasureReason.RETENTION)
    erasing.erase_journey(told.journey_id, ErasureReason.RETENTION)
    db.session.commit()
    offer = queries.offer(offers[0].id)
    assert (offer.premium, offer.total, offer.payments) == (offers[0].premium, offers[0].total, offers[0].payments)
    (line,) = offer.breakdown.lines
    assert (line.amount, line.cell) == (offers[0].premium, None)
    assert "34" not in str(offer.breakdown.to_json())
    with pytest.raises(OfferVoided):
        queries.live_offer(offer.id)
    with pytest.raises(OfferNotFound):
        queries.offer(offers[1].id)
    assert application_view(told.id).offer.premium == offer.premium
    drain("oversight")
    (sale,) = oversight.sales(SaleFilter()).sales
    assert sale.premium == Money(10600, "CNY")


def test_an_application_takes_its_own_need_along_and_leaves_that_of_a_contract(offers: tuple[OfferView, ...]) -> None:
    customer = a_guest("li.na@example.com")
    concluded = an_accepted_application(customer, offers[0])
    applications.conclude(concluded.id)
    same = told_in(offers[1], customer)
    own_offer = an_offer(concluded.journey_id, start_on=offers[0].need.start_on)
    own = told_in(own_offer, customer)
    for application in (same, own):
        assert erasing.erase_application(application.id, ErasureReason.CLOSING)
    db.session.commit()
    assert kept(own.need_id)["risk"] == {}
    assert kept(concluded.need_id)["risk"]["age"] == 34, "a contract rests on it"
    offer = queries.offer(offers[0].id)
    assert (offer.breakdown, offer.voided_at) == (offers[0].breakdown, None)
    assert queries.need(offers[0].need.reference).risk == offers[0].need.risk


def test_nobody_waits_for_the_forgetting(app: Flask, offers: tuple[OfferView, ...]) -> None:
    """What is public has one revision, which many renew: erasing renews it with its commit, and holds it no longer."""
    told = told_in(offers[0])
    before = revision()
    erasing.erase_application(told.id, ErasureReason.RETENTION)
    erasing.erase_journey(told.journey_id, ErasureReason.RETENTION)
    with apart() as somebody_else:
        somebody_else.execute(text("SET LOCAL lock_timeout = '2s'"))
        somebody_else.execute(text("UPDATE accounts_insurer SET phone = phone"))
    between = revision()
    db.session.commit()
    assert len({before, between, revision()}) == 3


def revision() -> UUID:
    with apart() as connection:
        return connection.execute(text("SELECT revision FROM infra_public_revision")).scalar_one()


def test_erasing_again_changes_nothing(offers: tuple[OfferView, ...]) -> None:
    need = offers[0].need
    erasing.erase_journey(need.journey_id, ErasureReason.RETENTION)
    db.session.commit()
    first = kept(need.id)
    assert services.erase_needs_of_journey(need.journey_id) == 0
    assert not services.erase_need(need.id)
    db.session.commit()
    assert kept(need.id) == first


@pytest.mark.parametrize("need_of", ["nothing erased", "another journey erased", "no such need"])
def test_without_the_proof_of_an_erasure_nothing_is_taken_out(offers: tuple[OfferView, ...], need_of: str) -> None:
    need = offers[0].need
    if need_of == "another journey erased":
        erasing.erase_journey(an_offer().need.journey_id, ErasureReason.RETENTION)
        db.session.commit()
    with pytest.raises(DBAPIError, match="nothing that rests on this need was erased"):
        services.erase_need(uuid4() if need_of == "no such need" else need.id)
    db.session.rollback()
    assert kept(need.id)["risk"] == need.risk
    assert len(queries.offers_for(need.id)) == 2


def test_an_application_that_is_not_erased_keeps_its_need(offers: tuple[OfferView, ...]) -> None:
    told = told_in(offers[0])
    erasing.note(Subject.JOURNEY, told.journey_id, ErasureReason.RETENTION)
    assert not services.erase_need(told.need_id)
    db.session.commit()
    assert kept(told.need_id)["risk"] == offers[0].need.risk


def test_an_insurer_erases_no_needs(offers: tuple[OfferView, ...]) -> None:
    told = told_in(offers[0])
    erasing.note(Subject.JOURNEY, told.journey_id, ErasureReason.RETENTION)
    db.session.commit()
    with use_scope(Scope.insurer(offers[0].insurer_id)), pytest.raises(DBAPIError, match="an insurer erases no needs"):
        services.erase_need(told.need_id)
    db.session.rollback()
    assert kept(told.need_id)["risk"] == offers[0].need.risk


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE quoting_need SET risk = '{}'",
        "UPDATE quoting_need SET erased_at = now()",
        "DELETE FROM quoting_need",
        "UPDATE quoting_offer SET breakdown = '{}'",
        "DELETE FROM quoting_offer",
    ],
)
def test_the_site_itself_changes_no_need_and_no_price(offers: tuple[OfferView, ...], statement: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert kept(offers[0].need.id)["risk"] == offers[0].need.risk


def test_nobody_else_may_call_what_erases(app: Flask) -> None:
    with db.engines["reader"].connect() as reader, pytest.raises(DBAPIError, match="permission denied"):
        reader.execute(text("SELECT quoting_erase_need(gen_random_uuid())"))
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with owner.connect() as connection:
        how = connection.execute(
            text("SELECT prosecdef, proconfig FROM pg_proc WHERE proname = 'quoting_erase_need'")
        ).one()
    owner.dispose()
    assert how.prosecdef
    assert how.proconfig == ["search_path=pg_catalog, public, pg_temp"]


def as_owner(app: Flask, *statements: str) -> None:
    """Run what the migration runs on a database that was used before it."""
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        for statement in statements:
            connection.execute(text(statement))
    owner.dispose()


def test_what_was_erased_before_loses_its_rating_factors_now(
    app: Flask, offers: tuple[OfferView, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = an_offer().need
    with monkeypatch.context() as before:
        before.setattr(services, "erase_needs_of_journey", lambda _journey_id: 0)
        erasing.erase_journey(offers[0].need.journey_id, ErasureReason.RETENTION)
        db.session.commit()
    assert kept(offers[0].need.id)["risk"] != {}
    db.session.commit()
    as_owner(app, migration().ERASE_WHAT_SHOULD_BE)
    assert kept(offers[0].need.id)["risk"] == {}
    assert kept(others.id)["risk"] == others.risk


def test_farewells_of_before_are_forgotten_now(app: Flask) -> None:
    for kind in (MessageKind.ACCOUNT_CLOSED, MessageKind.PASSWORD_CHANGED):
        mails.queue(a_message(kind, recipient="li.na@example.com"))
    drain("correspondence")
    as_owner(app, *migration().FORGET_FAREWELLS)
    vault.forget()
    assert [mail.kind for mail in correspondence.inbox(recipient="li.na@example.com")] == ["password_changed"]
    gone = correspondence.inbox(limit=2)
    assert {mail.recipient for mail in gone} == {"li.na@example.com", ""}
    destroyed = text("SELECT count(*) FROM infra_subject_key WHERE destroyed_at IS NOT NULL")
    assert db.session.scalar(destroyed) == 1


def migration() -> ModuleType:
    path = Path(__file__).parents[3] / "migrations" / "versions" / "0024_erasure.py"
    spec = spec_from_file_location("erasure", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

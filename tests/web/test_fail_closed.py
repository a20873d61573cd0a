"""What cannot be recorded is not shown and does not happen; what need not be recorded goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import create_engine, pool, text

from config import Settings
from marketplace.accounts.values import Account, Role
from marketplace.application import queries as applications
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.infra.keeper import Keeper, KeyClass, Keys, Limits
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries as trail
from marketplace.traceability.services import recording
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import LostError, Visitor, hidden_fields, words
from tests.factories.accounts import PASSWORD, a_customer
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS, NothingWritten, count
from tests.web.desk_visits import at_the_desk, links, sign_in

UNRECORDED = ("/", "/how-we-rank", "/verify", "/disclosure", "/sign-in", "/what-we-record", "/compare/term_life")
AtStep = Callable[..., Visitor]


@contextmanager
def broken_trail(shop: Flask) -> Iterator[None]:
    """The store takes no entry."""
    with _owner(shop, "REVOKE INSERT ON traceability_evidence_intake FROM marketplace_app"):
        try:
            yield
        finally:
            with _owner(shop, "GRANT INSERT ON traceability_evidence_intake TO marketplace_app"):
                pass


@contextmanager
def _owner(shop: Flask, statement: str) -> Iterator[None]:
    engine = create_engine(shop.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement))
    yield
    engine.dispose()


@pytest.mark.asvs("16.5.3")
@pytest.mark.requirement("T26-33")
def test_no_sales_page_is_shown_and_no_payment_begun_without_the_trail(
    shop: Flask, simulator: SimulatorServer, at_step: AtStep, nothing_written: NothingWritten
) -> None:
    visitor = at_step("pay")
    pay, form = visitor.at, hidden_fields(visitor.text)
    sessions = len(simulator.listed("/v1/checkout/sessions", limit=100))
    with broken_trail(shop), nothing_written():
        for path in (pay, pay.replace("/pay", "/pay?cancelled=1")):
            visitor.get(path)
            assert visitor.status == 503
            assert "Please try again in a moment" in words(visitor.text)
            assert "1,320.75" not in visitor.text
        visitor.post(form, pay)
        assert visitor.status == 503
        for path in UNRECORDED:
            assert visitor.client.get(path).status_code == 200, path
    assert len(simulator.listed("/v1/checkout/sessions", limit=100)) == sessions
    assert count(shop, "payment_attempt") == 0
    visitor.get(pay)
    visitor.post({})
    assert count(shop, "payment_attempt") == 1, "and goes on when the trail is back"


@pytest.mark.requirement("T26-33")
@pytest.mark.parametrize("step", ["email", "people", "identity", "documents", "review"])
def test_no_step_is_done_without_the_trail(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten, step: str
) -> None:
    visitor = at_step(step)
    fields = {
        "email": {"email": "li.na@example.com"},
        "people": {"applicant_name": "Li Na", "applicant_birth_on": "1992-03-05", "relationship": "self"},
        "identity": {"kind": "resident_card", "name": "Li Na", "number": specimen_number(date(1992, 3, 5))},
        "documents": {"confirm": "yes"},
        "review": {"declare": "yes"},
    }[step]
    with broken_trail(shop), nothing_written():
        visitor.post(fields)
        assert visitor.status == 503
        assert "Nothing was lost or charged" in words(visitor.text)


@pytest.mark.asvs("16.5.3")
def test_nobody_reads_what_a_person_asked_without_leaving_the_event(shop: Flask, li_na: Visitor) -> None:
    li_na.get("/account/data/ask")
    li_na.post({"kind": "correction", "words": "The name is wrong."})
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    (path,) = links(officer.get("/admin/privacy"), "/admin/privacy/requests/[0-9a-f-]+")
    assert "The name is wrong." in officer.get(path)
    shop.testing, shop.config["PROPAGATE_EXCEPTIONS"] = False, False
    try:
        with _owner(shop, "REVOKE INSERT ON accounts_security_event FROM marketplace_app"):
            officer.get(path)
    finally:
        shop.testing, shop.config["PROPAGATE_EXCEPTIONS"] = True, None
        with _owner(shop, "GRANT INSERT ON accounts_security_event TO marketplace_app"):
            pass
    assert officer.status == 500
    assert "The name is wrong." not in officer.text


@pytest.fixture
def li_na(shop: Flask, visitor: Visitor) -> Visitor:
    with shop.app_context():
        account = a_customer("li.na@example.com")
        db.session.commit()
    return sign_in(shop, visitor, account)


def test_offers_are_not_made_without_the_trail(visitor: Visitor, shop: Flask, nothing_written: NothingWritten) -> None:
    visitor.get("/")
    with broken_trail(shop), nothing_written(), pytest.raises(LostError, match="503"):
        visitor.compare("term_life", ANSWERS)


@pytest.mark.requirement("T26-06")
def test_every_page_shown_is_kept_as_it_was_sent_and_every_consent_names_its_page(
    shop: Flask, visitor: Visitor, at_step: AtStep
) -> None:
    sent: list[str] = []
    show = visitor._show
    visitor._show = lambda response: _noted(show(response), sent)  # type: ignore[method-assign]
    at_step("pay")
    with shop.app_context():
        application = applications.application(UUID(urlsplit(visitor.at).path.split("/")[2]))
        entries = trail.journey_entries(application.journey_id)
        kept = {each.page_sha256 for each in entries if each.page_sha256}
        assert {sha256_hex(trail.page_bytes(each.id)) for each in entries if each.page_sha256} == kept
        versions = {each.page_version_id for each in entries if each.page_sha256}
        consents = [each for each in entries if each.type in CONSENTS]
    sales_pages = [page for page in sent if 'class="steps"' in page or 'class="offer"' in page]
    assert len(sales_pages) >= 10
    assert [page[:200] for page in sales_pages if sha256_hex(page.encode()) not in kept] == []
    assert {each.type for each in consents} == CONSENTS
    assert [each.type for each in consents if each.page_version_id not in versions] == []


FEW = {KeyClass.PERSON: Limits(8, 8), KeyClass.JOURNEY: Limits(3, 3)}


def looked_at_by_many(shop: Flask, settings: Settings, request: pytest.FixtureRequest) -> Account:
    """A customer of a shop whose keeper gives few keys a minute, after visitors asked for pages until they got none."""
    vault.configure(Keeper(Keys.made(), limits=FEW))
    request.addfinalizer(lambda: vault.configure(vault.RemoteKeeper(settings.keeper_socket)))
    with shop.app_context():
        account = a_customer("known@example.com")
        db.session.commit()
    visitors = [Visitor(shop.test_client()) for _ in range(3)]
    for each in visitors:
        each.get("/")
        each.compare("term_life", ANSWERS)
    for _ in range(12):
        for each in visitors:
            vault.forget()  # another process answers, or this one has seen two thousand others meanwhile
            each.get(each.at)
    assert {each.status for each in visitors} == {503}, "what cannot be recorded is not shown"
    return account


def test_visitors_who_look_at_very_much_stop_no_customer(
    shop: Flask, settings: Settings, request: pytest.FixtureRequest, visitor: Visitor
) -> None:
    account = looked_at_by_many(shop, settings, request)
    vault.forget()
    sign_in(shop, visitor, account)
    visitor.get("/account/security")
    assert account.email in visitor.text
    visitor.compare("term_life", ANSWERS)
    assert visitor.status == 200, "and whoever comes anew gets a key of their own"
    with shop.app_context():
        kinds = db.session.execute(
            text(
                "SELECT key_class, count(*), bool_and(EXISTS (SELECT FROM traceability_journey j WHERE j.id = k.id)) "
                "FROM infra_subject_key k GROUP BY key_class ORDER BY key_class"
            )
        ).all()
    assert [(each[0], each[2]) for each in kinds] == [("journey", True), ("person", False)]


def test_were_journeys_counted_as_persons_nobody_could_sign_in(
    shop: Flask,
    settings: Settings,
    request: pytest.FixtureRequest,
    visitor: Visitor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control."""
    one_class = SimpleNamespace(PERSON=KeyClass.PERSON, JOURNEY=KeyClass.PERSON)
    monkeypatch.setattr(recording, "KeyClass", one_class)
    account = looked_at_by_many(shop, settings, request)
    vault.forget()
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": PASSWORD})
    assert visitor.status == 503


CONSENTS = {
    EntryType.ENTRY_ACKNOWLEDGED, EntryType.PRIVACY_NOTICE_ACKNOWLEDGED, EntryType.CLIENT_NOTICE_ACKNOWLEDGED,
    EntryType.HEALTH_NOTICE_ACKNOWLEDGED, EntryType.DOCUMENT_CONFIRMED,
    EntryType.EXCLUSIONS_CONFIRMED, EntryType.APPLICATION_SUBMITTED,
}  # fmt: skip


def _noted(page: str, sent: list[str]) -> str:
    sent.append(page)
    return page

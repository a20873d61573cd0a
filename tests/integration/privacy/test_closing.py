"""Closing an account: what is not needed goes, contracts stay restricted, and nothing is said of a stranger's."""

from datetime import datetime

import pytest
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    NotACustomersAccount,
    SecurityEventFilter,
    SecurityEventType,
    SignInRefused,
)
from marketplace.application import queries as applications
from marketplace.application import services as applications_services
from marketplace.application.values import Application, State, Step
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence import services as mails
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.kernel.dates import add_years
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import MandateState
from marketplace.policy import queries as policies
from marketplace.policy import services as policy_services
from marketplace.policy.values import Policy
from marketplace.privacy import queries, services
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import ExportNotFound, Outcome, RequestKind, SaleUnderWay
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_view
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.accounts import PASSWORD, a_customer, a_guest, a_member_of_staff, a_source
from tests.factories.application import an_application
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.correspondence import a_message
from tests.factories.payment import a_consent, an_open_setup
from tests.factories.policy import a_contract
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_journey, a_view, still_opens
from tests.integration.privacy.copies import text_of
from tests.simulator_server import SimulatorServer

ADDRESS = "li.na@example.com"


def test_a_kept_card_goes_with_the_account(simulator: SimulatorServer) -> None:
    """Whoever has no address any more cannot be told of a charge, so nothing is charged."""
    policy = a_policy_of(a_guest(ADDRESS))
    sale = {name: getattr(policy, name) for name in ("journey_id", "application_id", "insurer_id")}
    mandate, page = an_open_setup(a_consent(policy.id, **sale))
    simulator.pay(page)
    assert payment.settle_mandate(mandate.id).state is MandateState.KEPT
    mailed(policy)
    services.close_account(policy.account_id)
    db.session.commit()
    drain("payment")
    assert payments.mandate(mandate.id).state is MandateState.STOPPED
    (somebody,) = simulator.listed("/v1/customers")
    assert simulator.listed("/v1/payment_methods", customer=somebody["id"]) == []


@pytest.mark.requirement("T26-47")
def test_the_account_is_gone_and_the_address_is_free(database: None) -> None:
    customer = a_customer(ADDRESS)
    services.close_account(customer.id)
    db.session.commit()
    with pytest.raises(SignInRefused):
        account_services.authenticate(ADDRESS, PASSWORD, a_source())
    kept = accounts.account(customer.id)
    assert (kept.email, kept.name, kept.has_password, kept.disabled) == ("", "", False, True)
    again = a_guest(ADDRESS)
    assert again.id != customer.id
    assert queries.requests_of(again.id) == ()
    with pytest.raises(AccountNotFound):
        services.close_account(customer.id)


def test_what_the_account_sealed_cannot_be_opened_any_more(database: None) -> None:
    customer = a_customer(ADDRESS)
    asked = services.ask_request(customer.id, RequestKind.OBJECTION, "Do not call me.")
    export = services.ask_export(customer.id)
    db.session.commit()
    drain("privacy")
    assert queries.export_bytes(export.id, customer.id).startswith(b"PK")
    services.close_account(customer.id)
    db.session.commit()
    vault.forget()
    found = queries.request(asked.id)
    assert (found.words, found.outcome) == ("", Outcome.WITHDRAWN)
    with pytest.raises(ExportNotFound):
        queries.export_bytes(export.id, customer.id)


def test_an_application_without_a_contract_goes_with_the_account(database: None) -> None:
    customer = a_guest(ADDRESS)
    _, told = an_application(an_offer_of(), upto=Step.DOCUMENTS, account=customer)
    db.session.commit()
    assert queries.closing_preview(customer.id).erased_applications == (told.reference,)
    services.close_account(customer.id)
    db.session.commit()
    kept = applications.application(told.id)
    assert (kept.people, kept.answers, kept.email, kept.state) == (None, {}, None, State.LAPSED)
    assert kept.account_id is None, "not even by number"
    proven = db.session.execute(text("SELECT subject, reason FROM privacy_erasure ORDER BY subject"))
    assert [tuple(row) for row in proven] == [
        ("account", "closing"),
        ("application", "closing"),
        ("journey", "closing"),
    ]
    types = {event.type for event in accounts.security_events(SecurityEventFilter()).events}
    assert {SecurityEventType.ACCOUNT_CLOSED, SecurityEventType.DATA_ERASED} <= types


def a_policy_of(customer: Account) -> Policy:
    """A contract that was applied for by this customer."""
    told = an_accepted_application(customer)
    parts = {"application_id": told.id, "journey_id": told.journey_id, "account_id": customer.id}
    policy = policy_services.issue(a_contract(**parts))
    applications_services.conclude(told.id)
    db.session.commit()
    return policy


def mailed(policy: Policy) -> None:
    mails.queue(a_message(subject_key=str(policy.id), recipient=ADDRESS))


def test_the_address_is_kept_until_the_policy_is_on_its_way_to_it(database: None) -> None:
    policy = a_policy_of(a_guest(ADDRESS))
    assert queries.closing_preview(policy.account_id).unfinished == (policy.number,)
    with pytest.raises(SaleUnderWay):
        services.close_account(policy.account_id)
    assert not accounts.account(policy.account_id).disabled
    assert db.session.scalar(text("SELECT count(*) FROM privacy_restriction")) == 0
    mailed(policy)
    services.close_account(policy.account_id)
    assert accounts.account(policy.account_id).disabled


@pytest.mark.requirement("T26-47")
def test_the_records_of_a_contract_stay_restricted(database: None, frozen_clock: datetime) -> None:
    policy = a_policy_of(a_guest(ADDRESS))
    mailed(policy)
    done = services.close_account(policy.account_id)
    db.session.commit()
    (kept,) = done.kept
    assert (kept.number, kept.kept_until) == (policy.number, add_years(policy.period.end_on, 10))
    restricted = queries.restriction_on(policy.journey_id, policy.application_id)
    assert restricted is not None
    assert (restricted.policy_id, restricted.kept_until) == (policy.id, kept.kept_until)
    assert policies.policy(policy.id).body == policy.body, "what the contract says is all there"
    entries = [each for each in trail.journey_entries(policy.journey_id) if each.type is EntryType.DATA_RESTRICTED]
    assert [each.body for each in entries] == [{"reason": "closed", "kept_until": kept.kept_until.isoformat()}]
    kinds = {mail.kind: mail.recipient for mail in correspondence.inbox()}
    assert kinds == {"policy_issued": "", "account_closed": ADDRESS}


def beside(policy: Policy, account: Account | None) -> Application:
    """A second application in the journey that led to the contract, of nobody known where there is no account."""
    need = applications.application_view(policy.application_id).offer.need
    upto = Step.DOCUMENTS if account else Step.EMAIL
    _, told = an_application(an_offer(need.journey_id, need.line, start_on=need.start_on), upto=upto, account=account)
    db.session.commit()
    return told


@pytest.mark.requirement("T26-47")
def test_a_second_application_beside_a_contract_goes_and_nobody_reads_its_pages(database: None) -> None:
    customer = a_guest(ADDRESS)
    policy = a_policy_of(customer)
    mailed(policy)
    second = beside(policy, customer)
    shown = (policy.application_id, second.id, None)
    pages = {of: record_view(a_view(policy.journey_id, b"<p>mine", application_id=of)) for of in shown}
    services.close_account(customer.id)
    db.session.commit()
    vault.forget()
    assert applications.application(second.id).erased
    with pytest.raises(DataDestroyed):
        trail.page_bytes(pages[second.id])
    for of in (policy.application_id, None):
        assert trail.page_bytes(pages[of]) == b"<p>mine", "what the contract rests on is all there"
    said = {entry.application_id: entry.body for entry in trail.journey_entries(policy.journey_id)}
    assert said[second.id] == {}
    assert said[policy.application_id] != {}
    for entry in trail.entries_of_application(policy.application_id):
        assert still_opens(entry)


@pytest.mark.requirement("T26-47")
def test_the_restriction_holds_for_the_whole_way_but_not_for_another_on_it(database: None) -> None:
    customer, other = a_guest(ADDRESS), a_guest("zhou.min@example.com")
    policy = a_policy_of(customer)
    mailed(policy)
    own, unproven, others = beside(policy, customer), beside(policy, None), beside(policy, other)
    services.close_account(customer.id)
    db.session.commit()
    for restricted in (policy.application_id, own.id, unproven.id, None):
        found = queries.restriction_on(policy.journey_id, restricted)
        assert found is not None
        assert found.policy_id == policy.id
    assert queries.restriction_on(policy.journey_id, others.id) is None
    assert queries.restriction_on(a_journey(), None) is None


def test_what_a_new_account_finds_begins_with_it(database: None) -> None:
    """The mail that the account is closed went to the same address, and is not the new owner's."""
    policy = a_policy_of(a_guest(ADDRESS))
    mailed(policy)
    services.close_account(policy.account_id)
    db.session.commit()
    drain("correspondence")
    again = a_guest(ADDRESS)
    db.session.commit()
    assert [mail.kind for mail in correspondence.inbox(recipient=ADDRESS)] == ["account_closed"], "in a demonstration"
    copy = text_of(copy_of(again, clock.now()))
    assert "account_closed" not in copy
    assert policy.number not in copy


def test_staff_do_not_close_themselves(database: None) -> None:
    officer = a_member_of_staff()
    with pytest.raises(NotACustomersAccount):
        services.close_account(officer.id)
    assert not accounts.account(officer.id).disabled

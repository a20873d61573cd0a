"""A later visit to a contract is a journey of its own, and holds nothing that outlives the contract."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.traceability import queries, services
from marketplace.traceability.values import EntryType, journey_of_visit
from tests.at_once import at_once
from tests.factories.traceability import a_journey, a_view, an_act

pytestmark = pytest.mark.usefixtures("database")

PAGE = b"<!doctype html>the policy of Li Na"
FROM = {"entered_by": "policy.policy", "locale": "en"}


def a_look(visit_id: UUID, application_id: UUID | None) -> UUID:
    return services.record_view(a_view(visit_id, PAGE, type=EntryType.POLICY_VIEWED, application_id=application_id))


def erase(application_id: UUID) -> None:
    vault.destroy(application_id)
    db.session.commit()
    vault.forget()


@pytest.mark.requirement("T26-40")
def test_each_session_and_each_contract_has_its_visit_which_says_to_which() -> None:
    contract, other, session, later = (uuid4() for _ in range(4))
    first = services.begin_visit(contract, session, FROM)
    assert services.begin_visit(contract, session, {"entered_by": "policy.document"}) == first, "it goes on"
    second, beside = services.begin_visit(contract, later, FROM), services.begin_visit(other, session, FROM)
    assert len({first, second, beside}) == 3
    assert [each.id for each in queries.visits_to({contract})] == [first, second]
    assert [each.id for each in queries.visits_to({contract, other})] == [first, second, beside]
    found = queries.journey(first)
    assert (found.visit_to, found.attribution, found.reference[:2]) == (contract, FROM, "J-")
    assert first == journey_of_visit(contract, session), "who knows both finds it"
    looks = [a_look(first, contract), a_look(second, contract)]
    a_look(beside, other)
    assert [each.id for each in queries.entries_of_visits(contract)] == looks
    assert queries.journey(a_journey()).visit_to is None


def test_two_first_looks_at_once_are_one_visit(app: Flask) -> None:
    contract, session = uuid4(), uuid4()
    begun = at_once(app, 4, lambda: services.begin_visit(contract, session, FROM))
    assert set(begun) == {journey_of_visit(contract, session)}
    assert len(queries.visits_to({contract})) == 1


@pytest.mark.requirement("T26-44", "T26-47")
def test_with_the_contract_its_visits_are_erased_and_stay_proven() -> None:
    contract, kept, session = uuid4(), uuid4(), uuid4()
    visit, other = (services.begin_visit(each, session, FROM) for each in (contract, kept))
    looks = {each: a_look(journey, each) for journey, each in ((visit, contract), (other, kept))}
    services.record_act(an_act(visit, EntryType.DOCUMENT_OPENED, application_id=contract, body={"title": "H-1"}))
    db.session.commit()
    before = [(each.id, each.body_sha256, each.page_sha256) for each in queries.journey_entries(visit)]
    erase(contract)
    after = queries.journey_entries(visit)
    assert [(each.id, each.body_sha256, each.page_sha256) for each in after] == before
    assert [each.body for each in after] == [{}, {}]
    assert queries.pages_of_journey(visit) == {}
    assert queries.envelopes_of_journey(visit) == {}
    with pytest.raises(DataDestroyed):
        queries.page_bytes(looks[contract])
    assert queries.page_bytes(looks[kept]) == PAGE


@pytest.mark.requirement("T26-47")
def test_a_visit_never_has_a_key_of_its_own() -> None:
    contract = uuid4()
    visit = services.begin_visit(contract, uuid4(), FROM)
    look = a_look(visit, contract)
    with pytest.raises(DataDestroyed):
        a_look(visit, None)
    erase(contract)
    with pytest.raises(DataDestroyed):
        a_look(visit, contract)
    with pytest.raises(DataDestroyed):
        services.record_leaving(look, an_act(visit).actor)
    assert [each.id for each in queries.journey_entries(visit)] == [look], "nothing was entered"
    keys = db.session.execute(text("SELECT id FROM infra_subject_key WHERE id IN (:visit, :contract)"),
                              {"visit": visit, "contract": contract})  # fmt: skip
    assert keys.scalars().all() == [contract]


@pytest.mark.requirement("T26-44")
def test_a_visit_is_no_abandoned_journey() -> None:
    contract = uuid4()
    visit, abandoned = services.begin_visit(contract, uuid4(), FROM), a_journey()
    for journey_id, of in ((visit, contract), (abandoned, None)):
        a_look(journey_id, of)
    years_later = clock.business_now() + timedelta(days=9 * 366)
    assert queries.idle_journeys(years_later, 10) == (abandoned,)

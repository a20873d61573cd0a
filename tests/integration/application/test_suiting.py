"""Telling whether an insurance suits, going on against a warning, and the statement that is frozen with it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.application import queries, services
from marketplace.application.values import Circumstance, State, Step, StepNotReached, TextChanged
from marketplace.catalog.values import Cover, Line
from marketplace.infra.db import db
from marketplace.kernel.canonical import digest
from marketplace.kernel.errors import Invalid
from marketplace.quoting.queries import offers_for
from marketplace.quoting.services import request_quotes
from marketplace.quoting.values import NeedRequest, OfferView
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import ActorRole, Entry, EntryType
from tests.factories.accounts import an_insurer
from tests.factories.application import LIN_YUE, an_application
from tests.factories.quoting import RISKS, START_ON, TRAVEL_RISK, a_content, a_tariff, publish, words
from tests.factories.traceability import a_journey

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

SUITS = {Circumstance.COVERED_ALREADY: False, Circumstance.COSTS_TOO_MUCH: False, Circumstance.MEANT_FOR_ME: True}


MEDICAL = Cover("medical", words("Medical costs"), words("Treatment"), words("At most 1,000"))


def an_offer_that(line: Line, stated: tuple[str, ...] = (), **content: Any) -> OfferView:
    """The offer of the only product of the line."""
    publish(an_insurer(), a_content("only", line, **content), a_tariff("100.00"))
    risk = TRAVEL_RISK if line is Line.TRAVEL else RISKS[line]
    need = request_quotes(NeedRequest(line, risk, START_ON, a_journey(), stated))
    return offers_for(need.id)[0]


def home() -> OfferView:
    """Of contents: nobody's health is asked, and nobody's age."""
    return an_offer_that(Line.HOUSEHOLD, target_market=words("Tenants."))


def of(application_id: UUID, *types: EntryType) -> list[Entry]:
    db.session.commit()
    return [each for each in entries_of_application(application_id) if each.type in types]


@pytest.mark.requirement("SCM-04", "O13-20", "N108-07")
def test_who_applies_is_not_asked_before_whether_it_suits() -> None:
    by, application = an_application(home(), Step.NEEDS)
    assert queries.application_view(application.id).circumstances_asked == tuple(Circumstance)
    with pytest.raises(StepNotReached) as refusal:
        services.give_people(by, application.id, LIN_YUE)
    assert refusal.value.step is Step.NEEDS
    assert queries.application(application.id).people is None
    services.tell_circumstances(by, application.id, SUITS)
    view = queries.application_view(application.id)
    assert (view.next_step, view.misfits) == (Step.PEOPLE, ())
    stated, judged = of(application.id, EntryType.NEEDS_STATED, EntryType.SUITABILITY_JUDGED)
    assert (stated.actor.role, judged.actor.role) == (ActorRole.CUSTOMER, ActorRole.SYSTEM)
    assert judged.body["misfits"] == []
    assert "False" not in str(stated.body), "answers stand in it by their salted hash"


@pytest.mark.parametrize("told", [{}, {Circumstance.COVERED_ALREADY: False}])
def test_every_question_is_answered(told: dict[Circumstance, bool]) -> None:
    by, application = an_application(home(), Step.NEEDS)
    with pytest.raises(Invalid):
        services.tell_circumstances(by, application.id, told)
    assert of(application.id, EntryType.NEEDS_STATED) == []
    assert queries.application(application.id).circumstances is None


@pytest.mark.requirement("SCM-04", "O13-20", "EU-16")
@pytest.mark.parametrize("against", list(Circumstance))
def test_going_on_against_a_warning_is_confirmed_by_itself(against: Circumstance) -> None:
    by, application = an_application(home(), Step.NEEDS)
    services.tell_circumstances(by, application.id, SUITS | {against: not SUITS[against]})
    view = queries.application_view(application.id)
    assert (view.next_step, len(view.misfits)) == (Step.NEEDS, 1)
    with pytest.raises(StepNotReached):
        services.give_people(by, application.id, LIN_YUE)
    with pytest.raises(TextChanged):
        services.go_on_against(by, application.id, "0" * 64)
    assert of(application.id, EntryType.OWN_WILL_CONFIRMED) == []
    services.go_on_against(by, application.id, view.misfits_sha256)
    (entry,) = of(application.id, EntryType.OWN_WILL_CONFIRMED)
    assert entry.body["words"] == [each.words.to_json() for each in view.misfits]
    assert entry.body["subject_sha256"] == view.misfits_sha256
    assert set(entry.body["words"][0]) == {"en", "zh"}
    assert queries.application_view(application.id).next_step is Step.PEOPLE


def test_where_nothing_speaks_against_it_nothing_is_confirmed() -> None:
    by, application = an_application(home(), Step.PEOPLE)
    view = queries.application_view(application.id)
    with pytest.raises(TextChanged):
        services.go_on_against(by, application.id, view.misfits_sha256)
    assert of(application.id, EntryType.OWN_WILL_CONFIRMED) == []


@pytest.mark.requirement("SCM-04", "T26-26")
def test_a_confirmation_is_void_once_something_else_speaks_against_it() -> None:
    by, application = an_application(home(), Step.NEEDS)
    services.tell_circumstances(by, application.id, SUITS | {Circumstance.COVERED_ALREADY: True})
    services.go_on_against(by, application.id, queries.application_view(application.id).misfits_sha256)
    services.tell_circumstances(by, application.id, SUITS | {Circumstance.COSTS_TOO_MUCH: True})
    assert queries.application_view(application.id).next_step is Step.NEEDS
    with pytest.raises(StepNotReached):
        services.give_people(by, application.id, LIN_YUE)


@pytest.mark.requirement("SCM-04")
@pytest.mark.parametrize(
    ("line", "said"), [(Line.HOUSEHOLD, "the same loss is paid once only"), (Line.ACCIDENT, "Both would pay.")]
)
def test_what_a_second_insurance_is_good_for_is_said_as_it_is(line: Line, said: str) -> None:
    by, application = an_application(an_offer_that(line, target_market=words("Anybody.")), Step.NEEDS)
    services.tell_circumstances(by, application.id, SUITS | {Circumstance.COVERED_ALREADY: True})
    (misfit,) = queries.application_view(application.id).misfits
    assert said in misfit.words.en


@pytest.mark.requirement("O13-20", "EU-07", "UK-03")
def test_a_stated_need_that_is_not_met_warns_on_a_journey_too() -> None:
    offer = an_offer_that(Line.TRAVEL, ("delay", "medical_in_full"), covers=(MEDICAL,))
    by, application = an_application(offer, Step.NEEDS)
    view = queries.application_view(application.id)
    assert view.circumstances_asked == ()
    assert [each.need for each in view.misfits] == ["delay"]
    assert view.next_step is Step.NEEDS
    services.go_on_against(by, application.id, view.misfits_sha256)
    assert queries.application_view(application.id).next_step is Step.PEOPLE


@pytest.mark.requirement("EU-07", "UK-03")
def test_the_statement_is_frozen_with_the_declaration() -> None:
    _by, application = an_application(home(), Step.PAY)
    assert application.state is State.ACCEPTED
    statement = application.statement
    assert statement is not None
    (submitted,) = of(application.id, EntryType.APPLICATION_SUBMITTED)
    assert submitted.body["statement_sha256"] == digest(statement)
    assert statement["circumstances"] == {name.value: answer for name, answer in SUITS.items()}
    assert (statement["advice"], statement["misfits"], statement["proposed"]["place"]) == (False, [], 1)
    said = [each["en"] for each in statement["paragraphs"]]
    assert said[0].startswith("You asked for ")
    assert "We gave no personal recommendation." in " ".join(said)
    assert all(each["zh"] for each in statement["paragraphs"])


def test_it_goes_with_the_application_when_that_is_forgotten() -> None:
    _by, application = an_application(home(), Step.REVIEW)
    assert application.circumstances is not None
    services.erase_application(application.id)
    left = db.session.execute(text("SELECT circumstances, statement FROM application_application")).one()
    assert tuple(left) == (None, None)

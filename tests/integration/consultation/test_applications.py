"""Questions in an application: one thread of its owner, in its own journey, however often a form is sent."""

from dataclasses import replace

import pytest
from flask import Flask

from marketplace.accounts.values import Account, Insurer
from marketplace.application import queries as applications
from marketplace.application.values import ApplicationNotFound, Step
from marketplace.consultation import queries, services
from marketplace.consultation.values import Asker, ThreadNotFound, ThreadState
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel.ids import new_id
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from tests.at_once import outcomes_at_once
from tests.everything import every_row
from tests.factories.accounts import a_customer, an_insurer
from tests.factories.application import an_application
from tests.factories.consultation import NINETY, WAITING, a_practitioner, a_question, of, own
from tests.factories.quoting import an_offer, publish
from tests.factories.traceability import a_journey

ASKED = EntryType.CONSULTATION_ASKED


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer()


@pytest.fixture
def offer(insurer: Insurer) -> OfferView:
    publish(insurer)
    return an_offer()


@pytest.fixture
def li_na(database: None) -> Account:
    return a_customer("li.na@example.com")


@pytest.fixture
def wang_fang(database: None) -> Account:
    return a_customer("wang.fang@example.com")


def count(what: str) -> int:
    with every_row() as reader:
        return int(reader.exec_driver_sql(f"SELECT count(*) FROM {what}").scalar_one())


def test_whoever_asks_in_an_application_without_an_owner_owns_it(
    offer: OfferView, li_na: Account, wang_fang: Account
) -> None:
    """So nobody else can take it over with what was asked in it: the address of the one is that of the other."""
    by, application = an_application(offer, Step.EMAIL)
    asker = Asker(by.journey_id, li_na.id, by.page_version_id)
    thread = services.ask_question(asker, of(offer, application_id=application.id), li_na)
    bound = applications.application(application.id)
    assert (bound.account_id, bound.email) == (thread.account_id, li_na.email) == (li_na.id, li_na.email)
    db.session.commit()
    proven = [each for each in trail.journey_entries(by.journey_id) if each.type is EntryType.EMAIL_VERIFIED]
    assert [each.application_id for each in proven] == [application.id]
    with pytest.raises(ApplicationNotFound):
        services.ask_question(
            replace(asker, account_id=wang_fang.id), of(offer, application_id=application.id), wang_fang
        )
    assert len(queries.conversation(thread.id).messages) == 1


def test_a_code_for_another_address_moves_no_question_into_somebodys_application(
    offer: OfferView, li_na: Account, wang_fang: Account
) -> None:
    by, application = an_application(offer, Step.EMAIL)
    asker = Asker(by.journey_id, None, by.page_version_id)
    kept = services.prepare_question(asker, of(offer, application_id=application.id))
    asking = replace(asker, account_id=wang_fang.id)
    services.ask_question(asking, of(offer, application_id=application.id, words="Is it mine?"), wang_fang)
    with pytest.raises(ApplicationNotFound):
        services.confirm_question(kept.id, asker, li_na)
    talk = queries.conversation_of_application(application.id)
    assert talk is not None
    assert [each.words for each in talk.messages] == ["Is it mine?"]
    assert talk.thread.account_id == wang_fang.id
    assert queries.conversations_of_account(li_na.id) == ()


def test_a_code_binds_the_application_of_the_question(offer: OfferView, li_na: Account) -> None:
    by, application = an_application(offer, Step.EMAIL)
    asker = Asker(by.journey_id, None, by.page_version_id)
    kept = services.prepare_question(asker, of(offer, application_id=application.id))
    assert applications.application(application.id).account_id is None
    asked = services.confirm_question(kept.id, Asker(by.journey_id, None), li_na)
    assert applications.application(application.id).account_id == asked.account_id == li_na.id


@pytest.mark.requirement("T26-29")
def test_a_question_from_another_device_stands_in_the_applications_journey(
    insurer: Insurer, offer: OfferView, li_na: Account
) -> None:
    """Begun on the phone, asked on the laptop: what the laptop looked at is no part of the contract."""
    _by, application = an_application(offer, Step.PEOPLE, account=li_na)
    laptop = Asker(a_journey(), li_na.id)
    thread = services.ask_question(laptop, of(offer, application_id=application.id), li_na)
    assert thread.journey_id == application.journey_id
    services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    db.session.commit()
    kinds = [each.type for each in trail.journey_entries(application.journey_id)]
    assert kinds[-2:] == [ASKED, EntryType.CONSULTATION_ANSWERED]
    assert [each.type for each in trail.journey_entries(laptop.journey_id) if each.type is ASKED] == []


def test_two_first_questions_at_once_are_one_thread(app: Flask, offer: OfferView, li_na: Account) -> None:
    by, application = an_application(offer, Step.PEOPLE, account=li_na)
    words = iter([WAITING, "And for an accident?"])
    asker = Asker(by.journey_id, li_na.id)
    vault.forget()
    outcomes = outcomes_at_once(
        app, lambda: services.ask_question(asker, of(offer, next(words), application_id=application.id), li_na).id
    )
    assert outcomes[0] == outcomes[1]
    talk = queries.conversation_of_application(application.id)
    assert talk is not None
    assert sorted(each.words for each in talk.messages) == sorted([WAITING, "And for an accident?"])
    assert count("consultation_thread") == 1


@pytest.mark.parametrize("inside", [False, True])
def test_a_form_sent_twice_asks_once(app: Flask, offer: OfferView, li_na: Account, *, inside: bool) -> None:
    by, application = an_application(offer, Step.PEOPLE, account=li_na)
    asker, new = Asker(by.journey_id, li_na.id), of(offer, application_id=application.id if inside else None)
    vault.forget()
    outcomes = outcomes_at_once(app, lambda: services.ask_question(asker, new, li_na).id)
    assert outcomes[0] == outcomes[1]
    assert (count("consultation_thread"), count("consultation_message")) == (1, 1)
    assert len([each for each in trail.journey_entries(by.journey_id) if each.type is ASKED]) == 1


def test_the_same_words_are_a_question_again_once_they_are_answered(insurer: Insurer, offer: OfferView) -> None:
    thread = a_question(offer)
    services.write_on(thread.id, own(thread), WAITING)
    assert len(queries.conversation(thread.id).messages) == 1
    services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    asked = services.write_on(thread.id, own(thread), WAITING)
    assert asked.state is ThreadState.WAITING
    assert len(queries.conversation(thread.id).messages) == 3


def test_a_question_of_no_application_is_none(offer: OfferView, li_na: Account) -> None:
    with pytest.raises(ApplicationNotFound):
        services.ask_question(Asker(offer.need.journey_id, li_na.id), of(offer, application_id=new_id()), li_na)
    with pytest.raises(ThreadNotFound):
        services.confirm_question(new_id(), Asker(offer.need.journey_id, None), li_na)
    db.session.rollback()
    assert count("consultation_thread") == 0

"""What was asked is forgotten with the application, the visit, the account, or by the clock; a copy holds it before."""

import io
import zipfile
from datetime import timedelta

import pytest

from marketplace.accounts.values import Account, Insurer
from marketplace.application.values import Step
from marketplace.consultation import queries, services
from marketplace.consultation.values import NoConsent, NothingToAnswer, PublicState, Thread, ThreadNotFound
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed, seal
from marketplace.kernel import clock
from marketplace.privacy import services as privacy
from marketplace.privacy.services import erasing, forgetting
from marketplace.privacy.services.gathering import copy_of
from marketplace.privacy.values import ErasureReason
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from tests.everything import every_row
from tests.factories.accounts import a_customer, an_insurer
from tests.factories.application import an_application
from tests.factories.consultation import NINETY, PUBLIC, a_practitioner, a_public_answer, a_question, consented
from tests.factories.quoting import an_offer, publish


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer()


@pytest.fixture
def offer(insurer: Insurer) -> OfferView:
    publish(insurer)
    return an_offer()


@pytest.fixture
def customer(database: None) -> Account:
    return a_customer("li.na@example.com")


@pytest.fixture
def asked(insurer: Insurer, offer: OfferView, customer: Account) -> Thread:
    """Asked and answered, outside any application."""
    thread = a_question(offer, customer)
    return services.answer_question(thread.id, a_practitioner(insurer), NINETY)


def is_erased(thread: Thread) -> bool:
    """Nobody's, without a word, and no key is left that opens what a backup holds."""
    db.session.commit()
    found = queries.conversation(thread.id)
    with pytest.raises(DataDestroyed):
        seal(thread.application_id or thread.id, "anything", b"more")
    with every_row() as reader:
        kept = "SELECT count(*) FROM consultation_message WHERE words IS NOT NULL"
        assert reader.exec_driver_sql(kept).scalar() == 0
    return found.thread.erased and found.thread.account_id is None and not any(each.words for each in found.messages)


def test_a_copy_holds_what_one_asked_and_nobody_elses(asked: Thread, offer: OfferView, customer: Account) -> None:
    a_question(offer, a_customer("other@example.com"), words="unmistakable-words")
    with zipfile.ZipFile(io.BytesIO(copy_of(customer, clock.now()))) as archive:
        said = archive.read("questions.json").decode()
    assert NINETY in said
    assert asked.reference in said
    assert "unmistakable-words" not in said


def test_closing_the_account_erases_it_and_ends_what_is_public(
    asked: Thread, offer: OfferView, customer: Account
) -> None:
    answer_id = a_public_answer(offer)
    publisher = queries.conversation(queries.public_answer(answer_id).thread_id).thread
    privacy.close_account(customer.id)
    with pytest.raises(ThreadNotFound):
        queries.own_conversation(asked.id, customer.id)
    assert queries.conversation(publisher.id).thread.account_id is not None, "another's stays"
    assert queries.public_answer(answer_id).state is PublicState.PUBLISHED
    assert publisher.account_id is not None
    privacy.close_account(publisher.account_id)
    assert queries.public_answer(answer_id).state is PublicState.WITHDRAWN
    assert is_erased(asked)


def test_closing_the_account_ends_consent_in_what_is_kept_with_a_contract(
    insurer: Insurer, offer: OfferView, customer: Account
) -> None:
    """Its thread stays with its application; nothing of it becomes public any more."""
    _by, application = an_application(offer, Step.PEOPLE, account=customer)
    staff, thread = a_practitioner(insurer), a_question(offer, customer, application_id=application.id)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    services.erase_of_account(customer.id)
    kept = queries.conversation(thread.id).thread
    assert not kept.erased
    assert kept.consent is not None
    assert not kept.consent.holds
    with pytest.raises(NoConsent):
        services.propose_answer(thread.id, staff, PUBLIC)
    assert queries.answers_of_thread(thread.id) == ()
    services.erase_of_account(customer.id)
    db.session.commit()
    kinds = [each.type for each in trail.journey_entries(application.journey_id)]
    assert kinds.count(EntryType.PUBLICATION_CONSENT_WITHDRAWN) == 1


def test_a_visit_that_is_forgotten_takes_its_questions_along(asked: Thread, offer: OfferView) -> None:
    erasing.erase_journey(offer.need.journey_id, ErasureReason.RETENTION)
    assert is_erased(asked)


def test_an_application_that_is_erased_takes_its_questions_along(
    insurer: Insurer, offer: OfferView, customer: Account
) -> None:
    _by, application = an_application(offer, Step.PEOPLE, account=customer)
    thread = a_question(offer, customer, application_id=application.id)
    services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    outside = a_question(offer, customer)
    erasing.erase_application(application.id, ErasureReason.WITHDRAWAL)
    assert queries.conversation(thread.id).thread.erased
    assert queries.conversation(outside.id).messages[0].words, "what was asked outside of it stays"
    erasing.erase_journey(offer.need.journey_id, ErasureReason.RETENTION)
    assert is_erased(thread)


def test_what_nobody_wrote_in_for_a_year_is_forgotten_by_the_clock(asked: Thread) -> None:
    assert list(forgetting.forget_questions()) == []
    business_clock.move_to_offset(timedelta(days=367))
    assert list(forgetting.forget_questions()) == [{"questions": 1}]
    assert list(forgetting.forget_questions()) == []
    assert is_erased(asked)


def test_an_erased_question_is_answered_no_more(insurer: Insurer, offer: OfferView, customer: Account) -> None:
    thread = a_question(offer, customer)
    services.erase_thread(thread.id)
    assert queries.waiting_threads() == ()
    with pytest.raises(NothingToAnswer):
        services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    assert is_erased(thread)

"""From an answered question to what everybody reads: consent, a second person, search, and back again."""

import threading

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts.values import CertificateMissing, Insurer, Role
from marketplace.consultation import queries, services
from marketplace.consultation.values import (
    AlreadyPublic,
    Asker,
    NoConsent,
    NotAnsweredYet,
    PublicAnswerNotFound,
    PublicState,
    Said,
    SecondPersonNeeded,
    TextChanged,
    ThreadNotFound,
)
from marketplace.disclosure.services import publish_wordings
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.errors import Invalid
from marketplace.kernel.transitions import TransitionRefused
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from tests.everything import every_row
from tests.factories.accounts import a_customer, a_member_of_staff, an_insurer
from tests.factories.consultation import (
    NINETY,
    PUBLIC,
    a_practitioner,
    a_public_answer,
    a_question,
    consented,
    own,
)
from tests.factories.quoting import an_offer, publish
from tests.faults.waiting import until


@pytest.fixture
def insurer(database: None) -> Insurer:
    return an_insurer()


@pytest.fixture
def offer(insurer: Insurer) -> OfferView:
    publish(insurer)
    return an_offer()


def types(offer: OfferView) -> list[EntryType]:
    db.session.commit()
    return [each.type for each in trail.journey_entries(offer.need.journey_id)]


def test_an_answer_becomes_public_by_consent_and_a_second_person(insurer: Insurer, offer: OfferView) -> None:
    staff, thread = a_practitioner(insurer), a_question(offer)
    with pytest.raises(NotAnsweredYet):
        services.propose_answer(thread.id, staff, PUBLIC)
    services.answer_question(thread.id, staff, NINETY)
    with pytest.raises(NoConsent):
        services.propose_answer(thread.id, staff, PUBLIC)
    consented(thread)
    proposed = services.propose_answer(thread.id, staff, PUBLIC)
    assert queries.answers_of_product(offer.version.product_id) == ()
    assert queries.search("waiting", 1).total == 0
    with pytest.raises(SecondPersonNeeded):
        services.publish_answer(proposed.id, staff)
    with pytest.raises(AlreadyPublic):
        services.propose_answer(thread.id, staff, PUBLIC)
    services.publish_answer(proposed.id, a_member_of_staff(Role.ADMIN_SALES))
    (shown,) = queries.answers_of_product(offer.version.product_id)
    assert (shown.id, shown.state, shown.version_number) == (proposed.id, PublicState.PUBLISHED, 1)
    assert shown.in_("zh_Hans_CN") == ("zh_Hans_CN", PUBLIC["zh_Hans_CN"])
    assert EntryType.PUBLICATION_CONSENTED in types(offer)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("等待期", True),
        ("等待", True),
        ("意外伤害自第一天", True),
        ("期待", False),
        ("等期", False),
        ("天", True),
        ("waiting period", True),
        ("WAIT", True),
        ("waiting 等待期 90", True),
        ("waiting lions", False),
        ("' | 'waiting", True),
        ("", True),
        ("!!", True),
    ],
)
def test_words_are_found_inside_sentences(offer: OfferView, *, asked: str, found: bool) -> None:
    """等待期 stands inside a sentence without blanks, where PostgreSQL's own parser does not find it."""
    a_public_answer(offer)
    assert (queries.search(asked, 1).total == 1) is found


def test_what_stands_in_the_question_comes_first(offer: OfferView) -> None:
    first = a_public_answer(offer, {"en": Said("What is paid?", "Luggage, as the clauses say.")})
    second = a_public_answer(offer, {"en": Said("Is my luggage covered?", "Yes.")})
    assert [each.id for each in queries.search("luggage", 1).answers] == [second, first]
    assert queries.search("luggage", 2, size=1).answers[0].id == first


def test_consent_taken_back_ends_what_is_public_at_once(offer: OfferView) -> None:
    answer_id = a_public_answer(offer)
    thread = queries.conversation(queries.public_answer(answer_id).thread_id).thread
    with pytest.raises(ThreadNotFound):
        services.withdraw_consent(thread.id, Asker(thread.journey_id, a_customer("other@example.com").id))
    assert queries.public_answer(answer_id).state is PublicState.PUBLISHED
    services.withdraw_consent(thread.id, own(thread))
    services.withdraw_consent(thread.id, own(thread))
    assert queries.public_answer(answer_id).state is PublicState.WITHDRAWN
    assert queries.answers_of_product(offer.version.product_id) == ()
    assert queries.search("等待期", 1).total == 0
    assert types(offer).count(EntryType.PUBLICATION_CONSENT_WITHDRAWN) == 1
    with pytest.raises(NoConsent):
        services.publish_answer(answer_id, a_member_of_staff(Role.ADMIN_SALES))


def test_nothing_is_published_after_the_consent_is_taken_back(insurer: Insurer, offer: OfferView) -> None:
    staff, thread = a_practitioner(insurer), a_question(offer)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    proposed = services.propose_answer(thread.id, staff, PUBLIC)
    services.withdraw_consent(thread.id, own(thread))
    with pytest.raises(NoConsent):
        services.publish_answer(proposed.id, a_member_of_staff(Role.ADMIN_SALES))
    assert queries.answers_of_product(offer.version.product_id) == ()


def test_one_consents_to_the_text_of_today_alone(insurer: Insurer, offer: OfferView) -> None:
    thread = a_question(offer)
    publish_wordings()
    with pytest.raises(NotAnsweredYet):
        services.consent_to_public_answer(thread.id, own(thread), "0" * 64)
    services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    with pytest.raises(TextChanged):
        services.consent_to_public_answer(thread.id, own(thread), "0" * 64)
    with pytest.raises(NoConsent):
        services.withdraw_consent(thread.id, own(thread))
    assert queries.conversation(thread.id).thread.consent is None


def test_what_leads_to_a_person_is_not_taken(insurer: Insurer, offer: OfferView) -> None:
    staff, thread = a_practitioner(insurer), a_question(offer)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    with pytest.raises(Invalid) as refused:
        services.propose_answer(
            thread.id, staff, {"en": Said("I am Li Na, 13800138000", "Yes."), "zh_Hans_CN": Said("", "")}
        )
    assert list(refused.value.fields) == ["question_en"]
    assert queries.answers_of_thread(thread.id) == ()


def test_an_answer_that_is_refused_says_why_and_can_be_written_anew(insurer: Insurer, offer: OfferView) -> None:
    staff, thread, admin = a_practitioner(insurer), a_question(offer), a_member_of_staff(Role.ADMIN_SALES)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    first = services.propose_answer(thread.id, staff, PUBLIC)
    with pytest.raises(Invalid):
        services.refuse_answer(first.id, admin, "  ")
    refused = services.refuse_answer(first.id, admin, "It names the town.")
    assert (refused.state, refused.refusal) == (PublicState.REFUSED, "It names the town.")
    second = services.propose_answer(thread.id, staff, PUBLIC)
    assert services.publish_answer(second.id, admin).state is PublicState.PUBLISHED


def test_publishing_and_taking_consent_back_wait_for_one_another(
    app: Flask, insurer: Insurer, offer: OfferView
) -> None:
    """Whichever is first, both come to an end, and nothing is public afterwards."""
    staff, thread, admin = a_practitioner(insurer), a_question(offer), a_member_of_staff(Role.ADMIN_SALES)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    proposed = services.propose_answer(thread.id, staff, PUBLIC)
    db.session.commit()
    holding, outcomes = threading.Event(), list[object]()

    def publish_meanwhile() -> None:
        with use_scope(Scope.all()), app.app_context():
            holding.wait()
            try:
                outcomes.append(services.publish_answer(proposed.id, admin))
                db.session.commit()
            except Exception as error:  # noqa: BLE001  what happened is what the test asks
                outcomes.append(error)
            finally:
                db.session.remove()

    publishing = threading.Thread(target=publish_meanwhile)
    publishing.start()
    db.session.execute(text("SELECT FROM consultation_thread WHERE id = :id FOR UPDATE"), {"id": thread.id})
    holding.set()
    until(_somebody_waits, "the publisher to wait for the thread")
    services.withdraw_consent(thread.id, own(thread))
    db.session.commit()
    publishing.join()
    assert isinstance(outcomes[0], NoConsent)
    assert queries.public_answer(proposed.id).state is PublicState.WITHDRAWN


def _somebody_waits() -> bool:
    with every_row() as reader:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        return bool(reader.exec_driver_sql(waiting).scalar())


def test_an_answer_that_is_true_no_more_is_withdrawn_by_its_insurer(insurer: Insurer, offer: OfferView) -> None:
    answer_id, others = a_public_answer(offer), an_insurer("willow")
    with pytest.raises(PublicAnswerNotFound):
        services.withdraw_answer(answer_id, a_member_of_staff(Role.INSURER_CLAIMS, others))
    with pytest.raises(PublicAnswerNotFound):
        queries.answer_of_insurer(answer_id, others.id)
    assert queries.public_answer(answer_id).state is PublicState.PUBLISHED
    assert services.withdraw_answer(answer_id, a_practitioner(insurer)).state is PublicState.WITHDRAWN
    with pytest.raises(TransitionRefused):
        services.publish_answer(answer_id, a_member_of_staff(Role.ADMIN_SALES))


def test_nobody_writes_for_the_public_without_a_certificate(insurer: Insurer, offer: OfferView) -> None:
    thread = a_question(offer)
    services.answer_question(thread.id, a_practitioner(insurer), NINETY)
    consented(thread)
    with pytest.raises(CertificateMissing):
        services.propose_answer(thread.id, a_member_of_staff(Role.INSURER_CLAIMS, insurer), PUBLIC)
    with pytest.raises(ThreadNotFound):
        services.propose_answer(thread.id, a_practitioner(an_insurer("willow")), PUBLIC)
    assert queries.answers_of_thread(thread.id) == ()

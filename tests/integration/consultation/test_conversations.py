"""Questions to an insurer and their answers: who may ask, who may answer, what is entered, what nobody else reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from marketplace.accounts import services as accounts
from marketplace.accounts.models import PractitionerRow
from marketplace.accounts.values import CertificateMissing, Insurer, Role, TooManyTries
from marketplace.consultation import queries, services
from marketplace.consultation.models import MessageRow
from marketplace.consultation.values import (
    Asker,
    NotACustomer,
    NothingToAnswer,
    Side,
    ThreadNotFound,
    ThreadState,
)
from marketplace.correspondence import queries as correspondence
from marketplace.infra import business_clock, vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.kernel.ids import new_id
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from tests.deferred_jobs import drain
from tests.everything import every_row
from tests.factories.accounts import a_customer, a_guest, a_member_of_staff, an_insurer
from tests.factories.consultation import NINETY, WAITING, a_practitioner, a_question, of, own, registered
from tests.factories.quoting import an_offer, publish

SATURDAY = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # eleven o'clock in Shanghai


@pytest.fixture
def insurer(database: None, frozen_clock: datetime) -> Insurer:
    return an_insurer()


@pytest.fixture
def offer(insurer: Insurer) -> Iterator[OfferView]:
    publish(insurer)
    yield an_offer()
    vault.forget()


def entered(offer: OfferView, kind: EntryType) -> list[Entry]:
    db.session.commit()
    return [each for each in trail.journey_entries(offer.need.journey_id) if each.type is kind]


@pytest.mark.requirement("O13-21")
def test_a_question_gets_a_number_and_waits_for_its_insurer(offer: OfferView) -> None:
    thread = a_question(offer)
    assert thread.reference.startswith("Q-")
    assert (thread.insurer_id, thread.product_version_id) == (offer.insurer_id, offer.version.id)
    assert thread.journey_id == offer.need.journey_id
    assert thread.state is ThreadState.WAITING
    assert [each.id for each in queries.waiting_threads(offer.insurer_id)] == [thread.id]
    (entry,) = entered(offer, EntryType.CONSULTATION_ASKED)
    assert entry.body["thread"] == thread.reference
    assert entry.body["sha256"] == sha256_hex(WAITING.encode())


def test_an_answer_names_who_gave_it_and_is_mailed_without_a_word_of_it(insurer: Insurer, offer: OfferView) -> None:
    thread, staff = a_question(offer, a_customer("li.na@example.com")), a_practitioner(insurer)
    answered = services.answer_question(thread.id, staff, NINETY)
    assert (answered.state, answered.waiting_since, answered.due_at) == (ThreadState.ANSWERED, None, None)
    question, answer = queries.conversation(thread.id).messages
    assert (question.side, question.words, question.practitioner_id) == (Side.CUSTOMER, WAITING, None)
    assert (answer.side, answer.words, answer.waited_since) == (Side.INSURER, NINETY, thread.waiting_since)
    (entry,) = entered(offer, EntryType.CONSULTATION_ANSWERED)
    assert entry.body["certificate_no"].startswith("SPECIMEN-")
    assert entry.body["sha256"] == sha256_hex(NINETY.encode())
    drain()
    (mail, *_) = correspondence.inbox(recipient="li.na@example.com")
    assert mail.kind == "consultation_answered"
    assert "90 days" not in correspondence.message_parts(mail.id).text
    assert mail.subject is not None
    assert "li.na" not in mail.subject


def test_the_mail_of_an_answer_is_sent_once(insurer: Insurer, offer: OfferView) -> None:
    thread, staff = a_question(offer, a_customer("li.na@example.com")), a_practitioner(insurer)
    services.answer_question(thread.id, staff, NINETY)
    assert "consultation.tell_answered" in drain()
    db.session.execute(text("UPDATE procrastinate_jobs SET status = 'todo' WHERE task_name LIKE 'consultation.tell%'"))
    drain()
    kinds = [each.kind for each in correspondence.inbox(recipient="li.na@example.com")]
    assert kinds.count("consultation_answered") == 1  # type: ignore[arg-type]  # kinds are strings


@pytest.mark.requirement("N108-02")
@pytest.mark.parametrize("lacks", ["certificate", "line", "day", "ended", "not checked"])
def test_nobody_answers_without_a_valid_certificate(insurer: Insurer, offer: OfferView, lacks: str) -> None:
    thread, staff = a_question(offer), a_member_of_staff(Role.INSURER_CLAIMS, insurer)
    if lacks != "certificate":
        entry = registered(staff, insurer, ("hospital",) if lacks == "line" else ("travel",))
        if lacks == "day":
            business_clock.move_to_offset(timedelta(days=400))
        elif lacks == "ended":
            accounts.end_practitioner(entry.id, a_member_of_staff(Role.ADMIN_COMPLIANCE))
        elif lacks == "not checked":
            unchecked = {"standing": "proposed", "checked_at": None, "checked_by": None}
            db.session.execute(update(PractitionerRow).values(**unchecked))
    with pytest.raises(CertificateMissing):
        services.answer_question(thread.id, staff, NINETY)
    assert not queries.conversation(thread.id).answered
    assert entered(offer, EntryType.CONSULTATION_ANSWERED) == []
    assert "consultation.tell_answered" not in drain()


def test_staff_of_another_insurer_find_nothing(insurer: Insurer, offer: OfferView) -> None:
    thread, others = a_question(offer), an_insurer("willow")
    with pytest.raises(ThreadNotFound):
        services.answer_question(thread.id, a_practitioner(others), NINETY)
    with pytest.raises(ThreadNotFound):
        queries.conversation_of_insurer(thread.id, others.id)
    assert queries.waiting_threads(others.id) == ()
    with pytest.raises(ThreadNotFound):
        services.answer_question(thread.id, a_member_of_staff(Role.ADMIN_SALES), "We think so.")
    assert not queries.conversation(thread.id).answered
    db.session.commit()
    with use_scope(Scope.insurer(others.id)), pytest.raises(ThreadNotFound):
        queries.conversation(thread.id)
    db.session.commit()


def test_the_insurers_own_connection_reads_answers_and_enters_it(insurer: Insurer, offer: OfferView) -> None:
    """Under row-level security, with no application that would open the visit's key to it."""
    thread, staff = a_question(offer), a_practitioner(insurer)
    db.session.commit()
    vault.forget()
    with use_scope(Scope.insurer(insurer.id)):
        assert queries.conversation(thread.id).messages[0].words == WAITING
        services.answer_question(thread.id, staff, NINETY)
        db.session.commit()
    assert len(entered(offer, EntryType.CONSULTATION_ANSWERED)) == 1


def test_an_insurer_writes_to_nobody_who_did_not_ask(insurer: Insurer, offer: OfferView) -> None:
    """N108-02: service staff do not promote products unasked."""
    thread, staff = a_question(offer), a_practitioner(insurer)
    services.answer_question(thread.id, staff, NINETY)
    with pytest.raises(NothingToAnswer):
        services.answer_question(thread.id, staff, "May I also tell you about our other products?")
    assert len(queries.conversation(thread.id).messages) == 2
    services.write_on(thread.id, own(thread), "And for illness?")
    services.answer_question(thread.id, staff, "The same.")
    assert [each.number for each in queries.conversation(thread.id).messages] == [1, 2, 3, 4]


def test_only_the_asker_reads_and_writes_on(offer: OfferView) -> None:
    thread, stranger = a_question(offer), a_customer("wang.fang@example.com")
    with pytest.raises(ThreadNotFound):
        queries.own_conversation(thread.id, stranger.id)
    with pytest.raises(ThreadNotFound):
        services.write_on(thread.id, Asker(thread.journey_id, stranger.id), "What did they ask?")
    with pytest.raises(ThreadNotFound):
        services.write_on(new_id(), own(thread), WAITING)
    assert len(queries.conversation(thread.id).messages) == 1
    assert queries.conversations_of_account(stranger.id) == ()


def test_staff_do_not_ask_as_customers(insurer: Insurer, offer: OfferView) -> None:
    staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer)
    with pytest.raises(NotACustomer):
        services.ask_question(Asker(offer.need.journey_id, staff.id), of(offer), staff)
    assert queries.waiting_threads() == ()


def test_a_visitors_question_reaches_nobody_before_the_address_is_proven(offer: OfferView) -> None:
    by = Asker(offer.need.journey_id, None)
    kept = services.prepare_question(by, of(offer))
    assert kept.state is ThreadState.UNCONFIRMED
    assert queries.waiting_threads() == ()
    assert queries.threads(1).total == 0
    with pytest.raises(ThreadNotFound):
        queries.conversation_of_insurer(kept.id, offer.insurer_id)
    assert entered(offer, EntryType.CONSULTATION_ASKED) == []
    with pytest.raises(ThreadNotFound):
        services.confirm_question(kept.id, Asker(new_id(), None), a_guest())
    asker = a_guest("zhou.min@example.com")
    asked = services.confirm_question(kept.id, by, asker)
    assert (asked.state, asked.account_id) == (ThreadState.WAITING, asker.id)
    assert queries.own_conversation(kept.id, asker.id).messages[0].words == WAITING
    with pytest.raises(ThreadNotFound):
        services.confirm_question(kept.id, by, asker)
    assert len(entered(offer, EntryType.CONSULTATION_ASKED)) == 1


def test_what_nobody_confirmed_is_dropped_a_day_later(offer: OfferView, frozen_clock: datetime) -> None:
    kept = services.prepare_question(Asker(offer.need.journey_id, None), of(offer))
    assert services.forget_unconfirmed() == 0
    db.session.execute(text("UPDATE consultation_thread SET created_at = created_at - interval '25 hours'"))
    assert services.forget_unconfirmed() == 1
    with pytest.raises(vault.DataDestroyed):
        vault.seal(kept.id, "nothing", b"more")
    with every_row() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM consultation_message").scalar() == 0


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 2001])
def test_a_question_of_nothing_or_of_too_much_is_refused(offer: OfferView, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_question(offer, words=words)
    assert list(refused.value.fields) == ["words"]
    db.session.rollback()
    assert queries.threads(1).total == 0


def test_a_customer_asks_so_often_a_day_and_no_more(offer: OfferView) -> None:
    customer = a_customer()
    thread = a_question(offer, customer)
    db.session.commit()
    for number in range(29):
        services.write_on(thread.id, own(thread), f"Question {number}")
    with pytest.raises(TooManyTries):
        services.write_on(thread.id, own(thread), WAITING)
    assert len(queries.conversation(thread.id).messages) == 30


def test_what_was_said_cannot_be_read_or_changed_in_the_table(insurer: Insurer, offer: OfferView) -> None:
    thread = a_question(offer, words="unmistakable-words")
    db.session.commit()
    with every_row() as reader:
        row = "SELECT encode(words, 'escape') || consultation_message::text FROM consultation_message"
        assert "unmistakable" not in reader.exec_driver_sql(row).scalar_one()
    for changed in ({"words_sealed": b"other"}, {"sha256": "0" * 64}, {"side": "insurer"}, {"number": 7}):
        with pytest.raises(DBAPIError):
            db.session.execute(update(MessageRow).values(**changed))
        db.session.rollback()
    assert queries.conversation(thread.id).messages[0].words == "unmistakable-words"

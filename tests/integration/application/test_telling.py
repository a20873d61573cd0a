"""What the applicant tells: checked, recorded old and new, and never readable in the trail."""

from dataclasses import replace
from datetime import date

import pytest

from marketplace.application import queries, services
from marketplace.application.values import (
    AgeDiffers,
    ApplicantNotAdult,
    ApplicationNotFound,
    NoHealthConsent,
    People,
    Person,
    Relationship,
    Step,
    StepNotReached,
    TextChanged,
)
from marketplace.catalog.values import Line
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.traceability.queries import entries_of_application
from marketplace.traceability.values import Entry, EntryType
from tests.factories.accounts import an_insurer
from tests.factories.application import LIN_YUE, an_application, consent_to_use_of_answers, prove_identity
from tests.factories.quoting import a_content, a_question, an_offer, publish

pytestmark = pytest.mark.usefixtures("database", "ticking_clock")

BORN = date(1992, 3, 4)
QUESTIONS = (a_question("heart"), a_question("back"))


def entries(application_id, type_: EntryType) -> list[Entry]:
    db.session.commit()
    return [entry for entry in entries_of_application(application_id) if entry.type is type_]


def is_seal_of(seal: dict[str, str], value: object) -> bool:
    return seal["sha256"] == sha256_hex(bytes.fromhex(seal["salt"]) + canonical_bytes(value))


@pytest.fixture
def at_people():
    """An application of a travel product that asks two questions, at the step "people"."""
    publish(an_insurer(), a_content(questions=QUESTIONS))
    return an_application(an_offer(), Step.PEOPLE)


@pytest.fixture
def at_questions(at_people):
    by, application = at_people
    told = services.give_people(by, application.id, LIN_YUE)
    prove_identity(by, application.id)
    return by, told


@pytest.mark.parametrize(
    ("people", "fields"),
    [
        (People(Person("", BORN), Relationship.SELF), {"applicant_name"}),
        (People(Person(" \u3000 ", BORN), Relationship.SELF), {"applicant_name"}),
        (People(Person("x" * 101, BORN), Relationship.SELF), {"applicant_name"}),
        (People(Person("Lin \U0001f600", BORN), Relationship.SELF), {"applicant_name"}),
        (People(Person("Lin\x07", BORN), Relationship.SELF), {"applicant_name"}),
        (People(Person("Lin", date(2026, 11, 23)), Relationship.SELF), {"applicant_birth_on"}),
        (People(Person("Lin", date(1890, 1, 1)), Relationship.SELF), {"applicant_birth_on"}),
        (People(Person("Lin", BORN), Relationship.SPOUSE), {"insured_name"}),
        (
            People(Person("Lin", BORN), Relationship.SPOUSE, Person("", date(2030, 1, 1))),
            {"insured_name", "insured_birth_on"},
        ),
        (People(Person("Lin", BORN), Relationship.SELF, mobile="call me"), {"mobile"}),
        (
            People(Person("", date(2030, 1, 1)), Relationship.SELF, mobile="1"),
            {"applicant_name", "applicant_birth_on", "mobile"},
        ),
    ],
)
def test_every_fault_is_named_and_nothing_is_kept(at_people, people: People, fields: set[str]) -> None:
    by, application = at_people
    before = len(entries(application.id, EntryType.FIELD_ENTERED))
    with pytest.raises(Invalid) as refusal:
        services.give_people(by, application.id, people)
    assert set(refusal.value.fields) == fields
    assert len(entries(application.id, EntryType.FIELD_ENTERED)) == before
    assert queries.application(application.id).people is None


def test_the_character_that_cannot_be_printed_is_named(at_people) -> None:
    by, application = at_people
    with pytest.raises(Invalid) as refusal:
        services.give_people(by, application.id, People(Person("Lin \U0001f600", BORN), Relationship.SELF))
    assert refusal.value.fields == {
        "applicant_name": "We cannot print \U0001f600 on a policy. "
        "Please spell the name another way, as in a passport or in Latin letters."
    }


@pytest.mark.parametrize("name", ["林月", "欧阳娜娜·阿卜杜拉", "Zoë O’Brien-Nguyễn", "Jürgen Gößl"])
def test_names_of_people_are_accepted(at_people, name: str) -> None:
    by, application = at_people
    given = services.give_people(by, application.id, People(Person(f"  {name} ", BORN), Relationship.SELF))
    assert given.people == People(Person(name, BORN), Relationship.SELF)


def test_another_person_may_be_insured_on_a_journey(at_people) -> None:
    by, application = at_people
    family = People(Person("林月", date(1980, 1, 1)), Relationship.SPOUSE, Person("林海", BORN), "+86 138 0000 0000")
    assert services.give_people(by, application.id, family).people == family
    assert queries.application(application.id).people == family


def test_who_insures_themself_names_nobody_else(at_people) -> None:
    by, application = at_people
    both = replace(LIN_YUE, insured=Person("林海", BORN))
    assert services.give_people(by, application.id, both).people == LIN_YUE


def test_another_age_than_the_rated_one_is_refused_with_both(at_people) -> None:
    by, application = at_people
    with pytest.raises(AgeDiffers) as refusal:
        services.give_people(by, application.id, People(Person("林月", date(1990, 3, 4)), Relationship.SELF))
    assert (refusal.value.rated_age, refusal.value.actual_age) == (34, 36)
    assert queries.application(application.id).people is None


def test_a_child_cannot_apply(at_people) -> None:
    by, application = at_people
    minor = People(Person("林小", date(2010, 1, 1)), Relationship.PARENT, Person("林月", BORN))
    with pytest.raises(ApplicantNotAdult):
        services.give_people(by, application.id, minor)
    assert queries.application(application.id).people is None


def test_a_home_insures_nobody_by_name() -> None:
    publish(an_insurer(), a_content(line=Line.HOUSEHOLD))
    by, application = an_application(an_offer(line=Line.HOUSEHOLD), Step.PEOPLE)
    with pytest.raises(Invalid) as refusal:
        services.give_people(by, application.id, People(Person("Lin", BORN), Relationship.SPOUSE, Person("Hai", BORN)))
    assert set(refusal.value.fields) == {"relationship"}
    old = People(Person("Lin", date(1950, 1, 1)), Relationship.SELF)
    assert services.give_people(by, application.id, old).people == old


@pytest.mark.requirement("T26-31")
def test_each_change_of_a_field_is_one_entry_with_old_and_new(at_people) -> None:
    by, application = at_people
    services.give_people(by, application.id, LIN_YUE)
    services.give_people(by, application.id, LIN_YUE)
    services.give_people(by, application.id, replace(LIN_YUE, applicant=Person("林玥", BORN)))
    told = [entry.body for entry in entries(application.id, EntryType.FIELD_ENTERED) if entry.body["field"] != "email"]
    assert [body["field"] for body in told] == [
        "applicant.name", "applicant.birth_on", "relationship", "applicant.name",
    ]  # fmt: skip
    assert told[0]["old"] is None
    assert is_seal_of(told[0]["new"], "林月")
    assert is_seal_of(told[1]["new"], "1992-03-04")
    assert is_seal_of(told[3]["old"], "林月")
    assert is_seal_of(told[3]["new"], "林玥")


def test_the_trail_does_not_tell_who_it_is(at_people) -> None:
    by, application = at_people
    services.give_people(by, application.id, LIN_YUE)
    said = "".join(str(entry.body) for entry in entries(application.id, EntryType.FIELD_ENTERED))
    assert "林月" not in said
    assert "1992" not in said
    assert "guest@example.com" not in said


@pytest.mark.requirement("T26-18")
def test_no_answer_before_the_consequences_are_acknowledged(at_questions) -> None:
    by, application = at_questions
    with pytest.raises(StepNotReached) as refusal:
        services.give_answers(by, application.id, {"heart": False})
    assert refusal.value.step is Step.QUESTIONS
    assert queries.application(application.id).answers == {}
    consent_to_use_of_answers(by, application.id)
    with pytest.raises(StepNotReached):
        services.give_answers(by, application.id, {"heart": False})
    services.acknowledge_health_notice(by, application.id)
    services.acknowledge_health_notice(by, application.id)
    assert len(entries(application.id, EntryType.HEALTH_NOTICE_ACKNOWLEDGED)) == 1
    assert services.give_answers(by, application.id, {"heart": False}).answers == {"heart": False}


@pytest.mark.requirement("T26-30", "EU-27")
def test_no_answer_before_its_use_is_consented_to(at_questions) -> None:
    by, application = at_questions
    services.acknowledge_health_notice(by, application.id)
    view = queries.application_view(application.id)
    assert (view.consent_missing, view.health_consent, view.next_step) == (True, None, Step.QUESTIONS)
    with pytest.raises(StepNotReached) as refusal:
        services.give_answers(by, application.id, {"heart": False})
    assert refusal.value.step is Step.QUESTIONS
    assert queries.application(application.id).answers == {}
    assert entries(application.id, EntryType.ANSWER_GIVEN) == []
    consent_to_use_of_answers(by, application.id)
    consent_to_use_of_answers(by, application.id)
    shown = disclosure.wording(WordingKey.HEALTH_CONSENT, "en")
    assert [entry.body for entry in entries(application.id, EntryType.HEALTH_CONSENT_GIVEN)] == [
        {"subject_sha256": shown.sha256, "wording": "health_consent", "version": 1, "locale": "en"}
    ]
    assert services.give_answers(by, application.id, {"heart": False}).answers == {"heart": False}
    view = queries.application_view(application.id)
    assert view.health_consent is not None
    assert (view.consent_missing, view.health_consent.subject_sha256) == (False, shown.sha256)


def test_consent_is_to_the_text_that_applies_or_to_nothing(at_questions) -> None:
    by, application = at_questions
    with pytest.raises(TextChanged):
        services.give_health_consent(by, application.id, "0" * 64)
    assert queries.application_view(application.id).health_consent is None
    assert entries(application.id, EntryType.HEALTH_CONSENT_GIVEN) == []


def test_consent_in_the_other_language_names_that_text(at_questions) -> None:
    by, application = at_questions
    shown = disclosure.wording(WordingKey.HEALTH_CONSENT, "zh_Hans_CN")
    services.give_health_consent(by, application.id, shown.sha256)
    (given,) = entries(application.id, EntryType.HEALTH_CONSENT_GIVEN)
    assert (given.body["subject_sha256"], given.body["locale"]) == (shown.sha256, "zh_Hans_CN")


def test_nobody_consents_for_another(at_questions) -> None:
    by, application = at_questions
    with pytest.raises(ApplicationNotFound):
        consent_to_use_of_answers(replace(by, account_id=None), application.id)
    assert queries.application_view(application.id).health_consent is None


def test_questions_about_a_thing_need_no_consent() -> None:
    publish(an_insurer(), a_content(line=Line.HOUSEHOLD, questions=QUESTIONS))
    by, application = an_application(an_offer(line=Line.HOUSEHOLD), Step.QUESTIONS)
    assert not queries.application_view(application.id).consent_missing
    services.acknowledge_health_notice(by, application.id)
    assert services.give_answers(by, application.id, {"heart": False}).answers == {"heart": False}
    with pytest.raises(NoHealthConsent):
        services.withdraw_health_consent(by, application.id)


def test_a_withdrawal_names_what_was_consented_to_and_no_answer_is_taken_after_it(at_questions) -> None:
    by, application = at_questions
    services.acknowledge_health_notice(by, application.id)
    with pytest.raises(NoHealthConsent):
        services.withdraw_health_consent(by, application.id)
    consent_to_use_of_answers(by, application.id)
    services.withdraw_health_consent(by, application.id)
    shown = disclosure.wording(WordingKey.HEALTH_CONSENT, "en")
    (entry,) = entries(application.id, EntryType.HEALTH_CONSENT_WITHDRAWN)
    assert entry.body == {"subject_sha256": shown.sha256}
    with pytest.raises(NoHealthConsent):
        services.withdraw_health_consent(by, application.id)
    with pytest.raises(StepNotReached):
        services.give_answers(by, application.id, {"heart": False})
    assert queries.application(application.id).answers == {}


@pytest.mark.requirement("T26-19")
def test_each_question_is_answered_by_itself(at_questions) -> None:
    by, application = at_questions
    services.acknowledge_health_notice(by, application.id)
    consent_to_use_of_answers(by, application.id)
    view = queries.application_view(application.id)
    assert [each.answer for each in view.questions] == [None, None]
    services.give_answers(by, application.id, {"back": True})
    view = queries.application_view(application.id)
    assert [(each.question.id, each.answer) for each in view.questions] == [("heart", None), ("back", True)]
    assert view.next_step is Step.QUESTIONS
    services.give_answers(by, application.id, {"heart": False})
    assert queries.application_view(application.id).next_step is Step.DOCUMENTS


@pytest.mark.parametrize("answers", [{"sight": True}, {"heart": None}, {"heart": "no"}, {"heart": 0, "back": True}])
def test_only_yes_or_no_to_questions_that_are_asked(at_questions, answers) -> None:
    by, application = at_questions
    services.acknowledge_health_notice(by, application.id)
    consent_to_use_of_answers(by, application.id)
    with pytest.raises(Invalid) as refusal:
        services.give_answers(by, application.id, answers)
    assert set(refusal.value.fields) <= {"sight", "heart"}
    assert queries.application(application.id).answers == {}
    assert entries(application.id, EntryType.ANSWER_GIVEN) == []


@pytest.mark.requirement("T26-31")
def test_a_changed_answer_leaves_old_and_new_and_an_unchanged_one_nothing(at_questions) -> None:
    by, application = at_questions
    services.acknowledge_health_notice(by, application.id)
    consent_to_use_of_answers(by, application.id)
    services.give_answers(by, application.id, {"heart": False, "back": False})
    services.give_answers(by, application.id, {"heart": True, "back": False})
    told = [entry.body for entry in entries(application.id, EntryType.ANSWER_GIVEN)]
    assert [body["question"] for body in told] == ["heart", "back", "heart"]
    first, last = told[0], told[2]
    assert first["old"] is None
    assert is_seal_of(first["new"], value=False)
    assert is_seal_of(last["old"], value=False)
    assert is_seal_of(last["new"], value=True)
    assert first["question_sha256"] == last["question_sha256"]

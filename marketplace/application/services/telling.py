"""What the applicant tells: who applies, who is insured, and the answers to the insurer's questions."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from uuid import UUID

from marketplace.accounts.services.checks import address
from marketplace.application import rules
from marketplace.application.queries import fields_of, people_json, read, view_of
from marketplace.application.services.gate import enter, record, sealed
from marketplace.application.services.identifying import carry
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationView,
    People,
    Person,
    Relationship,
    Step,
    StepNotReached,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.infra.pdf import missing_glyphs
from marketplace.kernel import clock
from marketplace.kernel.dates import age_on
from marketplace.kernel.errors import Invalid
from marketplace.traceability.values import EntryType

_MOBILE = re.compile(r"\+?\d[\d ()-]{4,18}\d")
Fault = tuple[str, str]


def give_people(by: Acting, application_id: UUID, people: People) -> Application:
    """Who applies and who is insured; may be given again until submission, every change is recorded old and new.

    Raises Invalid (`applicant_name`, `applicant_birth_on`, `insured_name`, `insured_birth_on`, `insured_sex`,
    `relationship`, `mobile`, `insured_email`), ApplicantNotAdult, MinorNotInsurable, AgeDiffers with both
    ages, SexDiffers.
    """
    visit = enter(by, application_id, Step.PEOPLE)
    row, view = visit.row, visit.view
    told = _tidy(people)
    today, need = clock.today(ZONE), view.offer.need
    if faults := dict(_faults(told, view, today)):
        raise Invalid(faults)
    rules.require_fitting(told, view.offer.version.content, need.risk, need.start_on, today)
    old, new = fields_of(row.persons), fields_of(people_json(told))
    for name in new:
        if new[name] != old.get(name):
            body = {"field": name, "old": sealed(old.get(name)), "new": sealed(new[name])}
            record(by, row, EntryType.FIELD_ENTERED, body)
    row.persons = people_json(told)
    db.session.flush()
    if view_of(row).identity_missing:
        carry(row, by)
    return read(row)


def give_answers(by: Acting, application_id: UUID, answers: Mapping[str, bool]) -> Application:
    """Answers to some or all questions, each given by itself; an answer may be changed until submission.

    Raises Invalid naming a question that is not asked or has no yes or no; StepNotReached before the consequences of
    an untrue answer were acknowledged (T26-18), and before the use of answers about health was consented to.
    """
    visit = enter(by, application_id, Step.QUESTIONS)
    row, view = visit.row, visit.view
    asked = {each.question.id: each.question for each in view.questions}
    faults = {name: _("This question is not asked.") for name in answers if name not in asked}
    faults |= {name: _("Answer yes or no.") for name, given in answers.items() if not isinstance(given, bool)}
    if faults:
        raise Invalid(faults)
    if answers and (view.consent_missing or not view.notice_acknowledged):
        raise StepNotReached(Step.QUESTIONS)
    for name in (each for each in asked if each in answers and answers[each] != row.answers.get(each)):
        body = {
            "question": name,
            "question_sha256": rules.question_sha256(asked[name]),
            "old": sealed(row.answers.get(name)),
            "new": sealed(answers[name]),
        }
        record(by, row, EntryType.ANSWER_GIVEN, body)
    row.answers = {**row.answers, **answers}
    db.session.flush()
    return read(row)


def _tidy(people: People) -> People:
    """One spelling of each name; an insured person only where it is another than the applicant."""
    insured = None if people.relationship is Relationship.SELF or people.insured is None else people.insured
    mobile = (people.mobile or "").strip() or None
    email = (people.insured_email or "").strip().lower() or None
    return People(
        _tidy_person(people.applicant),
        people.relationship,
        insured and _tidy_person(insured),
        mobile,
        email if insured else None,
        people.other_death_cover if insured else None,
    )


def _tidy_person(person: Person) -> Person:
    return Person(rules.tidy_name(person.name), person.birth_on, person.sex)


def _faults(people: People, view: ApplicationView, today: date) -> Iterator[Fault]:
    definition = view.offer.version.content.definition
    yield from _person_faults("applicant", people.applicant, today)
    if people.relationship is not Relationship.SELF:
        if not definition.personal:
            yield "relationship", _("This product insures a thing, so nobody else is named.")
        elif people.insured is None:
            yield "insured_name", _("Say who is to be insured.")
        else:
            yield from _person_faults("insured", people.insured, today)
    yield from _consenting_faults(people, view, today)
    yield from _child_faults(people, view)
    sex = people.insured_person.sex
    sexes = (
        []
        if definition.sex_factor is None
        else [each.value for each in definition.factor(definition.sex_factor).choices]
    )
    if sex is not None and sexes and sex not in sexes:
        yield "insured_sex", _("Choose one of the values offered.")
    if people.mobile is not None and not _MOBILE.fullmatch(people.mobile):
        yield "mobile", _("Enter a telephone number with its digits, or leave this empty.")


def _child_faults(people: People, view: ApplicationView) -> Iterator[Fault]:
    """Where the law limits what a child's death pays, other insurance is asked about."""
    content, told = view.offer.version.content, people.other_death_cover
    factors = content.death_cover_of_children
    limited = factors is not None and content.most_on_death(int(view.offer.need.risk[factors[0]])) is not None
    if limited and people.insured is not None and (told is None or told < 0):
        yield (
            "other_death_cover",
            _("Say what other insurance would pay on the death of this child; 0 if there is none."),
        )


def _consenting_faults(people: People, view: ApplicationView, today: date) -> Iterator[Fault]:
    """Where the insured has to agree, it is somebody else, who is asked at an address of their own."""
    if people.insured is None or not rules.needs_insured_consent(people, view.offer.version.content, today):
        return
    if (people.insured.name, people.insured.birth_on) == (people.applicant.name, people.applicant.birth_on):
        yield "relationship", _("This is yourself. Please choose “Myself”.")
    if people.insured_email is None:
        yield "insured_email", _("Give the mail address of the person to be insured, who has to agree.")
    elif fault := _address_fault(people.insured_email):
        yield "insured_email", fault
    elif people.insured_email == view.application.email:
        yield "insured_email", _("Give an address that is not yours: the person to be insured has to agree themself.")


def _address_fault(email: str) -> str | None:
    try:
        address(email)
    except Invalid as error:
        return error.fields["email"]
    return None


def _person_faults(who: str, person: Person, today: date) -> Iterator[Fault]:
    if not person.name:
        yield f"{who}_name", _("Enter the name as it stands in the identity document.")
    elif len(person.name) > rules.LONGEST_NAME:
        yield f"{who}_name", _("This name is longer than %(most)s characters.", most=rules.LONGEST_NAME)
    elif lacking := missing_glyphs(person.name):
        yield (
            f"{who}_name",
            _(
                "We cannot print %(characters)s on a policy. Please spell the name another way, as in a passport or in Latin letters.",  # noqa: E501
                characters=_shown(lacking),
            ),
        )
    if person.birth_on > today or age_on(today, person.birth_on) > rules.OLDEST:
        yield f"{who}_birth_on", _("Check the date of birth.")


def _shown(characters: Sequence[str]) -> str:
    """Characters as a reader can see them; those that show nothing by their Unicode number."""
    return " ".join(each if each.isprintable() else f"U+{ord(each):04X}" for each in characters)

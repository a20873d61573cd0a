"""Decisions about an application: what may happen in which state, which step is next, who may be insured."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.application.values import (
    AgeDiffers,
    ApplicantNotAdult,
    ChildCoverTooHigh,
    Confirmation,
    ConfirmationKind,
    Event,
    HealthConsent,
    IdentityCheck,
    IdentityOutcome,
    InsuredConsent,
    MinorNotInsurable,
    People,
    Person,
    Progress,
    ProvenPerson,
    Relationship,
    SexDiffers,
    State,
    Step,
    Whose,
)
from marketplace.catalog.values import (
    DEMANDS_REAL_NAME,
    HAS_PRODUCT_SUMMARY,
    Document,
    DocumentKind,
    Exclusion,
    ProductContent,
    Profile,
    Question,
    Risk,
)
from marketplace.kernel.canonical import canonical_bytes, digest, sha256_hex
from marketplace.kernel.dates import age_on
from marketplace.kernel.identity import Flaw, is_name_in_document
from marketplace.kernel.money import Money, minor_digits
from marketplace.kernel.text import LocalizedText
from marketplace.kernel.transitions import Table
from marketplace.quoting.values import OfferView

ADULT_AGE = 18  # Civil Code of the People's Republic of China, article 17; the same age in the EU and the UK
TIME_TO_PAY = timedelta(days=1)
LONGEST_NAME = 100
OLDEST = 130
UNDER_WAY = (State.STARTED, State.SUBMITTED, State.ACCEPTED, State.REFERRED, State.COUNTERED)

ENTERED_WITH = frozenset({ConfirmationKind.ENTRY, ConfirmationKind.PRIVACY_NOTICE, ConfirmationKind.CLIENT_NOTICE})
"""What is confirmed, each by itself, before anything personal is told (T26-10, T26-30, O13-47)."""

_NOT_SENT = "it has not been submitted"
_DECIDED = "it has been decided already"
_SUBMITTED = "it has been submitted already"
_LAPSED = "it has lapsed"
_CONTRACTED = "the contract has been concluded"
_NOT_ACCEPTED = "it has not been accepted"
_NO_COUNTER = "no other terms were offered"
_ENDED = "the applicant did not want the other terms"

TRANSITIONS: Table[State, Event] = Table(
    State,
    Event,
    {
        (State.STARTED, Event.SUBMIT): State.SUBMITTED,
        (State.STARTED, Event.ACCEPT): _NOT_SENT,
        (State.STARTED, Event.REFER): _NOT_SENT,
        (State.STARTED, Event.COUNTER): _NOT_SENT,
        (State.STARTED, Event.POSTPONE): _NOT_SENT,
        (State.STARTED, Event.DECLINE): _NOT_SENT,
        (State.STARTED, Event.REFUSE): _NOT_SENT,
        (State.STARTED, Event.LAPSE): State.LAPSED,
        (State.STARTED, Event.CONCLUDE): _NOT_SENT,
        (State.SUBMITTED, Event.SUBMIT): _SUBMITTED,
        (State.SUBMITTED, Event.ACCEPT): State.ACCEPTED,
        (State.SUBMITTED, Event.REFER): State.REFERRED,
        (State.SUBMITTED, Event.COUNTER): State.COUNTERED,
        (State.SUBMITTED, Event.POSTPONE): State.POSTPONED,
        (State.SUBMITTED, Event.DECLINE): State.DECLINED,
        (State.SUBMITTED, Event.REFUSE): _NO_COUNTER,
        (State.SUBMITTED, Event.LAPSE): State.LAPSED,
        (State.SUBMITTED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.ACCEPTED, Event.SUBMIT): _SUBMITTED,
        (State.ACCEPTED, Event.ACCEPT): _DECIDED,
        (State.ACCEPTED, Event.REFER): _DECIDED,
        (State.ACCEPTED, Event.COUNTER): _DECIDED,
        (State.ACCEPTED, Event.POSTPONE): _DECIDED,
        (State.ACCEPTED, Event.DECLINE): _DECIDED,
        (State.ACCEPTED, Event.REFUSE): _NO_COUNTER,
        (State.ACCEPTED, Event.LAPSE): State.LAPSED,
        (State.ACCEPTED, Event.CONCLUDE): State.CONTRACTED,
        (State.REFERRED, Event.SUBMIT): _SUBMITTED,
        (State.REFERRED, Event.ACCEPT): State.ACCEPTED,
        (State.REFERRED, Event.REFER): "it is with the insurer already",
        (State.REFERRED, Event.COUNTER): State.COUNTERED,
        (State.REFERRED, Event.POSTPONE): State.POSTPONED,
        (State.REFERRED, Event.DECLINE): State.DECLINED,
        (State.REFERRED, Event.REFUSE): _NO_COUNTER,
        (State.REFERRED, Event.LAPSE): State.LAPSED,
        (State.REFERRED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.COUNTERED, Event.SUBMIT): _SUBMITTED,
        (State.COUNTERED, Event.ACCEPT): State.ACCEPTED,
        (State.COUNTERED, Event.REFER): _DECIDED,
        (State.COUNTERED, Event.COUNTER): _DECIDED,
        (State.COUNTERED, Event.POSTPONE): _DECIDED,
        (State.COUNTERED, Event.DECLINE): _DECIDED,
        (State.COUNTERED, Event.REFUSE): State.REFUSED,
        (State.COUNTERED, Event.LAPSE): State.LAPSED,
        (State.COUNTERED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.DECLINED, Event.SUBMIT): _SUBMITTED,
        (State.DECLINED, Event.ACCEPT): _DECIDED,
        (State.DECLINED, Event.REFER): _DECIDED,
        (State.DECLINED, Event.COUNTER): _DECIDED,
        (State.DECLINED, Event.POSTPONE): _DECIDED,
        (State.DECLINED, Event.DECLINE): _DECIDED,
        (State.DECLINED, Event.REFUSE): _DECIDED,
        (State.DECLINED, Event.LAPSE): _DECIDED,
        (State.DECLINED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.POSTPONED, Event.SUBMIT): _SUBMITTED,
        (State.POSTPONED, Event.ACCEPT): _DECIDED,
        (State.POSTPONED, Event.REFER): _DECIDED,
        (State.POSTPONED, Event.COUNTER): _DECIDED,
        (State.POSTPONED, Event.POSTPONE): _DECIDED,
        (State.POSTPONED, Event.DECLINE): _DECIDED,
        (State.POSTPONED, Event.REFUSE): _DECIDED,
        (State.POSTPONED, Event.LAPSE): _DECIDED,
        (State.POSTPONED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.REFUSED, Event.SUBMIT): _SUBMITTED,
        (State.REFUSED, Event.ACCEPT): _ENDED,
        (State.REFUSED, Event.REFER): _ENDED,
        (State.REFUSED, Event.COUNTER): _ENDED,
        (State.REFUSED, Event.POSTPONE): _ENDED,
        (State.REFUSED, Event.DECLINE): _ENDED,
        (State.REFUSED, Event.REFUSE): _ENDED,
        (State.REFUSED, Event.LAPSE): _ENDED,
        (State.REFUSED, Event.CONCLUDE): _NOT_ACCEPTED,
        (State.LAPSED, Event.SUBMIT): _LAPSED,
        (State.LAPSED, Event.ACCEPT): _LAPSED,
        (State.LAPSED, Event.REFER): _LAPSED,
        (State.LAPSED, Event.COUNTER): _LAPSED,
        (State.LAPSED, Event.POSTPONE): _LAPSED,
        (State.LAPSED, Event.DECLINE): _LAPSED,
        (State.LAPSED, Event.REFUSE): _LAPSED,
        (State.LAPSED, Event.LAPSE): _LAPSED,
        (State.LAPSED, Event.CONCLUDE): _LAPSED,
        (State.CONTRACTED, Event.SUBMIT): _SUBMITTED,
        (State.CONTRACTED, Event.ACCEPT): _CONTRACTED,
        (State.CONTRACTED, Event.REFER): _CONTRACTED,
        (State.CONTRACTED, Event.COUNTER): _CONTRACTED,
        (State.CONTRACTED, Event.POSTPONE): _CONTRACTED,
        (State.CONTRACTED, Event.DECLINE): _CONTRACTED,
        (State.CONTRACTED, Event.REFUSE): _CONTRACTED,
        (State.CONTRACTED, Event.LAPSE): _CONTRACTED,
        (State.CONTRACTED, Event.CONCLUDE): _CONTRACTED,
    },
)

_STEP_OF_STATE = {
    State.SUBMITTED: Step.REFERRED,
    State.ACCEPTED: Step.PAY,
    State.REFERRED: Step.REFERRED,
    State.DECLINED: Step.DECLINED,
    State.LAPSED: Step.LAPSED,
    State.COUNTERED: Step.COUNTER_OFFER,
    State.POSTPONED: Step.POSTPONED,
    State.REFUSED: Step.REFUSED,
    State.CONTRACTED: Step.DONE,
}


def next_step(progress: Progress) -> Step:
    """The first step that is not done (T26-09: the entry prompt is the first sales page, no step can be skipped)."""
    if progress.state is not State.STARTED:
        return _STEP_OF_STATE[progress.state]
    road = (
        (Step.ENTRY, progress.entered),
        (Step.EMAIL, progress.email_given or progress.address_proven),
        (Step.CODE, progress.address_proven),
        (Step.NEEDS, not progress.suitability_open),
        (Step.PEOPLE, progress.people_given),
        (Step.IDENTITY, not progress.identity_missing),
        (Step.QUESTIONS, not (progress.notice_missing or progress.consent_missing or progress.unanswered)),
        (Step.DOCUMENTS, not progress.unconfirmed),
        (Step.EXCLUSIONS, progress.exclusions_confirmed),
        (Step.CONSENT, not progress.insured_consent_missing),
    )
    return next((step for step, done in road if not done), Step.REVIEW)


ORDER = tuple(Step)


def is_reached(step: Step, next_: Step) -> bool:
    """Whether `step` may be done (again) when `next_` is the first one missing."""
    return ORDER.index(step) <= ORDER.index(next_)


def needs_health_consent(content: ProductContent) -> bool:
    """Whether the insurer's questions may touch the health of a person. Such answers are sensitive: they need a consent
    of their own, apart from all else (PIPL articles 28-30, GDPR article 9(2)(a)). Questions about a thing do not.
    """
    return bool(content.questions) and content.definition.personal


PROOF_COUNTS_BESIDE = timedelta(hours=2)
"""So long the proof of who somebody is counts for another application of the same visit and basket (decision 41)."""


def needs_identity(content: ProductContent) -> bool:
    """Whether the applicant has to prove by a document who they are (T26-27)."""
    return content.profile in DEMANDS_REAL_NAME


def proof_of(told: Person, whose: Whose, checks: Sequence[IdentityCheck]) -> IdentityCheck | None:
    """The latest check that proves this person: one of another name or date of birth proves nothing (T26-26)."""
    person = ProvenPerson(told.name, told.birth_on)
    of_them = (each for each in checks if each.whose is whose)
    proven = (each for each in of_them if each.outcome is IdentityOutcome.VERIFIED and each.person == person)
    return max(proven, key=lambda each: each.checked_at, default=None)


def flaw_of_document(first_name: str, last_name: str, birth_on: date, told: ProvenPerson) -> Flaw | None:
    """What does not fit between a genuine document and the person told; None where it is theirs."""
    if not is_name_in_document(told.name, first_name, last_name):
        return Flaw.NAME_DIFFERS
    return None if birth_on == told.birth_on else Flaw.BIRTH_DIFFERS


def health_consent(confirmations: Sequence[Confirmation]) -> HealthConsent | None:
    """The latest consent given, and whether it was withdrawn. Withdrawn once, it is not given again: the application is
    then taken back, or a contract.
    """
    given = [each for each in confirmations if each.kind is ConfirmationKind.HEALTH_CONSENT]
    withdrawn = [each.confirmed_at for each in confirmations if each.kind is ConfirmationKind.HEALTH_WITHDRAWN]
    if not given:
        return None
    latest = max(given, key=lambda each: each.confirmed_at)
    return HealthConsent(latest.subject_sha256, latest.confirmed_at, min(withdrawn, default=None))


def tidy_name(name: str) -> str:
    """The name as it will be printed: one Unicode spelling (NFC), single blanks."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def require_fitting(people: People, content: ProductContent, risk: Risk, start_on: date, today: date) -> None:
    """Refuse people for whom this offer was not made.

    Ages are completed years: the applicant's today, the insured person's on the first day of cover, which the tariff
    rated. Raises ApplicantNotAdult, MinorNotInsurable, AgeDiffers, SexDiffers or ChildCoverTooHigh.
    """
    if age_on(today, people.applicant.birth_on) < ADULT_AGE:
        raise ApplicantNotAdult
    definition = content.definition
    if not definition.personal:
        return
    insured = people.insured_person
    if definition.death_factor is not None and _is_anothers_child(people, today):
        raise MinorNotInsurable
    if definition.age_factor is not None:
        rated, actual = int(risk[definition.age_factor]), age_on(start_on, insured.birth_on)
        if rated != actual:
            raise AgeDiffers(rated, actual)
    if definition.sex_factor is not None and insured.sex not in (None, risk[definition.sex_factor]):
        raise SexDiffers
    _require_child_cover(people, content, risk)


def _require_child_cover(people: People, content: ProductContent, risk: Risk) -> None:
    """What all insurers pay on the death of a child stays within the law's limit, as far as it was told
    (保监发〔2015〕90号).
    """
    if (factors := content.death_cover_of_children) is None:
        return
    age, sum_insured = (int(risk[name]) for name in factors)
    most = content.most_on_death(age)
    if most is not None and sum_insured + (people.other_death_cover or 0) > most:
        raise ChildCoverTooHigh(most)


def needs_insured_consent(people: People, content: ProductContent, today: date) -> bool:
    """Whether the insured person has to agree to the cover and the sum: an adult other than the applicant, where it
    pays on death (Insurance Law article 34).
    """
    another = people.relationship is not Relationship.SELF
    return another and content.definition.death_factor is not None and not _is_minor(people, today)


def _is_anothers_child(people: People, today: date) -> bool:
    """For a minor nobody but the parents may take out such cover (Insurance Law article 33)."""
    ones_own = people.relationship in {Relationship.SELF, Relationship.CHILD}
    return _is_minor(people, today) and not ones_own


def _is_minor(people: People, today: date) -> bool:
    return age_on(today, people.insured_person.birth_on) < ADULT_AGE


def insured_consent_sha256(offer: OfferView, persons: Mapping[str, Any] | None) -> str:
    """What the insured agrees to: the offer with its cover, its sum and its premium, and all persons as they were told.
    Of anything else a consent says nothing (T26-26).
    """
    told = {name: value for name, value in (persons or {}).items() if name != "mobile"}
    return digest([offer.id, offer.content_sha256, offer.need.risk, offer.need.start_on, told])


def current_consent(asked: Sequence[InsuredConsent], subject_sha256: str) -> InsuredConsent | None:
    """The newest question to the insured, if it is about this."""
    newest = max(asked, key=lambda each: each.asked_at, default=None)
    return newest if newest is not None and newest.subject_sha256 == subject_sha256 else None


def documents_to_confirm(documents: Sequence[Document], locale: str, profile: Profile) -> tuple[Document, ...]:
    """The papers that are read and confirmed one by one: of each kind those in `locale`, else those there are.

    Published rate tables are shown but not confirmed: what is agreed is the premium on the review page. Nor is a
    summary where the profile asks for none: it repeats the clauses, and stands on the product page.
    """
    aside = {DocumentKind.RATES} | (set() if profile in HAS_PRODUCT_SUMMARY else {DocumentKind.PRODUCT_SUMMARY})
    chosen: list[Document] = []
    for kind in DocumentKind:
        of_kind = [each for each in documents if each.kind is kind and kind not in aside]
        spoken = locale if any(each.locale == locale for each in of_kind) else None
        chosen += [each for each in of_kind if spoken is None or each.locale == spoken]
    return tuple(chosen)


def told_sha256(
    offer_id: UUID,
    insurer: LocalizedText,
    *,
    email: str | None,
    persons: Mapping[str, Any] | None,
    answers: Mapping[str, bool],
    circumstances: Mapping[str, bool] | None,
) -> str:
    """What is declared on the review page: the choice, at which insurer by its legal name, the address, the people,
    every answer, and what was told of whether the insurance suits.
    """
    told = [email, persons and dict(persons), dict(answers), circumstances and dict(circumstances)]
    return digest([offer_id, insurer.to_json(), *told])


def exclusions_sha256(content: ProductContent) -> str:
    """What is confirmed on the exclusions page: every exclusion with its words, in order, and what of each cover the
    customer bears (Insurance Law of the PRC, article 17).
    """
    exclusions = _said(content.exclusions)
    borne = [
        [cover.code, *(words and words.to_json() for words in (cover.name, cover.deductible, cover.sub_limit))]
        for cover in content.limited_covers
    ]
    return digest([*exclusions, borne] if borne else exclusions)


def _said(exclusions: Sequence[Exclusion]) -> list[list[object]]:
    """Every exclusion with its words, in order."""
    return [
        [
            each.code,
            each.kind,
            each.title.to_json(),
            each.plain_explanation and each.plain_explanation.to_json(),
            each.clause_ref,
        ]
        for each in exclusions
    ]


def counter_sha256(decision_sha256: str, offer: OfferView, added: Sequence[Exclusion]) -> str:
    """What is agreed to with an offer on other terms: the decision, the new price, the first day, each text added."""
    return digest(
        [
            decision_sha256,
            str(offer.id),
            offer.premium.minor,
            offer.premium.currency,
            offer.payments,
            offer.need.start_on,
            _said(added),
        ]
    )


def must_be_renewed(offer: OfferView, now: datetime) -> bool:
    """Whether an offer that is accepted after its applicant had to wait leaves less than a day to pay it."""
    return offer.expires_at - now < TIME_TO_PAY


def question_sha256(question: Question) -> str:
    """The exact words and limits that were answered."""
    return digest(
        [
            question.id,
            question.text.to_json(),
            *(part and part.to_json() for part in (question.condition, question.lookback, question.threshold)),
            question.covers,
        ]
    )


def sum_insured(offer: OfferView) -> Money | None:
    """The sum that the customer chose to be paid at most; None where the line asks for none."""
    found, currency = offer.need.risk.get("sum_insured"), offer.premium.currency
    return Money(found * 10 ** minor_digits(currency), currency) if type(found) is int else None


def opened(hashed: Mapping[str, str] | None, among: Iterable[bool]) -> bool | None:
    """Which of these values was hashed with its salt (`gate.sealed`); None where none was."""
    if hashed is None:
        return None
    salt, kept = bytes.fromhex(hashed["salt"]), hashed["sha256"]
    return next((each for each in among if sha256_hex(salt + canonical_bytes(each)) == kept), None)


def kept_answers(answers: dict[str, bool], old: ProductContent, new: ProductContent) -> dict[str, bool]:
    """Answers whose question is asked unchanged under the new product version."""
    asked = {question.id: question_sha256(question) for question in old.questions}
    return {
        question.id: answers[question.id]
        for question in new.questions
        if question.id in answers and asked.get(question.id) == question_sha256(question)
    }

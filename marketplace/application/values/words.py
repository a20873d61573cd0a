"""The public words of an application. Sources: regulation checklist 1b-1d; Insurance Law articles 31, 34 and 39."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.application.values.consenting import InsuredConsent
from marketplace.application.values.identity import IdentityCheck
from marketplace.application.values.suitability import Circumstance, Misfit
from marketplace.catalog.values import Document, Exclusion, Loading, Profile, Question
from marketplace.disclosure.values import WordingKey
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.needs.values import PlannedPart
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import EntryType
from marketplace.underwriting.values import ReasonCode, RecordedDecision


class State(StrEnum):
    """`countered`: the insurer accepts on other terms, and the applicant has not answered yet; `refused`: the applicant
    did not want them.
    """

    STARTED = "started"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFERRED = "referred"
    DECLINED = "declined"
    LAPSED = "lapsed"
    COUNTERED = "countered"
    POSTPONED = "postponed"
    REFUSED = "refused"
    CONTRACTED = "contracted"


class Event(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REFER = "refer"
    DECLINE = "decline"
    LAPSE = "lapse"
    COUNTER = "counter"
    POSTPONE = "postpone"
    REFUSE = "refuse"
    CONCLUDE = "conclude"


class Step(StrEnum):
    """Where the applicant stands. The order up to `PAY` is the order of the road; those behind it end it."""

    ENTRY = "entry"
    EMAIL = "email"
    CODE = "code"
    NEEDS = "needs"
    PEOPLE = "people"
    IDENTITY = "identity"
    QUESTIONS = "questions"
    DOCUMENTS = "documents"
    EXCLUSIONS = "exclusions"
    CONSENT = "consent"
    REVIEW = "review"
    COUNTER_OFFER = "counter_offer"
    PAY = "pay"
    REFERRED = "referred"
    POSTPONED = "postponed"
    DECLINED = "declined"
    REFUSED = "refused"
    LAPSED = "lapsed"
    DONE = "done"


class Relationship(StrEnum):
    """What the insured person is to the applicant."""

    SELF = "self"
    SPOUSE = "spouse"
    CHILD = "child"
    PARENT = "parent"
    OTHER = "other"


class ConfirmationKind(StrEnum):
    """`health_withdrawn` takes `health_consent` back; both name the same text. A document that its page does not show
    is opened before it is confirmed.
    """

    ENTRY = "entry"
    PRIVACY_NOTICE = "privacy_notice"
    CLIENT_NOTICE = "client_notice"
    OWN_WILL = "own_will"
    HEALTH_NOTICE = "health_notice"
    HEALTH_CONSENT = "health_consent"
    HEALTH_WITHDRAWN = "health_withdrawn"
    DOCUMENT_OPENED = "document_opened"
    DOCUMENT = "document"
    EXCLUSIONS = "exclusions"
    DECLARATION = "declaration"
    COUNTER_OFFER = "counter_offer"


CONFIRMED_AS = {
    ConfirmationKind.ENTRY: EntryType.ENTRY_ACKNOWLEDGED,
    ConfirmationKind.PRIVACY_NOTICE: EntryType.PRIVACY_NOTICE_ACKNOWLEDGED,
    ConfirmationKind.CLIENT_NOTICE: EntryType.CLIENT_NOTICE_ACKNOWLEDGED,
    ConfirmationKind.OWN_WILL: EntryType.OWN_WILL_CONFIRMED,
    ConfirmationKind.HEALTH_NOTICE: EntryType.HEALTH_NOTICE_ACKNOWLEDGED,
    ConfirmationKind.HEALTH_CONSENT: EntryType.HEALTH_CONSENT_GIVEN,
    ConfirmationKind.HEALTH_WITHDRAWN: EntryType.HEALTH_CONSENT_WITHDRAWN,
    ConfirmationKind.DOCUMENT_OPENED: EntryType.DOCUMENT_OPENED,
    ConfirmationKind.DOCUMENT: EntryType.DOCUMENT_CONFIRMED,
    ConfirmationKind.EXCLUSIONS: EntryType.EXCLUSIONS_CONFIRMED,
    ConfirmationKind.DECLARATION: EntryType.APPLICATION_SUBMITTED,
    ConfirmationKind.COUNTER_OFFER: EntryType.COUNTER_OFFER_ACCEPTED,
}
"""The entry that each leaves in the trail."""


MARKETS = {
    Profile.CN_PERSONAL: WordingKey.MARKET_CN,
    Profile.CN_NONLIFE: WordingKey.MARKET_CN,
    Profile.EU_NONLIFE: WordingKey.MARKET_EU,
    Profile.UK: WordingKey.MARKET_UK,
}
"""What the client notice adds in each market: register and bodies for complaints. What cannot be bought has none."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, in which journey, looking at which page version. `account_id` is None before the address is proven."""

    journey_id: UUID
    page_version_id: str
    account_id: UUID | None = None
    as_insured: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """`sex` is asked only where the tariff rates it; its values are those of the line's factor."""

    name: str
    birth_on: date
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """`insured` is None when the applicant insures themself (`relationship` is then `self`); `insured_email` is asked
    where that person has to agree, `other_death_cover` where a child is insured whose death may pay so much only: what
    all other insurance would pay on it, in yuan.
    """

    applicant: Person
    relationship: Relationship
    insured: Person | None = None
    mobile: str | None = None
    insured_email: str | None = None
    other_death_cover: int | None = None

    @property
    def insured_person(self) -> Person:
        return self.insured or self.applicant


@dataclass(frozen=True, slots=True)
class Confirmation:
    """That exactly these bytes (`subject_sha256`) were confirmed on this page version."""

    kind: ConfirmationKind
    subject_sha256: str
    page_version_id: str
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class Application:
    id: UUID
    reference: str
    journey_id: UUID
    account_id: UUID | None
    email: str | None
    offer_id: UUID
    need_id: UUID
    insurer_id: UUID
    product_version_id: UUID
    locale: str
    state: State
    people: People | None
    answers: Mapping[str, bool]
    circumstances: Mapping[str, bool] | None  # None: not told yet
    statement: Mapping[str, Any] | None  # of demands and needs, frozen with the declaration
    created_at: datetime
    submitted_at: datetime | None
    erased: bool
    basket_id: UUID | None = None
    basket_line: int | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of an application whose applicant is forgotten: what its entry in the trail names, and its need."""

    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    need_id: UUID


@dataclass(frozen=True, slots=True)
class Progress:
    """What decides the next step. `entered`: the prompt and both notices are acknowledged. `suitability_open`: what is
    asked of it is not told, or something speaks against the insurance and going on was not confirmed. `unanswered` and
    `unconfirmed` are in the order in which they are asked.
    """

    state: State
    entered: bool
    email_given: bool
    address_proven: bool
    suitability_open: bool
    people_given: bool
    identity_missing: bool
    notice_missing: bool
    consent_missing: bool
    unanswered: tuple[str, ...]
    unconfirmed: tuple[UUID, ...]
    exclusions_confirmed: bool
    insured_consent_missing: bool


@dataclass(frozen=True, slots=True)
class DocumentToConfirm:
    """A document of the pinned product version, whether its bytes were handed out where its page does not show them,
    and whether exactly these were confirmed.
    """

    document: Document
    opened: bool
    confirmed: bool


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A question and the answer given to it; None while it is unanswered. There is no default."""

    question: Question
    answer: bool | None


@dataclass(frozen=True, slots=True)
class HealthConsent:
    """Consent to the use of answers about health, to the text with this hash. `withdrawn_at` is None while it holds."""

    subject_sha256: str
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """A consent of a customer, with the application it was given in."""

    application: Application
    consent: HealthConsent


@dataclass(frozen=True, slots=True)
class CounterOffer:
    """On what other terms the insurer accepts: the offer applied for, the exclusions added, and the hash of everything
    that is agreed to with them.
    """

    decision: RecordedDecision
    before: OfferView
    sha256: str

    @property
    def exclusions(self) -> tuple[Exclusion, ...]:
        return self.decision.terms.exclusions


@dataclass(frozen=True, slots=True)
class Beside:
    """Another application or contract of the same applicant; `sum_insured` where the line has one."""

    reference: str
    product: LocalizedText
    sum_insured: Money | None
    concluded: bool
    same_product: bool


@dataclass(frozen=True, slots=True)
class Exposure:
    """What an insurer would owe at most for one person in one line, with the application looked at; None where the line
    has no sum.
    """

    others: tuple[Beside, ...]
    at_risk: Money | None


@dataclass(frozen=True, slots=True)
class AnswerChanged:
    """A question that had been answered `was` until it was answered otherwise at `at`."""

    question_id: str
    was: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an underwriter decides about a referred application of this insurer: accepted where `declined` and `until`
    are not given, with the extra premium and the exclusions (codes of the product's declared ones) that are.

    `number` is that of the decision to be made: one more than those the underwriter looked at. `words` are for the
    applicant, in the language of the application.
    """

    application_id: UUID
    insurer_id: UUID
    number: int
    code: ReasonCode
    words: str
    loading: Loading | None = None
    exclusions: tuple[str, ...] = ()
    until: date | None = None
    declined: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application with everything its pages show. Exclusions are those of `offer.version.content`."""

    application: Application
    offer: OfferView
    next_step: Step
    circumstances_asked: tuple[Circumstance, ...]
    misfits: tuple[Misfit, ...]
    misfits_sha256: str
    part: PlannedPart | None  # of the plan that it comes from
    identity: IdentityCheck | None  # that proves the applicant told now
    identity_missing: bool
    insured_consent: InsuredConsent | None  # the newest question about what would be agreed to now
    insured_consent_missing: bool
    insured_consent_sha256: str  # of what the insured agrees to
    insured_unproven: bool  # the insured still has to show a document
    notice_acknowledged: bool
    health_consent: HealthConsent | None  # None: not given, or not needed
    consent_missing: bool
    questions: tuple[QuestionAsked, ...]
    documents: tuple[DocumentToConfirm, ...]
    exclusions_sha256: str
    exclusions_confirmed: bool
    told_sha256: str  # of everything the applicant told and chose: what the declaration is about
    confirmations: tuple[Confirmation, ...]
    counter: CounterOffer | None = None


@dataclass(frozen=True, slots=True)
class GivenBeside:
    """The people told in another application of the same basket; `same` where it insures the same member. Answers are
    not among it: what concerns health is consented to for one insurer at a time.
    """

    people: People
    same: bool


# Facts


@dataclass(frozen=True, slots=True)
class ApplicationOpened:
    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """`outcome` is the state the decision led to: accepted, referred or declined."""

    application_id: UUID
    outcome: State


@dataclass(frozen=True, slots=True)
class ApplicationHeld:
    """A submitted application waits until somebody has looked at a name of it."""

    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationMoved:
    """After its submission an application came to another state: by a person's decision, or by the applicant's answer
    to an offer on other terms.
    """

    application_id: UUID
    outcome: State


@dataclass(frozen=True, slots=True)
class ApplicantAsked:
    """The underwriter has a question: the `number`-th about this application."""

    application_id: UUID
    number: int

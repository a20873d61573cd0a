"""The public words of an application. Sources: regulation checklist 1b-1d; Insurance Law articles 31, 34 and 39."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values import Document, Question
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.quoting.values import OfferView
from marketplace.traceability.values import EntryType


class State(StrEnum):
    STARTED = "started"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REFERRED = "referred"
    DECLINED = "declined"
    LAPSED = "lapsed"
    CONTRACTED = "contracted"


class Event(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REFER = "refer"
    DECLINE = "decline"
    LAPSE = "lapse"
    CONCLUDE = "conclude"


class Step(StrEnum):
    """Where the applicant stands. The order up to `PAY` is the order of the road; the last four end it."""

    ENTRY = "entry"
    EMAIL = "email"
    CODE = "code"
    PEOPLE = "people"
    QUESTIONS = "questions"
    DOCUMENTS = "documents"
    EXCLUSIONS = "exclusions"
    REVIEW = "review"
    PAY = "pay"
    REFERRED = "referred"
    DECLINED = "declined"
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
    HEALTH_NOTICE = "health_notice"
    HEALTH_CONSENT = "health_consent"
    HEALTH_WITHDRAWN = "health_withdrawn"
    DOCUMENT_OPENED = "document_opened"
    DOCUMENT = "document"
    EXCLUSIONS = "exclusions"
    DECLARATION = "declaration"


CONFIRMED_AS = {
    ConfirmationKind.ENTRY: EntryType.ENTRY_ACKNOWLEDGED,
    ConfirmationKind.HEALTH_NOTICE: EntryType.HEALTH_NOTICE_ACKNOWLEDGED,
    ConfirmationKind.HEALTH_CONSENT: EntryType.HEALTH_CONSENT_GIVEN,
    ConfirmationKind.HEALTH_WITHDRAWN: EntryType.HEALTH_CONSENT_WITHDRAWN,
    ConfirmationKind.DOCUMENT_OPENED: EntryType.DOCUMENT_OPENED,
    ConfirmationKind.DOCUMENT: EntryType.DOCUMENT_CONFIRMED,
    ConfirmationKind.EXCLUSIONS: EntryType.EXCLUSIONS_CONFIRMED,
    ConfirmationKind.DECLARATION: EntryType.APPLICATION_SUBMITTED,
}
"""The entry that each leaves in the trail."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, in which journey, looking at which page version. `account_id` is None before the address is proven."""

    journey_id: UUID
    page_version_id: str
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`sex` is asked only where the tariff rates it; its values are those of the line's factor."""

    name: str
    birth_on: date
    sex: str | None = None


@dataclass(frozen=True, slots=True)
class People:
    """`insured` is None when the applicant insures themself (`relationship` is then `self`)."""

    applicant: Person
    relationship: Relationship
    insured: Person | None = None
    mobile: str | None = None

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
    """What decides the next step. `unanswered` and `unconfirmed` are in the order in which they are asked."""

    state: State
    entry_acknowledged: bool
    email_given: bool
    address_proven: bool
    people_given: bool
    notice_missing: bool
    consent_missing: bool
    unanswered: tuple[str, ...]
    unconfirmed: tuple[UUID, ...]
    exclusions_confirmed: bool


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
class ApplicationView:
    """An application with everything its pages show. Exclusions are those of `offer.version.content`."""

    application: Application
    offer: OfferView
    next_step: Step
    notice_acknowledged: bool
    health_consent: HealthConsent | None  # None: not given, or not needed
    consent_missing: bool
    questions: tuple[QuestionAsked, ...]
    documents: tuple[DocumentToConfirm, ...]
    exclusions_sha256: str
    exclusions_confirmed: bool
    told_sha256: str  # of everything the applicant told and chose: what the declaration is about
    confirmations: tuple[Confirmation, ...]


@dataclass(frozen=True, slots=True)
class GivenBeside:
    """What was told in other applications of the same basket: `people` of any of them, `same` where the insured is the
    same person, then with the answers to questions that are asked here in the same words.
    """

    people: People | None
    same: bool
    answers: Mapping[str, bool]


NOTHING_BESIDE = GivenBeside(None, same=False, answers={})


# Errors


class ApplicationNotFound(NotFound):
    """There is no such application, or it is not yours."""

    code = "application:not-found"


class OwnerSignedOut(ApplicationNotFound):
    """This application was begun in this browser, and a mail address was proven in it. If it is yours, please prove the
    address once more to go on.
    """

    code = "application:owner-signed-out"


class StepNotReached(Conflict):
    """An earlier step of this application is not done yet."""

    code = "application:step-not-reached"

    def __init__(self, step: Step) -> None:
        super().__init__(f"go on with the step '{step}'")
        self.step = step


class AlreadySubmitted(Conflict):
    """This application has been submitted and cannot be changed any more."""

    code = "application:already-submitted"


class ApplicationLapsed(Conflict):
    """This application has lapsed. Please compare again."""

    code = "application:lapsed"


class ToldChanged(Conflict):
    """What you told us was changed in another window since you opened the page. Please check it again."""

    code = "application:told-changed"


class TextChanged(Conflict):
    """What you confirmed is not the text that applies now. Please read it again."""

    code = "application:text-changed"


class NoHealthConsent(Conflict):
    """There is no consent that could be withdrawn: none was given, or it was withdrawn already."""

    code = "application:no-health-consent"


class DocumentNotOpened(Conflict):
    """Please open the document and read it before you confirm it."""

    code = "application:document-not-opened"


class DocumentNotAsked(NotFound):
    """This document is not among those of this application."""

    code = "application:document-not-asked"


class AgeDiffers(Refused):
    """The age at the start of cover is not the age the price was calculated for."""

    code = "application:age-differs"

    def __init__(self, rated_age: int, actual_age: int) -> None:
        super().__init__(f"the price is for age {rated_age}, the insured person will be {actual_age}")
        self.rated_age, self.actual_age = rated_age, actual_age


class SexDiffers(Refused):
    """The price was calculated for a person of the other sex."""

    code = "application:sex-differs"


class ApplicantNotAdult(Refused):
    """Only a person of 18 years or more can apply."""

    code = "application:applicant-not-adult"


class InsuredMustConsent(Refused):
    """Cover that pays on death needs the insured person's own consent, so the insured person has to apply."""

    code = "application:insured-must-consent"


class NoNewOffer(Refused):
    """This product cannot be offered for the changed details."""

    code = "application:no-new-offer"


class NotACustomer(Refused):
    """Only customers apply. Staff can look at an application but never act in it."""

    code = "application:not-a-customer"


class ContractKept(Refused):
    """A contract was made of this application, and its records must be kept."""

    code = "application:contract-kept"


class NothingToPay(Conflict):
    """This application cannot be paid: it has not been accepted, or not any more."""

    code = "application:nothing-to-pay"


# Facts


@dataclass(frozen=True, slots=True)
class ApplicationOpened:
    application_id: UUID


@dataclass(frozen=True, slots=True)
class ApplicationSubmitted:
    """`outcome` is the state the decision led to: accepted, referred or declined."""

    application_id: UUID
    outcome: State

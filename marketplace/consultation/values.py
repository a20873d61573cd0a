"""The public words of consultation. Sources: Order 2020 No. 13 articles 17(3), 25 and 35; checklist T26-29, T26-43;
Notice 2021 No. 108 (六)1-2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused

LONGEST_QUESTION = 2000
LONGEST_ANSWER = 4000
MEASURED_DAYS = 30


class ThreadState(StrEnum):
    """`unconfirmed`: the asker's address is not proven, nobody reads it. `waiting`: for an answer of the insurer."""

    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"
    ANSWERED = "answered"


class ThreadEvent(StrEnum):
    CONFIRMED = "confirmed"
    ASKED = "asked"
    ANSWERED = "answered"


class Side(StrEnum):
    CUSTOMER = "customer"
    INSURER = "insurer"


class PublicState(StrEnum):
    PROPOSED = "proposed"
    PUBLISHED = "published"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class PublicEvent(StrEnum):
    PUBLISH = "publish"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class WithdrawalReason(StrEnum):
    """Why a public answer is shown no more."""

    CONSENT = "consent"
    UNTRUE = "untrue"
    MARKETPLACE = "marketplace"


class Fault(StrEnum):
    """What may not stand in a public answer; `half`: a language has a question or an answer only."""

    HALF = "half"
    NOTHING = "nothing"
    ADDRESS = "address"
    ACCOUNT = "account"
    NUMBER = "number"
    LINK = "link"
    REFERENCE = "reference"
    PRAISE = "praise"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, in which journey, looking at which version of the page. `account_id` is None before the mail address is
    proven, `page_version_id` on pages that are not recorded.
    """

    journey_id: UUID
    account_id: UUID | None
    page_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A question about a product, or of an application for it."""

    insurer_id: UUID
    product_version_id: UUID
    words: str
    locale: str
    application_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One question or answer. `words` is empty once it is erased; `practitioner_id` is who answered, `sha256` that of
    the words as UTF-8. `waited_since` says of an answer since when it was waited for.
    """

    id: UUID
    number: int
    side: Side
    words: str
    sha256: str
    written_at: datetime
    practitioner_id: UUID | None
    waited_since: datetime | None


@dataclass(frozen=True, slots=True)
class Consent:
    """The asker's consent to a public answer, to the wording with this hash."""

    wording_sha256: str
    given_at: datetime
    withdrawn_at: datetime | None

    @property
    def holds(self) -> bool:
        return self.withdrawn_at is None


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation about one product. `waiting_since` and `due_at` are of the oldest question without an answer."""

    id: UUID
    reference: str
    insurer_id: UUID
    product_version_id: UUID
    journey_id: UUID
    application_id: UUID | None
    account_id: UUID | None
    locale: str
    state: ThreadState
    asked_at: datetime
    waiting_since: datetime | None
    due_at: datetime | None
    answered_at: datetime | None
    consent: Consent | None
    erased: bool

    def is_overdue(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread with what was said in it, in its order."""

    thread: Thread
    messages: tuple[Message, ...]

    @property
    def answered(self) -> bool:
        """Whether there is an answer at all."""
        return any(each.side is Side.INSURER for each in self.messages)


@dataclass(frozen=True, slots=True)
class Said:
    """A question and its answer in one language, in words for everybody."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class PublicAnswer:
    """What everybody may read of an answered question. `said` by locale, in one or both of them."""

    id: UUID
    thread_id: UUID
    insurer_id: UUID
    product_id: UUID
    product_version_id: UUID
    version_number: int
    practitioner_id: UUID
    said: Mapping[str, Said]
    state: PublicState
    written_at: datetime
    decided_at: datetime | None
    refusal: str | None
    withdrawn_at: datetime | None

    def in_(self, locale: str) -> tuple[str, Said]:
        """The words for a reader, with the locale that they are in."""
        chosen = locale if locale in self.said else next(iter(self.said))
        return chosen, self.said[chosen]


@dataclass(frozen=True, slots=True)
class Measured:
    """How fast an insurer answered within the last `MEASURED_DAYS` days, in seconds of plain time; None before the
    first answer. `in_time` of `due` questions were answered before their time was over (N108-01); those whose time is
    not over yet and that wait are not counted.
    """

    answered: int
    median: float | None
    most: float | None
    due: int
    in_time: int
    waiting: int
    overdue: int

    @property
    def rate(self) -> float | None:
        """The share answered in time, from 0 to 1; None before there is any."""
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class FoundThreads:
    """One page of threads; `number` counts from 1."""

    threads: tuple[Thread, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True)
class FoundAnswers:
    """One page of public answers; `number` counts from 1."""

    answers: tuple[PublicAnswer, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


# Errors


class ThreadNotFound(NotFound):
    """There is no such question, or it is not yours."""

    code = "consultation:thread-not-found"


class PublicAnswerNotFound(NotFound):
    """There is no such public answer, or it is not yours."""

    code = "consultation:public-answer-not-found"


class NothingToAnswer(Conflict):
    """This question was answered, or erased, in the meantime."""

    code = "consultation:nothing-to-answer"


class NoConsent(Refused):
    """Whoever asked did not consent to a public answer, or not any more."""

    code = "consultation:no-consent"


class NotAnsweredYet(Conflict):
    """There is no answer yet that could be made public."""

    code = "consultation:not-answered-yet"


class AlreadyPublic(Conflict):
    """There is a public answer of this question already."""

    code = "consultation:already-public"


class SecondPersonNeeded(Refused):
    """Whoever wrote a public answer cannot publish it."""

    code = "consultation:second-person-needed"


class NotACustomer(Refused):
    """Only customers ask. Staff can look at a conversation but never speak for a customer."""

    code = "consultation:not-a-customer"


class TextChanged(Conflict):
    """The text you consented to is not the one that applies now. Please read it again."""

    code = "consultation:text-changed"


# Facts


@dataclass(frozen=True, slots=True)
class QuestionAnswered:
    """An insurer answered: message `message_id` of the thread."""

    thread_id: UUID
    message_id: UUID

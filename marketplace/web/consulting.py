"""What the pages of consultation share: who answered, what is measured, what everybody may read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Insurer, Practitioner, Standing, Validity
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.consultation import queries
from marketplace.consultation.values import Conversation, Message, PublicAnswer, PublicState, Said, Thread, ThreadState
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock

STATES: dict[ThreadState, tuple[str, str]] = {
    ThreadState.UNCONFIRMED: (_l("address not proven"), "plain"),
    ThreadState.WAITING: (_l("waits for an answer"), "warn"),
    ThreadState.ANSWERED: (_l("answered"), ""),
}
"""The words, and the class of the tag."""
PUBLIC_STATES: dict[PublicState, tuple[str, str]] = {
    PublicState.PROPOSED: (_l("waits for a second person"), "warn"),
    PublicState.PUBLISHED: (_l("public"), ""),
    PublicState.REFUSED: (_l("refused"), "bad"),
    PublicState.WITHDRAWN: (_l("withdrawn"), "plain"),
}
STANDINGS: dict[Standing, tuple[str, str]] = {
    Standing.PROPOSED: (_l("to be checked by the marketplace"), "warn"),
    Standing.REGISTERED: (_l("registered"), ""),
    Standing.REFUSED: (_l("refused"), "bad"),
    Standing.ENDED: (_l("ended"), "plain"),
}
VALIDITIES: dict[Validity, tuple[str, str]] = {
    Validity.VALID: (_l("valid"), ""),
    Validity.NOT_YET: (_l("not valid yet"), "plain"),
    Validity.EXPIRED: (_l("expired"), "bad"),
    Validity.ENDED: (_l("ended"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message with who wrote it; a question has no practitioner."""

    message: Message
    by: Practitioner | None


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as a page shows it."""

    thread: Thread
    insurer: Insurer
    version: ProductVersion
    messages: tuple[Spoken, ...]
    now: datetime

    @property
    def overdue(self) -> bool:
        return self.thread.is_overdue(self.now)


@dataclass(frozen=True, slots=True)
class Shown:
    """A public answer in the words of one language (`locale`), with who answered and on which product. `newer` says
    that the product has had another version since.
    """

    answer: PublicAnswer
    locale: str
    said: Said
    by: Practitioner
    insurer: Insurer
    version: ProductVersion
    newer: bool

    @property
    def lang(self) -> str:
        """As HTML names the language."""
        return "zh-Hans" if self.locale.startswith("zh") else self.locale


def talk(found: Conversation) -> Talk:
    """With the register and the product it speaks of."""
    who = accounts.practitioners({each.practitioner_id for each in found.messages if each.practitioner_id})
    spoken = tuple(
        Spoken(each, who.get(each.practitioner_id) if each.practitioner_id else None) for each in found.messages
    )
    version = catalog.product_version(found.thread.product_version_id)
    return Talk(found.thread, accounts.insurer(found.thread.insurer_id), version, spoken, clock.business_now())


def talk_of_application(application_id: UUID) -> Talk | None:
    """What was asked in an application, for callers that have checked who asks."""
    found = queries.conversation_of_application(application_id)
    return None if found is None else talk(found)


def shown(answers: Iterable[PublicAnswer]) -> list[Shown]:
    """Public answers in the reader's language where they are written in it."""
    found = tuple(answers)
    if not found:
        return []
    who = accounts.practitioners({each.practitioner_id for each in found})
    versions = catalog.product_versions({each.product_version_id for each in found})
    newest = catalog.newest_numbers({each.product_id for each in found})
    insurers = accounts.insurers({each.insurer_id for each in found})
    return [
        Shown(
            each,
            *each.in_(current_locale()),
            who[each.practitioner_id],
            insurers[each.insurer_id],
            versions[each.product_version_id],
            newest[each.product_id] > each.version_number,
        )
        for each in found
    ]

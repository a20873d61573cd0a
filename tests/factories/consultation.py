"""Practitioners of the register, and questions to them, with everything filled in that a test does not care about."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

from marketplace.accounts import queries
from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Insurer, NewPractitioner, Practitioner, Role
from marketplace.consultation import services
from marketplace.consultation.values import Asker, NewQuestion, Said, Thread
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.services import publish_wordings
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.quoting.values import OfferView
from tests.factories.accounts import a_customer, a_member_of_staff

WAITING = "How long is the waiting period?"
NINETY = "90 days after the contract begins. Accidents are covered from the first day."
PUBLIC = {
    "en": Said("How long is the waiting period?", "It is 90 days; accidents are covered from the first day."),
    "zh_Hans_CN": Said("这款产品的等待期有多长？", "等待期为90天，意外伤害自第一天起即有保障。"),
}
_numbers = count(1)


def a_practitioner(insurer: Insurer, *, lines: tuple[str, ...] = ("travel", "term_life"), **changes: Any) -> Account:
    """A member of the insurer's staff whose certificate was checked. Commits nothing."""
    staff = changes.pop("staff", None) or a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
    registered(staff, insurer, lines, **changes)
    return staff


def registered(staff: Account, insurer: Insurer, lines: tuple[str, ...], **changes: Any) -> Practitioner:
    """The entry of this member of staff, proposed by an owner of the insurer and checked by an admin."""
    today = clock.today(ZONE)
    parts: dict[str, Any] = {
        "certificate_no": f"SPECIMEN-{next(_numbers):06d}",
        "valid_from": today - timedelta(days=30),
        "valid_to": today + timedelta(days=365),
    }
    owner = a_member_of_staff(Role.INSURER_ADMIN, insurer)
    proposed = accounts.propose_practitioner(NewPractitioner(staff.id, lines=lines, **(parts | changes)), owner)
    return accounts.check_practitioner(proposed.id, a_member_of_staff(Role.ADMIN_COMPLIANCE), good=True)


def a_question(offer: OfferView, customer: Account | None = None, **changes: Any) -> Thread:
    """A customer's question about the product of an offer. Commits nothing."""
    who = customer or a_customer(f"asker{next(_numbers)}@example.com")
    return services.ask_question(Asker(offer.need.journey_id, who.id), of(offer, **changes), who)


def of(offer: OfferView, words: str = WAITING, locale: str = "en", application_id: UUID | None = None) -> NewQuestion:
    return NewQuestion(offer.insurer_id, offer.version.id, words, locale, application_id)


def own(thread: Thread) -> Asker:
    """Whoever asked, at the page of the thread."""
    return Asker(thread.journey_id, thread.account_id)


def consented(thread: Thread) -> Thread:
    """The asker ticked the box under the text of today."""
    publish_wordings()
    wording = disclosure.wording(WordingKey.PUBLIC_ANSWER_CONSENT, thread.locale)
    return services.consent_to_public_answer(thread.id, own(thread), wording.sha256)


def a_public_answer(offer: OfferView, said: Mapping[str, Said] = PUBLIC) -> UUID:
    """Asked, answered, consented to, written and published: the id of the public answer. Commits nothing."""
    staff = a_practitioner(queries.insurer(offer.insurer_id))
    thread = a_question(offer)
    services.answer_question(thread.id, staff, NINETY)
    consented(thread)
    proposed = services.propose_answer(thread.id, staff, said)
    services.publish_answer(proposed.id, a_member_of_staff(Role.ADMIN_SALES))
    return proposed.id

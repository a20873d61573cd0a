"""A referred application: the underwriter decides or asks, the applicant answers, and takes other terms or does not."""

from uuid import UUID

from marketplace.application.models import ApplicationRow, locked
from marketplace.application.queries import read, view_of
from marketplace.application.services.following import follow, move
from marketplace.application.services.gate import Visit, confirm, own_locked, record, sealed
from marketplace.application.values import (
    Acting,
    ApplicantAsked,
    Application,
    ApplicationLapsed,
    ApplicationMoved,
    ApplicationNotFound,
    ConfirmationKind,
    CounterOffer,
    Event,
    NoCounterOffer,
    NotReferred,
    Ruling,
    State,
    TextChanged,
)
from marketplace.catalog.values import Outcome, ProductContent
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.infra.jobs import publish
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.quoting import queries as quoting
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, Actor, EntryType
from marketplace.underwriting import services as underwriting
from marketplace.underwriting.values import DecideCase, Terms

LONGEST_WORDS = 2000


def decide_referral(ruling: Ruling, actor: Actor) -> Application:
    """An underwriter's decision, added to those before it. Of two who decide at once the second is refused.

    Raises ApplicationNotFound for an application of another insurer; NotReferred, DecidedMeanwhile, InquiryOpen (all
    Conflict); Invalid (`words`, `exclusions`, `until`); ProductWithdrawn, InsurerNotSelling where there is nothing to
    offer any more.
    """
    row = _referred(ruling.application_id, ruling.insurer_id)
    view = view_of(row)
    terms, outcome = _terms(ruling, view.offer.version.content), _outcome(ruling)
    recorded = underwriting.decide_case(
        DecideCase(
            application_id=row.id,
            journey_id=row.journey_id,
            insurer_id=row.insurer_id,
            number=ruling.number,
            outcome=outcome,
            terms=terms,
            code=ruling.code,
            words=_said(ruling.words, "words"),
            actor=actor,
        )
    )
    follow(row, recorded, actor, waited=True)
    publish(ApplicationMoved(row.id, State(row.state)))
    return read(row)


def ask_applicant(application_id: UUID, insurer_id: UUID, question: str, actor: Actor) -> None:
    """A question of the underwriter: the applicant is mailed that there is one, and the insurer's clock stands.

    Raises ApplicationNotFound, NotReferred, InquiryOpen, Invalid (`question`).
    """
    row = _referred(application_id, insurer_id)
    words = _said(question, "question")
    asked = underwriting.ask(row.id, words, actor)
    record_act(
        Act(
            journey_id=row.journey_id,
            type=EntryType.UNDERWRITING_ASKED,
            body={"number": asked.number, "new": sealed(words)},
            actor=actor,
            application_id=row.id,
            insurer_id=row.insurer_id,
        )
    )
    publish(ApplicantAsked(row.id, asked.number))


def answer_underwriter(by: Acting, application_id: UUID, number: int, answer: str) -> Application:
    """The applicant's answer, given once; it goes back to the desk.

    Raises ApplicationNotFound for strangers, NotReferred, NoInquiry, Invalid (`answer`).
    """
    row = own_locked(by, application_id)
    if row.state != State.REFERRED:
        raise NotReferred
    words = _said(answer, "answer")
    underwriting.answer(row.id, number, words)
    record(by, row, EntryType.UNDERWRITING_ANSWERED, {"number": number, "new": sealed(words)})
    return read(row)


def accept_counter_offer(by: Acting, application_id: UUID, sha256: str) -> Application:
    """The applicant agrees to exactly the terms shown (`sha256`); only then can be paid. A repeat changes nothing.

    Raises ApplicationNotFound, NoCounterOffer, ApplicationLapsed, TextChanged, and the refusals of `live_offer`.
    """
    row = own_locked(by, application_id)
    visit, counter = _countered(by, row, but_for=State.ACCEPTED)
    if counter.sha256 != sha256:
        raise TextChanged
    if row.state == State.ACCEPTED:
        return read(row)
    offer = visit.view.offer
    quoting.require_live(offer)
    wording = disclosure.wording(WordingKey.COUNTER_OFFER, row.locale)
    body = {
        "offer_id": offer.id,
        "premium_minor": offer.premium.minor,
        "currency": offer.premium.currency,
        "start_on": offer.need.start_on,
        "decision_sha256": counter.decision.sha256,
        "exclusions": len(counter.exclusions),
        "wording": wording.key,
        "version": wording.version,
    }
    confirm(visit, ConfirmationKind.COUNTER_OFFER, sha256, body)
    move(row, Event.ACCEPT)
    db.session.flush()
    publish(ApplicationMoved(row.id, State(row.state)))
    return read(row)


def refuse_counter_offer(by: Acting, application_id: UUID) -> Application:
    """The applicant does not want the other terms: the application ends, and costs nothing. A repeat changes nothing.

    Raises ApplicationNotFound, NoCounterOffer, ApplicationLapsed.
    """
    row = own_locked(by, application_id)
    visit, counter = _countered(by, row, but_for=State.REFUSED)
    if row.state != State.REFUSED:
        body = {"offer_id": visit.view.offer.id, "decision_sha256": counter.decision.sha256}
        record(by, row, EntryType.COUNTER_OFFER_REFUSED, body)
        move(row, Event.REFUSE)
        db.session.flush()
        publish(ApplicationMoved(row.id, State(row.state)))
    return read(row)


def _referred(application_id: UUID, insurer_id: UUID) -> ApplicationRow:
    row = locked(application_id)
    if row.insurer_id != insurer_id or row.erased_at is not None:
        raise ApplicationNotFound
    if row.state != State.REFERRED:
        raise NotReferred
    return row


def _countered(by: Acting, row: ApplicationRow, but_for: State) -> tuple[Visit, CounterOffer]:
    if row.state == State.LAPSED:
        raise ApplicationLapsed
    view = view_of(row)
    if row.state not in {State.COUNTERED, but_for} or view.counter is None:
        raise NoCounterOffer
    return Visit(by, row, view), view.counter


def _outcome(ruling: Ruling) -> Outcome:
    if ruling.declined:
        return Outcome.DECLINE
    if ruling.until is not None:
        return Outcome.POSTPONE
    if ruling.exclusions:
        return Outcome.EXCLUDE
    return Outcome.LOAD if ruling.loading else Outcome.ACCEPT


def _terms(ruling: Ruling, content: ProductContent) -> Terms:
    """Raises Invalid (`exclusions`) for a text that the product does not declare, (`until`) for a day that has come."""
    declared = {each.code: each for each in content.carve_outs}
    if set(ruling.exclusions) - declared.keys():
        raise Invalid({"exclusions": _("Choose among the texts that the product declares.")})
    if ruling.until is not None and ruling.until <= clock.today(ZONE):
        raise Invalid({"until": _("Choose a day after today.")})
    if ruling.declined or ruling.until is not None:
        return Terms(until=None if ruling.declined else ruling.until)
    added = tuple(declared[code] for code in dict.fromkeys(ruling.exclusions))
    return Terms((ruling.loading,) if ruling.loading else (), added)


def _said(text: str, field: str) -> str:
    """What somebody wrote, without blanks around it. Raises Invalid where it is nothing, or without end."""
    words = text.strip()
    if not words:
        raise Invalid({field: _("Write something here.")})
    if len(words) > LONGEST_WORDS:
        raise Invalid({field: _("Write %(most)s characters at most.", most=LONGEST_WORDS)})
    return words

"""Keep what happened as a trace, and look whether it makes a pattern with what is there.

Two workers that note two things of one person at once would see neither the other's: each holds the person, the insured
and the card, by an advisory lock that ends with its transaction, in one order.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.application import queries as applications
from marketplace.application.values import Application, ApplicationNotFound, ApplicationView, Person
from marketplace.checkout import queries as orders
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.identity import is_name_in_document, letters_of
from marketplace.kernel.money import minor_digits
from marketplace.payment import queries as payments
from marketplace.payment.values import Attempt, Purpose
from marketplace.policy import queries as policies
from marketplace.quoting.values import OfferView
from marketplace.screening import rules
from marketplace.screening.models import TraceRow
from marketplace.screening.services.finding import open_case
from marketplace.screening.values import RULES, Trace, TraceKind

MOST_BESIDE = 500
"""So many traces are looked at, the newest: more is found in fewer already."""
FARTHEST = max(timedelta(days=rule.days) for rule in RULES.values())


def note_application(application_id: UUID) -> None:
    """An application was submitted: who is insured, for which sums, and the answers as indexes. Repeated, nothing."""
    try:
        view = applications.application_view(application_id)
    except ApplicationNotFound:
        return
    told = view.application
    if told.erased or told.people is None:
        return
    insured = index_of(told.people.insured_person)
    _note(
        TraceKind.APPLIED,
        application_id,
        told,
        insured=insured,
        answers=_answers(view, insured),
        **_sums(view.offer),
    )


def note_payment(attempt_id: UUID) -> None:
    """An order, or a later premium, was paid: with what, and whether the payer has the applicant's name."""
    attempt, payer = payments.attempt(attempt_id), payments.payer_of(attempt_id)
    for application in _paid_for(attempt):
        people = application.people
        fits = None if payer.name is None or people is None else _is_payer(people.applicant.name, payer.name)
        _note(TraceKind.PAID, attempt_id, application, instrument=payer.instrument, payer_fits=fits)


def note_refund(refund_id: UUID, order_id: UUID) -> None:
    """Money of an order went back, or of the contract of it that its customer ended."""
    contract_id = payments.refund(refund_id).contract_id
    one = [] if contract_id is None else _kept([policies.policy(contract_id).application_id])
    for application in one if contract_id else _of_order(order_id):
        _note(TraceKind.REFUNDED, refund_id, application)


def forget(application_id: UUID) -> None:
    """An application was erased: what was noted of it goes; what stands in a case is kept with the case."""
    db.session.execute(delete(TraceRow).where(TraceRow.application_id == application_id))


def index_of(person: Person) -> str:
    """The same for the same name and date of birth, whatever the case, the accents and the blanks."""
    return vault.index("screening.person", f"{letters_of(person.name)} {person.birth_on.isoformat()}")


def _paid_for(attempt: Attempt) -> list[Application]:
    if attempt.purpose is Purpose.INSTALMENT:
        contract = policies.policy(policies.contract_of_instalment(attempt.subject_id))
        return _kept([contract.application_id])
    return _of_order(attempt.subject_id)


def _of_order(order_id: UUID) -> list[Application]:
    return _kept([line.application_id for line in orders.order(order_id).lines])


def _kept(application_ids: Iterable[UUID]) -> list[Application]:
    found = [applications.application(each) for each in application_ids]
    return [each for each in found if not each.erased and each.people is not None]


def _is_payer(applicant: str, payer: str) -> bool:
    first, _, last = payer.rpartition(" ")
    return is_name_in_document(applicant, first, last) or letters_of(applicant) == letters_of(payer)


def _sums(offer: OfferView) -> dict[str, object]:
    definition, risk, currency = offer.version.content.definition, offer.need.risk, offer.premium.currency
    scale = 10 ** minor_digits(currency)
    told = risk.get(definition.death_factor) if definition.death_factor else None
    insured = risk.get("sum_insured")
    return {
        "death_minor": int(told * scale) if isinstance(told, int) else 0,
        "sum_minor": int(insured * scale) if isinstance(insured, int) else 0,
        "premium_minor": offer.premium.minor * offer.payments,
        "currency": currency,
    }


def _answers(view: ApplicationView, insured: str) -> dict[str, str]:
    """By what is asked about, whoever asks it; the answer as an index of its own for each person."""
    told: dict[str, str] = {}
    for asked in view.questions:
        if asked.answer is not None:
            topic = sha256_hex((asked.question.condition or asked.question.text).en.casefold().encode())
            told[topic[:16]] = vault.index("screening.answer", f"{insured} {topic} {asked.answer}")
    return told


def _note(kind: TraceKind, cause_id: UUID, application: Application, **what: object) -> None:
    people = application.people
    assert people is not None  # noqa: S101  both callers left those without out
    person = index_of(people.applicant)
    values = {
        "currency": "XXX",
        "death_minor": 0,
        "premium_minor": 0,
        "sum_minor": 0,
        "answers": {},
        "insured": person,
        "instrument": None,
        "payer_fits": None,
    } | what
    _hold(str(each) for each in (person, values["insured"], values["instrument"]) if each is not None)
    row = db.session.scalars(
        insert(TraceRow)
        .values(
            id=ids.new_id(),
            kind=kind.value,
            cause_id=cause_id,
            application_id=application.id,
            insurer_id=application.insurer_id,
            person=person,
            at=clock.business_now(),
            **values,
        )
        .on_conflict_do_nothing()
        .returning(TraceRow)
    ).one_or_none()
    if row is None:
        return
    for finding in rules.found_in(_trace(row), _beside(row)):
        open_case(finding)


def _hold(keys: Iterable[str]) -> None:
    for key in sorted(set(keys)):
        db.session.execute(select(func.pg_advisory_xact_lock(int(key[:15], 16))))


def _beside(row: TraceRow) -> Sequence[Trace]:
    same = [TraceRow.person == row.person, TraceRow.insured == row.insured]
    if row.instrument is not None:
        same.append(TraceRow.instrument == row.instrument)
    rows = db.session.scalars(
        select(TraceRow)
        .where(or_(*same), TraceRow.id != row.id, TraceRow.at >= row.at - FARTHEST)
        .order_by(TraceRow.at.desc(), TraceRow.id)
        .limit(MOST_BESIDE)
    )
    return [_trace(each) for each in rows]


def _trace(row: TraceRow) -> Trace:
    return Trace(
        kind=TraceKind(row.kind),
        application_id=row.application_id,
        insurer_id=row.insurer_id,
        person=row.person,
        insured=row.insured,
        at=row.at,
        currency=row.currency,
        death_minor=row.death_minor,
        premium_minor=row.premium_minor,
        sum_minor=row.sum_minor,
        answers=row.answers,
        instrument=row.instrument,
        payer_fits=row.payer_fits,
    )

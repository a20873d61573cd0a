"""Tell applications: to their owner (`own_…`), and to features and desks above that have checked who asks."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import func, select

from marketplace.application import rules
from marketplace.application.models import ApplicationRow, ConfirmationRow
from marketplace.application.queries.proofs import proofs_of, require_declared, require_proofs, told_sha256
from marketplace.application.queries.suiting import suitability_of
from marketplace.application.values import (
    AnswerChanged,
    Application,
    ApplicationNotFound,
    ApplicationView,
    Beside,
    Confirmation,
    ConfirmationKind,
    ConsentGiven,
    CounterOffer,
    DocumentToConfirm,
    Exposure,
    GivenBeside,
    NothingToPay,
    OwnerSignedOut,
    People,
    Progress,
    QuestionAsked,
    State,
)
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Exclusion
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.needs import queries as needs
from marketplace.needs.values import Basket, BasketNotFound
from marketplace.quoting import queries as quoting
from marketplace.quoting.values import OfferView
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from marketplace.underwriting import queries as underwriting

_REFERRED = (ApplicationRow.state == State.REFERRED.value, ApplicationRow.erased_at.is_(None))
# What does not fit is not repeated in the error, and so in no log. (The configuration of an optional value is heeded,
# that of a dataclass alone is not.)
_PEOPLE = TypeAdapter[People | None](People | None, config=ConfigDict(hide_input_in_errors=True))


def application(application_id: UUID) -> Application:
    """The application, or ApplicationNotFound. For callers that have checked who asks."""
    return read(_row(application_id))


def own_application(application_id: UUID, journey_id: UUID, account_id: UUID | None) -> Application:
    """The application if it belongs to this account, or to this journey while no account is proven.

    Raises ApplicationNotFound for strangers.
    """
    row = _row(application_id)
    require_own(row, journey_id, account_id)
    return read(row)


def application_view(application_id: UUID) -> ApplicationView:
    """Everything the pages of an application show. For callers that have checked who asks."""
    return view_of(_row(application_id))


def told(application_id: UUID) -> dict[str, Any]:
    """What was last told of the people and to the questions, by the names in the trail. For checks."""
    row = _row(application_id)
    return {**fields_of(row.persons), **row.answers}


def own_application_view(application_id: UUID, journey_id: UUID, account_id: UUID | None) -> ApplicationView:
    """As `own_application`, with everything its pages show."""
    row = _row(application_id)
    require_own(row, journey_id, account_id)
    return view_of(row)


def applications_of_account(account_id: UUID) -> tuple[Application, ...]:
    """The applications of a customer, newest first."""
    rows = db.session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.account_id == account_id)
        .order_by(ApplicationRow.created_at.desc(), ApplicationRow.id)
    ).all()
    vault.unlock(row.id for row in rows)
    return tuple(read(row) for row in rows)


def ids_of_accounts(account_ids: Collection[UUID]) -> frozenset[UUID]:
    """The applications of several customers, also those that became contracts, unopened."""
    wanted = ApplicationRow.account_id.in_(set(account_ids))
    return frozenset(db.session.scalars(select(ApplicationRow.id).where(wanted)))


def applications_of_journey(journey_id: UUID) -> tuple[Application, ...]:
    """The applications begun in a journey, oldest first; they may be of several people who shared a browser."""
    rows = db.session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.journey_id == journey_id)
        .order_by(ApplicationRow.created_at, ApplicationRow.id)
    ).all()
    vault.unlock(row.id for row in rows)
    return tuple(read(row) for row in rows)


def applications_to_erase(journey_ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """By journey, the applications begun in it of which no contract was made and that are not erased, the oldest first.
    Nothing of them is opened.
    """
    wanted = (ApplicationRow.journey_id.in_(list(journey_ids)), ApplicationRow.erased_at.is_(None))
    rows = db.session.execute(
        select(ApplicationRow.journey_id, ApplicationRow.id)
        .where(*wanted, ApplicationRow.state != State.CONTRACTED.value)
        .order_by(ApplicationRow.journey_id, ApplicationRow.created_at, ApplicationRow.id)
    )
    return {
        journey_id: tuple(row.id for row in group)
        for journey_id, group in groupby(rows, key=lambda row: row.journey_id)
    }


def left_before(before: datetime) -> dict[UUID, UUID]:
    """Application id -> journey id, for each that was begun before this instant of business time, led to no contract
    and is not erased; the oldest first.
    """
    rows = db.session.execute(
        select(ApplicationRow.id, ApplicationRow.journey_id)
        .where(
            ApplicationRow.business_created_at < before,
            ApplicationRow.state != State.CONTRACTED.value,
            ApplicationRow.erased_at.is_(None),
        )
        .order_by(ApplicationRow.business_created_at, ApplicationRow.id)
    )
    return {row.id: row.journey_id for row in rows}


def health_consents_of(account_id: UUID) -> tuple[ConsentGiven, ...]:
    """The consents a customer gave to the use of answers about health, also those withdrawn; newest application first.

    Those of applications that are erased are not known any more.
    """
    told = applications_of_account(account_id)
    rows = db.session.scalars(
        select(ConfirmationRow).where(ConfirmationRow.application_id.in_([each.id for each in told]))
    )
    confirmed: dict[UUID, list[Confirmation]] = {}
    for row in rows:
        confirmed.setdefault(row.application_id, []).append(_confirmation(row))
    consents = ((each, rules.health_consent(confirmed.get(each.id, []))) for each in told)
    return tuple(ConsentGiven(each, consent) for each, consent in consents if consent is not None)


def references(ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these applications are called, unopened; erased ones aside."""
    wanted = (ApplicationRow.id.in_(set(ids)), ApplicationRow.erased_at.is_(None))
    return {
        row.id: row.reference
        for row in db.session.execute(select(ApplicationRow.id, ApplicationRow.reference).where(*wanted))
    }


def application_ids() -> tuple[UUID, ...]:
    """Every application, first to last; for rebuilding what was derived from them."""
    return tuple(db.session.scalars(select(ApplicationRow.id).order_by(ApplicationRow.created_at, ApplicationRow.id)))


def under_way(version_ids: Iterable[UUID]) -> dict[UUID, int]:
    """How many applications for each of these product versions are neither ended nor a contract yet; those without any
    are left out.
    """
    asked = (
        select(ApplicationRow.product_version_id, func.count())
        .where(
            ApplicationRow.product_version_id.in_(set(version_ids)),
            ApplicationRow.state.in_([state.value for state in rules.UNDER_WAY]),
            ApplicationRow.erased_at.is_(None),
        )
        .group_by(ApplicationRow.product_version_id)
    )
    return dict(db.session.execute(asked).all())


def applications_of_basket(basket_id: UUID) -> dict[int, Application]:
    """Line -> the application that was begun for it, erased ones aside. For callers that have checked who asks."""
    rows = db.session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.basket_id == basket_id, ApplicationRow.erased_at.is_(None))
        .order_by(ApplicationRow.basket_line)
    ).all()
    vault.unlock(row.id for row in rows)
    return {found.basket_line: found for row in rows if (found := read(row)).basket_line is not None}


def own_basket(basket_id: UUID, journey_id: UUID, account_id: UUID | None) -> tuple[Basket, dict[int, Application]]:
    """The basket with the applications in it that are one's own: for the visit that filled it, and for the account that
    applied for one of its lines. Raises BasketNotFound.
    """
    basket = needs.basket(basket_id)
    own = {
        line: each
        for line, each in applications_of_basket(basket_id).items()
        if (each.journey_id == journey_id if each.account_id is None else each.account_id == account_id)
    }
    if basket.journey_id != journey_id and not any(each.account_id for each in own.values()):
        raise BasketNotFound
    return basket, own


def given_beside(application: Application) -> GivenBeside | None:
    """Whom its owner named in another application of its basket, so that nobody types it again. None before the
    address is proven; and nothing that somebody else told in the same browser.
    """
    if application.basket_id is None or application.account_id is None:
        return None
    own = [
        each
        for line, each in applications_of_basket(application.basket_id).items()
        if line != application.basket_line and each.account_id == application.account_id
    ]
    members: dict[int | None, int | None] = {
        line.number: line.member for line in needs.basket(application.basket_id).lines
    }
    same = [each for each in own if members[each.basket_line] == members[application.basket_line]]
    people = next((each.people for each in (*same, *own) if each.people is not None), None)
    return None if people is None else GivenBeside(people, any(each.people is people for each in same))


def payable(application_id: UUID, account_id: UUID) -> tuple[Application, OfferView]:
    """An accepted application of this customer with its live offer, which alone says the price.

    Raises ApplicationNotFound for strangers, NothingToPay unless accepted, what `live_offer` raises, and
    IdentityNotProven, InsuredNotConsenting, DeclarationOutdated.
    """
    row = _row(application_id)
    if row.account_id != account_id:
        raise ApplicationNotFound
    if row.state != State.ACCEPTED:
        raise NothingToPay
    offer = quoting.live_offer(row.offer_id)
    if offer.terms is not None and not _agreed(row, offer):
        raise NothingToPay
    application = read(row)
    require_proofs(row, application.people, offer)
    require_declared(row, offer)
    return application, offer


def _agreed(row: ApplicationRow, offer: OfferView) -> bool:
    """Whether the applicant agreed to exactly these other terms."""
    counter = _counter(row, offer)
    agreed = {each.subject_sha256 for each in _confirmations(row.id) if each.kind is ConfirmationKind.COUNTER_OFFER}
    return counter is not None and counter.sha256 in agreed


def agreed_exclusions(application_id: UUID) -> tuple[Exclusion, ...]:
    """The texts that were added to the product's own, as the applicant agreed to them."""
    row = _row(application_id)
    counter = _counter(row, quoting.offer(row.offer_id))
    return () if counter is None else counter.exclusions


def referred_ids(insurer_id: UUID | None = None) -> tuple[UUID, ...]:
    """Every application that waits for a decision of its insurer, or of this one; the oldest first, unopened."""
    wanted = _REFERRED if insurer_id is None else (*_REFERRED, ApplicationRow.insurer_id == insurer_id)
    ordered = select(ApplicationRow.id).where(*wanted).order_by(ApplicationRow.submitted_at, ApplicationRow.id)
    return tuple(db.session.scalars(ordered))


def exposure(application_id: UUID) -> Exposure:
    """What else the applicant has under way or concluded in the same line with the same insurer (O13-44): the sum at
    risk, and what is applied for twice. Nothing that was told of health is opened.
    """
    row = _row(application_id)
    own, states = quoting.offer(row.offer_id), (*rules.UNDER_WAY, State.CONTRACTED)
    rows = db.session.execute(
        select(ApplicationRow.reference, ApplicationRow.state, ApplicationRow.offer_id)
        .where(
            ApplicationRow.account_id == row.account_id,
            ApplicationRow.insurer_id == row.insurer_id,
            ApplicationRow.id != row.id,
            ApplicationRow.state.in_([state.value for state in states]),
            ApplicationRow.erased_at.is_(None),
        )
        .order_by(ApplicationRow.created_at, ApplicationRow.id)
    ).all()
    found = [(each, quoting.offer(each.offer_id)) for each in rows]
    others = tuple(
        Beside(
            each.reference,
            offer.version.content.name,
            rules.sum_insured(offer),
            concluded=each.state == State.CONTRACTED,
            same_product=offer.version.product_id == own.version.product_id,
        )
        for each, offer in found
        if offer.need.line is own.need.line
    )
    sums = [each.sum_insured for each in others if each.sum_insured is not None]
    own_sum = rules.sum_insured(own)
    return Exposure(others, None if own_sum is None else sum(sums, own_sum))


def answer_changes(application_id: UUID) -> tuple[AnswerChanged, ...]:
    """Answers that were first given otherwise, each time it was changed, the oldest first (O13-22). The trail holds
    what was answered as a salted hash, which yes or no opens.
    """
    given = [each for each in trail.entries_of_application(application_id) if each.type is EntryType.ANSWER_GIVEN]
    return tuple(
        AnswerChanged(str(each.body["question"]), was, each.recorded_at)
        for each in given
        if (was := rules.opened(each.body["old"], (True, False))) is not None
    )


def require_own(row: ApplicationRow, journey_id: UUID, account_id: UUID | None) -> None:
    """A proven account owns its applications on every device; before that, the journey that began one does. What was
    erased is nobody's.

    Raises ApplicationNotFound, and OwnerSignedOut where nobody is signed in and this journey began it: by then its
    owner may have lost the answer that would have signed them in.
    """
    if row.erased_at is not None:
        raise ApplicationNotFound
    begun_here = row.journey_id == journey_id
    owned = begun_here if row.account_id is None else row.account_id == account_id
    if not owned:
        raise OwnerSignedOut if begun_here and account_id is None else ApplicationNotFound


def read(row: ApplicationRow) -> Application:
    return Application(
        id=row.id,
        reference=row.reference,
        journey_id=row.journey_id,
        account_id=row.account_id,
        email=row.email,
        offer_id=row.offer_id,
        need_id=row.need_id,
        insurer_id=row.insurer_id,
        product_version_id=row.product_version_id,
        locale=row.locale,
        state=State(row.state),
        people=_PEOPLE.validate_python(row.persons),
        answers=dict(row.answers),
        circumstances=row.circumstances,
        statement=row.statement,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        erased=row.erased_at is not None,
        basket_id=row.basket_id,
        basket_line=row.basket_line,
    )


def people_json(people: People) -> dict[str, Any]:
    """The people as they are kept in `persons`."""
    data: dict[str, Any] = _PEOPLE.dump_python(people, mode="json")
    return data


def fields_of(persons: Mapping[str, Any] | None) -> dict[str, Any]:
    """`persons` as flat fields: `applicant.name` and so on, the names by which the trail tells of them."""
    flat: dict[str, Any] = {}
    for key, value in (persons or {}).items():
        flat |= {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def view_of(row: ApplicationRow) -> ApplicationView:
    offer = quoting.offer(row.offer_id)
    content = offer.version.content
    confirmations = _confirmations(row.id)
    confirmed = {(each.kind, each.subject_sha256) for each in confirmations}
    documents = tuple(
        DocumentToConfirm(
            document,
            opened=document.is_shown_as_text or (ConfirmationKind.DOCUMENT_OPENED, document.sha256) in confirmed,
            confirmed=(ConfirmationKind.DOCUMENT, document.sha256) in confirmed,
        )
        for document in rules.documents_to_confirm(
            catalog.documents_of(row.product_version_id), row.locale, content.profile
        )
    )
    questions = tuple(QuestionAsked(question, row.answers.get(question.id)) for question in content.questions)
    exclusions = rules.exclusions_sha256(content)
    kinds = {each.kind for each in confirmations}
    consent = rules.health_consent(confirmations)
    application = read(row)
    proofs = proofs_of(row, application.people, offer)
    suiting = suitability_of(row, offer)
    progress = Progress(
        state=State(row.state),
        entered=kinds >= rules.ENTERED_WITH,
        email_given=row.email is not None,
        address_proven=row.account_id is not None,
        suitability_open=(bool(suiting.asked) and row.circumstances is None)
        or (bool(suiting.misfits) and (ConfirmationKind.OWN_WILL, suiting.sha256) not in confirmed),
        people_given=row.persons is not None,
        identity_missing=proofs.identity_missing,
        notice_missing=bool(questions) and ConfirmationKind.HEALTH_NOTICE not in kinds,
        consent_missing=rules.needs_health_consent(content) and (consent is None or consent.withdrawn_at is not None),
        unanswered=tuple(each.question.id for each in questions if each.answer is None),
        unconfirmed=tuple(each.document.id for each in documents if not each.confirmed),
        exclusions_confirmed=not (content.exclusions or content.limited_covers)
        or (ConfirmationKind.EXCLUSIONS, exclusions) in confirmed,
        insured_consent_missing=proofs.consent_missing,
    )
    return ApplicationView(
        application=application,
        offer=offer,
        next_step=rules.next_step(progress),
        circumstances_asked=suiting.asked,
        misfits=suiting.misfits,
        misfits_sha256=suiting.sha256,
        part=suiting.part,
        identity=proofs.identity,
        identity_missing=proofs.identity_missing,
        insured_consent=proofs.consent,
        insured_consent_missing=proofs.consent_missing,
        insured_consent_sha256=proofs.consent_sha256,
        insured_unproven=proofs.insured_unproven,
        notice_acknowledged=not progress.notice_missing,
        health_consent=consent,
        consent_missing=progress.consent_missing,
        questions=questions,
        documents=documents,
        exclusions_sha256=exclusions,
        exclusions_confirmed=progress.exclusions_confirmed,
        told_sha256=told_sha256(row, offer),
        confirmations=confirmations,
        counter=_counter(row, offer),
    )


def _counter(row: ApplicationRow, offer: OfferView) -> CounterOffer | None:
    """The other terms on which this offer rests; nothing is asked of the database where it rests on none."""
    if offer.terms is None or row.erased_at is not None:
        return None
    decisions = underwriting.decisions_of(row.id)
    decision = next(each for each in decisions if each.sha256 == offer.terms.decision_sha256)
    sha256 = rules.counter_sha256(offer.terms.decision_sha256, offer, decision.terms.exclusions)
    return CounterOffer(decision, quoting.offer(offer.terms.follows), sha256)


def _row(application_id: UUID) -> ApplicationRow:
    row = db.session.get(ApplicationRow, application_id)
    if row is None:
        raise ApplicationNotFound
    return row


def _confirmations(application_id: UUID) -> tuple[Confirmation, ...]:
    rows = db.session.scalars(
        select(ConfirmationRow)
        .where(ConfirmationRow.application_id == application_id)
        .order_by(ConfirmationRow.confirmed_at, ConfirmationRow.kind, ConfirmationRow.subject_sha256)
    )
    return tuple(_confirmation(row) for row in rows)


def _confirmation(row: ConfirmationRow) -> Confirmation:
    return Confirmation(ConfirmationKind(row.kind), row.subject_sha256, row.page_version_id, row.confirmed_at)

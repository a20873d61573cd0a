"""Ask: a person's copies and requests, the queue of requests, restrictions, disputes and what is due, what closing an
account would do.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from itertools import islice
from uuid import UUID

from sqlalchemy import select

from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.checkout import queries as orders
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import MessageKind
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.jobs import is_waiting
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.policy import queries as policies
from marketplace.policy.values import PolicyFrame
from marketplace.privacy import rules
from marketplace.privacy.models import ExportRow, HoldRow, NoticeRow, RequestRow, RestrictionRow, RunRow
from marketplace.privacy.values import (
    NOTICE,
    ClosingPreview,
    Dispute,
    DueContract,
    Export,
    ExportNotFound,
    ExportState,
    HeldContract,
    Hold,
    HoldNotFound,
    KeptContract,
    Outcome,
    Request,
    RequestKind,
    RequestLine,
    RequestNotFound,
    Restriction,
    RestrictionReason,
    Run,
)

LATEST = 30
BEING_MADE = is_waiting("privacy.make_export", export_id=ExportRow.id)
"""Inside a question about copies: whether somebody still works on it. One question, so that both are of one moment."""


def exports_of(account_id: UUID) -> tuple[Export, ...]:
    """The copies a person asked for, newest first."""
    rows = db.session.execute(
        select(ExportRow, BEING_MADE.label("being_made"))
        .where(ExportRow.account_id == account_id)
        .order_by(ExportRow.asked_at.desc(), ExportRow.id)
        .execution_options(populate_existing=True)
    )
    return tuple(export_of(row.ExportRow, being_made=row.being_made) for row in rows)


def export_bytes(export_id: UUID, account_id: UUID) -> bytes:
    """The ZIP, for the person it is about, while it is kept. Raises ExportNotFound, also for anybody else."""
    row = db.session.get(ExportRow, export_id)
    if row is None or row.account_id != account_id or row.expires_at is None or row.expires_at <= clock.now():
        raise ExportNotFound
    data = row.content
    if data is None:
        raise ExportNotFound
    return data


def requests_of(account_id: UUID) -> tuple[Request, ...]:
    """What a person asked, newest first."""
    rows = db.session.scalars(
        select(RequestRow)
        .where(RequestRow.account_id == account_id)
        .order_by(RequestRow.asked_at.desc(), RequestRow.id)
    )
    return tuple(request_of(row) for row in rows)


def request(request_id: UUID) -> Request:
    """Raises RequestNotFound. For callers that have checked who asks."""
    row = db.session.get(RequestRow, request_id)
    if row is None:
        raise RequestNotFound
    return request_of(row)


def queue() -> tuple[RequestLine, ...]:
    """Requests that wait for an answer, the most pressing first, then the latest answered ones."""
    waiting = select(RequestRow).where(RequestRow.answered_at.is_(None)).order_by(RequestRow.due_on, RequestRow.id)
    answered = (
        select(RequestRow)
        .where(RequestRow.answered_at.is_not(None))
        .order_by(RequestRow.answered_at.desc(), RequestRow.id)
        .limit(LATEST)
    )
    rows = [*db.session.scalars(waiting), *db.session.scalars(answered)]
    return tuple(line_of(row) for row in rows)


def restricted_journeys(journey_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the journeys of which something may not be used any more; what, `restriction_on` says."""
    wanted = select(RestrictionRow.journey_id).where(RestrictionRow.journey_id.in_(set(journey_ids)))
    return frozenset(db.session.scalars(wanted))


def restriction_on(journey_id: UUID, application_id: UUID | None) -> Restriction | None:
    """Why what belongs to this application, or in this journey to none, may not be used any more.

    Who closes an account leaves its contracts and the whole way to them: a restriction holds for everything in the
    journey but the applications of others, whose accounts are open.
    """
    own_first = (
        RestrictionRow.application_id != application_id,
        RestrictionRow.restricted_at,
        RestrictionRow.policy_id,
    )
    rows = db.session.scalars(
        select(RestrictionRow).where(RestrictionRow.journey_id == journey_id).order_by(*own_first)
    ).all()
    if not rows or _is_of_another(application_id, {row.account_id for row in rows}):
        return None
    return restriction_of(rows[0])


def _is_of_another(application_id: UUID | None, left: set[UUID]) -> bool:
    """Whether the application belongs to somebody who is not among those that left."""
    owner = applications.application(application_id).account_id if application_id else None
    return owner is not None and owner not in left


def closing_preview(account_id: UUID) -> ClosingPreview:
    """What closing this account would keep, erase, and wait for."""
    kept = contracts_of_account(account_id)
    told = applications.applications_of_account(account_id)
    erased = tuple(each.reference for each in told if each.state is not State.CONTRACTED)
    return ClosingPreview(kept, erased, (*orders.unfinished_orders(account_id), *_not_mailed(kept)))


def _not_mailed(kept: tuple[KeptContract, ...]) -> Iterator[str]:
    """Contracts whose policy is not yet on its way to the address, which is forgotten afterwards."""
    mails = correspondence.messages_about(MessageKind.POLICY_ISSUED, [str(each.policy_id) for each in kept])
    mailed = {mail.subject_key for mail in mails}
    return (each.number for each in kept if str(each.policy_id) not in mailed)


def kept_contract(policy_id: UUID) -> KeptContract:
    """How long a contract is kept, erased or not. Raises PolicyNotFound."""
    return kept_of([policies.frame(policy_id)])[0]


def contracts_of_account(account_id: UUID) -> tuple[KeptContract, ...]:
    """The contracts of a customer that are not erased, newest first."""
    return kept_of(policies.frames_of_account(account_id))


def contracts_due() -> Iterator[KeptContract]:
    """Contracts whose records nothing asks to keep any more, earliest end first. None of them is opened for that."""
    ended = policies.ended_by(rules.latest_end_due(clock.today(ZONE)))
    while some := list(islice(ended, policies.READ_AT_ONCE)):
        yield from (each for each in kept_of(some) if may_be_erased(each))


def may_be_erased(contract: KeptContract) -> bool:
    """Whether nothing asks any more to keep it, on the present day where it is at home."""
    today = clock.today(contract.zone)
    return rules.may_be_erased(contract.kept_until, contract.ended_on, today, held=contract.held)


def noticed(contracts: Iterable[KeptContract]) -> Iterator[DueContract]:
    """Each of these contracts with the notice that was given of it, in one question for some at a time."""
    due = iter(contracts)
    while some := list(islice(due, policies.READ_AT_ONCE)):
        wanted = NoticeRow.policy_id.in_([each.policy_id for each in some])
        given = {
            (row.policy_id, row.kept_until): row.given_on for row in db.session.scalars(select(NoticeRow).where(wanted))
        }
        for each in some:
            noticed_on = given.get((each.policy_id, each.kept_until))
            yield DueContract(each, noticed_on, noticed_on and noticed_on + NOTICE)


def holds_of(policy_id: UUID) -> tuple[Hold, ...]:
    """The disputes about a contract, first to last."""
    about = select(HoldRow).where(HoldRow.policy_id == policy_id).order_by(HoldRow.opened_at, HoldRow.id)
    return tuple(hold_of(row) for row in db.session.scalars(about))


def hold(hold_id: UUID) -> Hold:
    """Raises HoldNotFound."""
    row = db.session.get(HoldRow, hold_id)
    if row is None:
        raise HoldNotFound
    return hold_of(row)


def open_holds() -> tuple[HeldContract, ...]:
    """The disputes that are open, the oldest first, each with its contract."""
    rows = db.session.scalars(
        select(HoldRow).where(HoldRow.closed_at.is_(None)).order_by(HoldRow.opened_at, HoldRow.id)
    ).all()
    contracts = {each.policy_id: each for each in kept_of(policies.frames({row.policy_id for row in rows}))}
    vault.unlock(row.sealed_for for row in rows)
    return tuple(HeldContract(contracts[row.policy_id], hold_of(row)) for row in rows)


def latest_runs() -> tuple[Run, ...]:
    """The latest daily runs of forgetting, newest first."""
    rows = db.session.scalars(select(RunRow).order_by(RunRow.ran_at.desc(), RunRow.id).limit(LATEST))
    return tuple(Run(row.ran_at, row.business_at, row.counts) for row in rows)


def kept_of(frames: Iterable[PolicyFrame]) -> tuple[KeptContract, ...]:
    """How long each of these contracts is kept, in their order, with one question for all their disputes."""
    known = tuple(frames)
    columns = (HoldRow.policy_id, HoldRow.closed_on)
    disputes: defaultdict[UUID, list[date | None]] = defaultdict(list)
    for policy_id, closed_on in db.session.execute(
        select(*columns).where(HoldRow.policy_id.in_([each.id for each in known]))
    ):
        disputes[policy_id].append(closed_on)
    return tuple(_kept(each, disputes[each.id]) for each in known)


def _kept(frame: PolicyFrame, disputes: Collection[date | None]) -> KeptContract:
    period, closed = frame.period, [day for day in disputes if day is not None]
    return KeptContract(
        policy_id=frame.id,
        number=frame.number,
        covered_until=period.end_on,
        ended_on=frame.ended_on,
        ending=frame.ending,
        kept_until=rules.kept_until(period.start_on, period.end_on, frame.ended_on or period.end_on, closed),
        zone=period.zone,
        held=None in disputes,
        erased=frame.erased,
    )


def hold_of(row: HoldRow) -> Hold:
    return Hold(
        id=row.id,
        policy_id=row.policy_id,
        kind=Dispute(row.kind),
        reference=row.reference,
        reason=row.reason,
        opened_at=row.opened_at,
        closed_on=row.closed_on,
        closed_at=row.closed_at,
        outcome=row.outcome,
    )


def export_of(row: ExportRow, *, being_made: bool) -> Export:
    """The copy that a row holds. One that was asked for and that nobody makes any more has failed."""
    return Export(
        id=row.id,
        account_id=row.account_id,
        state=rules.export_state(ExportState(row.state), row.expires_at, clock.now(), being_made=being_made),
        asked_at=row.asked_at,
        ready_at=row.ready_at,
        expires_at=row.expires_at,
        size=row.size,
    )


def request_of(row: RequestRow) -> Request:
    """The request that a row holds; its words are empty once the person closed the account."""
    try:
        words, answer = row.words, row.answer
    except DataDestroyed:
        words, answer = "", None
    return Request(
        id=row.id,
        reference=row.reference,
        account_id=row.account_id,
        kind=RequestKind(row.kind),
        words=words,
        asked_at=row.asked_at,
        due_on=row.due_on,
        outcome=Outcome(row.outcome) if row.outcome else None,
        answer=answer,
        answered_at=row.answered_at,
    )


def line_of(row: RequestRow) -> RequestLine:
    pressing = row.answered_at is None and rules.is_pressing(row.asked_at, clock.business_now())
    return RequestLine(
        row.id, row.reference, RequestKind(row.kind), row.asked_at, row.due_on, row.answered_at, pressing
    )


def restriction_of(row: RestrictionRow) -> Restriction:
    return Restriction(
        policy_id=row.policy_id,
        application_id=row.application_id,
        reason=RestrictionReason(row.reason),
        covered_until=row.covered_until,
        kept_until=kept_contract(row.policy_id).kept_until,
        restricted_at=row.restricted_at,
    )

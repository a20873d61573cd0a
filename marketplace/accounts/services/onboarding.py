"""An insurer comes in: it applies, whoever applied proves the address, two people of the marketplace approve.

Nothing is decided on an application whose address was not proven. The approval of the second person makes the insurer,
which sells nothing yet, enters what it said of itself with its source, and invites its first administrator.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import delete, select

from marketplace.accounts import rules
from marketplace.accounts.models import InsurerApplicationRow, InsurerRow
from marketplace.accounts.queries import insurer_application_of
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.services import challenges, checks
from marketplace.accounts.services.entering import register_insurer
from marketplace.accounts.services.facts import record_fact
from marketplace.accounts.services.inviting import invite_staff
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.services.suspending import hold_back
from marketplace.accounts.values import (
    Account,
    ApplicantEvent,
    ApplicantState,
    CodePurpose,
    Decided,
    FactKind,
    Fault,
    InsurerApplication,
    InsurerApplicationNotFound,
    InsurerDetails,
    MessageRequest,
    NewApplication,
    NewFact,
    NewInvitation,
    NewSecurityEvent,
    NotWaiting,
    Role,
    SecondPersonNeeded,
    SecurityEventType,
)
from marketplace.infra import storage, vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText
from marketplace.kernel.transitions import TransitionRefused


def apply_as_insurer(new: NewApplication) -> MessageRequest:
    """Keep an application and its papers; the mail by which whoever applied proves the address.

    Raises Invalid (code, colour, mark, licence, admin_name, admin_email, figure, as_of). Counted at its door.
    """
    checks.insurer(new.details.insurer)
    checks.papers(new.papers)
    _refuse_taken(new.details.insurer.code)
    row_id = ids.new_id()
    checks.fact(_solvency(row_id, new.details), clock.today(ZONE))
    address, name = checks.address(new.admin_email), checks.person_name(new.admin_name)
    row = InsurerApplicationRow(
        id=row_id,
        reference=ids.reference("I"),
        state=ApplicantState.UNCONFIRMED.value,
        locale=new.locale,
        details=new.details.to_json(),
        documents=[{"name": said, "sha256": storage.put(data), "size": len(data)} for said, data in new.papers],
        admin_name=name,
        admin_email=address,
        submitted_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    challenge_id, token = challenges.issue_link(CodePurpose.CONFIRM_APPLICANT, address, {"application": str(row_id)})
    days = rules.LIFETIMES[CodePurpose.CONFIRM_APPLICANT].days
    return MessageRequest("confirm_applicant", str(challenge_id), address, new.locale, {"token": token, "days": days})


def confirm_applicant(token: str) -> InsurerApplication:
    """The address is proven: the application waits for the marketplace from now on. Raises LinkRefused."""
    challenge = challenges.open_link(CodePurpose.CONFIRM_APPLICANT, token)
    challenges.use_link(challenge)
    row = _locked(UUID(challenge.payload["application"]))
    _move(row, ApplicantEvent.CONFIRM)
    row.confirmed_at = clock.now()
    db.session.flush()
    return insurer_application_of(row)


def forget_unconfirmed() -> frozenset[str]:
    """Drop applications whose link nobody followed, a day after its end, with the key to who sent them. Flushes. The
    hashes of their papers: whoever knows where else files are used decides about those.
    """
    end = clock.now() - rules.LIFETIMES[CodePurpose.CONFIRM_APPLICANT] - challenges.KEPT_AFTER_THE_END
    over = InsurerApplicationRow.state == ApplicantState.UNCONFIRMED.value, InsurerApplicationRow.submitted_at < end
    gone = db.session.execute(
        delete(InsurerApplicationRow).where(*over).returning(InsurerApplicationRow.id, InsurerApplicationRow.documents)
    ).all()
    for row_id, _documents in gone:
        vault.destroy(row_id)
    return frozenset(paper["sha256"] for _row_id, documents in gone for paper in documents)


def approve_applicant(application_id: UUID, by: Account) -> InsurerApplication:
    """The first approval notes itself; the second, of another person, makes the insurer and invites its first
    administrator. Raises InsurerApplicationNotFound, NotWaiting, SecondPersonNeeded, Invalid(code) for a code that was
    taken meanwhile, AccountExists for an administrator who has an account.
    """
    row = _locked(application_id)
    if row.approved_by == by.id:
        raise SecondPersonNeeded
    now, state = clock.now(), _next(row, ApplicantEvent.APPROVE)
    if state is ApplicantState.HALF_APPROVED:
        row.approved_at, row.approved_by = now, by.id
    else:
        row.insurer_id = _admit(row, by)
        row.decided_at, row.decided_by = now, by.id
    row.state = state.value
    db.session.flush()
    _note(SecurityEventType.APPLICANT_APPROVED, row, by)
    return insurer_application_of(row)


def reject_applicant(application_id: UUID, reason: str, by: Account) -> Decided:
    """The application is over; the mail says why. Raises InsurerApplicationNotFound, NotWaiting, Invalid(reason)."""
    told, row = checks.reason(reason), _locked(application_id)
    _move(row, ApplicantEvent.REJECT)
    row.reason, row.decided_at, row.decided_by = told, clock.now(), by.id
    db.session.flush()
    _note(SecurityEventType.APPLICANT_REJECTED, row, by)
    context: dict[str, str | int] = {"reference": row.reference, "reason": told}
    mail = MessageRequest("applicant_rejected", str(row.id), row.admin_email, row.locale, context)
    return Decided(insurer_application_of(row), mail)


def _admit(row: InsurerApplicationRow, by: Account) -> UUID:
    """The insurer, selling nothing yet; what it said of itself; the invitation of its first administrator."""
    application = insurer_application_of(row)
    said = application.details
    _refuse_taken(said.insurer.code)
    insurer = register_insurer(said.insurer)
    hold_back(insurer.id, by)
    own = LocalizedText(f"Application {row.reference}", f"入驻申请{row.reference}")
    today = clock.today(ZONE)
    words = ((FactKind.REGULATOR, said.regulator), (FactKind.ADDRESS, said.address))
    for kind, text in words:
        record_fact(NewFact(insurer.id, kind, own, today, words=text), by.id)
    record_fact(_solvency(insurer.id, said), by.id)
    invited = NewInvitation(insurer.id, application.admin_email, application.admin_name, Role.INSURER_ADMIN, row.locale)
    invite_staff(invited, by)
    return insurer.id


def _solvency(insurer_id: UUID, said: InsurerDetails) -> NewFact:
    source = LocalizedText(said.solvency_source)
    return NewFact(insurer_id, FactKind.SOLVENCY_RATIO, source, said.solvency_on, figure=said.solvency)


def _refuse_taken(code: str) -> None:
    if db.session.scalar(select(InsurerRow.id).where(InsurerRow.code == code)) is not None:
        raise Invalid({"code": checks.words(Fault.CODE_TAKEN)})


def _locked(application_id: UUID) -> InsurerApplicationRow:
    row = db.session.get(InsurerApplicationRow, application_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise InsurerApplicationNotFound
    return row


def _next(row: InsurerApplicationRow, event: ApplicantEvent) -> ApplicantState:
    try:
        return party_rules.APPLICANTS.next(ApplicantState(row.state), event)
    except TransitionRefused as error:
        raise NotWaiting from error


def _move(row: InsurerApplicationRow, event: ApplicantEvent) -> None:
    row.state = _next(row, event).value


def _note(kind: SecurityEventType, row: InsurerApplicationRow, by: Account) -> None:
    detail: dict[str, Any] = {"application_id": str(row.id), "state": row.state}
    record_security_event(NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail=detail))

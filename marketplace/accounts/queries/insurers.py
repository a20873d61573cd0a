"""Ask about insurers as parties: what is known of them, whether they may sell, their keys, applications and terms."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, select

from marketplace.accounts.models import (
    ApiKeyRow,
    CommissionTermRow,
    InsurerApplicationRow,
    InsurerFactRow,
    InvitationRow,
    PayeeRow,
    SuspensionRow,
)
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.values import (
    ApiKey,
    ApplicantState,
    CommissionTerm,
    FactKind,
    InsurerApplication,
    InsurerApplicationNotFound,
    InsurerDetails,
    InsurerFact,
    Invitation,
    KeyScope,
    LicenceDocument,
    Payee,
    Profile,
    Role,
    Suspension,
)
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText


def profile(insurer_id: UUID) -> Profile:
    """What is known of an insurer at present, in the order of `FactKind`."""
    latest = {row.kind: fact_of(row) for row in _facts(insurer_id)}
    return {kind: latest[kind.value] for kind in FactKind if kind.value in latest}


def latest_facts(kind: FactKind) -> dict[UUID, InsurerFact]:
    """By insurer, the fact of one kind that is in force, in one question."""
    rows = db.session.scalars(
        select(InsurerFactRow)
        .where(InsurerFactRow.kind == kind.value)
        .order_by(InsurerFactRow.entered_at, InsurerFactRow.id)
    )
    return {row.insurer_id: fact_of(row) for row in rows}


def latest_fact(insurer_id: UUID, kind: FactKind) -> InsurerFact | None:
    """The fact of one kind that is in force for an insurer, if one was entered."""
    row = db.session.scalar(
        select(InsurerFactRow)
        .where(InsurerFactRow.insurer_id == insurer_id, InsurerFactRow.kind == kind.value)
        .order_by(InsurerFactRow.entered_at.desc(), InsurerFactRow.id.desc())
        .limit(1)
    )
    return None if row is None else fact_of(row)


def fact_history(insurer_id: UUID) -> tuple[InsurerFact, ...]:
    """Everything that was ever entered of an insurer, the newest first."""
    return tuple(reversed([fact_of(row) for row in _facts(insurer_id)]))


def _facts(insurer_id: UUID) -> Iterable[InsurerFactRow]:
    return db.session.scalars(
        select(InsurerFactRow)
        .where(InsurerFactRow.insurer_id == insurer_id)
        .order_by(InsurerFactRow.entered_at, InsurerFactRow.id)
    )


def fact_of(row: InsurerFactRow) -> InsurerFact:
    """The fact that a row of this feature holds."""
    return InsurerFact(
        id=row.id,
        kind=FactKind(row.kind),
        figure=row.figure,
        words=LocalizedText.from_json(row.words) if row.words else None,
        source=LocalizedText.from_json(row.source),
        as_of=row.as_of,
        entered_at=row.entered_at,
        entered_by=row.entered_by,
    )


def suspension(insurer_id: UUID) -> Suspension | None:
    """Why the sales of this insurer are stopped, if they are."""
    row = db.session.scalar(
        select(SuspensionRow).where(SuspensionRow.insurer_id == insurer_id, SuspensionRow.lifted_at.is_(None))
    )
    return None if row is None else suspension_of(row)


def suspensions(insurer_id: UUID) -> tuple[Suspension, ...]:
    """Every time that the sales of this insurer were stopped, the latest first."""
    rows = db.session.scalars(
        select(SuspensionRow)
        .where(SuspensionRow.insurer_id == insurer_id)
        .order_by(SuspensionRow.suspended_at.desc(), SuspensionRow.id)
    )
    return tuple(suspension_of(row) for row in rows)


def suspension_of(row: SuspensionRow) -> Suspension:
    """The suspension that a row of this feature holds."""
    return Suspension(
        id=row.id,
        insurer_id=row.insurer_id,
        before_first_sale=row.before_first_sale,
        reason=row.reason,
        suspended_at=row.suspended_at,
        suspended_by=row.suspended_by,
        lifting_reason=row.lifting_reason,
        lifting_at=row.lifting_at,
        lifting_by=row.lifting_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )


def invitations(insurer_id: UUID) -> tuple[Invitation, ...]:
    """Who is invited to the desk of this insurer and has not answered yet, the newest first."""
    rows = db.session.scalars(
        select(InvitationRow)
        .where(InvitationRow.insurer_id == insurer_id, InvitationRow.ended_at.is_(None))
        .where(InvitationRow.expires_at > clock.now())
        .order_by(InvitationRow.invited_at.desc(), InvitationRow.id)
    )
    return tuple(invitation_of(row) for row in rows)


def invitation_told(invitation_id: UUID) -> tuple[Invitation, str] | None:
    """The invitation, ended or not, and the language of its mails, where the link was mailed."""
    row = db.session.get(InvitationRow, invitation_id)
    return None if row is None or row.secret_hash is None else (invitation_of(row), row.locale)


def invitation_of(row: InvitationRow) -> Invitation:
    """The invitation that a row of this feature holds."""
    return Invitation(
        id=row.id,
        insurer_id=row.insurer_id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        invited_at=row.invited_at,
        invited_by=row.invited_by,
        expires_at=row.expires_at,
    )


def payee(insurer_id: UUID) -> Payee | None:
    """The insurer's account at Stripe, once somebody of it has begun."""
    row = db.session.scalar(select(PayeeRow).where(PayeeRow.insurer_id == insurer_id))
    return None if row is None else payee_of(row)


def payees() -> dict[UUID, Payee]:
    """By insurer, each account at Stripe that was begun, in one question."""
    rows = db.session.scalars(select(PayeeRow).order_by(PayeeRow.created_at, PayeeRow.id))
    return {row.insurer_id: payee_of(row) for row in rows}


def payee_of(row: PayeeRow) -> Payee:
    """The account at Stripe that a row of this feature holds."""
    works = row.charges_enabled and row.payouts_enabled
    return Payee(
        id=row.id,
        insurer_id=row.insurer_id,
        country=row.country,
        account_id=row.account_id,
        state=party_rules.payee_state(works=works, given=row.details_submitted, disabled_reason=row.disabled_reason),
        due=tuple(row.due),
        created_at=row.created_at,
        seen_at=row.seen_at,
    )


def api_keys(insurer_id: UUID) -> tuple[ApiKey, ...]:
    """The keys of an insurer's machines, ended ones too, the newest first."""
    rows = db.session.scalars(
        select(ApiKeyRow).where(ApiKeyRow.insurer_id == insurer_id).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.id)
    )
    return tuple(api_key_of(row) for row in rows)


def api_key_of(row: ApiKeyRow) -> ApiKey:
    """The key that a row of this feature holds."""
    return ApiKey(
        id=row.id,
        insurer_id=row.insurer_id,
        name=row.name,
        prefix=row.prefix,
        scopes=frozenset(map(KeyScope, row.scopes)),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


def insurer_applications() -> tuple[InsurerApplication, ...]:
    """Insurers that applied and proved their address: those that wait first, then the latest."""
    rows = db.session.scalars(
        select(InsurerApplicationRow)
        .where(InsurerApplicationRow.state != ApplicantState.UNCONFIRMED.value)
        .order_by(InsurerApplicationRow.decided_at.desc().nulls_first(), InsurerApplicationRow.submitted_at)
    ).all()
    vault.unlock(row.id for row in rows)
    return tuple(insurer_application_of(row) for row in rows)


def insurer_application(application_id: UUID) -> InsurerApplication:
    """The application of an insurer that proved its address, or InsurerApplicationNotFound."""
    row = db.session.get(InsurerApplicationRow, application_id)
    if row is None or row.state == ApplicantState.UNCONFIRMED.value:
        raise InsurerApplicationNotFound
    return insurer_application_of(row)


def files_used(sha256s: Iterable[str]) -> frozenset[str]:
    """Which of these files are papers of an application."""
    applications = db.session.scalars(select(InsurerApplicationRow.documents))
    return frozenset(paper["sha256"] for papers in applications for paper in papers) & frozenset(sha256s)


def insurer_application_of(row: InsurerApplicationRow) -> InsurerApplication:
    """The application that a row of this feature holds."""
    return InsurerApplication(
        id=row.id,
        reference=row.reference,
        state=ApplicantState(row.state),
        details=InsurerDetails.from_json(row.details),
        documents=tuple(LicenceDocument(**each) for each in row.documents),
        admin_name=row.admin_name,
        admin_email=row.admin_email,
        submitted_at=row.submitted_at,
        confirmed_at=row.confirmed_at,
        approved_at=row.approved_at,
        approved_by=row.approved_by,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        insurer_id=row.insurer_id,
    )


def terms(insurer_id: UUID) -> tuple[CommissionTerm, ...]:
    """Every commission term of the insurer, by line, the latest first."""
    found = _terms(CommissionTermRow.insurer_id == insurer_id)
    return tuple(sorted(found, key=lambda each: (each.line, -each.effective_from.toordinal())))


def terms_in_force(day: date) -> tuple[CommissionTerm, ...]:
    """The commission terms of every insurer on a day, by line."""
    return party_rules.in_force(_terms(CommissionTermRow.effective_from <= day), day)


def _terms(condition: ColumnElement[bool]) -> tuple[CommissionTerm, ...]:
    rows = db.session.scalars(
        select(CommissionTermRow)
        .where(condition)
        .order_by(CommissionTermRow.effective_from, CommissionTermRow.insurer_id, CommissionTermRow.line)
    )
    return tuple(term_of(row) for row in rows)


def term_of(row: CommissionTermRow) -> CommissionTerm:
    """The terms that a row of this feature holds."""
    return CommissionTerm(
        id=row.id,
        insurer_id=row.insurer_id,
        line=row.line,
        basis_points=row.basis_points,
        effective_from=row.effective_from,
        set_at=row.set_at,
        set_by=row.set_by,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
    )

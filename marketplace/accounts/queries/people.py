"""Ask about accounts and insurers. Nothing here tells a password, a code, or whether a stranger's address is known."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from marketplace.accounts import rules
from marketplace.accounts.models import (
    AccountRow,
    ChallengeRow,
    InsurerRow,
    OneTimeSecretRow,
    PasskeyRow,
    RecoveryCodeRow,
    SecurityEventRow,
    SessionRow,
)
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    CodePurpose,
    EventOutcome,
    Factor,
    FactorKind,
    Factors,
    Insurer,
    InsurerNotFound,
    Role,
    SecurityEvent,
    SecurityEventFilter,
    SecurityEventsPage,
    SecurityEventType,
    Session,
)
from marketplace.infra import vault
from marketplace.infra.db import db, reader
from marketplace.kernel import clock
from marketplace.kernel.text import LocalizedText

MOST_ADDRESSES = 20
"""That are looked for in one text."""


def account(account_id: UUID) -> Account:
    """The account, or AccountNotFound."""
    row = db.session.get(AccountRow, account_id)
    if row is None:
        raise AccountNotFound
    return account_of(row)


def account_of(row: AccountRow) -> Account:
    """The account that a row of this feature holds."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        insurer_id=row.insurer_id,
        locale=row.locale,
        confirmed=row.confirmed_at is not None,
        has_password=row.password_hash is not None,
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
    )


def address_index(email: str) -> str:
    """The blind index by which whoever has this address (in its one spelling) is found."""
    return vault.index("accounts.address", email)


def address_of_code(purpose: CodePurpose, challenge_id: UUID | None) -> str | None:
    """Where the code went that a browser asked for (it keeps the challenge's id); None where there is no such code."""
    row = None if challenge_id is None else db.session.get(ChallengeRow, challenge_id)
    return row.email if row is not None and row.purpose == purpose else None


def customers_in(text: str) -> frozenset[UUID]:
    """The customers whose mail addresses a text names."""
    named = [address_index(each) for each in rules.addresses_in(text)[:MOST_ADDRESSES]]
    if not named:
        return frozenset()
    wanted = AccountRow.email_index.in_(named), AccountRow.role == Role.CUSTOMER.value
    return frozenset(db.session.scalars(select(AccountRow.id).where(*wanted)))


def session_behind(token: str) -> tuple[Session, Account] | None:
    """The session that this token of a browser opens, and its account; None when it ended, ran out, or never was."""
    found = db.session.execute(
        select(SessionRow, AccountRow)
        .join(AccountRow, AccountRow.id == SessionRow.account_id)
        .where(SessionRow.token_sha256 == rules.token_sha256(token), SessionRow.ended_at.is_(None))
        .where(AccountRow.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    account = account_of(found.AccountRow)
    session = session_of(found.SessionRow, account.role)
    return (session, account) if rules.session_lives(session, account.role, clock.now()) else None


def sessions(account_id: UUID) -> tuple[Session, ...]:
    """Where this account is signed in now, the latest used first."""
    role = account(account_id).role
    rows = db.session.scalars(
        select(SessionRow)
        .where(SessionRow.account_id == account_id, SessionRow.ended_at.is_(None))
        .order_by(SessionRow.last_seen_at.desc(), SessionRow.id)
    )
    found = (session_of(row, role) for row in rows)
    return tuple(each for each in found if each.whole and rules.session_lives(each, role, clock.now()))


def session_of(row: SessionRow, role: Role) -> Session:
    """The session that a row of this feature holds."""
    proven_at = row.second_factor_at if role.is_staff else row.authenticated_at
    return Session(
        id=row.id,
        account_id=row.account_id,
        whole=rules.is_whole(role, row.second_factor_at),
        created_at=row.created_at,
        proven_at=proven_at or row.authenticated_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        device=row.device,
    )


def is_fresh(session: Session) -> bool:
    """Whether whoever holds this session proved to be there within the last minutes."""
    return rules.is_fresh(session, clock.now())


def factors(account_id: UUID) -> Factors:
    """The second steps of this account that work, the oldest first."""
    passkeys = db.session.scalars(
        select(PasskeyRow).where(PasskeyRow.account_id == account_id).order_by(PasskeyRow.created_at, PasskeyRow.id)
    )
    secrets = db.session.scalars(
        select(OneTimeSecretRow).where(
            OneTimeSecretRow.account_id == account_id, OneTimeSecretRow.confirmed_at.is_not(None)
        )
    )
    left = db.session.scalar(
        select(func.count())
        .select_from(RecoveryCodeRow)
        .where(RecoveryCodeRow.account_id == account_id, RecoveryCodeRow.used_at.is_(None))
    )
    return Factors(
        factors=(
            *(Factor(row.id, FactorKind.PASSKEY, row.name, row.created_at, row.last_used_at) for row in passkeys),
            *(Factor(row.id, FactorKind.AUTHENTICATOR, "", row.created_at, row.last_used_at) for row in secrets),
        ),
        recovery_codes=left or 0,
    )


def staff() -> tuple[Account, ...]:
    """All staff accounts, by address."""
    rows = db.session.scalars(select(AccountRow).where(AccountRow.role != Role.CUSTOMER.value)).all()
    vault.unlock(row.id for row in rows)
    return tuple(sorted((account_of(row) for row in rows), key=lambda each: (each.email, each.id)))


def staff_of(insurer_id: UUID) -> tuple[Account, ...]:
    """Who works at the desk of this insurer, and who did, by name; those whose access ended last."""
    rows = db.session.scalars(select(AccountRow).where(AccountRow.insurer_id == insurer_id)).all()
    vault.unlock(row.id for row in rows)
    return tuple(sorted((account_of(row) for row in rows), key=lambda each: (each.disabled, each.name, each.id)))


def insurer(insurer_id: UUID) -> Insurer:
    """The insurer, or InsurerNotFound."""
    row = db.session.get(InsurerRow, insurer_id)
    if row is None:
        raise InsurerNotFound
    return insurer_of(row)


def insurers(insurer_ids: Iterable[UUID]) -> dict[UUID, Insurer]:
    """Several insurers in one question, in the order of their codes; unknown ids are left out."""
    rows = db.session.scalars(select(InsurerRow).where(InsurerRow.id.in_(set(insurer_ids))).order_by(InsurerRow.code))
    return {row.id: insurer_of(row) for row in rows}


def insurer_by_code(code: str) -> Insurer:
    """The insurer with this code, or InsurerNotFound."""
    row = db.session.scalar(select(InsurerRow).where(InsurerRow.code == code))
    if row is None:
        raise InsurerNotFound
    return insurer_of(row)


def list_insurers() -> tuple[Insurer, ...]:
    """Every insurer, in the order of their codes."""
    return tuple(insurer_of(row) for row in db.session.scalars(select(InsurerRow).order_by(InsurerRow.code)))


def may_sell(insurer_id: UUID) -> bool:
    """Whether the insurer may conclude contracts now, as committed or by this transaction."""
    return bool(db.session.scalar(select(InsurerRow.active).where(InsurerRow.id == insurer_id)))


def insurer_of(row: InsurerRow) -> Insurer:
    """The insurer that a row of this feature holds."""
    return Insurer(
        id=row.id,
        code=row.code,
        legal_name=LocalizedText.from_json(row.legal_name),
        short_name=LocalizedText.from_json(row.short_name),
        licence_no=row.licence_no,
        phone=row.phone,
        email=row.email,
        colour=row.colour,
        mark=row.mark,
        regions=tuple(row.regions),
        fictional=row.fictional,
        active=row.active,
    )


def names_of(account_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of several accounts in one question; unknown ids are left out."""
    rows = db.session.scalars(select(AccountRow).where(AccountRow.id.in_(set(account_ids)))).all()
    vault.unlock(row.id for row in rows)
    return {row.id: row.name for row in rows}


def security_events(wanted: SecurityEventFilter, page: int = 1, *, size: int = 50) -> SecurityEventsPage:
    """One page of what happened at the doors, newest first: two statements, however long the list is."""
    row, conditions = SecurityEventRow, tuple(_event_conditions(wanted))
    number = max(1, page)
    with reader() as connection:
        total = connection.execute(select(func.count()).select_from(row).where(*conditions)).scalar_one()
        found = connection.execute(
            select(row.__table__)
            .where(*conditions)
            .order_by(row.at.desc(), row.id)
            .limit(size)
            .offset((number - 1) * size)
        ).all()
    events = tuple(
        SecurityEvent(
            id=each.id,
            at=each.at,
            type=SecurityEventType(each.type),
            outcome=EventOutcome(each.outcome),
            account_id=each.account_id,
            actor=each.actor_label,
            session_id=each.session_id,
            source_hash=each.source_hash,
            endpoint=each.endpoint,
            detail=each.detail,
        )
        for each in found
    )
    return SecurityEventsPage(events, number, size, total)


def _event_conditions(wanted: SecurityEventFilter) -> Iterable[ColumnElement[bool]]:
    if wanted.type is not None:
        yield SecurityEventRow.type == wanted.type.value
    if wanted.outcome is not None:
        yield SecurityEventRow.outcome == wanted.outcome.value
    if wanted.account_id is not None:
        yield SecurityEventRow.account_id == wanted.account_id

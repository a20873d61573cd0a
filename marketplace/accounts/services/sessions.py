"""Sessions: begun at sign-in, made whole by the second step, renewed by a fresh proof, ended on the server.

The token lives in the browser's cookie only; here stands its SHA-256. Every step up in authority gives a new token, so
one that was planted or overheard before is worth nothing after (ASVS 7.2.4).
"""

import secrets
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, update

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow, SessionRow
from marketplace.accounts.queries import session_of
from marketplace.accounts.services import devices
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    OPERATOR,
    Account,
    AccountNotFound,
    Begun,
    Ended,
    MessageRequest,
    NewSecurityEvent,
    Role,
    SecurityEventType,
    Session,
    SessionNotFound,
)
from marketplace.infra.db import apart, db
from marketplace.kernel import clock, ids


def begin_session(account_id: UUID, user_agent: str, device: str | None) -> Begun:
    """Sign this account in at a browser. A customer's session is whole at once, that of staff after the second step.

    `device` is the token by which the browser may be known already. Raises AccountNotFound, for a disabled one too.
    """
    account = _account(account_id)
    now, token = clock.now(), _new_token()
    role = Role(account.role)
    whole = rules.is_whole(role, None)
    row = SessionRow(
        id=ids.new_id(),
        token_sha256=rules.token_sha256(token),
        account_id=account_id,
        created_at=now,
        authenticated_at=now,
        last_seen_at=now,
        expires_at=now + rules.session_limits(role, whole=whole).absolute,
        device=rules.device_words(user_agent),
    )
    db.session.add(row)
    db.session.flush()
    return _begun(row, account, token, device) if whole else Begun(session_of(row, role), token)


def renew_session(session_id: UUID, device: str | None, *, second_factor: bool = False) -> Begun:
    """After a fresh proof: the same session under a new token. `second_factor` makes that of staff whole.

    Raises SessionNotFound when it ended meanwhile.
    """
    row = _locked(session_id)
    account, now, token = _account(row.account_id), clock.now(), _new_token()
    role = Role(account.role)
    was_whole = rules.is_whole(role, row.second_factor_at)
    row.token_sha256 = rules.token_sha256(token)
    row.authenticated_at = row.last_seen_at = now
    if second_factor:
        row.second_factor_at = now
    if not was_whole and second_factor:
        row.expires_at = row.created_at + rules.session_limits(role, whole=True).absolute
        db.session.flush()
        return _begun(row, account, token, device)
    db.session.flush()
    return Begun(session_of(row, role), token)


def note_seen(session: Session) -> None:
    """The session was used. Written apart and at most once a minute, so that looking costs next to nothing."""
    now = clock.now()
    if now < session.last_seen_at + rules.SEEN_AT_MOST_EVERY:
        return
    with apart() as connection:
        connection.execute(
            update(SessionRow)
            .where(SessionRow.id == session.id, SessionRow.last_seen_at < now)
            .values(last_seen_at=now)
        )


def end_session(account_id: UUID, session_id: UUID, reason: Ended) -> None:
    """End one session of this account. Raises SessionNotFound for another's; one that has ended stays as it is."""
    row = db.session.get(SessionRow, session_id)
    if row is None or row.account_id != account_id:
        raise SessionNotFound
    _end(reason, SessionRow.id == session_id)


def end_sessions(account_id: UUID, reason: Ended, keep: UUID | None = None, device: str | None = None) -> int:
    """End every session of this account but `keep`, and know none of its browsers any more but that of the token
    `device`: one that somebody else got in by is a stranger's again. How many sessions there were.
    """
    devices.forget_others(account_id, device)
    kept = [SessionRow.id != keep] if keep else []
    return _end(reason, SessionRow.account_id == account_id, *kept)


def disable_account(account_id: UUID, by: Account | None = None) -> None:
    """Nobody signs in with this account any more, every session of it ends, and the event is kept. Without `by` a
    command.

    Raises AccountNotFound, SecurityEventsUnavailable.
    """
    row = _account(account_id)
    row.disabled_at = clock.now()
    db.session.flush()
    end_sessions(account_id, Ended.ACCOUNT_DISABLED)
    record_security_event(
        NewSecurityEvent(
            SecurityEventType.ACCOUNT_DISABLED,
            account_id=account_id,
            actor=by.role.value if by else OPERATOR,
            detail={"by": str(by.id)} if by else {},
        )
    )


def forget() -> None:
    """Drop sessions a month after they ended or ran out."""
    before = clock.now() - rules.SESSION_KEPT_AFTER_THE_END
    db.session.execute(delete(SessionRow).where(or_(SessionRow.ended_at < before, SessionRow.expires_at < before)))


def _begun(row: SessionRow, account: AccountRow, token: str, device: str | None) -> Begun:
    """The session is whole: know the browser again, and tell the owner of one that was never seen."""
    known = devices.is_known(account.id, device)
    notice = None if known or _is_first(row, account) else _notice(row, account)
    remembered = device if known and device else devices.new_token()
    devices.remember(account.id, remembered, row.last_seen_at)
    return Begun(session_of(row, Role(account.role)), token, remembered, notice)


def _is_first(row: SessionRow, account: AccountRow) -> bool:
    """Whether the account was never in before: no browser of it is known, and none was but is forgotten since."""
    whole = [] if not Role(account.role).is_staff else [SessionRow.second_factor_at.is_not(None)]
    earlier = select(SessionRow.id).where(SessionRow.account_id == account.id, SessionRow.id != row.id, *whole)
    return not devices.any_known(account.id) and db.session.scalar(earlier.limit(1)) is None


def _notice(row: SessionRow, account: AccountRow) -> MessageRequest:
    return MessageRequest("new_device", str(row.id), account.email, account.locale, {"device": row.device})


def _end(reason: Ended, *which: ColumnElement[bool]) -> int:
    ended = db.session.execute(
        update(SessionRow)
        .where(*which, SessionRow.ended_at.is_(None))
        .values(ended_at=clock.now(), ended_reason=reason.value)
        .returning(SessionRow.id)
    )
    return len(ended.all())


def _account(account_id: UUID) -> AccountRow:
    row = db.session.get(AccountRow, account_id)
    if row is None or row.disabled_at is not None:
        raise AccountNotFound
    return row


def _locked(session_id: UUID) -> SessionRow:
    row = db.session.get(SessionRow, session_id, with_for_update=True, populate_existing=True)
    if row is None or row.ended_at is not None:
        raise SessionNotFound
    return row


def _new_token() -> str:
    """256 bits (ASVS 7.2.3 asks for 128)."""
    return secrets.token_urlsafe(32)

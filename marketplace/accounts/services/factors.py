"""What all second steps share: the first brings recovery codes, each change is told by mail, the last one stays."""

from uuid import UUID

from sqlalchemy import delete, update

from marketplace.accounts import queries, rules
from marketplace.accounts.models import AccountRow, OneTimeSecretRow, PasskeyRow, RecoveryCodeRow
from marketplace.accounts.services import devices, hashes, tries
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    OPERATOR,
    AccountNotFound,
    Bucket,
    FactorAdded,
    FactorChange,
    FactorKind,
    FactorNotFound,
    FactorRefused,
    FactorTriesUsedUp,
    LastFactor,
    MessageRequest,
    NewSecurityEvent,
    SecurityEventType,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids

# A wrong code of six digits is one in a million, so the day bounds what a stolen password is worth.
_TRIES = (Bucket.FACTOR_OF_ACCOUNT, Bucket.FACTOR_OF_ACCOUNT_HOURLY, Bucket.FACTOR_OF_ACCOUNT_DAILY)


def added(account_id: UUID, change: FactorChange) -> FactorAdded:
    """A second step was added: the mail about it, and recovery codes if it is the first one."""
    db.session.flush()
    first = len(queries.factors(account_id).factors) == 1
    return FactorAdded(notice(account_id, change), _new_codes(account_id) if first else ())


def make_recovery_codes(account_id: UUID) -> FactorAdded:
    """Ten new recovery codes; the earlier ones stop working."""
    return FactorAdded(notice(account_id, FactorChange.RECOVERY_CODES_MADE), _new_codes(account_id))


def count_try(account_id: UUID, device: str | None) -> tuple[tries.Counted, ...]:
    """Count a try at a second step; what was counted, to be given back when it was right.

    A browser in which the account was in before (`device` is its token) is counted apart from all others, so whoever
    has the password uses up nothing of the owner's own. Raises FactorTriesUsedUp, at the first time of a day with the
    mail to the owner.
    """
    subject = f"{account_id} {device}" if devices.is_known(account_id, device) else str(account_id)
    counted = tuple((bucket, subject) for bucket in _TRIES)
    try:
        tries.count(*counted)
    except TooManyTries as error:
        raise FactorTriesUsedUp(error.retry_at, _told_once(account_id)) from None
    return counted


def _told_once(account_id: UUID) -> MessageRequest | None:
    try:
        tries.count((Bucket.FACTOR_TOLD, str(account_id)))
    except TooManyTries:
        return None
    account = queries.account(account_id)
    return MessageRequest("second_step_guessed", str(ids.new_id()), account.email, account.locale)


def prove_recovery_code(account_id: UUID, code: str, device: str | None = None) -> MessageRequest:
    """Use a recovery code up; the mail about it. Raises FactorRefused and FactorTriesUsedUp."""
    counted = count_try(account_id, device)
    used = db.session.execute(
        update(RecoveryCodeRow)
        .where(RecoveryCodeRow.account_id == account_id, RecoveryCodeRow.used_at.is_(None))
        .where(RecoveryCodeRow.code_hash == _hash(account_id, rules.recovery_spelled(code)))
        .values(used_at=clock.now())
        .returning(RecoveryCodeRow.account_id)
    )
    if used.scalar_one_or_none() is None:
        raise FactorRefused(_("This recovery code is not right or was used already."))
    tries.give_back(*counted)
    return notice(account_id, FactorChange.RECOVERY_CODE_USED)


def remove_factor(account_id: UUID, factor_id: UUID) -> MessageRequest:
    """Take a second step away; the mail about it. Raises FactorNotFound, and LastFactor for the only one."""
    _locked(account_id)
    held = queries.factors(account_id).factors
    factor = next((each for each in held if each.id == factor_id), None)
    if factor is None:
        raise FactorNotFound
    if len(held) == 1:
        raise LastFactor
    if factor.kind is FactorKind.PASSKEY:
        db.session.execute(delete(PasskeyRow).where(PasskeyRow.id == factor_id))
        return notice(account_id, FactorChange.PASSKEY_REMOVED)
    db.session.execute(delete(OneTimeSecretRow).where(OneTimeSecretRow.id == factor_id))
    return notice(account_id, FactorChange.AUTHENTICATOR_REMOVED)


def forget_factors(account_id: UUID) -> MessageRequest:
    """Take every second step away, for somebody who lost them all and was recognised another way (an administrator's
    command), and keep the event. The next sign-in asks for a new one. Returns the mail about it.
    """
    for table in (PasskeyRow, OneTimeSecretRow, RecoveryCodeRow):
        db.session.execute(delete(table).where(table.account_id == account_id))
    record_security_event(
        NewSecurityEvent(
            SecurityEventType.FACTOR_REMOVED, account_id=account_id, actor=OPERATOR, detail={"which": "all"}
        )
    )
    return notice(account_id, FactorChange.ALL_REMOVED)


def notice(account_id: UUID, change: FactorChange) -> MessageRequest:
    account = db.session.get(AccountRow, account_id)
    if account is None:
        raise AccountNotFound
    return MessageRequest("factor_changed", str(ids.new_id()), account.email, account.locale, {"change": change.value})


def _locked(account_id: UUID) -> None:
    """Two removals at once must not take the last two."""
    db.session.get(AccountRow, account_id, with_for_update=True, populate_existing=True)


def _new_codes(account_id: UUID) -> tuple[str, ...]:
    now = clock.now()
    codes = tuple(ids.random_code(rules.RECOVERY_CODE_LENGTH) for _number in range(rules.RECOVERY_CODES))
    db.session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.account_id == account_id))
    db.session.add_all(
        RecoveryCodeRow(account_id=account_id, code_hash=_hash(account_id, code), created_at=now) for code in codes
    )
    db.session.flush()
    return tuple(rules.recovery_shown(code) for code in codes)


def _hash(account_id: UUID, code: str) -> str:
    return hashes.keyed("recovery", str(account_id), code)

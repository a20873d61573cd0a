"""Keys by which an insurer's machines come in: made by its admin, shown once, kept as a hash.

A token is `evenfold_<prefix>_<secret>`: the prefix finds the row and may be written down, the secret has 256 random
bits, so SHA-256 is enough and nothing slower is needed.
"""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update

from marketplace.accounts import rules
from marketplace.accounts.models import ApiKeyRow
from marketplace.accounts.queries import api_key_of, suspension
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.services import checks, hashes, tries
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    Account,
    ApiKey,
    ApiKeyNotFound,
    ApiKeyRefused,
    Bucket,
    InsurerNotFound,
    KeyScope,
    MadeKey,
    NewSecurityEvent,
    SalesStopped,
    ScopeMissing,
    SecurityEventType,
    TooManyKeys,
)
from marketplace.infra.db import apart, db
from marketplace.kernel import clock, ids

BRAND = "evenfold"


def make_api_key(by: Account, name: str, days: int, scopes: frozenset[KeyScope]) -> MadeKey:
    """A key for the machines of this admin's insurer; its token is told here and never again.

    Raises Invalid(name, days), InsurerNotFound, TooManyKeys.
    """
    checks.api_key(name, days)
    if by.insurer_id is None:
        raise InsurerNotFound
    now = clock.now()
    _refuse_too_many(by.insurer_id)
    prefix, secret = ids.random_code(party_rules.KEY_PREFIX_LENGTH), secrets.token_urlsafe(32)
    token = f"{BRAND}_{prefix}_{secret}"
    row = ApiKeyRow(
        id=ids.new_id(),
        insurer_id=by.insurer_id,
        name=name.strip(),
        prefix=prefix,
        token_sha256=rules.token_sha256(token),
        scopes=sorted(scope.value for scope in scopes),
        created_at=now,
        created_by=by.id,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(row)
    db.session.flush()
    _note(SecurityEventType.API_KEY_MADE, row.id, by)
    return MadeKey(api_key_of(row), token)


def revoke_api_key(by: Account, key_id: UUID) -> ApiKey:
    """The key opens nothing any more; revoking it again changes nothing. Raises ApiKeyNotFound."""
    row = db.session.get(ApiKeyRow, key_id, with_for_update=True, populate_existing=True)
    if row is None or row.insurer_id != by.insurer_id:
        raise ApiKeyNotFound
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by = clock.now(), by.id
        db.session.flush()
        _note(SecurityEventType.API_KEY_REVOKED, row.id, by)
    return api_key_of(row)


def open_with_key(token: str, scope: KeyScope, *, counted_in: Bucket | None = None) -> ApiKey:
    """The key that this token is, noted as used. Raises ApiKeyRefused, ScopeMissing, TooManyTries of the key."""
    row = db.session.scalar(select(ApiKeyRow).where(ApiKeyRow.prefix == _prefix_of(token)))
    if row is None or not hashes.same(row.token_sha256, rules.token_sha256(token)):
        raise ApiKeyRefused
    key = api_key_of(row)
    if not key.works_at(clock.now()):
        raise ApiKeyRefused
    if scope not in key.scopes:
        raise ScopeMissing
    if counted_in is not None:
        tries.count((counted_in, str(key.id)))
    _note_use(key)
    return key


def open_to_send(token: str, scope: KeyScope, *, counted_in: Bucket) -> ApiKey:
    """As `open_with_key`, for what an insurer sends: nothing while its sales are stopped (SalesStopped)."""
    key = open_with_key(token, scope, counted_in=counted_in)
    stopped = suspension(key.insurer_id)
    if stopped is not None and not stopped.before_first_sale:
        raise SalesStopped
    return key


def _prefix_of(token: str) -> str:
    brand, _, rest = token.partition("_")
    return rest.partition("_")[0] if brand == BRAND else ""


def _note_use(key: ApiKey) -> None:
    """Apart, so that it stays when what was asked is refused; at most once a minute."""
    now = clock.now()
    if key.last_used_at is None or now - key.last_used_at >= party_rules.KEY_SEEN_AT_MOST_EVERY:
        with apart() as connection:
            connection.execute(update(ApiKeyRow).where(ApiKeyRow.id == key.id).values(last_used_at=now))


def _refuse_too_many(insurer_id: UUID) -> None:
    working = db.session.scalar(
        select(func.count())
        .select_from(ApiKeyRow)
        .where(ApiKeyRow.insurer_id == insurer_id, ApiKeyRow.revoked_at.is_(None), ApiKeyRow.expires_at > clock.now())
    )
    if (working or 0) >= party_rules.MOST_KEYS:
        raise TooManyKeys


def _note(kind: SecurityEventType, key_id: UUID, by: Account) -> None:
    record_security_event(NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail={"key_id": str(key_id)}))

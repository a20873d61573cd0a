"""Browsers in which an account was signed in before, known again by a random token in a cookie of their own."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.accounts.models import DeviceRow
from marketplace.accounts.services import hashes
from marketplace.accounts.values import DEVICE_REMEMBERED
from marketplace.infra.db import db
from marketplace.kernel import clock


def new_token() -> str:
    return secrets.token_urlsafe(32)


def is_known(account_id: UUID | None, token: str | None) -> bool:
    """Whether the account was signed in at this browser before. Asks the database whatever is given, so that an
    unknown address costs what a known one does.
    """
    found = db.session.scalar(
        select(DeviceRow.last_seen_at).where(
            DeviceRow.account_id == (account_id or UUID(int=0)), DeviceRow.token_hash == _hash(token or "")
        )
    )
    return found is not None


def any_known(account_id: UUID) -> bool:
    """Whether the account knows any browser."""
    found = db.session.scalar(select(DeviceRow.account_id).where(DeviceRow.account_id == account_id).limit(1))
    return found is not None


def remember(account_id: UUID, token: str, now: datetime) -> None:
    db.session.execute(
        upsert(DeviceRow)
        .values(account_id=account_id, token_hash=_hash(token), last_seen_at=now)
        .on_conflict_do_update(index_elements=[DeviceRow.account_id, DeviceRow.token_hash], set_={"last_seen_at": now})
    )


def forget_others(account_id: UUID, token: str | None) -> None:
    """Know no browser of the account any more but the one of this token."""
    others = DeviceRow.token_hash != _hash(token or "")
    db.session.execute(delete(DeviceRow).where(DeviceRow.account_id == account_id, others))


def forget() -> None:
    """Drop browsers that were not seen for longer than their cookie lasts."""
    db.session.execute(delete(DeviceRow).where(DeviceRow.last_seen_at < clock.now() - DEVICE_REMEMBERED))


def _hash(token: str) -> str:
    return hashes.keyed("device", token)

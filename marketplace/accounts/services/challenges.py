"""Codes and links: made, kept as HMAC, used up once. What they lead to is decided by their callers.

A code has a million values, so it works only where its challenge is named: in the browser that asked for it. Any number
of them may be open for one address, and nobody's asking or guessing touches another's. A link cannot be guessed and
works in any browser.
"""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from marketplace.accounts import rules
from marketplace.accounts.models import ChallengeRow
from marketplace.accounts.queries import address_index
from marketplace.accounts.services import hashes, tries
from marketplace.accounts.values import Bucket, CodePurpose, CodeRefused, LinkRefused, TooManyTries
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids

KEPT_AFTER_THE_END = timedelta(days=1)


def issue_code(purpose: CodePurpose, email: str, payload: dict[str, Any]) -> tuple[UUID, str]:
    """A new code of six digits for this address, beside any others. Returns the id that it works with, and the code."""
    code = f"{secrets.randbelow(10**rules.CODE_DIGITS):0{rules.CODE_DIGITS}}"
    challenge_id = ids.new_id()
    _keep(challenge_id, purpose, email, _code_hash(challenge_id, code), payload)
    return challenge_id, code


def issue_link(purpose: CodePurpose, email: str, payload: dict[str, Any]) -> tuple[UUID, str]:
    """A new token (256 bits, safe in an address) for a link. Returns id and token."""
    token, challenge_id = new_token(), ids.new_id()
    _keep(challenge_id, purpose, email, token_hash(purpose.value, token), payload)
    return challenge_id, token


def new_token() -> str:
    """For a link: 256 bits, safe in an address."""
    return secrets.token_urlsafe(32)


def token_hash(purpose: str, token: str) -> str:
    """Under which a token is kept, for what it opens."""
    return hashes.keyed("link", purpose, token)


def use_code(
    purpose: CodePurpose, email: str, challenge_id: UUID | None, code: str, *counted: tries.Counted
) -> dict[str, Any]:
    """Use the code of this challenge up and return its payload, or raise CodeRefused or TooManyTries.

    `challenge_id` is what the browser kept that asked; one that kept none is told so. The try is counted in `counted`
    and given back when it was right. At most five are judged for each code, however they are spread. Of two right tries
    at the same instant the database lets one through.
    """
    if challenge_id is None:
        raise asked_elsewhere()
    row = db.session.scalar(
        select(ChallengeRow)
        .where(ChallengeRow.id == challenge_id, ChallengeRow.purpose == purpose.value)
        .where(ChallengeRow.email_index == address_index(email))
    )
    tries.count(*counted)
    try:
        tries.count((Bucket.TRY_OF_CODE, str(challenge_id)))
    except TooManyTries:
        raise _refused_code() from None
    if row is None or not hashes.same(row.secret_hash, _code_hash(row.id, code.strip())) or not _used_up(row.id):
        raise _refused_code()
    tries.give_back(*counted)
    return row.payload


def open_link(purpose: CodePurpose, token: str) -> ChallengeRow:
    """The challenge behind a token that still works, or LinkRefused. Looking does not use it up."""
    row = db.session.scalar(
        select(ChallengeRow).where(
            ChallengeRow.secret_hash == token_hash(purpose.value, token),
            ChallengeRow.purpose == purpose.value,
            ChallengeRow.used_at.is_(None),
            ChallengeRow.expires_at > clock.now(),
        )
    )
    if row is None:
        raise refused_link()
    return row


def use_link(row: ChallengeRow) -> None:
    """Use the link up, and with it every other one of its address and purpose; LinkRefused if somebody was faster."""
    if not _used_up(row.id):
        raise refused_link()
    db.session.execute(
        update(ChallengeRow)
        .where(ChallengeRow.email_index == row.email_index, ChallengeRow.purpose == row.purpose)
        .where(ChallengeRow.used_at.is_(None))
        .values(used_at=clock.now())
    )


def refused_link() -> LinkRefused:
    return LinkRefused(_("This link was used already or is too old. Please ask for a new one."))


def forget() -> None:
    """Drop codes and links that are a day past their end, and what was kept with them. Flushes."""
    db.session.execute(delete(ChallengeRow).where(ChallengeRow.expires_at < clock.now() - KEPT_AFTER_THE_END))


def asked_elsewhere() -> CodeRefused:
    return CodeRefused(_("This code was asked for by another browser. Please ask for a new one."))


def _refused_code() -> CodeRefused:
    return CodeRefused(
        _(
            "This code is not right, was used already, is too old, or was asked for by another browser. "
            "Please ask for a new one."
        )
    )


def _keep(challenge_id: UUID, purpose: CodePurpose, email: str, secret_hash: str, payload: dict[str, Any]) -> None:
    now = clock.now()
    db.session.add(
        ChallengeRow(
            id=challenge_id,
            purpose=purpose.value,
            email=email,
            email_index=address_index(email),
            secret_hash=secret_hash,
            payload=payload,
            created_at=now,
            expires_at=now + rules.LIFETIMES[purpose],
        )
    )
    db.session.flush()


def _used_up(challenge_id: UUID) -> bool:
    """Whether this transaction is the one that uses the challenge up."""
    now = clock.now()
    used = db.session.execute(
        update(ChallengeRow)
        .where(ChallengeRow.id == challenge_id, ChallengeRow.used_at.is_(None), ChallengeRow.expires_at > now)
        .values(used_at=now)
        .returning(ChallengeRow.id)
    )
    return used.scalar_one_or_none() is not None


def _code_hash(challenge_id: UUID, code: str) -> str:
    return hashes.keyed("code", str(challenge_id), code)

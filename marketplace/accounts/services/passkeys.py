"""Passkeys (WebAuthn): made and asked for with the user verified, each challenge read once, counters only growing.

A passkey whose user was verified is two factors at once, so it also signs in without a password.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import webauthn
from sqlalchemy import delete, select
from webauthn.helpers import base64url_to_bytes, generate_challenge
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow, CeremonyRow, PasskeyRow
from marketplace.accounts.queries import account_of
from marketplace.accounts.services import factors
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    FactorAdded,
    FactorChange,
    FactorKind,
    FactorRefused,
    PasskeyAnswer,
    RelyingParty,
)
from marketplace.infra.db import apart, db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids

ADDING, PROVING = "adding", "proving"
_TRANSPORTS = {transport.value for transport in AuthenticatorTransport}

Options = Mapping[str, Any]


def begin_passkey(site: RelyingParty, account_id: UUID, session_id: UUID) -> tuple[UUID, Options]:
    """What a browser needs to make a passkey for this account, and the id under which its answer is taken."""
    account = db.session.get(AccountRow, account_id)
    if account is None:
        raise AccountNotFound
    challenge = generate_challenge()
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=site.name,
        user_id=account.id.bytes,
        user_name=account.email,
        user_display_name=account.name,
        challenge=challenge,
        exclude_credentials=[_descriptor(row) for row in _of(account_id)],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return _keep(ADDING, challenge, session_id), json.loads(webauthn.options_to_json(options))


def add_passkey(
    site: RelyingParty, account_id: UUID, session_id: UUID, answer: PasskeyAnswer, name: str
) -> FactorAdded:
    """Keep the passkey that the browser made. Raises FactorRefused."""
    challenge = _pop(ADDING, answer.ceremony_id, session_id)
    try:
        made = webauthn.verify_registration_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    if db.session.scalar(select(PasskeyRow.id).where(PasskeyRow.credential_id == made.credential_id)) is not None:
        raise _refused()
    db.session.add(
        PasskeyRow(
            id=ids.new_id(),
            account_id=account_id,
            credential_id=made.credential_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            transports=_transports(answer.credential),
            name=rules.factor_name(name, FactorKind.PASSKEY),
            created_at=clock.now(),
        )
    )
    return factors.added(account_id, FactorChange.PASSKEY_ADDED)


def ask_for_passkey(
    site: RelyingParty, account_id: UUID | None = None, session_id: UUID | None = None
) -> tuple[UUID, Options]:
    """What a browser needs to prove a passkey, of this account or (to sign in) of whoever holds one."""
    challenge = generate_challenge()
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        allow_credentials=[_descriptor(row) for row in _of(account_id)] if account_id else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _keep(PROVING, challenge, session_id), json.loads(webauthn.options_to_json(options))


def prove_passkey(
    site: RelyingParty, answer: PasskeyAnswer, account_id: UUID | None = None, session_id: UUID | None = None
) -> Account:
    """The account whose passkey answered the challenge; `account_id`, where given, must be it. Raises FactorRefused."""
    challenge = _pop(PROVING, answer.ceremony_id, session_id)
    row = _answering(answer.credential)
    if row is None or (account_id is not None and row.account_id != account_id):
        raise _refused()
    try:
        proven = webauthn.verify_authentication_response(
            credential=answer.credential,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    account = db.session.get(AccountRow, row.account_id)
    if account is None or account.disabled_at is not None:
        raise _refused()
    row.sign_count, row.last_used_at = proven.new_sign_count, clock.now()
    db.session.flush()
    return account_of(account)


def forget() -> None:
    """Drop challenges that nobody answered in time."""
    db.session.execute(delete(CeremonyRow).where(CeremonyRow.expires_at <= clock.now()))


def _keep(purpose: str, challenge: bytes, session_id: UUID | None) -> UUID:
    row = CeremonyRow(
        id=ids.new_id(),
        purpose=purpose,
        challenge=challenge,
        session_id=session_id,
        expires_at=clock.now() + rules.CEREMONY_LASTS,
    )
    db.session.add(row)
    db.session.flush()
    return row.id


def _pop(purpose: str, ceremony_id: UUID | None, session_id: UUID | None) -> bytes:
    """The challenge, gone from now on whatever becomes of the answer; only for the session that asked for it."""
    with apart() as connection:
        found = connection.execute(
            delete(CeremonyRow)
            .where(CeremonyRow.id == ceremony_id, CeremonyRow.purpose == purpose)
            .where(CeremonyRow.session_id.is_not_distinct_from(session_id), CeremonyRow.expires_at > clock.now())
            .returning(CeremonyRow.challenge)
        ).scalar_one_or_none()
    if found is None:
        raise _refused()
    return bytes(found)


def _answering(credential: str) -> PasskeyRow | None:
    """The passkey that the answer names; locked, so that its counter is compared with the newest."""
    try:
        credential_id = base64url_to_bytes(str(json.loads(credential)["id"]))
    except (ValueError, KeyError, TypeError):
        return None
    return db.session.scalar(select(PasskeyRow).where(PasskeyRow.credential_id == credential_id).with_for_update())


def _of(account_id: UUID) -> tuple[PasskeyRow, ...]:
    return tuple(
        db.session.scalars(
            select(PasskeyRow).where(PasskeyRow.account_id == account_id).order_by(PasskeyRow.created_at)
        )
    )


def _descriptor(row: PasskeyRow) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in row.transports]
    return PublicKeyCredentialDescriptor(id=row.credential_id, transports=transports or None)


def _transports(credential: str) -> list[str]:
    """How the authenticator says it can be reached; only words we know."""
    told = json.loads(credential).get("response", {}).get("transports") or []
    return [name for name in told if name in _TRANSPORTS]


def _refused() -> FactorRefused:
    return FactorRefused(_("This passkey was not accepted. Please try again."))

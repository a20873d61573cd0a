"""How secrets are kept: passwords by argon2id, codes, links and counted subjects by HMAC-SHA-256 under our own key.

The secret of an authenticator app is needed again, so it is sealed (AES-256-GCM, bound to its row) under another key.

Argon2id with t=2, m=19 MiB, p=1: the least that OWASP's password storage advice names, 25 ms here, so that sign-ins in
parallel neither starve the processors nor the memory.
"""

import hashlib
import hmac
import secrets
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marketplace.accounts import rules
from marketplace.infra import keys

_NONCE_BYTES = 12
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def of_password(password: str) -> str:
    return _hasher.hash(password)


def fits(password_hash: str | None, password: str) -> bool:
    """Whether the password belongs to the hash; without a hash the same work is done for nothing."""
    if len(password) > rules.LONGEST_PASSWORD:
        password_hash, password = None, ""
    try:
        return _hasher.verify(password_hash or _nobodys(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return _hasher.hash(secrets.token_urlsafe())


def keyed(*parts: str) -> str:
    """HMAC-SHA-256 (hex) of the parts under the key of accounts; without the key nothing can be tried out offline."""
    return hmac.new(keys.derived("accounts"), "\x00".join(parts).encode(), hashlib.sha256).hexdigest()


def sealed(secret: str, row_id: UUID) -> bytes:
    """The secret as it may stand in the row of this id, and in no other."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _vault().encrypt(nonce, secret.encode(), row_id.bytes)


def opened(sealed_secret: bytes, row_id: UUID) -> str:
    return _vault().decrypt(sealed_secret[:_NONCE_BYTES], sealed_secret[_NONCE_BYTES:], row_id.bytes).decode()


def _vault() -> AESGCM:
    return AESGCM(keys.derived("accounts/one-time-secrets"))


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)

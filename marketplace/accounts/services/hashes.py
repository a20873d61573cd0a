"""How secrets are kept: passwords by argon2id, codes, links and counted subjects by HMAC-SHA-256 under our own key.

Argon2id with t=2, m=19 MiB, p=1: the least that OWASP's password storage advice names, 25 ms here, so that sign-ins in
parallel neither starve the processors nor the memory.
"""

import hashlib
import hmac
import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace.accounts import rules
from marketplace.infra import keys

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


def same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)

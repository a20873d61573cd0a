"""Keys derived from the secret of the deployment: one for each purpose, so that no two uses share a key.

The secret itself (SECRET_KEY) stays with the web's cookies. HKDF with SHA-256, RFC 5869.
"""

from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from marketplace.kernel.errors import Unavailable

_BYTES = 32
_secret: bytes | None = None


def configure(secret: str) -> None:
    """For the wiring: the secret of this deployment."""
    global _secret  # noqa: PLW0603  one secret for each process, set at start
    _secret = secret.encode()
    derived.cache_clear()


@lru_cache(maxsize=32)
def derived(purpose: str) -> bytes:
    """32 bytes for `purpose` alone, the same in every process of the deployment."""
    if _secret is None:
        raise Unavailable("the secret of the deployment is not configured")
    return HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=f"evenfold/{purpose}".encode()).derive(_secret)

"""What sealing costs: a page of the trail sealed and opened under a known data key, beside its SHA-256, which is taken
of each page anyway. The keeper is not in it: it is asked once for each journey, not with each page.
"""

import hashlib
import secrets
from collections.abc import Iterator
from uuid import uuid4

from bench.results import Figure
from bench.rounds import compare
from marketplace.infra import vault
from marketplace.infra.keeper import KEY_BYTES, KeyClass, Wrapped

PAGE_BYTES = 16_000
"""About a comparison of four offers."""


def measure() -> Iterator[Figure]:
    journey, page = uuid4(), secrets.token_bytes(PAGE_BYTES)
    told = Wrapped(journey, "", b"", KeyClass.JOURNEY)
    turn = vault._remembered.turn  # noqa: SLF001
    vault._remember(told, secrets.token_bytes(KEY_BYTES), turn)  # noqa: SLF001  as if the keeper had told it
    sealed = vault.seal(journey, "bench", page)

    def digest() -> str:
        return hashlib.sha256(page).hexdigest()

    yield Figure.ratio("sealing a page", "its SHA-256", compare(lambda: vault.seal(journey, "bench", page), digest))
    yield Figure.ratio("opening a page", "its SHA-256", compare(lambda: vault.open(journey, "bench", sealed), digest))

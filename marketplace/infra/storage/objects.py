"""The port beneath the store: bytes by name, in a folder (`folder`) or in a bucket (`bucket`). Knows nothing of hashes
and keys. For whichever it is, nothing half-written ever has a name, and what was acknowledged is kept.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from marketplace.kernel.errors import Unavailable

NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}((\.[0-9a-f]{32})?\.sealed)?")


PATIENCE, PATIENCE_OF_COMMANDS = 3.0, 60.0
"""So many seconds a page waits for one file of a store that is not on this machine, and a backup."""


class StorageUnavailable(Unavailable):
    """The store of files does not answer, or refuses what it is asked."""

    code = "storage:unavailable"


class Objects(Protocol):
    """Raises FileNotFoundError for a name that has nothing, StorageUnavailable where nobody can tell."""

    def put(self, name: str, data: bytes) -> None:
        """Keep `data`. A name is put with the same bytes always: doing it again only says when."""

    def create(self, name: str, data: bytes) -> None:
        """Keep `data`, unless the name has something, which then stays."""

    def get(self, name: str) -> bytes:
        """What was kept."""

    def exists(self, name: str) -> bool:
        """Whether the name has something."""

    def remove(self, name: str, seconds: float) -> bool:
        """Remove what was last put so many seconds ago or more; False where there is nothing, or it is younger."""

    def names(self) -> Iterator[str]:
        """Of all that is kept, in order."""

    def problems(self) -> list[str]:
        """Why this cannot work as it was set up, in words for whoever runs it; empty when it can."""

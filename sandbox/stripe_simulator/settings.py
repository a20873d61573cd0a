"""What a simulator is told at start."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"
"""The one version spoken: the version that the pinned `stripe` library asks for."""

TEST_KEY_PREFIX = "sk_test_"


class LiveKeyRefusedError(ValueError):
    """The simulator was told to expect a key that is not a test key."""


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """`database` is the SQLite file; `public_url` is where a browser and the API client reach us.

    `webhook_url` with `webhook_secret` configures one endpoint that receives every event.
    Without `secret_key` any `sk_test_…` key is accepted, with it only that one.
    `clock` gives seconds since the epoch (tests move it); the pauses are those between tries of a webhook;
    `later_seconds` is how long a bank or a wallet takes that does not act at once.
    """

    database: Path
    public_url: str
    webhook_url: str | None = None
    webhook_secret: str | None = None
    secret_key: str | None = None
    clock: Callable[[], float] = time.time
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 3600.0
    give_up_after_seconds: float = 3 * 86_400.0
    webhook_timeout_seconds: float = 10.0
    later_seconds: int = 10

    def __post_init__(self) -> None:
        if self.secret_key is not None and not self.secret_key.startswith(TEST_KEY_PREFIX):
            raise LiveKeyRefusedError("The simulator only works with a key that begins with sk_test_.")
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("Give webhook_url and webhook_secret together, or neither.")

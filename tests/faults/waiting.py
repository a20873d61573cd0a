"""Wait for what other processes and threads do."""

import threading
import time
from collections.abc import Callable

import pytest

PATIENCE_SECONDS = 60


def until(ask: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS, turn: float = 0.02) -> None:
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s for {what}")
        threading.Event().wait(turn)

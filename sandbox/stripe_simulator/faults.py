"""Switches for tests: what goes wrong on purpose. Kept in memory, all off at start."""

import threading
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Failure(BaseModel):
    """The next `times` API requests to `path` (a pattern such as `/v1/refunds*`) answer with `status`.

    `before`: nothing is done and nothing saved. `after`: the work is done and its answer saved, but the
    caller gets the failure instead. `stored`: the work itself fails, is undone, and the failure is what
    the idempotency key replays from then on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Annotated[str, Field(pattern="^/v1/")]
    method: Literal["GET", "POST", "DELETE"] = "POST"
    status: Annotated[int, Field(ge=400, le=599)] = 500
    when: Literal["before", "after", "stored"] = "before"
    times: Annotated[int, Field(ge=1)] = 1


def _several(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class Switches(BaseModel):
    """Webhook switches act on events from now on: a dropped one stays lost after the switch is off."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    drop_webhooks: bool = False
    duplicate_webhooks: bool = False
    delay_webhooks: Annotated[float, Field(ge=0)] = 0.0
    fail_next: Annotated[tuple[Failure, ...], BeforeValidator(_several)] = ()


class Faults:
    """The switches as they stand; safe to read and set from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._switches = Switches()

    @property
    def switches(self) -> Switches:
        with self._lock:
            return self._switches

    def set(self, switches: Switches) -> None:
        with self._lock:
            self._switches = switches

    def take_failure(self, method: str, path: str) -> Failure | None:
        """The failure planned for this request, counted down."""
        with self._lock:
            planned = list(self._switches.fail_next)
            for place, failure in enumerate(planned):
                if failure.method == method and fnmatchcase(path, failure.path):
                    left = failure.times - 1
                    planned[place : place + 1] = [failure.model_copy(update={"times": left})] if left else []
                    self._switches = self._switches.model_copy(update={"fail_next": tuple(planned)})
                    return failure
        return None

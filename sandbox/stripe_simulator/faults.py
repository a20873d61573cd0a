"""Switches for tests: what goes wrong on purpose. Kept in memory, all off at start."""

import threading
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Failure(BaseModel):
    """What goes wrong with the next `times` API requests that fit, after `skip` of them went well.

    A request fits by its path (a pattern such as `/v1/refunds*`), its method and, with `holding`, by one of its
    parameters (a pattern over `name=value`, such as `metadata[[]order]=7`).

    `how` it fails: an `answer` with `status`, the connection `cut` without one, or only `slow`, by `seconds`.
    `when`: `before` nothing is done and nothing saved. `during`: slow while the idempotency key is claimed, so that
    another request under it is a conflict (409). `after`: the work is done and its answer saved, but the caller does
    not get it. `stored`: the work itself fails, is undone, and the failure is what the idempotency key replays.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Annotated[str, Field(pattern="^/v1/")]
    method: Literal["GET", "POST", "DELETE", "*"] = "POST"
    holding: str | None = None
    how: Literal["answer", "cut", "slow"] = "answer"
    status: Annotated[int, Field(ge=400, le=599)] = 500
    seconds: Annotated[float, Field(ge=0, le=120)] = 0.0
    when: Literal["before", "during", "after", "stored"] = "before"
    times: Annotated[int, Field(ge=1)] = 1
    skip: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.how != "answer" and self.when == "stored":
            raise ValueError("only an answer can be stored")
        if self.how != "slow" and self.when == "during":
            raise ValueError("during the work a call can only be slow")
        if (self.how == "slow") != (self.seconds > 0):
            raise ValueError("seconds belong to slow, and slow needs them")
        return self

    def fits(self, method: str, path: str, pairs: Iterable[tuple[str, str]]) -> bool:
        if self.method not in {method, "*"} or not fnmatchcase(path, self.path):
            return False
        return self.holding is None or any(fnmatchcase(f"{name}={value}", self.holding) for name, value in pairs)


def _several(value: object) -> object:
    return [value] if isinstance(value, dict) else value


class Switches(BaseModel):
    """Webhook switches act on events from now on, of the types that fit `webhook_types`: a dropped one stays lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    drop_webhooks: bool = False
    duplicate_webhooks: bool = False
    delay_webhooks: Annotated[float, Field(ge=0)] = 0.0
    reorder_webhooks: bool = False
    stale_signatures: bool = False
    thin_webhooks: bool = False
    webhook_types: tuple[str, ...] = ("*",)
    forget_keys: bool = False
    fail_next: Annotated[tuple[Failure, ...], BeforeValidator(_several)] = ()

    def for_event(self, kind: str) -> "Switches":
        """These, or none, when the type of the event does not fit."""
        return self if any(fnmatchcase(kind, pattern) for pattern in self.webhook_types) else Switches()


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

    def take_failure(self, method: str, path: str, pairs: Iterable[tuple[str, str]] = ()) -> Failure | None:
        """The failure planned for this request, counted down."""
        with self._lock:
            planned = list(self._switches.fail_next)
            for place, failure in enumerate(planned):
                if failure.fits(method, path, pairs):
                    name, left = ("skip", failure.skip - 1) if failure.skip else ("times", failure.times - 1)
                    gone = name == "times" and not left
                    planned[place : place + 1] = [] if gone else [failure.model_copy(update={name: left})]
                    self._switches = self._switches.model_copy(update={"fail_next": tuple(planned)})
                    return failure if name == "times" else None
        return None

"""Idempotency keys as documented at docs.stripe.com/api/idempotent_requests.

The first answer is saved in the transaction that did the work and replayed for at least 24 hours, also
when it was a failure. Other parameters under the same key are refused; so is a second request while
the first is still being worked on. Requests whose parameters fail validation are not saved.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.stripe_simulator.errors import ApiError, JsonObject
from sandbox.stripe_simulator.store import Records

KEPT_SECONDS = 86_400
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: JsonObject


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """One POST under a key: the same path and the same parameters make the same fingerprint.

    Every account has its own keys; `scoped` tells them apart.
    """

    key: str
    path: str
    fingerprint: str
    account: str = ""

    @property
    def scoped(self) -> str:
        return f"{self.account}/{self.key}" if self.account else self.key

    @classmethod
    def of(cls, key: str, path: str, pairs: list[tuple[str, str]], account: str = "") -> "KeyedRequest":
        if len(key) > LONGEST_KEY:
            message = f"Idempotency keys must be at most {LONGEST_KEY} characters long."
            raise ApiError(400, "idempotency_error", message)
        digest = hashlib.sha256(json.dumps(sorted(pairs)).encode()).hexdigest()
        return cls(key, path, digest, account)


class InFlight:
    """Keys being worked on now. In memory: a killed simulator works on nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._keys

    @contextmanager
    def claimed(self, key: str) -> Iterator[None]:
        with self._lock:
            if key in self._keys:
                message = f"Another request with the idempotency key '{key}' is still in progress. Try again later."
                raise ApiError(409, "idempotency_error", message, code="idempotency_key_in_use")
            self._keys.add(key)
        try:
            yield
        finally:
            with self._lock:
                self._keys.discard(key)


def recall(records: Records, request: KeyedRequest, now: int) -> Answer | None:
    """The saved answer, unless it is more than a day old.

    :raises ApiError: the key was used for another path or other parameters.
    """
    row = records.sql.execute(
        "SELECT path, fingerprint, status, body FROM idempotent_answer WHERE key = ? AND created >= ?",
        (request.scoped, now - KEPT_SECONDS),
    ).fetchone()
    if row is None:
        return None
    path, fingerprint, status, body = row
    advice = f"Try using a key other than '{request.key}' if you meant to execute a different request."
    if path != request.path:
        only = "Keys for idempotent requests can only be used for the same endpoint they were first used for"
        raise ApiError(400, "idempotency_error", f"{only} ('{request.path}' vs '{path}'). {advice}")
    if fingerprint != request.fingerprint:
        only = "Keys for idempotent requests can only be used with the same parameters they were first used with."
        raise ApiError(400, "idempotency_error", f"{only} {advice}")
    return Answer(status, json.loads(body))


def remember(records: Records, request: KeyedRequest, answer: Answer, now: int) -> None:
    records.sql.execute(
        "INSERT OR REPLACE INTO idempotent_answer (key, path, fingerprint, status, body, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (request.scoped, request.path, request.fingerprint, answer.status, json.dumps(answer.body), now),
    )


def forget_old(records: Records, now: int) -> None:
    records.sql.execute("DELETE FROM idempotent_answer WHERE created < ?", (now - KEPT_SECONDS,))

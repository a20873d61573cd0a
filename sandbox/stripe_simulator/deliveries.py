"""Signed webhooks on their way: one thread for each endpoint, so that a dead one holds up nobody else.

What has to be sent is in the database (`outbox`), so a restarted simulator carries on.
"""

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus

import requests

from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.resources import webhook_endpoints
from sandbox.stripe_simulator.settings import SimulatorSettings
from sandbox.stripe_simulator.store import Records, Store

logger = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 5.0
STALE_SECONDS = 600
"""Twice as old as the library accepts."""


def signature(payload: bytes, secrets: Sequence[str], timestamp: int) -> str:
    """The header `Stripe-Signature` (https://docs.stripe.com/webhooks/signature).

    One v1 for each secret in use: HMAC-SHA256 over `timestamp.payload`. For test events Stripe adds a v0 that means
    nothing and must not be believed.
    """
    signed = f"{timestamp}.".encode() + payload
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    fake = hashlib.sha256(signed).hexdigest()
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests), f"v0={fake}"])


def pause_after(attempts: int, first: float, longest: float) -> float:
    """Seconds to wait after so many failed tries: doubling up to the longest."""
    return float(min(longest, first * 2 ** min(attempts - 1, 30)))


class Deliveries:
    """The threads. `housekeeping` is called every few seconds beside them."""

    def __init__(self, store: Store, settings: SimulatorSettings, housekeeping: Callable[[], None]) -> None:
        self._store = store
        self._settings = settings
        self._housekeeping = housekeeping
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._workers: dict[str, threading.Event] = {}
        self._threads: list[threading.Thread] = []
        self._started = False

    def start(self) -> None:
        """Safe to call more than once."""
        with self._lock:
            if self._started or self._stopping.is_set():
                return
            self._started = True
            self._run(self._keep_house, "housekeeping")
        self.wake()

    def wake(self) -> None:
        """There may be something new to send: a worker for each endpoint, and none of them asleep."""
        with self._store.transaction() as records:
            endpoints = [endpoint["id"] for endpoint in records.all("webhook_endpoint")]
        with self._lock:
            if not self._started or self._stopping.is_set():
                return
            for endpoint_id in endpoints:
                if endpoint_id not in self._workers:
                    self._workers[endpoint_id] = threading.Event()
                    self._run(self._work, endpoint_id, endpoint_id, self._workers[endpoint_id])
                self._workers[endpoint_id].set()

    def stop(self) -> None:
        """Let each worker finish the request it is in; at most the webhook timeout."""
        self._stopping.set()
        with self._lock:
            for event in self._workers.values():
                event.set()
            threads = list(self._threads)
        for thread in threads:
            thread.join(self._settings.webhook_timeout_seconds + 1)

    def _run(self, target: Callable[..., None], name: str, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=f"stripe-simulator-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep_house(self) -> None:
        while not self._stopping.wait(HOUSEKEEPING_SECONDS):
            try:
                self._housekeeping()
            except Exception:
                logger.exception("housekeeping failed")

    def _work(self, endpoint_id: str, awake: threading.Event) -> None:
        with requests.Session() as session:
            session.trust_env = False  # a proxy has no business between two programs on one machine
            while not self._stopping.is_set():
                awake.clear()
                seconds: float | None = HOUSEKEEPING_SECONDS
                try:
                    seconds = self._deliver_next(endpoint_id, session)
                except Exception:
                    logger.exception("delivery failed for a reason of our own")
                if seconds is None:
                    with self._lock:
                        self._workers.pop(endpoint_id, None)
                    return
                awake.wait(seconds)

    def _deliver_next(self, endpoint_id: str, session: requests.Session) -> float | None:
        """Send what is due first. Gives the seconds to sleep, None when the endpoint is gone."""
        now = self._settings.clock()
        with self._store.transaction() as records:
            endpoint = records.get(endpoint_id)
            if endpoint is None:
                return None
            parcel = outbox.next_parcel(records, endpoint_id)
            if parcel is None:
                return self._settings.longest_pause_seconds
            if parcel.due_at > now:
                return parcel.due_at - now
            payload = self._payload(records, parcel)
            secrets = webhook_endpoints.secrets_in_use(records, endpoint_id, now)
        problem = self._send(session, endpoint, payload, secrets, stale=parcel.stale and not parcel.attempts)
        with self._store.transaction() as records:
            if problem is None:
                outbox.delivered(records, parcel)
            else:
                outbox.failed(records, parcel, problem, self._again_at(parcel))
        return 0.0

    def _payload(self, records: Records, parcel: outbox.Parcel) -> bytes:
        event = records.get(parcel.event_id) or {}
        if parcel.thin:
            return json.dumps(outbox.thin(event), ensure_ascii=False).encode()
        waiting = {"pending_webhooks": outbox.waiting_endpoints(records, parcel.event_id)}
        return json.dumps(event | waiting, indent=2, ensure_ascii=False).encode()

    def _send(
        self, session: requests.Session, endpoint: JsonObject, payload: bytes, secrets: Sequence[str], *, stale: bool
    ) -> str | None:
        """What went wrong, or None: anything but 2xx is a failure, a redirect too."""
        signed_at = int(self._settings.clock()) - (STALE_SECONDS if stale else 0)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secrets, signed_at),
            "User-Agent": "Stripe/1.0 (simulator)",
        }
        timeout = self._settings.webhook_timeout_seconds
        try:
            answer = session.post(
                endpoint["url"], data=payload, headers=headers, timeout=timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            return type(error).__name__
        success = HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES
        return None if success else f"HTTP {answer.status_code}"

    def _again_at(self, parcel: outbox.Parcel) -> float | None:
        settings, now = self._settings, self._settings.clock()
        if now - parcel.first_due_at >= settings.give_up_after_seconds:
            return None
        return now + pause_after(parcel.attempts + 1, settings.first_pause_seconds, settings.longest_pause_seconds)

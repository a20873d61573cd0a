"""The simulator as one WSGI application."""

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox.stripe_simulator import admin, api, idempotency, passing_time
from sandbox.stripe_simulator.deliveries import Deliveries
from sandbox.stripe_simulator.errors import ApiError
from sandbox.stripe_simulator.faults import Faults
from sandbox.stripe_simulator.hosted import pages
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.resources import webhook_endpoints
from sandbox.stripe_simulator.settings import SimulatorSettings
from sandbox.stripe_simulator.store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LARGEST_BODY_BYTES = 1024 * 1024
CUT = "simulator.cut"


class Simulator:
    """Call it as a WSGI application; `start_deliveries()` sets the webhooks going, `close()` ends everything."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.faults = Faults()
        self.store = Store(settings.database)
        self.deliveries = Deliveries(self.store, settings, self.keep_house)
        self.door = api.Door(self.transact, self.faults)
        with self.transact(Cause()) as ledger:
            webhook_endpoints.configure(ledger, settings.webhook_url, settings.webhook_secret)
        self.flask = _flask(self)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = self.flask(environ, start_response)
        if environ.get(CUT):
            # without a byte; Werkzeug would otherwise keep the connection open for the next request
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError("a fault switch asked for it")
        return answer

    @contextmanager
    def transact(self, cause: Cause) -> Iterator[Ledger]:
        """A ledger in a transaction of its own; what the time since the last one brought happens first."""
        with self.store.transaction() as records:
            before = records.sql.total_changes
            ledger = Ledger(
                records=records,
                now=int(self.settings.clock()),
                public_url=self.settings.public_url.rstrip("/"),
                switches=self.faults.switches,
                cause=cause,
                later_seconds=self.settings.later_seconds,
            )
            passing_time.catch_up(ledger)
            yield ledger
            changed = records.sql.total_changes > before
        if changed:
            self.deliveries.wake()

    def keep_house(self) -> None:
        """Forget old keys, and let time pass though nobody asks anything."""
        with self.transact(Cause()) as ledger:
            idempotency.forget_old(ledger.records, ledger.now)

    def start_deliveries(self) -> None:
        self.deliveries.start()

    def close(self) -> None:
        self.deliveries.stop()
        self.store.close()


def create_simulator(settings: SimulatorSettings) -> Simulator:
    """The simulator on its database. No thread runs until `start_deliveries()` is called."""
    return Simulator(settings)


def _flask(simulator: Simulator) -> Flask:
    flask = Flask(__name__, static_folder=None, template_folder="hosted/templates")
    flask.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY_BYTES
    flask.register_blueprint(api.blueprint(simulator.door, simulator.settings.secret_key))
    flask.register_blueprint(pages.blueprint(simulator.transact))
    flask.register_blueprint(admin.blueprint(simulator.transact, simulator.faults))

    @flask.errorhandler(api.CutConnection)
    def cut(_cut: api.CutConnection) -> Response:
        request.environ[CUT] = True
        return Response()

    @flask.errorhandler(ApiError)
    def refused(refusal: ApiError) -> Response:
        return api.refused(refusal)

    @flask.errorhandler(HTTPException)
    def elsewhere(error: HTTPException) -> Any:
        """Within the API even a body that is too large is refused in Stripe's shape."""
        if request.path.startswith(("/v1/", "/v2/")):
            return api.refused(ApiError(error.code or 500, "invalid_request_error", error.description or ""))
        return error

    return flask

"""The HTTP door of the API: key, version, idempotency, faults, and every answer in Stripe's shape."""

import hmac
import json
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, request

from sandbox.stripe_simulator import expansion
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import (
    ApiError,
    ParameterError,
    failure,
    invalid_request,
    unauthenticated,
    unknown_route,
)
from sandbox.stripe_simulator.faults import Failure, Faults
from sandbox.stripe_simulator.idempotency import Answer, InFlight, KeyedRequest, recall, remember
from sandbox.stripe_simulator.ledger import Cause, Ledger
from sandbox.stripe_simulator.parameters import Request, parsed
from sandbox.stripe_simulator.resources import (
    accounts,
    application_fees,
    balance,
    charges,
    checkout_sessions,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    transfers,
    verification_sessions,
    webhook_endpoints,
)
from sandbox.stripe_simulator.settings import API_VERSION, TEST_KEY_PREFIX
from sandbox.stripe_simulator.store import savepoint

logger = logging.getLogger(__name__)

ENDPOINTS: tuple[Endpoint, ...] = (
    *accounts.ENDPOINTS,
    *application_fees.ENDPOINTS,
    *balance.ENDPOINTS,
    *charges.ENDPOINTS,
    *checkout_sessions.ENDPOINTS,
    *customers.ENDPOINTS,
    *disputes.ENDPOINTS,
    *events.ENDPOINTS,
    *payment_intents.ENDPOINTS,
    *payment_methods.ENDPOINTS,
    *payouts.ENDPOINTS,
    *refunds.ENDPOINTS,
    *setup_intents.ENDPOINTS,
    *transfers.ENDPOINTS,
    *verification_sessions.ENDPOINTS,
    *webhook_endpoints.ENDPOINTS,
)


class CutConnection(Exception):
    """The caller is to get no answer."""


Transact = Callable[[Cause], AbstractContextManager[Ledger]]
"""Opens a ledger in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in."""

    endpoint: Endpoint
    ids: dict[str, str]
    pairs: list[tuple[str, str]]
    path: str
    request_id: str
    idempotency_key: str | None
    account: str = ""


class Door:
    """Answers calls: at most once for each idempotency key."""

    def __init__(self, transact: Transact, faults: Faults) -> None:
        self.in_flight = InFlight()
        self._transact = transact
        self._faults = faults

    def answer(self, call: Call) -> Response:
        """:raises CutConnection: a fault switch asked for no answer at all."""
        planned = self._faults.take_failure(call.endpoint.method, call.path, call.pairs)
        if planned is not None and planned.when == "before":
            failed = _injected(planned)
            if failed is not None:
                return _response(failed, call)
        try:
            response = self._keyed(call, planned) if call.idempotency_key else self._unkeyed(call, planned)
        except ApiError as refusal:
            response = _response(Answer(refusal.status, refusal.body), call)
        if planned is not None and planned.when == "after":
            failed = _injected(planned)
            if failed is not None:
                return _response(failed, call)
        return response

    def _unkeyed(self, call: Call, planned: Failure | None) -> Response:
        _linger(planned)
        return _response(self._worked(call, None, planned), call)

    def _keyed(self, call: Call, planned: Failure | None) -> Response:
        keyed = KeyedRequest.of(str(call.idempotency_key), call.path, call.pairs, call.account)
        with self.in_flight.claimed(keyed.scoped):
            _linger(planned)
            with self._transact(Cause()) as ledger:
                forgets = ledger.switches.forget_keys
                saved = None if forgets else recall(ledger.records, keyed, ledger.now)
            if saved is not None:
                return _response(saved, call, saved=True, replayed=True)
            return _response(self._worked(call, keyed, planned), call, saved=True)

    def _worked(self, call: Call, keyed: KeyedRequest | None, planned: Failure | None) -> Answer:
        """Do what is asked and save the answer under its key, in one transaction.

        :raises ParameterError: nothing began, nothing is saved.
        """
        asked = parsed(call.endpoint.accepts, call.pairs)
        with self._transact(Cause(call.request_id, call.idempotency_key)) as platform:
            ledger = platform.on(call.account)
            try:
                check_account(platform, call)
                with savepoint(ledger.records):
                    answer = _executed(ledger, call, asked, planned)
            except ParameterError:
                raise
            except ApiError as refusal:
                answer = Answer(refusal.status, refusal.body)
            except Exception:
                logger.exception("%s %s failed", call.endpoint.method, call.path)
                answer = Answer(500, failure().body)
            if keyed is not None:
                remember(ledger.records, keyed, answer, ledger.now)
        return answer


def _executed(ledger: Ledger, call: Call, asked: Request, planned: Failure | None) -> Answer:
    body = call.endpoint.answer(ledger, asked, **call.ids)
    if planned is not None and planned.when == "stored":
        raise failure(planned.status, "The work failed, as a fault switch asked for.")
    return Answer(200, expansion.expanded(ledger, body, asked.expand))


def _linger(planned: Failure | None) -> None:
    """Be slow while the key is claimed. Nothing is locked meanwhile, so others are answered."""
    if planned is not None and planned.when == "during":
        time.sleep(planned.seconds)


def _injected(planned: Failure) -> Answer | None:
    """The failure instead of the answer; None when it only made us slow.

    :raises CutConnection: no answer at all.
    """
    if planned.how == "slow":
        time.sleep(planned.seconds)
        return None
    if planned.how == "cut":
        raise CutConnection
    if planned.status == HTTPStatus.TOO_MANY_REQUESTS:
        refusal = ApiError(
            429, "invalid_request_error", "Too many requests, as a fault switch asked for.", code="rate_limit"
        )
    elif planned.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        refusal = ApiError(planned.status, "invalid_request_error", "Refused, as a fault switch asked for.")
    else:
        refusal = failure(planned.status, "Failed, as a fault switch asked for.")
    return Answer(refusal.status, refusal.body)


def _response(answer: Answer, call: Call, *, saved: bool = False, replayed: bool = False) -> Response:
    response = Response(json.dumps(answer.body, indent=2), answer.status, mimetype="application/json")
    response.headers["Request-Id"] = call.request_id
    response.headers["Stripe-Version"] = API_VERSION
    if call.account:
        response.headers["Stripe-Account"] = call.account
    if call.idempotency_key is not None:
        response.headers["Idempotency-Key"] = call.idempotency_key
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"
    if saved and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        response.headers["Stripe-Should-Retry"] = "false"  # a retry would only replay it
    return response


def refused(refusal: ApiError) -> Response:
    """A refusal before any endpoint was reached."""
    response = Response(json.dumps(refusal.body, indent=2), refusal.status, mimetype="application/json")
    response.headers["Request-Id"] = _request_id()
    return response


def _request_id() -> str:
    return f"req_{secrets.token_hex(7)}"


def check_key(expected: str | None) -> None:
    """:raises ApiError: 401 for no key, a live key, a publishable key or another test key."""
    authorization = request.authorization
    key = ""
    if authorization is not None:
        key = (authorization.username if authorization.type == "basic" else authorization.token) or ""
    if not key:
        raise unauthenticated("You did not provide an API key. Send it as a Bearer token.")
    if not key.startswith(TEST_KEY_PREFIX):
        raise unauthenticated("Invalid API Key provided. This simulator only takes keys that begin with sk_test_.")
    if expected is not None and not hmac.compare_digest(key.encode(), expected.encode()):
        raise unauthenticated(f"Invalid API Key provided: sk_test_****{key[-4:]}")


def check_headers() -> None:
    """:raises ApiError: 400 for what the simulator would otherwise silently ignore."""
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise invalid_request(f"This simulator speaks API version {API_VERSION} only, not {version}.")
    if "Stripe-Context" in request.headers:
        raise invalid_request("This simulator knows Stripe-Account only, not Stripe-Context.")
    if request.content_length and request.mimetype != "application/x-www-form-urlencoded":
        raise invalid_request("Send parameters as application/x-www-form-urlencoded.")


def check_account(platform: Ledger, call: Call) -> None:
    """:raises ApiError: the connected account named in the header is not ours, or cannot be asked for this."""
    if not call.account:
        return
    known = platform.look_up(call.account)
    if known is None or known["object"] != "account":
        message = f"The provided key does not have access to account '{call.account}' (or it does not exist)."
        raise ApiError(403, "invalid_request_error", message, code="account_invalid")
    if not call.endpoint.on_accounts:
        path = f"{call.endpoint.method} {call.path}"
        raise invalid_request(f"This simulator does not model {path} on behalf of a connected account.")


def blueprint(door: Door, secret_key: str | None) -> Blueprint:
    """Every endpoint as a route, and everything else under /v1 and /v2 refused by name."""
    routes = Blueprint("api", __name__)

    @routes.before_request
    def check() -> None:
        check_key(secret_key)
        check_headers()

    for number, endpoint in enumerate(ENDPOINTS):

        def view(endpoint: Endpoint = endpoint, **ids: str) -> Response:
            pairs = [*request.args.items(multi=True), *request.form.items(multi=True)]
            key = request.headers.get("Idempotency-Key") if endpoint.method == "POST" else None
            account = request.headers.get("Stripe-Account", "")
            return door.answer(Call(endpoint, ids, pairs, request.path, _request_id(), key, account))

        routes.add_url_rule(endpoint.rule, f"endpoint_{number}", view, methods=[endpoint.method])

    @routes.route("/v1/<path:rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    @routes.route("/v2/<path:rest>", methods=["GET", "POST", "DELETE", "PUT", "PATCH"])
    def anything_else(rest: str) -> Response:
        raise unknown_route(request.method, f"/{request.path.split('/')[1]}/{rest}")

    return routes

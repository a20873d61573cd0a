"""The simulator's own door, beside Stripe's: health, fault switches, and what only the outside world does.

JSON for programs. The page for people posts forms, which are taken from the page itself only (`Origin`).
"""

import json
from typing import Any, Literal

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.wrappers import Response as AnyResponse

from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.api import Transact
from sandbox.stripe_simulator.cards import DisputeReason
from sandbox.stripe_simulator.faults import Faults, Switches
from sandbox.stripe_simulator.ledger import Cause
from sandbox.stripe_simulator.resources import accounts, disputes
from sandbox.stripe_simulator.store import PageQuery

EXAMPLE = '[{"path": "/v1/refunds", "how": "cut", "when": "after", "times": 1}]'
EVENTS_SHOWN = 20
BOXES = (
    "drop_webhooks",
    "duplicate_webhooks",
    "reorder_webhooks",
    "stale_signatures",
    "thin_webhooks",
    "forget_keys",
)


class OpenDispute(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    charge: str
    reason: DisputeReason = "fraudulent"
    inquiry: bool = False


class PutAccount(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    state: accounts.State


class ResendEvent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    event: str


def blueprint(transact: Transact, faults: Faults) -> Blueprint:
    routes = Blueprint("admin", __name__, url_prefix="/_simulator")
    _add_switches(routes, transact, faults)
    _add_acts(routes, transact)
    _add_page(routes, transact, faults)

    @routes.errorhandler(ValidationError)
    def wrong_words(error: ValidationError) -> tuple[Response, int]:
        return jsonify(errors=error.errors(include_url=False, include_context=False)), 422

    return routes


def _add_switches(routes: Blueprint, transact: Transact, faults: Faults) -> None:
    @routes.get("/health")
    def health() -> Response:
        with transact(Cause()) as ledger:
            return jsonify(status="ok", deliveries=outbox.backlog(ledger.records))

    @routes.route("/faults", methods=["GET", "POST"])
    def switches() -> Response:
        """Replace all switches; an empty object turns them off. JSON only, so no foreign page can post it."""
        if request.method == "POST":
            faults.set(Switches.model_validate(request.get_json()))
        return jsonify(faults.switches.model_dump())


def _add_acts(routes: Blueprint, transact: Transact) -> None:
    """What happens in the world and not by Stripe's API: a bank speaks up, an account falls behind."""

    @routes.post("/disputes")
    def open_dispute() -> Response:
        asked = OpenDispute.model_validate(request.get_json())
        with transact(Cause()) as ledger:
            charge = ledger.find("charge", asked.charge)
            return jsonify(disputes.open_on(ledger, charge, asked.reason, inquiry=asked.inquiry))

    @routes.post("/accounts/<account_id>")
    def put_account(account_id: str) -> Response:
        asked = PutAccount.model_validate(request.get_json())
        with transact(Cause()) as ledger:
            return jsonify(accounts.put(ledger, ledger.find("account", account_id), asked.state))

    @routes.post("/resend")
    def resend() -> Response:
        asked = ResendEvent.model_validate(request.get_json())
        _resend(transact, asked.event)
        return jsonify(event=asked.event)


def _resend(transact: Transact, event_id: str) -> None:
    """Send an event once more to everybody who listens, whatever the switches say."""
    with transact(Cause()) as ledger:
        event = ledger.on(ledger.records.owner(event_id)).find("event", event_id)
        outbox.queue(ledger.records, event, ledger.now, Switches())


def _add_page(routes: Blueprint, transact: Transact, faults: Faults) -> None:
    @routes.get("/")
    def page() -> Response:
        return _page(transact, faults)

    @routes.post("/")
    def set_by_form() -> AnyResponse:
        """:raises Forbidden: the form did not come from this page."""
        _check_origin()
        try:
            wanted: dict[str, Any] = {name: name in request.form for name in BOXES}
            wanted["delay_webhooks"] = request.form.get("delay_webhooks") or 0
            wanted["webhook_types"] = tuple(request.form.get("webhook_types", "").split()) or ("*",)
            wanted["fail_next"] = json.loads(request.form.get("fail_next") or "[]")
            faults.set(Switches.model_validate(wanted))
        except (ValidationError, ValueError) as error:
            return _page(transact, faults, problem=str(error), status=422)
        return redirect(url_for("admin.page"), 303)

    @routes.post("/again")
    def resend_by_form() -> AnyResponse:
        """:raises Forbidden: see `set_by_form`."""
        _check_origin()
        _resend(transact, request.form.get("event", ""))
        return redirect(url_for("admin.page"), 303)


def _check_origin() -> None:
    if request.headers.get("Origin") != request.host_url.rstrip("/"):
        abort(403)


def _page(transact: Transact, faults: Faults, problem: str | None = None, status: Literal[200, 422] = 200) -> Response:
    with transact(Cause()) as ledger:
        events, _ = ledger.records.page(PageQuery("event", limit=EVENTS_SHOWN))
        rows = [
            {
                "id": event["id"],
                "type": event["type"],
                "about": event["data"]["object"].get("id", ""),
                "deliveries": outbox.states(ledger.records, event["id"]),
            }
            for event in events
        ]
        backlog = outbox.backlog(ledger.records)
    switches = faults.switches
    planned = [failure.model_dump(exclude_defaults=True) for failure in switches.fail_next]
    body = render_template(
        "admin.html",
        backlog=backlog,
        boxes=[(name, getattr(switches, name)) for name in BOXES],
        example=EXAMPLE,
        events=rows,
        fail_next=json.dumps(planned) if planned else "",
        problem=problem,
        switches=switches,
    )
    response = make_response(body, status)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; "
        "form-action 'self'"
    )
    response.headers["Cache-Control"] = "no-store"
    return response

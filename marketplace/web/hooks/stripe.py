"""Stripe's door: verified, written into the inbox of events, answered after the commit. The work is a job."""

import logging

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace.infra.payment_gateway import ForgedEvent
from marketplace.payment import services as payment
from marketplace.web import audit
from marketplace.web.security import csrf

log = logging.getLogger(__name__)
blueprint = Blueprint("stripe", __name__)


@blueprint.post("/hooks/stripe")
@csrf.exempt  # the signature of the body is the proof of origin
def receive() -> ResponseReturnValue:
    try:
        payment.receive_event(request.get_data(), request.headers.get("Stripe-Signature", ""))
    except ForgedEvent as error:
        log.warning("an event was refused: %s", error)
        audit.refuse("signature")
        return {"received": False}, 400
    return {"received": True}

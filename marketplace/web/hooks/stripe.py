"""Stripe's door: verified, written into the inbox of events, answered after the commit. The work is a job."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from marketplace.payment import services as payment
from marketplace.web.security import csrf

blueprint = Blueprint("stripe", __name__)


@blueprint.post("/hooks/stripe")
@csrf.exempt  # the signature of the body is the proof of origin
def receive() -> ResponseReturnValue:
    payment.receive_event(request.get_data(), request.headers.get("Stripe-Signature", ""))
    return {"received": True}

"""The evidence log, for whoever wants to check it: addresses and bytes of c2sp.org/tlog-tiles, and whose signature to
trust. Nothing here is about a person. What has been published never changes, so tiles may be kept for ever.
"""

from flask import Blueprint, Response, current_app
from flask.typing import ResponseReturnValue

from marketplace.traceability import queries

blueprint = Blueprint("evidence_log", __name__, url_prefix="/log")

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_MOMENT = "public, max-age=1"
TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"


@blueprint.get("/checkpoint")
def checkpoint() -> ResponseReturnValue:
    return _answer(queries.checkpoint(), TEXT, FOR_A_MOMENT)


@blueprint.get("/tile/<level>/<path:place>")
def tile(level: str, place: str) -> ResponseReturnValue:
    return _answer(queries.log_hashes(level, place), BYTES, FOR_EVER)


@blueprint.get("/tile/entries/<path:place>")
def entries(place: str) -> ResponseReturnValue:
    return _answer(queries.log_entries(place), BYTES, FOR_EVER)


@blueprint.get("/trust.policy")
def trust_policy() -> ResponseReturnValue:
    return _answer(queries.trust_policy(current_app.config["LOG_ORIGIN"]), TEXT, FOR_A_MOMENT)


@blueprint.get("/authorities.pem")
def authorities() -> ResponseReturnValue:
    """Whose time-stamps to trust: never from what they are to judge."""
    return _answer(queries.time_authorities(), TEXT, FOR_A_MOMENT)


def _answer(data: str | bytes, kind: str, kept: str) -> Response:
    return Response(data, content_type=kind, headers={"Cache-Control": kept})

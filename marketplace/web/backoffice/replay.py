"""The player of recordings (decision 21).

It rebuilds what a browser sent, so it runs under an origin of its own, which knows no session and serves nothing else:
even if something of a recording came alive there, it would find nothing. Who asked at the desk is let in for minutes.
"""

from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, Flask, Response, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer

from marketplace.infra import keys
from marketplace.kernel.errors import NotFound
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import RecordingNotFound
from marketplace.web import security

blueprint = Blueprint("replay", __name__)

OPEN_SECONDS = 300
PLAY = "replay.play"


class NoReplay(NotFound):
    """Recordings are not played here: the site has no origin of its own for it."""

    code = "web:no-replay"


@blueprint.get("/replay/<token>")
def play(token: str) -> ResponseReturnValue:
    """The player with one recording in it. Raises RecordingNotFound for what the desk did not open a moment ago."""
    try:
        sale_id, entry_id = map(UUID, _signer().loads(token, max_age=OPEN_SECONDS))
    except (BadData, ValueError):
        raise RecordingNotFound from None
    found = oversight.recording(sale_id, entry_id)
    response = make_response(render_template("backoffice/player.html", found=found))
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'nonce-{security.csp_nonce()}'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data:; frame-ancestors {current_app.config['PUBLIC_URL']}; base-uri 'none'; "
        "form-action 'none'; sandbox allow-scripts allow-same-origin"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def keep_apart(app: Flask) -> None:
    """Under the player's origin there is the player and its files alone, and the player nowhere else."""
    host = urlsplit(app.config["REPLAY_ORIGIN"]).netloc

    @app.before_request
    def look_at_the_host() -> Response | None:
        there, plays = bool(host) and request.host == host, request.endpoint == PLAY
        fits = plays or request.endpoint == "static" if there else not plays
        return None if fits else Response(status=404, mimetype="text/plain")


def origin() -> str:
    """Where the player is; empty where recordings are not played."""
    found: str = current_app.config["REPLAY_ORIGIN"]
    return found


def address_of(sale_id: UUID, entry_id: UUID) -> str:
    """Of the player with that recording in it, for `OPEN_SECONDS`."""
    return origin() + url_for(PLAY, token=_signer().dumps([str(sale_id), str(entry_id)]))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(keys.derived("replay"))

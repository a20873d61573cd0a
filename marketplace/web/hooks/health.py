"""`/healthz/live`: the process answers. `/healthz/ready`: database, migrations and files are usable."""

import logging

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from marketplace.infra import readiness

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__, url_prefix="/healthz")


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    return {"status": "alive"}


@blueprint.get("/ready")
def ready() -> ResponseReturnValue:
    """A stranger learns which part is missing; what it is stands in the log."""
    problems = readiness.problems(current_app.root_path)
    for problem in problems:
        log.warning("not ready: %s", problem.detail)
    reasons = [problem.reason for problem in problems]
    return ({"status": "not ready", "reasons": reasons}, 503) if problems else {"status": "ready"}

"""`/healthz/live`: the process answers. `/healthz/ready`: database, migrations and files are usable."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from marketplace.infra import readiness

blueprint = Blueprint("health", __name__, url_prefix="/healthz")


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    return {"status": "alive"}


@blueprint.get("/ready")
def ready() -> ResponseReturnValue:
    problems = readiness.problems(current_app.root_path)
    return ({"status": "not ready", "problems": problems}, 503) if problems else {"status": "ready"}

"""`/healthz/live`: the process answers. `/healthz/ready`: database, migrations and files are usable.
`/healthz/compliance`: contracts were drawn by lot and checked within the last five weeks (T26-51).
"""

import logging

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue

from marketplace.infra import readiness
from marketplace.oversight import queries as oversight
from marketplace.traceability.values import PagesNotReleased
from marketplace.web import released

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__, url_prefix="/healthz")


@blueprint.get("/live")
def live() -> ResponseReturnValue:
    return {"status": "alive"}


@blueprint.get("/ready")
def ready() -> ResponseReturnValue:
    """A stranger learns which part is missing; what it is stands in the log. While only sales are stopped the process
    is ready: its other pages work (T26-33).
    """
    problems = readiness.problems(current_app.root_path)
    for problem in problems:
        log.warning("not ready: %s", problem.detail)
    if problems:
        return {"status": "not ready", "reasons": [problem.reason for problem in problems]}, 503
    try:
        released.here().require()
    except PagesNotReleased:  # why stands in the log
        return {"status": "ready", "sales": "stopped", "reasons": ["release"]}
    return {"status": "ready"}


@blueprint.get("/compliance")
def compliance() -> ResponseReturnValue:
    """For whoever watches the installation; a balancer does not ask it."""
    if oversight.report_overdue():
        return {"status": "overdue", "reasons": ["sample"]}, 503
    return {"status": "checked"}

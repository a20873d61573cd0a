"""The site of a demonstration: the marketplace, and a page with the codes that its staff would read off their phones.

Gunicorn starts it as `sandbox.site:demonstration()`. The marketplace itself has no such page and no way to tell a code.
"""

from datetime import UTC, datetime

import pyotp
from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from config import Settings
from marketplace.app import before_forking, create_app
from marketplace.kernel import clock
from marketplace.kernel.addresses import is_loopback
from marketplace.web.doors import ACCESS, Door, PageClass, Who
from sandbox.instance import Instance
from sandbox.releasing import release_pages

STEP_SECONDS = 30


class NotADemonstrationError(Exception):
    """Somebody tried to show the codes of a site that is no demonstration."""


def show_codes(app: Flask, instance: Instance) -> None:
    """Add the page `/demonstration/codes`, and lead to it from where a code is asked for."""
    if not app.config["DEMONSTRATION"]:
        raise NotADemonstrationError("codes are shown in a demonstration only")
    blueprint = Blueprint("demonstration", __name__, url_prefix="/demonstration")

    @blueprint.get("/codes")
    def codes() -> ResponseReturnValue:
        if not is_loopback(request.remote_addr or ""):
            abort(404)
        staff = [account for account in instance.accounts() if account.one_time_secret]
        now = clock.now()
        shown = [(account, pyotp.TOTP(account.one_time_secret).at(now)) for account in staff]
        return render_template("hooks/codes.html", shown=shown, seconds=seconds_left(now))

    app.register_blueprint(blueprint)
    ACCESS["demonstration.codes"] = Door(Who.ANYONE, PageClass.MACHINE)
    app.jinja_env.globals["codes_page"] = "/demonstration/codes"


def seconds_left(now: datetime) -> int:
    """Until the codes change: 1 to 30."""
    return STEP_SECONDS - int(now.astimezone(UTC).timestamp()) % STEP_SECONDS


def demonstration() -> Flask:
    app = create_app(Settings.or_exit())
    show_codes(app, Instance.of_this_process())
    release_pages(app)
    before_forking()
    return app

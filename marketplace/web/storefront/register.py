"""The public register of personal data: what is kept, why, and for how long (PIPL article 17, GDPR article 13)."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.privacy.values import registry

blueprint = Blueprint("register", __name__)


@blueprint.get("/privacy/data")
def data() -> ResponseReturnValue:
    return render_template("storefront/data.html", register=registry())

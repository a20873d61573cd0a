"""Keys for an insurer's machines: its admin makes them, sees each once, and takes them back."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import KeyScope
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.web import access
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.keys import KeyForm

blueprint = Blueprint("insurer_keys", __name__, url_prefix="/insurer/keys")


@blueprint.get("")
def keys() -> ResponseReturnValue:
    return _page()


@blueprint.post("/make")
def make() -> ResponseReturnValue:
    """A new key; its token is on this answer and on no other."""
    form = KeyForm()
    if not form.validate_on_submit():
        return _page(form=form), 422
    scopes = frozenset({KeyScope(form.opens.data)})
    return _page(made=services.make_api_key(access.here(), str(form.name.data), int(form.days.data), scopes))


@blueprint.post("/<uuid:key_id>/revoke")
def revoke(key_id: UUID) -> ResponseReturnValue:
    services.revoke_api_key(access.here(), key_id)
    flash(_("The key opens nothing any more."))
    return redirect(url_for(".keys"), 303)


def _page(**shown: Any) -> str:
    found = accounts.api_keys(own_insurer_id())
    return render_template(
        "insurer/keys.html",
        keys=found,
        now=clock.now(),
        names=accounts.names_of({key.created_by for key in found}),
        **{"form": KeyForm(None), "made": None} | shown,
    )

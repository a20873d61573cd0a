"""Version 1: an insurer's machine sends a catalog and asks what became of it, and takes its bordereaux.

Refusals are problem details (RFC 9457). The same bytes are the same upload, so sending again after a lost answer is
safe.
"""

from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import services as accounts
from marketplace.accounts.values import (
    ApiKey,
    ApiKeyRefused,
    Bucket,
    KeyScope,
    NewSecurityEvent,
    SecurityEventType,
)
from marketplace.infra.db import narrow_scope
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.listing import queries as listing
from marketplace.listing import services as listing_services
from marketplace.listing.values import Finding, Upload, UploadNotFound
from marketplace.oversight import queries as oversight
from marketplace.traceability.values import Actor, ActorRole
from marketplace.web import audit
from marketplace.web.api import bordereaux
from marketplace.web.security import csrf

blueprint = Blueprint("api_v1", __name__, url_prefix="/api/v1")
csrf.exempt(blueprint)  # no cookie opens these doors, so no other site can use one

DESCRIPTION = Path(__file__).with_name("openapi.json").read_text(encoding="utf-8")
CONTAINERS = frozenset({"application/zip", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"})
_BEARER = "Bearer "


@blueprint.get("/openapi.json")
def description() -> ResponseReturnValue:
    return Response(DESCRIPTION, mimetype="application/json")


@blueprint.put("/catalogs")
def put_catalog() -> ResponseReturnValue:
    """Send a catalog: a zip, or a workbook. 201 with what was found, 200 if these bytes were sent before."""
    key = _opened(partial(accounts.open_to_send, counted_in=Bucket.UPLOAD_OF_KEY))
    if request.mimetype not in CONTAINERS:
        abort(415)
    data = request.get_data()
    if not data:
        raise Invalid({"body": _("Please send a catalog.")})
    begun_at = clock.now()
    upload = _receive(key, data)
    _note(key, SecurityEventType.API_KEY_USED)
    place = url_for(".catalog", upload_id=upload.id)
    return _told(upload), 201 if upload.received_at >= begun_at else 200, {"Location": place}


@blueprint.get("/catalogs/<uuid:upload_id>")
def catalog(upload_id: UUID) -> ResponseReturnValue:
    """What became of a catalog that was sent."""
    key = _opened(accounts.open_with_key)
    upload = listing.upload(upload_id)
    if upload.insurer_id != key.insurer_id:
        raise UploadNotFound
    return _told(upload)


@blueprint.get("/bordereaux/<day:day>")
def bordereau(day: date) -> ResponseReturnValue:
    """What happened on a day that is over to the premiums of the insurer's contracts. Each look is noted."""
    key = _opened(accounts.open_with_key, KeyScope.BORDEREAUX_READ)
    found = oversight.bordereau(key.insurer_id, day)
    _note(key, SecurityEventType.BORDEREAU_TAKEN, day=day.isoformat())
    return bordereaux.told(found)


def _opened(opens: Callable[[str, KeyScope], ApiKey], scope: KeyScope = KeyScope.CATALOGS_WRITE) -> ApiKey:
    """The key of this request; from here on it touches the rows of its insurer alone. Raises what `opens` does."""
    given = request.headers.get("Authorization", "")
    if not given.startswith(_BEARER):
        raise ApiKeyRefused
    try:
        key = opens(given.removeprefix(_BEARER), scope)
    except ApiKeyRefused:
        audit.refuse("api_key")
        raise
    narrow_scope(key.insurer_id)
    return key


def _receive(key: ApiKey, data: bytes) -> Upload:
    """Hand the bytes to listing, in the name of the member of staff who made the key."""
    return listing_services.upload_catalog(key.insurer_id, data, Actor(ActorRole.INSURER, key.created_by, "api_key"))


def _note(key: ApiKey, kind: SecurityEventType, **detail: str) -> None:
    accounts.record_security_event(
        NewSecurityEvent(
            kind,
            account_id=key.created_by,
            actor="api_key",
            source=audit.source(),
            endpoint=request.endpoint or "",
            detail={"key_id": str(key.id)} | detail,
        )
    )


def _told(upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "state": upload.state.value,
        "sha256": upload.sha256,
        "label": upload.label,
        "products": list(upload.products),
        "received_at": upload.received_at.isoformat(),
        "published_at": upload.published_at.isoformat() if upload.published_at else None,
        "findings": [_finding(each) for each in upload.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """What is wrong and what would be right, in the language asked for."""
    words = listing.explain(finding)
    return finding.to_json() | {"wrong": words.wrong, "advice": words.right}


@blueprint.after_request
def say_how_to_come_in(response: Response) -> Response:
    if response.status_code == 401:  # noqa: PLR2004  HTTP: who is it?
        response.headers["WWW-Authenticate"] = 'Bearer realm="evenfold"'
    return response

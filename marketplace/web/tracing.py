"""Recorded pages: what is sent is kept, byte for byte, before it leaves; what cannot be recorded is not shown.

A traced page is rendered with the id of its version. The request's transaction is committed first, then the view is
recorded, then the bytes leave (T26-06, T26-33).
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, make_response, render_template, request, session
from jinja2 import Environment, meta

from marketplace.infra import keys, vault
from marketplace.infra.formatting import current_locale
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Conflict, MarketplaceError
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import Channel, EntryType, JourneyNotFound, PageManifest, View
from marketplace.web import access, error_pages

ASSETS = ("css/evenfold.css", "js/evenfold.js", "img/seal.svg")


class FormNotCurrent(Conflict):
    """This form is not the page you were shown, or it was altered. Please read the page again."""

    code = "web:form-not-current"


@dataclass(frozen=True, slots=True)
class Traced:
    """What a page is about: its entry type and what ties it to a contract, a product, texts and documents."""

    type: EntryType = EntryType.PAGE_SHOWN
    product_version_id: UUID | None = None
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    documents: tuple[str, ...] = ()
    wordings: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


def current_journey() -> UUID:
    """The journey of this browser, begun now if there is none, or none any more: where it was erased (the account was
    closed on another device, or nobody came for a year) nothing can be recorded in it.
    """
    known = session.get("journey")
    if known:
        with suppress(JourneyNotFound, ValueError):
            journey_id = trail.journey(UUID(known)).id
            if not vault.is_destroyed(journey_id):
                return journey_id
    journey_id = traceability.start_journey(Channel.SELF, {"entered_by": request.endpoint, "locale": current_locale()})
    session["journey"] = str(journey_id)
    return journey_id


def render_traced(
    template: str, traced: Traced, *, journey_id: UUID | None = None, status: int = 200, **context: Any
) -> Response:
    """Render `template` and have it recorded in the journey before it is sent."""
    version_id = version_of(template, traced)
    page = render_template(template, seen=token_of(version_id), **context).encode()
    return send_traced(page, traced, version_id, journey_id=journey_id, status=status)


def version_of(template: str, traced: Traced) -> str:
    """The id of the version of this page, kept from its first use on."""
    return traceability.ensure_page_version(_manifest(template, traced))


def send_traced(
    page: bytes,
    traced: Traced,
    version_id: str,
    *,
    journey_id: UUID | None = None,
    status: int = 200,
    pressed: bytes | None = None,
) -> Response:
    """The answer with these bytes, which are recorded in the journey before they leave; `pressed` as in `View`."""
    g.pending_view = View(
        journey_id=journey_id or current_journey(),
        type=traced.type,
        page_version_id=version_id,
        page=page,
        actor=access.actor(),
        body=dict(traced.body) | {"endpoint": request.endpoint, "status": status},
        application_id=traced.application_id,
        insurer_id=traced.insurer_id,
        pressed=pressed,
    )
    return Response(page, status=status, mimetype="text/html")


def seen_page_version(path: str | None = None) -> str:
    """The version of the page on which the posted form stood; of the page at `path`, where that is another than the
    form's own address. Raises FormNotCurrent for anything we did not sign, and for the page of another address: having
    seen one document does not confirm the next.
    """
    version_id, _, proof = request.form.get("seen", "").partition(".")
    if not hmac.compare_digest(proof.encode(), _proof_of(version_id, path or request.path).encode()):
        raise FormNotCurrent
    return version_id


def record_views(app: Flask) -> None:
    """Registered before the transaction's own hook, so that it runs after the commit."""

    @app.after_request
    def record(response: Response) -> Response:
        view = g.pop("pending_view", None)
        if view is None or response.get_data() != view.page:
            return response
        try:
            traceability.record_view(view)
        except MarketplaceError as error:
            return make_response(error_pages.page(error_pages.status_of(error)))
        return response


def token_of(version_id: str) -> str:
    """What a form carries to say on which version of the page at this path it stood."""
    return f"{version_id}.{_proof_of(version_id, request.path)}"


def _proof_of(version_id: str, path: str) -> str:
    """HMAC-SHA-256 (hex) of a version of the page at a path."""
    return hmac.new(keys.derived("seen-page"), f"{version_id}\0{path}".encode(), "sha256").hexdigest()


def _manifest(template: str, traced: Traced) -> PageManifest:
    return PageManifest(
        page=str(request.endpoint),
        locale=current_locale(),
        templates=template_closure(current_app.jinja_env, template),
        assets=assets(str(current_app.static_folder)),
        wordings=traced.wordings,
        documents=traced.documents,
        product_version_id=traced.product_version_id,
    )


@cache
def template_closure(environment: Environment, template: str) -> dict[str, str]:
    """Every template that `template` extends, includes or imports, itself included: name -> SHA-256 of its source."""
    closure: dict[str, str] = {}
    waiting = [template]
    while waiting:
        name = waiting.pop()
        if name in closure or environment.loader is None:
            continue
        source, _, _ = environment.loader.get_source(environment, name)
        closure[name] = sha256_hex(source.encode())
        waiting.extend(found for found in meta.find_referenced_templates(environment.parse(source)) if found)
    return closure


@cache
def assets(static_folder: str) -> dict[str, str]:
    """The static files every page uses: path -> SHA-256."""
    return {name: sha256_hex((Path(static_folder) / name).read_bytes()) for name in ASSETS}

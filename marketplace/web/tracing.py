"""Recorded pages: what is sent is kept, byte for byte, before it leaves; what cannot be recorded is not shown.

A traced page is rendered with the id of its version. The request's transaction is committed first, then the view is
recorded, then the bytes leave (T26-06, T26-33).
"""

import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Flask, Response, flash, g, make_response, render_template, request, session

from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra import keys, vault
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Conflict, MarketplaceError
from marketplace.policy.values import Policy, PolicyNotFound
from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import Actor, Channel, EntryType, JourneyNotFound, Online, PageManifest, View
from marketplace.web import access, error_pages, released, security, sessions


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
    actor: Actor | None = None  # who is shown it, where it is not whoever this browser is known as

    @property
    def files(self) -> tuple[str, ...]:
        """What has to be in the store beside what was released."""
        return (*self.documents, *self.wordings.values())


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
    journey_id = traceability.start_journey(Channel.SELF, _attribution())
    session["journey"] = str(journey_id)
    return journey_id


def visit_of(policy: Policy) -> UUID:
    """The journey of this visit to a contract by its customer, begun with the first look of a sign-in: everything about
    the contract after its sale is recorded in it, naming its application. Raises PolicyNotFound for everybody else.
    """
    here = sessions.behind()
    if here is None or here[1].id != policy.account_id:
        raise PolicyNotFound
    return traceability.begin_visit(policy.application_id, here[0].id, _attribution())


def _attribution() -> Mapping[str, Any]:
    """How a journey begins."""
    return {"entered_by": request.endpoint, "locale": current_locale()}


def render_traced(
    template: str, traced: Traced, *, journey_id: UUID | None = None, status: int = 200, **context: Any
) -> Response:
    """Render `template` and have it recorded in the journey before it is sent."""
    online = version_of(template, traced)
    page = render_template(template, seen=token_of(online.version_id), **context).encode()
    return send_traced(page, traced, online, journey_id=journey_id, status=status)


def version_of(template: str, traced: Traced) -> Online:
    """The version of this page, kept and noted as online from its first use on. Raises PagesNotReleased."""
    release = released.here().require(traced.files)
    return traceability.put_online(_manifest(template, traced), release.number)


def send_traced(
    page: bytes,
    traced: Traced,
    online: Online,
    *,
    journey_id: UUID | None = None,
    status: int = 200,
    pressed: Callable[[], bytes] | None = None,
) -> Response:
    """The answer with these bytes, which are recorded in the journey before they leave; `pressed` as in `View`."""
    g.pending_view = View(
        entry_id=entry_of(security.csp_nonce()),
        journey_id=journey_id or current_journey(),
        type=traced.type,
        page_version_id=online.version_id,
        page=page,
        actor=traced.actor or access.actor(),
        body=dict(traced.body) | {"endpoint": request.endpoint, "status": status},
        application_id=traced.application_id,
        insurer_id=traced.insurer_id,
        pressed=pressed,
        reference=online.reference,
    )
    return Response(page, status=status, mimetype="text/html")


def seen_page_version() -> str:
    """The version of the page on which the posted form stood. Raises FormNotCurrent for anything we did not sign, and
    for the page of another address: having seen one document does not confirm the next.
    """
    released.here().require()
    version_id = _signed()
    if version_id is None:
        raise FormNotCurrent
    return version_id


def entry_of(nonce: str) -> UUID:
    """The entry of the page that was sent with this nonce. A page needs nothing more to say later that it was left."""
    told = hmac.digest(keys.derived("entry-of-page"), nonce.encode(), "sha256")
    return UUID(bytes=told[:16], version=4)


def _signed() -> str | None:
    """The version that the posted form names, if this is the signature of ours over it and the path."""
    version_id, _dot, proof = request.form.get("seen", "").partition(".")
    return version_id if hmac.compare_digest(proof.encode(), _proof_of(version_id).encode()) else None


def show_present_pages(app: Flask) -> None:
    """A form from a page that is not the present one any more enters nothing: the present page is shown in its place,
    as an answer to the form (409, T26-38). Registered after the guard of doors, so that it runs before every view.
    """

    @app.before_request
    def look_at_the_form() -> None:
        if request.method == "POST" and "seen" in request.form:
            version_id = _signed()
            if version_id is not None and not _is_present(version_id):
                flash(_("This page has changed since you opened it. Nothing was entered. Please read it again."))
                g.outdated, request.method = True, "GET"

    @app.after_request
    def say_that_it_changed(response: Response) -> Response:
        if g.pop("outdated", False) and response.status_code == HTTPStatus.OK:
            response.status_code = HTTPStatus.CONFLICT
            if view := g.get("pending_view"):
                g.pending_view = replace(view, body={**view.body, "status": response.status_code})
        return response


def _is_present(version_id: str) -> bool:
    """Whether the version is the one online and, unless newer processes put it there, what this process would show."""
    seen = trail.seen(version_id)
    if seen is None or seen.online_id not in {None, version_id}:
        return False
    if seen.online_release is not None and seen.online_release > released.here().require().number:
        return True
    content, manifest = released.here().content, seen.manifest
    templates = {name: content.templates.get(name) for name in manifest["templates"]}
    return (templates, content.assets, _wordings_of(manifest), _sentences(manifest["locale"])) == (
        manifest["templates"],
        manifest["assets"],
        manifest["wordings"],
        manifest.get("sentences"),
    )


def _sentences(locale: str) -> dict[str, str]:
    """What the pages of this process say in `locale`."""
    return {locale: released.here().content.sentences[locale]}


def _wordings_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Our texts that the page would have now."""
    keys = [WordingKey(key) for key in manifest["wordings"]]
    found = disclosure.wordings(keys, manifest["locale"]) if keys else {}
    return {key.value: wording.sha256 for key, wording in found.items()}


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
    return f"{version_id}.{_proof_of(version_id)}"


def _proof_of(version_id: str) -> str:
    """HMAC-SHA-256 (hex) of a version of the page at this path."""
    return hmac.new(keys.derived("seen-page"), f"{version_id}\0{request.path}".encode(), "sha256").hexdigest()


def _manifest(template: str, traced: Traced) -> PageManifest:
    pages = released.here()
    return PageManifest(
        page=str(request.endpoint),
        locale=current_locale(),
        templates=pages.closure(template),
        assets=pages.content.assets,
        wordings=traced.wordings,
        documents=traced.documents,
        product_version_id=traced.product_version_id,
        sentences=_sentences(current_locale()),
    )

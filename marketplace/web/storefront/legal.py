"""Who we are, whom we act for, what we record and what we keep."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import FactKind, Insurer
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import Document, DocumentKind, ProductVersion
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import Announcement, WordingKey
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.web import parties

blueprint = Blueprint("legal", __name__)

ASSOCIATION = "https://www.iachina.cn/"
"""Where the industry's association publishes what its members disclose (O13-05)."""

# A year at most (RFC 9116, 2.5.5). It is made anew with each answer, so it never runs out while the site is up.
SECURITY_TXT_HOLDS = timedelta(days=180)


@blueprint.get("/disclosure")
def disclosure_page() -> ResponseReturnValue:
    """Who we are, for whom we act and acted, every product on sale with its filing number and clauses, and how people
    are served and protected (O13-02, O13-03, O13-05).
    """
    today = clock.today(ZONE)
    versions = catalog.all_on_sale(today)
    insurers = accounts.list_insurers()
    selling = {insurer.id: insurer for insurer in insurers if insurer.active}
    terms = [(selling[term.insurer_id], term) for term in accounts.terms_in_force(today) if term.insurer_id in selling]
    return render_template(
        "storefront/disclosure.html",
        insurers=selling.values(),
        regions={insurer_id: parties.regions_of(insurer) for insurer_id, insurer in selling.items()},
        branches=_branches(),
        ended=_ended({insurer.id: insurer for insurer in insurers}),
        terms=terms,
        versions=versions,
        clauses=_clauses(versions),
        association=ASSOCIATION,
        notice=disclosure.wording(WordingKey.CLIENT_NOTICE, current_locale()),
        us=letterhead(),
    )


def _branches() -> dict[UUID, str]:
    """By insurer, where it has branches, in words (O13-05)."""
    return {each: parties.said(fact) for each, fact in accounts.latest_facts(FactKind.BRANCHES).items()}


def _clauses(versions: Iterable[ProductVersion]) -> dict[UUID, Document]:
    """By version, its clauses in the reader's language, or in the other one where there are none."""
    asked = catalog.documents_of_versions(version.id for version in versions)
    found: dict[UUID, Document] = {}
    for version_id, documents in asked.items():
        kept = [each for each in documents if each.kind is DocumentKind.CLAUSES]
        if kept:
            found[version_id] = min(kept, key=lambda each: each.locale != current_locale())
    return found


def _ended(insurers: Mapping[UUID, Insurer]) -> list[tuple[Insurer, Announcement]]:
    """Whom we no longer act for, or soon will not, with what was announced of it (O13-03)."""
    ends = disclosure.ended_cooperations()
    return [(insurers[each.said.insurer_id], each) for each in ends if each.said.insurer_id is not None]


@blueprint.get("/what-we-record")
def recording() -> ResponseReturnValue:
    return _wording(WordingKey.RECORDING_NOTICE, _("What we record"))


@blueprint.get("/privacy")
def privacy() -> ResponseReturnValue:
    return _wording(WordingKey.PRIVACY_NOTICE, _("What we do with your data"))


@blueprint.get("/.well-known/security.txt")
def security_txt() -> ResponseReturnValue:
    """Where somebody who found a weakness reports it (RFC 9116)."""
    canonical = f"{current_app.config['PUBLIC_URL']}{url_for('.security_txt')}"
    lines = (
        f"Contact: {current_app.config['SECURITY_CONTACT']}",
        f"Expires: {clock.now() + SECURITY_TXT_HOLDS:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en, zh",
        f"Canonical: {canonical}",
    )
    return Response("".join(f"{line}\n" for line in lines), content_type="text/plain; charset=utf-8")


def _wording(key: WordingKey, title: str) -> str:
    return render_template("storefront/wording.html", title=title, wording=disclosure.wording(key, current_locale()))

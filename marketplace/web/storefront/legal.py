"""Who we are, whom we act for, what we record and what we keep."""

from datetime import timedelta

from flask import Blueprint, Response, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.formatting import ZONE, current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock

blueprint = Blueprint("legal", __name__)

# A year at most (RFC 9116, 2.5.5). It is made anew with each answer, so it never runs out while the site is up.
SECURITY_TXT_HOLDS = timedelta(days=180)


@blueprint.get("/disclosure")
def disclosure_page() -> ResponseReturnValue:
    """Insurers we act for and every product on sale, with its filing number and clauses (O13-02, O13-03)."""
    today = clock.today(ZONE)
    versions = catalog.all_on_sale(today)
    selling = {insurer.id: insurer for insurer in accounts.list_insurers() if insurer.active}
    terms = [(selling[term.insurer_id], term) for term in accounts.terms_in_force(today) if term.insurer_id in selling]
    return render_template(
        "storefront/disclosure.html",
        insurers=selling.values(),
        terms=terms,
        versions=versions,
        notice=disclosure.wording(WordingKey.CLIENT_NOTICE, current_locale()),
    )


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

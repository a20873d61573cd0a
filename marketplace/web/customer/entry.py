"""Into an account: begin or renew a session, tell the owner of a browser never seen before, go to where it leads."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import Account
from marketplace.infra.formatting import gettext as _
from marketplace.web import access
from marketplace.web.mails import send
from marketplace.web.security import wanted_path

HOMES = (
    "policy.policies",
    "insurer_sales.sales",
    "insurer_products.products",
    "sales_log.sales",
    "listing_review.waiting",
)
"""Where people begin: the first of these that opens to their role."""


def enter(account: Account) -> None:
    """Begin the session. Staff are in after the second step only."""
    notice = access.sign_in(account)
    if notice is not None:
        send(notice)


def prove(*, second_factor: bool = False) -> None:
    """The person gave a fresh proof: new tokens for the session, whole after a second factor."""
    notice = access.renew(second_factor=second_factor)
    if notice is not None:
        send(notice)


def onward() -> ResponseReturnValue:
    """To where the person was stopped, or to where the role begins; staff by way of the second step."""
    wanted = wanted_path()
    if access.signed_in() is None:
        return redirect(url_for("factor.verify", next=wanted), 303)
    return redirect(wanted or _home(), 303)


def _home() -> str:
    """Where a role without a desk gets to: its own account, and the word that there is nothing else yet."""
    for endpoint in HOMES:
        if access.may_enter(endpoint):
            return url_for(endpoint)
    flash(_("There is no desk for your role here yet. On this page you look after your account."))
    return url_for("security.overview")

"""Into an account: begin or renew a session, tell the owner of a browser never seen before, go to where it leads."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import Account, Desk
from marketplace.web import access
from marketplace.web.customer.correspondence import send
from marketplace.web.security import own_path

HOME = {Desk.CUSTOMER: "policy.policies", Desk.INSURER: "insurer_sales.sales", Desk.BACKOFFICE: "sales_log.sales"}


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


def onward(account: Account) -> ResponseReturnValue:
    """To where the person was stopped, or to the desk of the role; staff by way of the second step."""
    wanted = own_path(request.args.get("next", ""))
    if access.signed_in() is None:
        return redirect(url_for("factor.verify", next=wanted), 303)
    return redirect(wanted or url_for(HOME[account.role.desk]), 303)

"""Every cent explained: what the ledger says, what Stripe says, and what does not agree (O13-24)."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable
from marketplace.oversight import queries as oversight
from marketplace.payment import queries, services
from marketplace.payment.values import LedgerAccount

blueprint = Blueprint("books", __name__, url_prefix="/admin/books")

ACCOUNTS: dict[LedgerAccount, str] = {
    LedgerAccount.PROVIDER_BALANCE: _l("At Stripe"),
    LedgerAccount.BANK: _l("Paid out to our bank"),
    LedgerAccount.PROVIDER_FEES: _l("Fees that Stripe took"),
    LedgerAccount.CUSTOMER_HELD: _l("Held for customers"),
    LedgerAccount.REFUNDS_PAYABLE: _l("To go back to customers"),
    LedgerAccount.INSURER_PAYABLE: _l("Owed to insurers"),
    LedgerAccount.COMMISSION: _l("Our commission"),
}
_OURS = {LedgerAccount.PROVIDER_BALANCE, LedgerAccount.BANK, LedgerAccount.PROVIDER_FEES}


@blueprint.get("")
def books() -> ResponseReturnValue:
    totals = sorted(queries.account_totals(), key=lambda each: (each.total.currency, [*ACCOUNTS].index(each.account)))
    unexplained, now = queries.unexplained(), clock.now()
    return render_template(
        "backoffice/books.html",
        checks=queries.last_balance_checks(),
        lines=[(ACCOUNTS[each.account], each, each.account in _OURS) for each in totals],
        insurers=accounts.insurers(each.insurer_id for each in totals if each.insurer_id),
        unexplained=[each for each in unexplained if each.is_late(now)],
        under_way=[each for each in unexplained if not each.is_late(now)],
        disagreements=oversight.disagreements(),
    )


@blueprint.post("/compare")
def compare() -> ResponseReturnValue:
    """Ask Stripe now instead of at the next hour."""
    try:
        services.take_movements()
    except Unavailable:
        flash(_("Stripe does not answer at the moment. Nothing was noted; please try again later."))
    else:
        flash(_("Compared with Stripe just now."))
    return redirect(url_for(".books"), 303)

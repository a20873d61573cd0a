"""Every cent explained: what the ledger says, what Stripe says, and what does not agree (O13-24)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.payment import queries, services
from marketplace.payment.values import AccountTotal, LedgerAccount, Overdue

blueprint = Blueprint("books", __name__, url_prefix="/admin/books")

ACCOUNTS: dict[LedgerAccount, str] = {
    LedgerAccount.PROVIDER_BALANCE: _l("At Stripe"),
    LedgerAccount.BANK: _l("Paid out to our bank"),
    LedgerAccount.PROVIDER_FEES: _l("Fees that Stripe took"),
    LedgerAccount.DISPUTED: _l("Taken back by banks, not decided yet"),
    LedgerAccount.DISPUTE_LOSSES: _l("Lost to banks at our own cost"),
    LedgerAccount.GOODWILL: _l("Given back at our own cost"),
    LedgerAccount.CUSTOMER_HELD: _l("Held for customers"),
    LedgerAccount.REFUNDS_PAYABLE: _l("To go back to customers"),
    LedgerAccount.INSURER_PAYABLE: _l("Owed to insurers"),
    LedgerAccount.COMMISSION: _l("Our commission"),
}
_OURS = {
    LedgerAccount.PROVIDER_BALANCE, LedgerAccount.BANK, LedgerAccount.PROVIDER_FEES, LedgerAccount.DISPUTED,
    LedgerAccount.DISPUTE_LOSSES, LedgerAccount.GOODWILL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OfInsurer:
    """What one insurer is owed in a currency, and what it paid us for it."""

    insurer_id: UUID
    owed: Money
    commission: Money


@blueprint.get("")
def books() -> ResponseReturnValue:
    totals, unexplained, now = queries.account_totals(), queries.unexplained(), clock.now()
    overdue = queries.overdue()
    return render_template(
        "backoffice/books.html",
        checks=queries.last_balance_checks(),
        lines=_by_account(totals),
        parties=_by_insurer(totals),
        insurers=accounts.insurers(_insurers_in(totals, overdue)),
        overdue=overdue,
        unexplained=[each for each in unexplained if each.is_late(now)],
        under_way=[each for each in unexplained if not each.is_late(now)],
        disagreements=oversight.disagreements(),
    )


def _insurers_in(totals: Sequence[AccountTotal], overdue: Sequence[Overdue]) -> set[UUID]:
    return {each.insurer_id for each in totals if each.insurer_id} | {each.insurer_id for each in overdue}


def _by_account(totals: Sequence[AccountTotal]) -> list[tuple[str, Money]]:
    """What each account stands at, as a person would say it: what is owed is no negative number."""
    sums: dict[tuple[str, LedgerAccount], int] = Counter()
    for each in totals:
        sums[each.total.currency, each.account] += each.total.minor if each.account in _OURS else -each.total.minor
    currencies = sorted({currency for currency, _account in sums})
    return [
        (words, Money(sums[currency, account], currency))
        for currency in currencies
        for account, words in ACCOUNTS.items()
        if (currency, account) in sums
    ]


def _by_insurer(totals: Sequence[AccountTotal]) -> list[OfInsurer]:
    by = {(each.insurer_id, each.total.currency, each.account): -each.total for each in totals if each.insurer_id}
    return [
        OfInsurer(insurer_id, owed, by.get((insurer_id, currency, LedgerAccount.COMMISSION), Money.zero(currency)))
        for (insurer_id, currency, account), owed in by.items()
        if account is LedgerAccount.INSURER_PAYABLE and insurer_id
    ]


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

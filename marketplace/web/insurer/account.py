"""An insurer's account with the marketplace: what it is owed now and what happened last, a bordereau for each day, a
statement for each month.

A bordereau names persons, so each one that is taken is noted.
"""

from collections.abc import Iterable
from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SETTLED_AFTER
from marketplace.payment import queries as payments
from marketplace.web.insurer import account_tables
from marketplace.web.insurer.desk import own_insurer_id

blueprint = Blueprint("insurer_account", __name__, url_prefix="/insurer/account")

DAYS_SHOWN, DAYS_LOOKED_AT, LINES_SHOWN = 31, 1000, 50


@blueprint.get("")
def account() -> ResponseReturnValue:
    insurer_id, now = own_insurer_id(), clock.now()
    today = (now - SETTLED_AFTER).astimezone(ZoneInfo(ZONE)).date()
    days = payments.share_days(insurer_id, DAYS_LOOKED_AT)
    return render_template(
        "insurer/account.html",
        insurer=accounts.insurer(insurer_id),
        owed=payments.owed_at(insurer_id, now),
        latest=oversight.latest_share_lines(insurer_id, LINES_SHOWN),
        event_words=account_tables.event_words,
        days=[day for day in days if day < today][:DAYS_SHOWN],
        months=_months(days, today),
    )


@blueprint.get("/days/<day:day>.<any(csv, xlsx):form>")
def bordereau(day: date, form: str) -> ResponseReturnValue:
    return account_tables.bordereau_table(oversight.bordereau(own_insurer_id(), day), form)


@blueprint.get("/months/<day:month>.<any(csv, xlsx):form>")
def statement(month: date, form: str) -> ResponseReturnValue:
    if month.day != 1:
        abort(404)
    return account_tables.statement_table(oversight.statement(own_insurer_id(), month), form)


def _months(days: Iterable[date], today: date) -> list[date]:
    """The first day of each month that is over and in which something happened, the latest first."""
    this = today.replace(day=1)
    return sorted({day.replace(day=1) for day in days} - {this}, reverse=True)

"""What was announced of a cooperation becomes true at its hour: whoever we no longer act for sells nothing here."""

from marketplace.accounts import queries as accounts
from marketplace.accounts.services import suspend_insurer
from marketplace.disclosure import queries as disclosure
from marketplace.infra.formatting import DEFAULT_LOCALE
from marketplace.kernel import clock


def end_cooperations() -> int:
    """Stop the sales of insurers whose announced end has come (Order 2020 No. 13, article 12(4)), in the name of
    whoever released the announcement. An end that was taken back stops nobody. Returns how many were stopped.
    """
    now, ended = clock.business_now(), 0
    for found in disclosure.ended_cooperations():
        insurer_id, by = found.said.insurer_id, found.released_by
        if insurer_id is None or by is None or not found.in_force(now) or not accounts.may_sell(insurer_id):
            continue
        suspend_insurer(insurer_id, found.said.text.in_(DEFAULT_LOCALE), accounts.account(by))
        ended += 1
    return ended

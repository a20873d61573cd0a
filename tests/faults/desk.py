"""`python -m tests.faults.desk`: the refund desk as a process of its own. For each line that it reads, finance gives a
part of a payment back whose insurer has its share, where there is one; for each payment once, however often it is
tried.
"""

import sys
from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config import Settings
from marketplace.app import create_app
from marketplace.infra.db import Scope, db, use_scope
from tests.factories.payment import a_wish
from tests.faults.waiting import until

WAITS_SECONDS = 120
_NEXT = text("""
    SELECT attempt_id, a.id AS finance FROM payment_transfer t, accounts_account a
    WHERE t.state = 'sent' AND a.role = 'admin_finance'
    AND NOT EXISTS (SELECT FROM payment_refund_wish w WHERE w.attempt_id = t.attempt_id) ORDER BY sent_at LIMIT 1
""")


def main() -> None:
    with create_app(Settings.or_exit()).app_context(), use_scope(Scope.all()):
        for _line in sys.stdin:
            until(_gave_back, "the database", WAITS_SECONDS, 0.2)


def _gave_back() -> bool:
    """False where the database is not to be had just now."""
    try:
        found = db.session.execute(_NEXT).one_or_none()
        if found is not None:
            a_wish(found.attempt_id, found.finance, id=found.attempt_id)
        db.session.commit()
    except DBAPIError:
        with suppress(DBAPIError):
            db.session.rollback()
        return False
    return True


if __name__ == "__main__":
    main()

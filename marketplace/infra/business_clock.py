"""Where the business clock of a demonstration stands (`kernel.clock`). In production the table stays empty.

Entry points take it from there with everything else that is present (`infra.present`).
"""

from datetime import timedelta

from sqlalchemy import text

from marketplace.infra.db import db
from marketplace.kernel import clock


def move_to_offset(offset: timedelta) -> None:
    """Set how far the business clock stands from real time. Flushes; the caller commits and writes the trail."""
    db.session.execute(
        text(
            """
            INSERT INTO infra_business_clock (only_row, offset_seconds) VALUES (true, :seconds)
            ON CONFLICT (only_row) DO UPDATE SET offset_seconds = excluded.offset_seconds
            """
        ),
        {"seconds": int(offset.total_seconds())},
    )
    clock.set_business_offset(offset)

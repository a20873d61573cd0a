"""Where the business clock of a demonstration stands (`kernel.clock`). In production the table stays empty."""

from datetime import timedelta

from sqlalchemy import text

from marketplace.infra.db import db
from marketplace.kernel import clock


def load() -> None:
    """For entry points: take the offset from the database into this context."""
    seconds = db.session.execute(text("SELECT offset_seconds FROM infra_business_clock")).scalar_one_or_none()
    clock.set_business_offset(timedelta(seconds=seconds or 0))


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

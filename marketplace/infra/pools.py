"""How connections are pooled, and `alone()`: one statement that commits by itself, in one round trip (ADR 0010).

What every request asks first and the page views go alone. Such a connection is told its terms when it is made, not with
each statement: it waits for no lock, statement or free connection longer than `PATIENCE_SECONDS`, its commits do not
wait for the disk, and it is in the scope of everybody, which its two or three statements need.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DisconnectionError

from marketplace.infra.db import db

ALONE = "alone"
PATIENCE_SECONDS = 2
IDLE_SECONDS = 1.0

_TERMS = f"""
SELECT set_config('lock_timeout', '{PATIENCE_SECONDS}s', false),
       set_config('statement_timeout', '{PATIENCE_SECONDS}s', false),
       set_config('synchronous_commit', 'off', false),
       set_config('marketplace.scope', 'all', false)
"""


@contextmanager
def alone() -> Iterator[Connection]:
    """A connection as `marketplace_app` on which each statement is a transaction of its own."""
    with db.engines[ALONE].connect() as connection:
        yield connection


def single_statements(url: URL) -> dict[str, Any]:
    """What Flask-SQLAlchemy is told of the engine behind `alone()`."""
    return {"url": url, "isolation_level": "AUTOCOMMIT", "max_overflow": 0, "pool_timeout": PATIENCE_SECONDS}


def tell_terms(engine: Engine) -> None:
    """For the engine behind `alone()`."""

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: object) -> None:
        connection.execute(_TERMS)


def ping_after_idle(engine: Engine) -> None:
    """Ask a connection whether it still lives only where it was not used for `IDLE_SECONDS`.

    Asking each time would cost a round trip for each. Where the server went away a moment ago one request fails with
    503, and the pool gives up every connection older than that.
    """

    @event.listens_for(engine, "checkin")
    def _note(_connection: object, record: Any) -> None:
        record.info["used_at"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: object) -> None:
        if monotonic() - record.info.get("used_at", monotonic()) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

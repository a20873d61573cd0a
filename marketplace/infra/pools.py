"""How connections are pooled, and `alone()`: one statement that commits by itself, in one round trip (ADR 0010).

What every request asks first and the page views go alone. Such a connection is told its terms when it is made, not with
each statement: it waits for no lock, statement or free connection longer than `PATIENCE_SECONDS`, its commits do not
wait for the disk, and it is in the scope of everybody, which its two or three statements need.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

import psycopg
from sqlalchemy import URL, Engine, Insert, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError, DisconnectionError

from marketplace.infra.db import db

ALONE = "alone"
PATIENCE_SECONDS = 2
MOST_ALONE = 5  # connections
IDLE_SECONDS = 1.0
_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped

_TERMS = f"""
SELECT set_config('lock_timeout', '{PATIENCE_SECONDS}s', false),
       set_config('statement_timeout', '{PATIENCE_SECONDS}s', false),
       set_config('synchronous_commit', 'off', false),
       set_config('marketplace.scope', 'all', false)
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as the driver takes it, values by name, and how those are written that a column's type converts."""

    text: str
    converts: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {**given, **{name: convert(given[name]) for name, convert in self.converts.items()}}


def alone(statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run one statement as `marketplace_app`, a transaction of its own; the first row it gives, if any.

    The driver is asked directly: SQLAlchemy's share of so small a statement is larger than the database's. Errors are
    SQLAlchemy's all the same, without the values.
    """
    kept = db.engines[ALONE].raw_connection()
    try:
        connection = cast("psycopg.Connection[tuple[Any, ...]]", kept.driver_connection)
        answer = connection.execute(statement.text.encode(), statement.values(values))
        return answer.fetchone() if answer.description else None
    except psycopg.Error as error:
        if connection.closed:
            kept.invalidate(error)
        raise DBAPIError.instance(statement.text, None, error, psycopg.Error) from error
    finally:
        kept.close()


def compiled(statement: Insert, columns: Sequence[str]) -> Statement:
    """An insert of these columns, made once, at import."""
    made = statement.compile(dialect=_DIALECT, column_keys=list(columns))
    types = {name: statement.table.c[name].type.dialect_impl(_DIALECT) for name in columns}
    processors = {name: type_.bind_processor(_DIALECT) for name, type_ in types.items()}
    return Statement(str(made), {name: convert for name, convert in processors.items() if convert is not None})


def single_statements(url: URL) -> dict[str, Any]:
    """What Flask-SQLAlchemy is told of the engine behind `alone()`."""
    waits = {"pool_size": MOST_ALONE, "max_overflow": 0, "pool_timeout": PATIENCE_SECONDS}
    return {"url": url, "isolation_level": "AUTOCOMMIT", **waits}


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

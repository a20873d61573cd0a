"""PostgreSQL: one session for the business, one read-only door for evidence, short transactions apart.

Ordinary work goes through `db.session` as role `marketplace_app` and is committed by the entry point. `reader()` is a
read-only connection as `marketplace_reader`. `apart()` is a short transaction on a connection of its own, for what must
survive even when the business transaction is rolled back (limits, page views).

Every statement of the three runs in a `Scope` (row-level security, ADR 0007). An entry point says which; where none
did, the rows of insurers and customers are not there and cannot be written.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Engine, MetaData, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, registry

READER = "reader"
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table. Instants are `timestamptz`, records `jsonb`, ids `uuid` made in Python (`kernel.ids.new_id`)."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            UUID: Uuid(),
            dict[str, Any]: JSONB,
            list[Any]: JSONB,
        },
    )


# Every engine: an error names the statement and never the values, which may be somebody's.
db = SQLAlchemy(model_class=Base, engine_options={"hide_parameters": True, "connect_args": {"connect_timeout": 5}})


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows statements see and write: those of everybody, or those of one insurer."""

    insurer_id: UUID | None

    @classmethod
    def all(cls) -> "Scope":
        """Everybody's rows: for the marketplace's own work, and for customers, whom the questions themselves narrow."""
        return cls(None)

    @classmethod
    def insurer(cls, insurer_id: UUID) -> "Scope":
        """The rows of one insurer and what hangs on them."""
        return cls(insurer_id)

    @property
    def setting(self) -> str:
        """The value of `marketplace.scope` by which the policies of the tables decide (migration 0020)."""
        return "all" if self.insurer_id is None else f"insurer:{self.insurer_id}"


class ScopeWidenedError(Exception):
    """Work for one insurer asked for the rows of another, or of everybody."""


_scope: ContextVar[Scope | None] = ContextVar("scope", default=None)
_SENT = "marketplace.scope"


@contextmanager
def use_scope(scope: Scope) -> Iterator[None]:
    """For entry points: the statements inside run in `scope`, whichever connection they take.

    Raises ScopeWidenedError inside the scope of an insurer, for any other scope.
    """
    if _scope.get() not in {None, Scope.all(), scope}:
        raise ScopeWidenedError
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def narrow_scope(insurer_id: UUID) -> None:
    """From here to the end of the surrounding `use_scope`: only rows of this insurer. Raises ScopeWidenedError."""
    present = _scope.get()
    if present not in {Scope.all(), Scope.insurer(insurer_id)}:
        raise ScopeWidenedError
    _scope.set(Scope.insurer(insurer_id))


def bind_scope(engine: Engine) -> None:
    """Tell the server the scope before the first statement of each transaction, and again when it has changed.

    The setting ends with its transaction, so a connection of these engines returns to the pool without any scope. Those
    of `pools.alone()` have the scope `all` for as long as they live, and are not bound here.
    """

    @event.listens_for(engine, "begin")
    def _forget(connection: Connection) -> None:
        connection.info[_SENT] = ""

    @event.listens_for(engine, "before_cursor_execute")
    def _tell(connection: Connection, cursor: Any, statement: str, *_rest: object) -> None:
        if statement.startswith("ROLLBACK TO SAVEPOINT"):
            connection.info[_SENT] = None  # the setting goes back to what it was, whatever that is
            return
        scope = _scope.get()
        wanted = "" if scope is None else scope.setting
        if connection.info[_SENT] != wanted:
            connection.info[_SENT] = wanted
            cursor.connection.execute(f"SET LOCAL marketplace.scope = '{wanted}'")  # nothing but our words and an id


class UnsafeRoleError(Exception):
    """The process is logged in as a role that row-level security and grants do not bind."""


@contextmanager
def reader() -> Iterator[Connection]:
    """A read-only connection as `marketplace_reader`; sees what is committed."""
    with db.engines[READER].connect() as connection:
        yield connection


@contextmanager
def snapshot() -> Iterator[Connection]:
    """Several questions of one moment, as `marketplace_app`; nothing can be written."""
    terms: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with db.engine.connect().execution_options(**terms) as connection:
        yield connection


@contextmanager
def apart() -> Iterator[Connection]:
    """A short transaction on its own connection as `marketplace_app`; committed at the end of the block."""
    with db.engine.begin() as connection:
        yield connection


class DemonstrationDataError(Exception):
    """A production was pointed at the database of a demonstration."""


_ROLE = """
SELECT rolname, rolsuper OR rolbypassrls
       OR EXISTS (SELECT FROM pg_tables WHERE tableowner = current_user AND schemaname = 'public')
FROM pg_roles WHERE rolname = current_user
"""


def refuse_unbound_roles(engine: Engine) -> None:
    """Refuse each connection of `engine` as a superuser, a BYPASSRLS role or an owner of tables: none is ever used."""

    def look(connection: DBAPIConnection) -> None:
        name, unbound = _row(connection, _ROLE)
        if unbound:
            raise UnsafeRoleError(
                f"the database lets {name} in, which grants do not bind; use the roles of docs/running.md"
            )

    _look_at_each_connection(engine, look)


_IS_MIGRATED = "SELECT to_regclass('infra_business_clock') IS NOT NULL"
_DEMONSTRATION = """
SELECT EXISTS (SELECT FROM accounts_insurer WHERE fictional) OR EXISTS (SELECT FROM infra_business_clock)
"""


def refuse_demonstration_data(engine: Engine) -> None:
    """Refuse each connection of a production's `engine` to a database in which a demonstration was lived.

    Its insurers are fictional, its accounts have passwords in a file, its business clock was moved.
    """

    def look(connection: DBAPIConnection) -> None:
        if _row(connection, _IS_MIGRATED)[0] and _row(connection, _DEMONSTRATION)[0]:
            raise DemonstrationDataError("this database holds a demonstration; production needs one of its own")

    _look_at_each_connection(engine, look)


def _look_at_each_connection(engine: Engine, look: Callable[[DBAPIConnection], None]) -> None:
    """What `look` refuses is closed and never reaches the pool, the first time and every time after."""

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, _record: object) -> None:
        try:
            look(connection)
        except Exception:
            connection.close()
            raise
        connection.rollback()


def _row(connection: DBAPIConnection, question: str) -> Any:
    with closing(connection.cursor()) as cursor:
        cursor.execute(question)
        return cursor.fetchone()


def constraint_of(error: Exception) -> str | None:
    """Name of the constraint that an IntegrityError broke, to map it to a form field."""
    diagnostic = getattr(getattr(error, "orig", None), "diag", None)
    return getattr(diagnostic, "constraint_name", None)

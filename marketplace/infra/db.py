"""PostgreSQL: one session for the business, one read-only door for evidence, short transactions apart.

Ordinary work goes through `db.session` as role `marketplace_app` and is committed by the entry point. `reader()` is a
read-only connection as `marketplace_reader`. `apart()` is a short transaction on a connection of its own, for what must
survive even when the business transaction is rolled back (limits, page views).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Engine, MetaData, Uuid, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, registry

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


db = SQLAlchemy(model_class=Base)


class UnsafeRoleError(Exception):
    """The process is logged in as a role that row-level security and grants do not bind."""


@contextmanager
def reader() -> Iterator[Connection]:
    """A read-only connection as `marketplace_reader`; sees what is committed."""
    with db.engines["reader"].connect() as connection:
        yield connection


@contextmanager
def apart() -> Iterator[Connection]:
    """A short transaction on its own connection as `marketplace_app`; committed at the end of the block."""
    with db.engine.begin() as connection:
        yield connection


class DemonstrationDataError(Exception):
    """A production was pointed at the database of a demonstration."""


_ROLE = text(
    """
    SELECT rolsuper OR rolbypassrls AS unbound, current_user AS name,
           EXISTS (SELECT FROM pg_tables WHERE tableowner = current_user AND schemaname = 'public') AS owner
    FROM pg_roles WHERE rolname = current_user
    """
)


def refuse_unbound_roles(engine: Engine) -> None:
    """On the first connection of `engine`, refuse superusers, BYPASSRLS roles and owners of tables."""

    @event.listens_for(engine, "engine_connect", once=True)
    def _check(connection: Connection) -> None:
        role = connection.execute(_ROLE).one()
        connection.rollback()
        if role.unbound or role.owner:
            raise UnsafeRoleError(
                f"DATABASE_URL logs in as {role.name}, which grants do not bind; use marketplace_app (docs/running.md)"
            )


_DEMONSTRATION = text(
    """
    SELECT EXISTS (SELECT FROM accounts_insurer WHERE fictional) OR EXISTS (SELECT FROM infra_business_clock)
    """
)


def refuse_demonstration_data(engine: Engine) -> None:
    """On the first connection of a production's `engine`, refuse a database in which a demonstration was lived.

    Its insurers are fictional, its accounts have passwords in a file, its business clock was moved.
    """

    @event.listens_for(engine, "engine_connect", once=True)
    def _check(connection: Connection) -> None:
        migrated = connection.execute(text("SELECT to_regclass('infra_business_clock') IS NOT NULL")).scalar_one()
        lived = migrated and connection.execute(_DEMONSTRATION).scalar_one()
        connection.rollback()
        if lived:
            raise DemonstrationDataError("this database holds a demonstration; production needs one of its own")


def constraint_of(error: Exception) -> str | None:
    """Name of the constraint that an IntegrityError broke, to map it to a form field."""
    diagnostic = getattr(getattr(error, "orig", None), "diag", None)
    return getattr(diagnostic, "constraint_name", None)

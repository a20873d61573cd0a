"""Every row of every table, as the owner of the tables: no role of the site may read all of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app
from sqlalchemy import Connection, create_engine, pool, text


@contextmanager
def every_row() -> Iterator[Connection]:
    """In an application's context; sees what is committed."""
    engine = create_engine(current_app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET marketplace.scope = 'all'"))
        yield connection

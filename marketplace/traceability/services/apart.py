"""Writing evidence in a transaction of its own: what was sent stays recorded whatever becomes of the request.

A lock or a statement is waited for `PATIENCE` at most, so that a stuck store refuses pages quickly instead of hanging
them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.infra.db import apart
from marketplace.traceability.values import TrailUnavailable

PATIENCE = "2s"
_TERMS = text(
    """
    SELECT set_config('lock_timeout', :patience, true), set_config('statement_timeout', :patience, true)
    """
)


@contextmanager
def or_nothing() -> Iterator[None]:
    """Whatever the store answers instead of writing, the caller is told one thing: the trail is not available."""
    try:
        yield
    except SQLAlchemyError as error:
        raise TrailUnavailable from error


@contextmanager
def written_apart() -> Iterator[Connection]:
    with or_nothing(), apart() as connection:
        connection.execute(_TERMS, {"patience": PATIENCE})
        yield connection

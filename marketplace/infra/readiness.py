"""Whether this process can do its work: the database answers, its tables are the ones this code expects."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.infra.db import db


@dataclass(frozen=True, slots=True)
class Problem:
    """Why the process is not ready: a word that anybody may read, and what it is for those who run it."""

    reason: str
    detail: str


def problems(root: str) -> list[Problem]:
    """What is missing; empty when ready. `root` is the folder that holds `migrations/`."""
    expected = (Path(root) / "migrations" / "HEAD").read_text().strip()
    try:
        present = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError:
        db.session.rollback()
        return [Problem("database", "the database does not answer")]
    detail = f"the database is at {present}, this code expects {expected}"
    return [] if present == expected else [Problem("migrations", detail)]

"""Whether this process can do its work: the database answers, its tables are the ones this code expects."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from marketplace.infra.db import db


def problems(root: str) -> list[str]:
    """What is missing, in words without secrets; empty when ready. `root` is the folder that holds `migrations/`."""
    expected = (Path(root) / "migrations" / "HEAD").read_text().strip()
    try:
        present = db.session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError:
        db.session.rollback()
        return ["the database does not answer"]
    return [] if present == expected else [f"the database is at {present}, this code expects {expected}"]

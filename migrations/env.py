"""Runs migrations as the owner of the tables, one migrator at a time, never waiting long for a lock."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, pool, text

from marketplace.infra.db import Base

MIGRATOR_LOCK = 6_020_026


def run() -> None:
    """Upgrade or downgrade on one connection as `marketplace_owner`."""
    owner_url = current_app.config["DATABASE_OWNER_URL"]
    if not owner_url:
        raise SystemExit("DATABASE_OWNER_URL is missing: migrations run as marketplace_owner.")
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text("SET marketplace.scope = 'all'"))  # row-level security binds the owner too
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": MIGRATOR_LOCK})
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()

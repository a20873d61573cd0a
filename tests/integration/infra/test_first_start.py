"""A marketplace that has just been set up."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import create_engine, pool, text

from config import Settings
from marketplace.app import create_app
from marketplace.infra import payment_gateway, vault
from marketplace.infra.db import db
from sandbox.embedded_db import EmbeddedServer

FRESH = "fresh"


@pytest.fixture
def fresh(server: EmbeddedServer, settings: Settings, migrated_app: Flask) -> Iterator[Flask]:
    """The site over a database of its own, its migrations not yet run."""
    gateway = payment_gateway.gateway()
    server.create_database(FRESH)
    names = ("app", "owner", "reader")
    fields = ("database_url", "database_owner_url", "database_reader_url")
    urls = {field: server.url(f"marketplace_{name}", FRESH) for field, name in zip(fields, names, strict=True)}
    app = create_app(Settings.model_validate(settings.model_dump() | urls))
    yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()
    payment_gateway.configure(gateway)
    vault.forget()
    server.drop_database(FRESH)


@pytest.mark.asvs("6.3.2")
def test_nobody_has_an_account_at_first(fresh: Flask) -> None:
    result = fresh.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    engine = create_engine(fresh.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        names = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'accounts\\_%'")
        ).scalars().all()  # fmt: skip
        assert {"accounts_account", "accounts_session"} <= set(names)
        rows = {name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in names}
    assert rows == dict.fromkeys(names, 0)

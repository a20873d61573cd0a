"""A process does not start its work as a role that grants do not bind, nor on a demonstration's data in production."""

import os

import pytest
from flask import Flask
from sqlalchemy import create_engine, event, pool, text
from sqlalchemy.exc import DataError

from marketplace.infra.db import (
    DemonstrationDataError,
    UnsafeRoleError,
    db,
    refuse_demonstration_data,
    refuse_unbound_roles,
)
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.factories.accounts import an_insurer


@pytest.mark.parametrize("kept_in", [pool.NullPool, pool.QueuePool])
def test_the_owner_of_tables_is_refused_each_time(app: Flask, kept_in: type[pool.Pool]) -> None:
    engine = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=kept_in)
    refuse_unbound_roles(engine)
    for _ in range(3):
        with pytest.raises(UnsafeRoleError, match="marketplace_owner"):
            engine.connect()
    engine.dispose()


@pytest.mark.parametrize("name", ["business", "reader", "alone"])
def test_every_engine_of_the_site_looks_at_its_role(app: Flask, name: str) -> None:
    with app.app_context():
        looks = db.engines[None if name == "business" else name].pool.dispatch.connect
    as_owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    for look in looks:
        event.listen(as_owner, "connect", look)
    with pytest.raises(UnsafeRoleError, match="marketplace_owner"):
        as_owner.connect()


@pytest.mark.asvs("16.2.5")
def test_an_error_of_the_database_does_not_repeat_what_was_told(app: Flask) -> None:
    with app.app_context():
        engines = list(db.engines.values())
    for engine in engines:
        with pytest.raises(DataError) as failed, engine.connect() as connection:
            connection.execute(text("SELECT 1 / CAST(:nought AS integer), :told"), {"nought": 0, "told": "Zebulon"})
        assert "division by zero" in str(failed.value)
        assert "Zebulon" not in str(failed.value)


def test_these_tests_run_on_the_server_that_was_asked_for(server: EmbeddedServer) -> None:
    """`make test-postgresql15` asks for Debian's; without a wish it is the newest that the wheel holds."""
    with server.connect_as_superuser() as connection:
        version = connection.info.server_version // 10_000
    assert version == (15 if "/15/" in os.environ.get("EMBEDDED_POSTGRESQL", "") else find_server().version)


def test_the_sites_own_role_is_let_in(app: Flask) -> None:
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=pool.NullPool)
    refuse_unbound_roles(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar_one() == "marketplace_app"
    engine.dispose()


def test_production_refuses_the_database_of_a_demonstration(app: Flask, database: None) -> None:
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=pool.NullPool)
    refuse_demonstration_data(engine)
    engine.connect().close()
    an_insurer(fictional=True)
    db.session.commit()
    again = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=pool.NullPool)
    refuse_demonstration_data(again)
    with pytest.raises(DemonstrationDataError, match="production needs one of its own"):
        again.connect()
    engine.dispose()
    again.dispose()

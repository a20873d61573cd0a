"""A house that stands on a database and files which were brought back, beside that of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config import Settings
from marketplace import wiring
from marketplace.app import create_app
from marketplace.infra import payment_gateway, seals, storage, vault
from marketplace.infra.db import db
from sandbox.embedded_db import EmbeddedServer


@contextmanager
def in_the_restored_house(settings: Settings, server: EmbeddedServer, database: str, files: Path) -> Iterator[None]:
    """In an application of its own; afterwards everything speaks to the tests' own again."""
    roles = {"database_url": "app", "database_owner_url": "owner", "database_reader_url": "reader"}
    urls = {field: server.url(f"marketplace_{role}", database) for field, role in roles.items()}
    there = Settings.model_validate(settings.model_dump() | urls | {"storage_folder": files})
    gateway = payment_gateway.gateway()
    try:
        with create_app(there).app_context():
            vault.forget()
            yield
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()
    finally:
        payment_gateway.configure(gateway)
        storage.configure(wiring.store_of(settings))
        seals.configure(settings.seals_folder, settings.timestamp_url)
        vault.forget()

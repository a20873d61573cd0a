"""What every test may ask for: settings, the application on a real PostgreSQL, a clean database, a frozen clock."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from config import Settings
from marketplace.app import create_app
from marketplace.infra import formatting, present, vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.keeper import Keeper, KeeperServer, KeyClass, Keys, Limits
from marketplace.kernel import clock
from sandbox.demo_pki import make_pki
from sandbox.embedded_db import DATABASE, EmbeddedServer
from tests.registered_trail import refusing
from tests.web.page_checks import CheckedClient

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # twelve o'clock in Shanghai
LONG = (
    "faults/", "journeys/", "web/probes/", "web/test_answers.py", "web/test_attacks_seen_by_others.py",
    "web/test_basket.py", "web/test_canary.py", "web/test_chinese_pages.py", "web/test_completeness.py",
    "web/test_consultation", "web/test_default_ticks.py", "web/test_erased_pages.py", "web/test_evidence.py",
    "web/test_evidence_attacks.py", "web/test_evidence_desks.py", "web/test_evidence_pictures.py",
    "web/test_evidence_rotations.py", "web/test_insured_consent_page.py", "web/test_ownership.py",
    "web/test_practitioners.py", "web/test_premiums_page.py", "web/test_recorded_sale.py", "web/test_referrals.py",
    "web/test_retention.py", "web/test_samples.py", "web/test_skipping.py", "web/test_standing_log.py",
    "web/test_swapping.py", "web/test_tampering.py", "web/test_walker.py", "web/test_withdrawal_page.py",
    "web/test_withheld.py",
    "verify/test_malformed.py", "verify/test_schemas.py", "simulator/test_stripe_check.py",
    "integration/accounts/test_factors.py", "integration/accounts/test_passwords.py",
    "integration/checkout/test_after_a_restore.py", "integration/correspondence/test_outage.py",
    "integration/infra/test_backup.py", "integration/infra/test_bucket_faults.py",
    "integration/infra/test_house_in_a_bucket.py", "integration/listing/test_real_data.py",
    "integration/privacy/test_replaying.py", "integration/servicing/", "sandbox/test_embedded_db.py",
    "sandbox/test_loading.py", "sandbox/test_run.py", "sandbox/test_site.py", "unit/test_patterns.py",
)  # fmt: skip
"""Whole runs: browsers, killed processes, every door, whole sales attacked, limits counted to their end. They take half
of the time; `make test-long` runs them, `make test` all others.
"""
SEALS = {"harbour": "Harbour Life Insurance Co.", "evenfold": "Evenfold insurance agency"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(LONG):
            item.add_marker("long")
    # The longest first: begun last, one would keep a process waiting for the other. Pages are walked once for several
    # files, the first of which begins; the others would wait for it.
    items.sort(key=lambda item: item.path.name not in {"test_walker.py", "test_accessibility.py"})


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches beyond this machine; unit tests reach no socket at all."""
    unit = "/tests/unit/" in str(request.node.path)
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        local = isinstance(address, str | bytes) or (
            isinstance(address, tuple) and address[0] in {"127.0.0.1", "::1", "localhost"}
        )
        if unit or not local:
            pytest.fail(f"a test tried to reach {address!r}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """One private PostgreSQL for the session."""
    with EmbeddedServer(tmp_path_factory.mktemp("postgres"), fsync=False) as running:
        yield running


@pytest.fixture(scope="session")
def instance_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of the session: stored documents and demonstration seals."""
    folder = tmp_path_factory.mktemp("instance")
    make_pki(folder / "seals", SEALS)
    return folder


@pytest.fixture(scope="session")
def keeper_socket() -> Iterator[Path]:
    """The keeper, in a thread of its own behind a real socket; a socket's path is short, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="keeper-") as folder:
        path = Path(folder) / "socket"
        keeper = Keeper(Keys.made(), limits=dict.fromkeys(KeyClass, Limits(10**6, 10**6)))
        with KeeperServer(path, keeper) as serving:
            thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            yield path
            serving.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def settings(server: EmbeddedServer, instance_folder: Path, keeper_socket: Path) -> Settings:
    """Settings of a demonstration on the embedded server, without a Stripe behind them."""
    return Settings.model_validate(
        {
            "demonstration": True,
            "public_url": "http://localhost:8000",
            "replay_origin": "http://replay.localhost:8000",
            "secret_key": "a-secret-of-the-tests-only-0123456789",
            "database_url": server.url("marketplace_app"),
            "database_owner_url": server.url("marketplace_owner"),
            "database_reader_url": server.url("marketplace_reader"),
            "storage_folder": instance_folder / "files",
            "seals_folder": instance_folder / "seals",
            "keeper_socket": keeper_socket,
            "stripe_secret_key": "sk_test_of_the_tests",
            "stripe_webhook_secret": "whsec_of_the_tests",
            "stripe_api_base": "http://127.0.0.1:9",
            "mail_transport": "demonstration",
            "identity_verifier": "demonstration",
        }
    )


@pytest.fixture(scope="session")
def migrated_app(settings: Settings, server: EmbeddedServer) -> Iterator[Flask]:
    """The application, its database migrated once."""
    app = create_app(settings)
    app.testing = True
    with app.app_context():
        upgrade()
    with server.connect_as_superuser(DATABASE) as superuser:
        app.extensions["superuser"] = superuser
        yield app
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def app(migrated_app: Flask) -> Iterator[Flask]:
    """The application; whatever a test committed is gone after it."""
    yield migrated_app
    empty_tables(migrated_app)


# Without the triggers and the rights that keep evidence. A TRUNCATE makes new files for each table and each index, and
# costs ten times as much for the few rows a test leaves.
EMPTIED = """
DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
END $$
"""


def empty_tables(app: Flask) -> None:
    """Delete every row, as the superuser: the application may not delete evidence. What this process remembers of them
    goes with them; the journey of the log, with its key, is there anew under the same id.
    """
    app.extensions["superuser"].execute(EMPTIED)
    vault.forget()
    present.forget()
    app.extensions["pages"].forget()


@pytest.fixture
def database(app: Flask) -> Iterator[None]:
    """An application context for tests of services; committing is allowed."""
    with app.app_context():
        yield
        db.session.rollback()
        db.session.remove()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without script that refuses pages which are not in order."""
    app.test_client_class = CheckedClient
    return app.test_client()


@pytest.fixture
def frozen_clock() -> Iterator[datetime]:
    """Both clocks stand at noon in Shanghai on 22 November 2026."""
    with clock.frozen(NOON):
        yield NOON


@pytest.fixture(scope="session", autouse=True)
def everybodys_scope() -> Iterator[None]:
    """What tests ask of the database concerns everybody, as a job's work does. Requests and threads begin anew."""
    with use_scope(Scope.all()):
        yield


@pytest.fixture(autouse=True)
def registered_trail() -> Iterator[set[str]]:
    """No test writes into the trail what the register of personal data does not name."""
    with refusing() as odd:
        yield odd


@pytest.fixture(autouse=True)
def fresh_context() -> Iterator[None]:
    """No test inherits another's locale or business clock."""
    formatting.set_locale(formatting.DEFAULT_LOCALE)
    clock.set_business_offset(clock.business_offset() * 0)
    yield
    formatting.set_locale(formatting.DEFAULT_LOCALE)
    clock.set_business_offset(clock.business_offset() * 0)

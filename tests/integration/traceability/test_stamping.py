"""Others say when the log was how large, and the log says that they did (T26-41); who is out of reach stops nothing."""

import logging
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace.infra import jobs, seals
from marketplace.infra.db import db
from marketplace.infra.jobs import conninfo
from marketplace.infra.timestamping import StampUnavailable
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries, services
from marketplace.traceability.jobs import stamping
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.rotation import journey_of_log
from marketplace.traceability.values import EntryType, Stamped
from sandbox import demo_pki
from sandbox.embedded_db import EmbeddedServer
from tests.deferred_jobs import drain, waiting
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act

pytestmark = pytest.mark.usefixtures("database")
FAR = "tsa.example"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('traceability.stamp:local', 0))"


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return a_key_folder(tmp_path / "log")


@pytest.fixture
def two(settings: Settings) -> Iterator[None]:
    """Beside our own authority one that nobody answers for."""
    seals.configure(settings.seals_folder, f"local,http://{FAR}:9/")
    yield
    seals.configure(settings.seals_folder, settings.timestamp_url)


def entered(number: int = 1) -> None:
    journey_id = a_journey()
    for _ in range(number):
        services.record_act(an_act(journey_id))
    db.session.commit()


def stamped(authority: str = "local", *, unchanged_too: bool = False) -> int | None:
    size = services.stamp_log(authority, unchanged_too=unchanged_too)
    db.session.commit()
    return size


def newest() -> Stamped:
    (found,) = queries.newest_stamps()
    return found


def rows() -> list[tuple[Any, ...]]:
    query = text("SELECT authority, size FROM traceability_timestamp ORDER BY authority, size")
    with db.engines["reader"].connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


@pytest.mark.requirement("T26-41")
def test_the_newest_checkpoint_is_stamped_and_the_log_says_so(
    server: EmbeddedServer, folder: KeyFolder, settings: Settings, tmp_path: Path
) -> None:
    entered(3)
    integrate(server, folder)
    checkpoint, before = queries.checkpoint(), clock.now().replace(microsecond=0)
    assert stamped() == 3
    stamp = newest()
    assert (stamp.authority, stamp.size) == ("local", 3)
    assert before <= stamp.stamped_at <= clock.now()
    assert integrate(server, folder) == 1
    (entry,) = queries.journey_entries(journey_of_log(ORIGIN))
    root = queries.log_hashes("0", "000.p/3")
    assert (entry.type, entry.log_index) == (EntryType.LOG_STAMPED, 3)
    assert entry.body == {
        "authority": "local",
        "size": 3,
        "root": entry.body["root"],
        "token_sha256": sha256_hex(stamp.token),
    }
    assert len(bytes.fromhex(entry.body["root"])) == len(root) // 3
    assert seals.trust_roots().strip() in queries.time_authorities()
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH: what it says of the token was not asked")
    for name, data in {"c": checkpoint.encode(), "t": stamp.token, "a": queries.time_authorities()}.items():
        (tmp_path / name).write_bytes(data)
    command = ["openssl", "ts", "-verify", "-data", "c", "-in", "t", "-token_in", "-CAfile", "a"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "Verification: OK"


def test_a_log_that_grew_by_its_stamps_alone_is_not_stamped_until_the_day_ends(
    server: EmbeddedServer, folder: KeyFolder
) -> None:
    assert stamped() is None, "there is no log yet"
    entered()
    assert stamped() is None, "it is not in the log yet"
    integrate(server, folder)
    assert stamped() == 1
    assert stamped() is None
    integrate(server, folder)
    assert stamped() is None
    assert stamped(unchanged_too=True) == 2
    assert stamped(unchanged_too=True) is None, "that is stamped already"
    integrate(server, folder)
    entered()
    integrate(server, folder)
    assert stamped() == 4
    assert rows() == [("local", 1), ("local", 2), ("local", 4)]


@pytest.mark.usefixtures("two")
def test_an_authority_out_of_reach_stops_nothing_and_stays_due(
    server: EmbeddedServer, folder: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.frozen(clock.now() - timedelta(minutes=20)):
        entered(2)
    integrate(server, folder)
    monkeypatch.setattr(seals, "stamp", _out_of_reach(seals.stamp))
    with pytest.raises(StampUnavailable):
        services.stamp_log(FAR)
    db.session.rollback()
    assert (rows(), integrate(server, folder)) == ([], 0), "nothing is written of what did not happen"
    assert stamped("local") == 2
    waits = queries.unstamped_seconds()
    assert waits["local"] == 0.0
    assert 1200 <= waits[FAR] < 1300
    entered()
    assert integrate(server, folder) == 2, "the log goes on"
    monkeypatch.undo()
    monkeypatch.setattr(seals, "stamp", lambda _authority, digest, ours=seals.stamp: ours("local", digest))
    assert stamped(FAR) == 4, "what is newest then"
    assert queries.unstamped_seconds()[FAR] == 0.0
    assert [(each.authority, each.size) for each in queries.newest_stamps()] == [("local", 2), (FAR, 4)]


def _out_of_reach(ours: Any) -> Any:
    def stamp(authority: str, digest: bytes) -> Any:
        if authority == FAR:
            raise StampUnavailable
        return ours(authority, digest)

    return stamp


def test_two_workers_stamp_a_size_once(server: EmbeddedServer, folder: KeyFolder, app: Flask) -> None:
    entered()
    integrate(server, folder)
    with psycopg.connect(conninfo(app.config["SQLALCHEMY_DATABASE_URI"])) as other:
        other.execute(LOCK)
        assert stamped() is None
        assert (rows(), integrate(server, folder)) == ([], 0)
        other.rollback()
    assert (stamped(), stamped()) == (1, None)
    assert rows() == [("local", 1)]


def test_the_sequencer_does_not_wait_for_an_authority(
    server: EmbeddedServer, folder: KeyFolder, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    """What others enter while the authority thinks comes into the log."""
    entered()
    integrate(server, folder)
    taken = []

    def slow(authority: str, digest: bytes, ours: Any = seals.stamp) -> Any:
        with app.app_context():
            entered()
        taken.append(integrate(server, folder))
        return ours(authority, digest)

    monkeypatch.setattr(seals, "stamp", slow)
    assert stamped() == 1
    assert taken == [1]


def test_a_token_that_leads_to_nobody_we_trust_is_not_kept(
    server: EmbeddedServer, folder: KeyFolder, settings: Settings, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        demo_pki.make_pki(tmp_path / name, {})
    (tmp_path / "one" / "root.pem").write_bytes((tmp_path / "other" / "root.pem").read_bytes())
    entered()
    integrate(server, folder)
    try:
        seals.configure(tmp_path / "one", "")
        with pytest.raises(StampUnavailable, match="does not lead to"):
            services.stamp_log("local")
    finally:
        seals.configure(settings.seals_folder, settings.timestamp_url)
    db.session.rollback()
    assert (rows(), integrate(server, folder)) == ([], 0)


@pytest.mark.usefixtures("two")
def test_each_authority_has_a_job_of_its_own_and_one_at_a_time() -> None:
    stamping.stamp_log()
    stamping.stamp_log()
    stamping.end_day()
    db.session.commit()
    assert waiting() == ["traceability.stamp_by", "traceability.stamp_by"]
    known = jobs.known_tasks()
    assert known["traceability.stamp_log"].every == "*/10 * * * *"
    assert known["traceability.end_day"].every == "58 15 * * *"
    assert known["traceability.stamp_by"].attempts == 60, "a day of growing pauses, then the next turn begins anew"


def test_the_job_stamps(server: EmbeddedServer, folder: KeyFolder) -> None:
    entered()
    integrate(server, folder)
    stamping.stamp_log()
    assert drain("traceability") == ["traceability.stamp_by"]
    assert rows() == [("local", 1)]


def test_the_alarm_rings_where_the_log_waits_too_long_for_a_stamp(
    server: EmbeddedServer, folder: KeyFolder, caplog: pytest.LogCaptureFixture
) -> None:
    now = clock.now()
    with clock.frozen(now - timedelta(hours=1)):
        entered()
    integrate(server, folder)
    with caplog.at_level(logging.ERROR), clock.frozen(now):
        stamping.watch_stamps()
        assert "ALARM local does not time-stamp the log: its oldest entry waits for 3600 seconds" in caplog.text
        caplog.clear()
        assert stamped() == 1
        stamping.watch_stamps()
        assert caplog.text == ""


def test_figures_say_how_old_the_newest_stamp_is_and_what_waits(server: EmbeddedServer, folder: KeyFolder) -> None:
    def figures() -> dict[str, Any]:
        return {each.name: each.values for each in queries.stamp_readings()}

    assert figures() == {
        "marketplace_log_stamp_age_seconds": (),
        "marketplace_log_unstamped_seconds": ((("local",), 0.0),),
    }
    now = clock.now().replace(microsecond=0)
    with clock.frozen(now):
        entered()
        integrate(server, folder)
        stamped()
        entered()
    integrate(server, folder)
    with clock.frozen(now + timedelta(minutes=5)):
        assert figures() == {
            "marketplace_log_stamp_age_seconds": ((("local",), 300.0),),
            "marketplace_log_unstamped_seconds": ((("local",), 300.0),),
        }

"""The evidence log as everybody fetches it: addresses, bytes, and for how long they may be kept (T26-41)."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.merkle import HASH
from marketplace.traceability import queries, services
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.notes import Checkpoint, opened
from sandbox.embedded_db import EmbeddedServer
from tests.factories.log import ORIGIN, a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(app: Flask, server: EmbeddedServer, tmp_path: Path) -> KeyFolder:
    """The key of a log of 300 entries."""
    folder = a_key_folder(tmp_path / "log")
    with app.app_context():
        journey_id = a_journey()
        for _ in range(300):
            services.record_act(an_act(journey_id))
        db.session.commit()
        integrate(server, folder)
    return folder


@pytest.mark.requirement("T26-41")
def test_the_newest_checkpoint_is_served_as_it_was_signed(client: FlaskClient, folder: KeyFolder) -> None:
    answer = client.get("/log/checkpoint")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert Checkpoint.parse(opened(answer.text, folder.signer().verifier)).size == 300
    assert "Set-Cookie" not in answer.headers


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("path", "hashes"), [("0/000", 256), ("0/000.p/7", 7), ("0/001.p/44", 44), ("1/000.p/1", 1)])
def test_a_tile_may_be_kept_for_ever(client: FlaskClient, path: str, hashes: int) -> None:
    answer = client.get(f"/log/tile/{path}")
    assert (answer.status_code, answer.content_type) == (200, "application/octet-stream")
    assert answer.headers["Cache-Control"] == FOR_EVER
    assert len(answer.data) == hashes * HASH
    assert "Set-Cookie" not in answer.headers


@pytest.mark.usefixtures("folder")
def test_entries_hash_to_their_tile(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/log/tile/entries/001.p/44")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOR_EVER)
    first = int.from_bytes(answer.data[:2])
    assert b'"n":257,' in answer.data[2 : 2 + first]
    with app.app_context():
        assert answer.data == queries.log_entries("001.p/44")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "path", ["0/001", "0/001.p/45", "0/1", "00/000", "64/000", "1/000", "2/000.p/1", "x/000", "entries/001", "0/000/"]
)
def test_what_is_not_in_the_signed_tree_is_not_there_and_nobody_keeps_that(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/log/tile/{path}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_whose_signature_to_trust_stands_in_the_policy(client: FlaskClient, folder: KeyFolder) -> None:
    answer = client.get("/log/trust.policy")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert f"\nlog {folder.signer().verifier.vkey}\nquorum none\n" in answer.text
    assert ORIGIN in answer.text


@pytest.mark.requirement("T26-41")
def test_who_stamped_the_log_last_stands_on_a_page_and_whom_to_trust_in_a_file(
    app: Flask, client: FlaskClient, folder: KeyFolder
) -> None:
    assert "Nobody has stamped the time of the log yet." in client.get("/verify/evidence").text
    assert "BEGIN CERTIFICATE" not in client.get("/log/authorities.pem").text
    with app.app_context(), clock.frozen(datetime(2026, 11, 28, 4, 5, 6, tzinfo=UTC)):
        assert services.stamp_log("local") == 300
        db.session.commit()
    page = client.get("/verify/evidence").text
    assert re.search(
        r"<p>On [^<]*28[^<]*2026[^<]* by our own time-stamp authority, when the log had 300 entries\.", page
    )
    answer = client.get("/log/authorities.pem")
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    lines = answer.text.splitlines()
    assert lines[lines.index("-----BEGIN CERTIFICATE-----") - 1] == "# local"


def test_before_the_first_entry_there_is_no_checkpoint(client: FlaskClient) -> None:
    assert client.get("/log/checkpoint").status_code == 404

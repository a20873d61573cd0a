"""The house with its files in a bucket: pages are released and sold, papers sealed, all of it backed up; and the day on
which the bucket is away.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from config import BackupSettings, Settings
from marketplace import cli, wiring, worker
from marketplace.catalog import queries as catalog
from marketplace.catalog.values import ProductVersion
from marketplace.infra import backup, storage
from marketplace.infra.backup import Place
from marketplace.infra.db import db
from marketplace.infra.storage.bucket import Address, Bucket
from marketplace.infra.storage.folder import Folder
from marketplace.infra.storage.objects import PATIENCE, PATIENCE_OF_COMMANDS, Objects
from marketplace.kernel import ids
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from marketplace.web import released
from sandbox.embedded_db import EmbeddedServer, find_server
from sandbox.releasing import SPECIMEN
from tests.deferred_jobs import drain
from tests.factories.catalog import catalog_files, harbour_term
from tests.factories.policy import a_contract
from tests.s3_server import BUCKET

NOBODY = "http://127.0.0.1:9"
KEY = bytes(range(32))
DRILL = "drill"


def files_lie(app: Flask, objects: Objects) -> None:
    storage.configure(objects)
    app.extensions["pages"].forget()


@pytest.fixture
def files(app: Flask, database: None, address: Address) -> Iterator[Bucket]:
    """The bucket in which the house's files lie."""
    before = storage._configured()._objects
    objects = Bucket(address, PATIENCE)
    files_lie(app, objects)
    yield objects
    files_lie(app, before)


@pytest.fixture
def drill(server: EmbeddedServer) -> Iterator[str]:
    """The address of an empty database."""
    server.create_database(DRILL)
    yield server.url("marketplace_owner", DRILL)
    server.drop_database(DRILL)


@pytest.fixture
def on_sale(files: Bucket) -> ProductVersion:
    released.release(SPECIMEN)
    version = harbour_term()
    db.session.commit()
    return version


def test_what_was_filed_is_read_on_the_pages(on_sale: ProductVersion, client: FlaskClient) -> None:
    filed = set(catalog_files().values())
    documents = catalog.documents_of(on_sale.id)
    assert len(documents) > 1
    for each in documents:
        assert client.get(f"/documents/{each.id}").data in filed
    assert client.get(f"/documents/{documents[0].id}/read").status_code == 200, "its page is made of released files"


def test_away_is_said_soon_and_only_where_a_file_is_needed(
    app: Flask, on_sale: ProductVersion, client: FlaskClient, address: Address
) -> None:
    documents = catalog.documents_of(on_sale.id)
    files_lie(app, Bucket(replace(address, endpoint=NOBODY), PATIENCE))
    begun = perf_counter()
    answers = [client.get(f"/documents/{each.id}{page}") for each in documents[:1] for page in ("", "/read")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert perf_counter() - begun < 2 * PATIENCE
    assert client.get("/").status_code == 200


def test_a_paper_is_sealed_in_the_bucket_and_found_sound(files: Bucket) -> None:
    issued = policy.issue(a_contract())
    drain("policy")
    db.session.commit()
    paper = policies.document_bytes(issued.id)
    assert paper.startswith(b"%PDF")
    assert policies.unsound_papers() == ()
    (sealed,) = (name for name in files.names() if policies.policy(issued.id).document_sha256 in name)
    assert sealed.endswith(".sealed")
    assert b"%PDF" not in files.get(sealed)


@pytest.mark.requirement("T26-49")
def test_a_backup_of_a_bucket_stands_again_in_a_folder_and_never_over_what_a_bucket_holds(
    on_sale: ProductVersion, files: Bucket, drill: str, server: EmbeddedServer, tmp_path: Path
) -> None:
    expected, there = {name: files.get(name) for name in files.names()}, Folder(tmp_path / "files")
    assert len(expected) > 10
    place = Place(server.url("marketplace_owner"), files, find_server().folder)
    made = backup.make(tmp_path / "backups", place, KEY)
    with pytest.raises(backup.NotEmpty):
        backup.restore(made.folder, replace(place, database_url=drill), KEY)
    backup.restore(made.folder, replace(place, database_url=drill, files=there), KEY)
    assert {name: there.get(name) for name in there.names()} == expected


def test_what_is_removed_while_it_is_backed_up_is_no_part_of_the_backup(tmp_path: Path) -> None:
    """No row refers to it any more; those that referred to it in the snapshot go the same way again."""
    files = Folder(tmp_path / "files")
    names = [f"ab/cd/{digit * 64}" for digit in "12"]
    for name in names:
        files.put(name, name.encode())
    (tmp_path / "files" / "a-note").write_text("somebody's")
    names_of_then = [*files.names()]
    files.remove(names[0], 0.0)
    files.names = lambda: iter(names_of_then)  # type: ignore[method-assign]
    backup._pack(tmp_path / "files.tar", files, None)
    with tarfile.open(tmp_path / "files.tar") as archive:
        assert archive.getnames() == names[1:]


# --- settings and start -----------------------------------------------------------------------------------------------


def test_the_settings_lead_to_the_bucket(settings: Settings, address: Address) -> None:
    told = settings.model_dump() | {
        "storage_folder": None,
        "storage_url": f"s3://{BUCKET}/{address.prefix}",
        "storage_endpoint": address.endpoint,
        "storage_key_id": address.key_id,
        "storage_secret_key": address.secret_key,
    }
    name = ids.new_id().hex
    wiring.store_of(Settings.model_validate(told)).put(name, b"data")
    backed_up = wiring.store_of(BackupSettings.model_validate(told), PATIENCE_OF_COMMANDS)
    assert [*backed_up.names()] == [name]
    assert [*Bucket(address, PATIENCE).names()] == [name]


def test_a_refused_key_stops_the_worker_and_is_named_by_check(
    app: Flask, files: Bucket, settings: Settings, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CliRunner().invoke(cli.main, ["check"]).output == "sound\n"
    refused = replace(address, secret_key="not-that-one")
    files_lie(app, Bucket(refused, PATIENCE))
    done = CliRunner().invoke(cli.main, ["check"])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("STORAGE_URL: ")
    assert "SignatureDoesNotMatch" in done.output
    files_lie(app, Bucket(refused, PATIENCE))
    monkeypatch.setattr(worker, "create_app", lambda _settings, **_how: app)
    with pytest.raises(SystemExit, match=r"STORAGE_URL: .*SignatureDoesNotMatch"):
        worker._application(settings)

"""The store of files, in a folder and in a bucket: the same is promised of both."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.storage import FileAltered, Storage, bucket, folder
from marketplace.infra.storage.bucket import Address, Bucket
from marketplace.infra.storage.folder import Folder
from marketplace.infra.storage.objects import NAME, PATIENCE, Objects
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound
from marketplace.kernel.ids import new_id
from tests.s3_server import S3Server

HOUR = 3600.0
NAMED = "ab/cd/" + "abcd" * 16
SEALED = f"{NAMED}.sealed"
OTHER = "00/11/" + "0011" * 16


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    if request.param == "folder":
        return Folder(tmp_path / "files")
    return Bucket(request.getfixturevalue("address"), PATIENCE)


@pytest.fixture
def storage(objects: Objects) -> Storage:
    return Storage(objects)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let the store's clock go ahead."""

    def ahead(seconds: float) -> None:
        clock = SimpleNamespace(time=lambda: time.time() + seconds, monotonic=time.monotonic)
        for each in (bucket, folder):
            monkeypatch.setattr(each, "time", clock)

    return ahead


@pytest.mark.asvs("5.4.1")
@pytest.mark.parametrize("data", [b"clauses", b"", bytes(range(256)) * 24_000], ids=["short", "empty", "6 MB"])
def test_what_was_put_is_got_by_its_hash(storage: Storage, objects: Objects, data: bytes) -> None:
    name = storage.put(data)
    assert name == sha256_hex(data)
    assert storage.get(name) == data
    assert storage.put(data) == name
    assert [*objects.names()] == [f"{name[:2]}/{name[2:4]}/{name}"]


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_what_is_not_there_is_not_found(storage: Storage, name: str) -> None:
    with pytest.raises(NotFound):
        storage.get(name)


def test_what_was_created_first_stays(objects: Objects) -> None:
    objects.create(SEALED, b"first")
    objects.create(SEALED, b"second")
    assert objects.get(SEALED) == b"first"
    assert (objects.exists(SEALED), objects.exists(NAMED)) == (True, False)


def test_of_many_who_create_at_once_none_gets_half_of_anothers(objects: Objects) -> None:
    texts = [bytes([number]) * 100_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        seen = [*pool.map(lambda text: (objects.create(SEALED, text), objects.get(SEALED))[1], texts)]
    assert set(seen) <= set(texts)
    assert [*objects.names()] == [SEALED], "and nothing unfinished is left"


def test_names_are_in_order_and_those_of_the_place_alone(objects: Objects) -> None:
    assert [*objects.names()] == []
    for name in (SEALED, OTHER, NAMED):
        objects.put(name, b"data")
    assert [*objects.names()] == [OTHER, NAMED, SEALED]
    assert all(NAME.fullmatch(name) for name in objects.names())


def test_what_is_used_nowhere_is_removed_unless_it_was_put_within_the_hour(
    storage: Storage, objects: Objects, later: Callable[[float], None]
) -> None:
    name = storage.put(b"licence")
    later(HOUR - 60)
    assert storage.remove(name) is False
    assert storage.get(name) == b"licence"
    later(HOUR + 60)
    assert storage.remove(name) is True
    assert storage.remove(name) is False
    assert [*objects.names()] == []
    with pytest.raises(NotFound):
        storage.get(name)
    storage.put(b"licence")
    assert storage.get(name) == b"licence"


@pytest.mark.usefixtures("database")
def test_the_same_bytes_of_two_people_are_sealed_for_each(storage: Storage, objects: Objects) -> None:
    """What is erased of one stays the other's."""
    li_na, wang_fang = new_id(), new_id()
    name = storage.put_sealed(b"a page that looks alike", li_na)
    for _ in range(2):
        assert storage.put_sealed(b"a page that looks alike", wang_fang) == name
    assert len([*objects.names()]) == 2
    assert all(NAME.fullmatch(each) for each in objects.names())
    assert not any(b"looks alike" in objects.get(each) for each in objects.names())
    assert storage.get(name, li_na) == storage.get(name, wang_fang) == b"a page that looks alike"
    vault.destroy(li_na)
    db.session.commit()
    vault.forget()
    with pytest.raises(DataDestroyed):
        storage.get(name, li_na)
    assert storage.get(name, wang_fang) == b"a page that looks alike"
    with pytest.raises(NotFound):
        storage.get(name, new_id())


def test_an_altered_file_is_not_given_out(storage: Storage, objects: Objects, later: Callable[[float], None]) -> None:
    name = storage.put(b"clauses")
    path = f"{name[:2]}/{name[2:4]}/{name}"
    later(HOUR + 60)
    objects.remove(path, HOUR)
    objects.create(path, b"other clauses")
    with pytest.raises(FileAltered):
        storage.get(name)


def test_a_place_that_works_has_no_problems(objects: Objects) -> None:
    assert objects.problems() == []
    assert objects.problems() == [], "the second time it finds what the first one left"
    assert [*objects.names()] == []


# --- of the bucket alone ----------------------------------------------------------------------------------------------


def test_putting_again_is_written_again_and_so_begins_its_hour_anew(s3: S3Server, address: Address) -> None:
    """The age of an object is that of its newest version."""
    objects = Bucket(address, PATIENCE)
    objects.put(NAMED, b"data")
    objects.put(NAMED, b"data")
    assert s3.versions(address.prefix) == ["Version", "Version"]
    objects.create(NAMED, b"other")
    assert s3.versions(address.prefix) == ["Version", "Version"], "what is there is not written over"


def test_what_is_removed_stays_beneath_a_mark_where_versions_are_kept(
    s3: S3Server, address: Address, later: Callable[[float], None]
) -> None:
    objects = Bucket(address, PATIENCE)
    objects.put(NAMED, b"data")
    later(HOUR + 60)
    assert objects.remove(NAMED, HOUR) is True
    assert sorted(s3.versions(address.prefix)) == ["DeleteMarker", "Version"]
    assert [*objects.names()] == []
    objects.create(NAMED, b"anew")
    assert objects.get(NAMED) == b"anew"

"""Files by their content: nothing is overwritten, nothing altered goes unseen."""

from pathlib import Path

import pytest

from marketplace.infra.storage import Storage
from marketplace.kernel.errors import NotFound, Unavailable


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path)


@pytest.mark.asvs("5.4.1")
def test_what_was_put_is_got_by_its_hash(storage: Storage) -> None:
    name = storage.put(b"clauses")
    assert storage.get(name) == b"clauses"
    assert storage.put(b"clauses") == name


def test_an_altered_file_is_not_given_out(storage: Storage, tmp_path: Path) -> None:
    name = storage.put(b"clauses")
    (tmp_path / name[:2] / name[2:4] / name).write_bytes(b"other clauses")
    with pytest.raises(Unavailable, match="altered"):
        storage.get(name)


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_what_is_not_there_is_not_found(storage: Storage, name: str) -> None:
    with pytest.raises(NotFound):
        storage.get(name)


def test_nothing_half_written_stays(storage: Storage, tmp_path: Path) -> None:
    storage.put(b"one")
    storage.put(b"two")
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) == [b"one", b"two"]

"""The folder of files: where they lie, who reads them, how old they are.

What is promised of buckets too is tested for both (tests/integration/infra/test_storage.py).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.infra.storage import Storage
from marketplace.infra.storage.folder import Folder
from marketplace.kernel.errors import NotFound


@pytest.fixture(params=[0o077, 0o007, 0o022], ids="umask {:03o}".format)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(Folder(tmp_path))


def test_what_is_used_nowhere_is_removed_unless_it_was_put_a_moment_ago(storage: Storage, tmp_path: Path) -> None:
    name = storage.put(b"licence")
    path = tmp_path / name[:2] / name[2:4] / name
    assert storage.remove(name) is False
    os.utime(path, (0, 0))
    storage.put(b"licence")  # somebody else is about to refer to it
    assert storage.remove(name) is False
    assert storage.get(name) == b"licence"
    os.utime(path, (0, 0))
    assert storage.remove(name) is True
    assert storage.remove(name) is False
    with pytest.raises(NotFound):
        storage.get(name)


def test_nothing_half_written_stays(storage: Storage, tmp_path: Path) -> None:
    storage.put(b"one")
    storage.put(b"two")
    assert sorted(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()) == [b"one", b"two"]


@pytest.mark.asvs("13.2.2")
def test_the_umask_of_the_process_says_whether_the_group_reads(storage: Storage, tmp_path: Path, umask: int) -> None:
    """And nobody else ever does: site, worker and backup share a group (docs/running.md)."""
    name = storage.put(b"clauses")
    file = tmp_path / name[:2] / name[2:4] / name
    assert file.stat().st_mode & 0o777 == 0o660 & ~umask
    assert file.parent.stat().st_mode & 0o777 == 0o770 & ~umask

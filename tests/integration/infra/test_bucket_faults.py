"""What a bucket may do to us: be away, slow, busy, closed, cut off; lie. Nobody waits long or believes half."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from time import perf_counter

import pytest

from marketplace.infra.storage import FileAltered, Storage, bucket
from marketplace.infra.storage.bucket import PROBE, Address, Bucket
from marketplace.infra.storage.objects import PATIENCE, StorageUnavailable
from tests import s3_server
from tests.s3_server import Fault, FaultyProxy, S3Server

ROOT = Path(__file__).parents[3]
SHORT = 0.4  # seconds of patience, for what never answers
SOON = 4 * SHORT  # on a machine that is busy with other tests
NAMED = "ab/cd/" + "abcd" * 16
DATA = b"clauses of a product" * 3


@pytest.fixture
def kept(address: Address) -> Bucket:
    """The place as it is behind the proxy."""
    return Bucket(address, PATIENCE)


@pytest.fixture
def reached(by_proxy: Address) -> Bucket:
    return Bucket(by_proxy, SHORT)


def test_nobody_listens(address: Address) -> None:
    objects = Bucket(replace(address, endpoint="http://127.0.0.1:9"), SHORT)
    begun = perf_counter()
    for call in (lambda: objects.get(NAMED), lambda: objects.put(NAMED, DATA), lambda: objects.exists(NAMED)):
        with pytest.raises(StorageUnavailable):
            call()
    assert perf_counter() - begun < SOON


def test_who_did_not_answer_is_left_alone_for_a_moment(
    reached: Bucket, kept: Bucket, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that looks for sixty files waits for one of them."""
    kept.put(NAMED, DATA)
    proxy.faults += [s3_server.silent] * 10
    begun = perf_counter()
    for _ in range(60):
        with pytest.raises(StorageUnavailable):
            reached.get(NAMED)
    assert perf_counter() - begun < SOON
    proxy.faults.clear()
    monkeypatch.setattr(reached, "_rests_until", 0.0)
    assert reached.get(NAMED) == DATA


@pytest.mark.parametrize("fault", [s3_server.silent, s3_server.dripping], ids=lambda fault: fault.__name__)
def test_a_slow_answer_has_an_end(reached: Bucket, kept: Bucket, proxy: FaultyProxy, fault: Fault) -> None:
    kept.put(NAMED, DATA)
    proxy.faults += [fault] * 10
    begun = perf_counter()
    with pytest.raises(StorageUnavailable):
        reached.get(NAMED)
    assert perf_counter() - begun < SOON


def test_busy_once_is_asked_again(by_proxy: Address, proxy: FaultyProxy) -> None:
    objects = Bucket(by_proxy, PATIENCE)
    for call, method in (
        (lambda: objects.put(NAMED, DATA), "PUT"),
        (lambda: objects.get(NAMED), "GET"),
        (lambda: objects.exists(NAMED), "HEAD"),
    ):
        proxy.faults.append(s3_server.busy)
        call()
        assert proxy.asked == [method, method]
        proxy.asked.clear()
    assert objects.get(NAMED) == DATA


@pytest.mark.parametrize("write", [Bucket.put, Bucket.create], ids=lambda write: write.__name__)
def test_a_large_file_is_written_in_one_request(
    by_proxy: Address, proxy: FaultyProxy, write: Callable[[Bucket, str, bytes], None]
) -> None:
    """Of a file in parts, parts may stay behind that nobody sees and everybody pays."""
    objects, large = Bucket(by_proxy, PATIENCE), bytes(6_000_000)
    write(objects, NAMED, large)
    assert proxy.asked == ["PUT"]
    assert objects.get(NAMED) == large


def test_busy_for_good_ends(reached: Bucket, kept: Bucket, proxy: FaultyProxy) -> None:
    proxy.faults += [s3_server.busy] * 20
    with pytest.raises(StorageUnavailable, match="503"):
        reached.put(NAMED, DATA)
    assert 2 <= len(proxy.asked) <= 1 + bucket.RETRIES
    assert not kept.exists(NAMED)


def test_a_cut_answer_is_none(reached: Bucket, kept: Bucket, proxy: FaultyProxy) -> None:
    kept.put(NAMED, DATA)
    proxy.faults += [s3_server.cut_short] * 10
    with pytest.raises(StorageUnavailable):
        reached.get(NAMED)


def test_altered_bytes_are_given_to_nobody(reached: Bucket, proxy: FaultyProxy) -> None:
    storage = Storage(reached)
    name = storage.put(DATA)
    proxy.faults.append(s3_server.altered)
    with pytest.raises(FileAltered):
        storage.get(name)
    assert storage.get(name) == DATA


def test_a_line_that_breaks_after_the_writing_is_no_loss(by_proxy: Address, kept: Bucket, proxy: FaultyProxy) -> None:
    """It is sent again, and finds what it has written itself."""
    proxy.faults.append(s3_server.done_and_not_said)
    Bucket(by_proxy, PATIENCE).create(NAMED, DATA)
    assert kept.get(NAMED) == DATA


def test_a_line_that_breaks_before_the_writing_is_acknowledged_only_when_it_is_kept(
    by_proxy: Address, kept: Bucket, proxy: FaultyProxy
) -> None:
    proxy.faults.append(s3_server.not_passed)
    Bucket(by_proxy, PATIENCE).put(NAMED, DATA)
    assert kept.get(NAMED) == DATA


def test_another_who_is_just_writing_it_is_not_believed_before_it_is_there(
    reached: Bucket, kept: Bucket, proxy: FaultyProxy
) -> None:
    proxy.faults.append(s3_server.conflict)
    with pytest.raises(StorageUnavailable):
        reached.create(NAMED, DATA)
    assert (proxy.asked, kept.exists(NAMED)) == (["PUT", "HEAD"], False)


def test_a_missing_bucket_is_no_missing_file(s3: S3Server, address: Address) -> None:
    """“There is no such file” is what is said of what was erased."""
    objects = Bucket(replace(address, bucket="another-bucket"), PATIENCE)
    with s3.open_to_all():
        for call in (lambda: objects.get(NAMED), lambda: objects.put(NAMED, DATA), lambda: objects.create(NAMED, DATA)):
            with pytest.raises(StorageUnavailable, match="the bucket is not there"):
                call()


# --- what the start says ----------------------------------------------------------------------------------------------


def _said(address: Address) -> str:
    (problem,) = Bucket(address, PATIENCE).problems()
    assert address.secret_key not in problem
    return problem


def test_the_rights_of_the_guide_are_enough_and_end_with_the_prefix(address: Address) -> None:
    assert Bucket(address, PATIENCE).problems() == []
    with pytest.raises(StorageUnavailable, match=r"403 Forbidden \(AccessDenied\)"):
        Bucket(replace(address, prefix="another"), PATIENCE).put(NAMED, DATA)


def test_a_wrong_key_is_said(address: Address) -> None:
    assert "SignatureDoesNotMatch" in _said(replace(address, secret_key="not-that-one"))
    assert "InvalidAccessKeyId" in _said(replace(address, key_id="nobody"))


@pytest.mark.parametrize("missing", ["s3:ListBucket", "s3:GetObject", "s3:PutObject"])
def test_a_missing_right_is_said(s3: S3Server, address: Address, missing: str) -> None:
    with s3.open_to_all():
        key_id, secret = s3_server.somebody(s3.url, f"without-{missing}", s3_server.rights(without=(missing,)))
    assert "(AccessDenied)" in _said(replace(address, key_id=key_id, secret_key=secret))


def test_a_store_that_overwrites_is_said(by_proxy: Address, kept: Bucket, proxy: FaultyProxy) -> None:
    proxy.faults += [s3_server.unconditional] * 10
    assert _said(by_proxy) == (
        "STORAGE_URL: this store overwrites what it was asked to keep (it knows no If-None-Match)"
    )


def test_a_store_that_is_away_is_said(address: Address) -> None:
    assert _said(replace(address, endpoint="http://127.0.0.1:9")).startswith("STORAGE_URL: Generic S3 error")


def test_the_object_that_is_tried_is_no_file(address: Address, s3: S3Server) -> None:
    objects = Bucket(address, PATIENCE)
    assert objects.problems() == []
    assert (objects.get(PROBE), [*objects.names()]) == (b"", [])


# --- processes --------------------------------------------------------------------------------------------------------

FORKS = """
import os, signal, sys
from marketplace.infra.storage.bucket import Address, Bucket
from marketplace.infra.storage.objects import StorageUnavailable

def forked_then_asked():
    if (child := os.fork()) == 0:
        signal.alarm(20)
        try:
            objects.put("probe", b"")
        except StorageUnavailable as error:
            print(error, flush=True)
            os._exit(3)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

objects = Bucket(Address(*sys.argv[1:]), 3.0)
print(forked_then_asked(), flush=True)
objects.put("probe", b"")
print(forked_then_asked(), flush=True)
"""


def test_a_site_may_fork_before_it_asks_and_never_hangs_after(address: Address) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKS, *astuple(address)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    refused = "a process that was forked from one that uses the bucket cannot use it"
    assert (done.stdout.splitlines(), done.returncode) == (["0", refused, "3"], 0), done.stderr

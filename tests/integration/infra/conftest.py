"""A store of the kind of Amazon's, a proxy that fails before it, and places for files in it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from marketplace.infra.storage.bucket import Address
from marketplace.kernel import ids
from tests import s3_server
from tests.s3_server import FaultyProxy, S3Server, failing_before, running_s3


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    if not s3_server.PYTHON.exists():
        pytest.skip(s3_server.WHY_NOT)
    with running_s3() as server:
        yield server


@pytest.fixture
def address(s3: S3Server) -> Address:
    """A place beneath the prefix where nothing is."""
    return s3.address(f"{s3_server.PREFIX}/{ids.new_id()}")


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[FaultyProxy]:
    with failing_before(s3) as failing:
        yield failing


@pytest.fixture
def by_proxy(address: Address, proxy: FaultyProxy) -> Address:
    return replace(address, endpoint=proxy.url)

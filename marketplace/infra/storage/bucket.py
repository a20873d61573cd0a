"""A bucket of Amazon S3, or of a store that speaks as it does: the only file that imports its library.

The library works with threads of its own, which a fork does not take along: whoever asks after its parent has asked
would wait for ever. So nothing is asked before a process's first need, when the site has forked already, and a process
forked later is refused.
"""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError
from obstore.store import S3Store

from marketplace.infra import metrics
from marketplace.infra.storage.objects import StorageUnavailable

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
RETRIES = 3
REST_SECONDS = 1.0
"""So long a store that did not answer is not asked again: a page may need many files, and has to end."""
PROBE = "probe"
_CODE = re.compile(r"<Code>(\w+)</Code>")
T = TypeVar("T")

_first_asked_by: int | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where the bucket is and by which key it is opened. `endpoint` is empty for Amazon's own of that region."""

    bucket: str
    prefix: str
    endpoint: str
    region: str
    key_id: str
    secret_key: str = field(repr=False)


class Bucket:
    """Each name is a key under the prefix. Writing is a single request: a key has all of it, or is not there."""

    def __init__(self, address: Address, patience: float) -> None:
        """`patience`: seconds for an answer, and as many in which a request that failed at once is tried again."""
        self._store = S3Store(
            address.bucket,
            prefix=address.prefix or None,
            config={"disable_bulk_delete": True},  # one by one: not every store can remove many at once
            endpoint=address.endpoint or f"https://s3.{address.region}.amazonaws.com",
            region=address.region,
            access_key_id=address.key_id,
            secret_access_key=address.secret_key,
            client_options={
                "allow_http": address.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=patience),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=patience)},
        )
        self._rests_until = 0.0

    def put(self, name: str, data: bytes) -> None:
        """Sent again each time: only that makes it young, and whatever was done to it meanwhile is mended."""
        self._write(name, data, "overwrite")

    def create(self, name: str, data: bytes) -> None:
        if not self._created(name, data) and not self.exists(name):  # another's attempt that came to nothing
            raise StorageUnavailable("the store of files was busy with another request for this file")

    def _created(self, name: str, data: bytes) -> bool:
        try:
            self._write(name, data, "create")
        except AlreadyExistsError:
            return False
        return True

    def _write(self, name: str, data: bytes, mode: Literal["create", "overwrite"]) -> None:
        try:
            self._ask(lambda: obstore.put(self._store, name, data, use_multipart=False, mode=mode))
        except FileNotFoundError as error:  # nothing else can be missing
            raise StorageUnavailable("the bucket is not there") from error

    def get(self, name: str) -> bytes:
        return self._ask(lambda: obstore.get(self._store, name).bytes().to_bytes())

    def exists(self, name: str) -> bool:
        try:
            self._ask(lambda: obstore.head(self._store, name))
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str, seconds: float) -> bool:
        """What is put between the two requests goes too: S3 removes nothing on condition of an age. Where versions are
        kept, it lies beneath the mark of the removal (decision 24).
        """
        try:
            found = self._ask(lambda: obstore.head(self._store, name))
        except FileNotFoundError:
            return False
        if time.time() - found["last_modified"].timestamp() < seconds:
            return False
        self._ask(lambda: obstore.delete(self._store, name))
        return True

    def names(self) -> Iterator[str]:
        chunks = obstore.list(self._store)
        while (chunk := self._ask(lambda: next(chunks, None))) is not None:
            yield from (each["path"] for each in chunk if each["path"] != PROBE)

    def problems(self) -> list[str]:
        """Tries all that is needed but removing, on an object that stays."""
        try:
            self._ask(lambda: next(obstore.list(self._store), None))
            if self._created(PROBE, b"") and self._created(PROBE, b""):
                return ["STORAGE_URL: this store overwrites what it was asked to keep (it knows no If-None-Match)"]
            self.get(PROBE)
        except StorageUnavailable as error:
            return [f"STORAGE_URL: {error}"]
        return []

    def _ask(self, call: Callable[[], T]) -> T:
        _refuse_forked()
        if time.monotonic() < self._rests_until:
            raise StorageUnavailable("the store of files did not answer a moment ago")
        with metrics.timed(metrics.NEIGHBOURS, "storage"):
            try:
                return call()
            except (FileNotFoundError, AlreadyExistsError) as error:
                if "NoSuchBucket" in str(error):
                    raise StorageUnavailable("the bucket is not there") from error
                answer = error  # as good an answer as any
            except BaseError as error:
                if isinstance(error, GenericError):  # of its kinds of errors that for no answer, and for 5xx
                    self._rests_until = time.monotonic() + REST_SECONDS
                log.error("the store of files: %s", _said(error))  # noqa: TRY400  the trace says nothing more
                raise StorageUnavailable(_said(error)) from error
        raise answer


def _said(error: BaseError) -> str:
    """The first line without the answer's XML, but with its code."""
    text = str(error)
    code = _CODE.search(text)
    return text.partition("\n")[0].partition(": <?xml")[0] + (f" ({code[1]})" if code else "")


def _refuse_forked() -> None:
    global _first_asked_by  # noqa: PLW0603  one library for each process
    if _first_asked_by is None:
        _first_asked_by = os.getpid()
    elif _first_asked_by != os.getpid():
        raise StorageUnavailable("a process that was forked from one that uses the bucket cannot use it")

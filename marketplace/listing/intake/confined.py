"""Files of insurers are opened in a process of their own, which may take memory and time up to a limit, nothing else.

A file that was made to do harm, or is merely too much, ends that process. Whoever asked gets one finding and lives on.
The process inherits no environment (no secret of ours is in it), has no network and can open no file; its answer is
read as JSON of the expected shape. It runs the same program from the same disk: a wall against a file that makes a
parser stumble, not against somebody who already runs code here.
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

import structlog
from pydantic import ValidationError

from marketplace.listing.intake import child, passage, unpack
from marketplace.listing.intake.passage import Marks
from marketplace.listing.values import Files, Finding, Grid, Reading

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take. Its time on the wall is longer than on a processor, for that may be shared."""

    memory: int = 2**30
    processor_seconds: int = 20
    wall_seconds: float = 40


LIMITS = Limits()
ENVIRONMENT = {
    "LANG": "C.UTF-8", "PYTHONHASHSEED": "random", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip
ATTEMPTS = 2
_SLACK_SECONDS = 20
_LENGTH = 16
_WORDS = 4_000
"""How much of what a failed child said is logged."""
log = structlog.get_logger()


class NoAnswerError(Exception):
    """The child gave no answer; `code` is that of the finding."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_confined(data: bytes, insurer: str, limits: Limits = LIMITS) -> Reading:
    """What `read_container` gives, read in a child process; too much memory or time, or an abrupt end, is a finding."""
    try:
        return passage.reading_from_json(ask(["read", insurer], data, limits))
    except NoAnswerError as none:
        return Reading((Finding("", none.code),))
    except ValidationError:
        log.warning("listing.reading_not_understood")
        return Reading((Finding("", "reading_failed"),))


def mark_confined(data: bytes, marks: Marks) -> bytes:
    """The marked copy of an upload. Raises NoAnswerError where it cannot be opened."""
    return ask(["mark"], passage.to_mark(data, marks))


def grid_confined(data: bytes) -> Grid:
    """The cells of a rate card, read in a child process."""
    try:
        return passage.grid_from_json(ask(["grid"], data))
    except NoAnswerError as none:
        return Grid((), (Finding("", none.code),))


def files_confined(data: bytes) -> Files:
    """The text files that an upload amounts to; none where it cannot be opened."""
    try:
        return unpack(ask(["files"], data))[0]
    except NoAnswerError:
        return {}


def ask(task: list[str], data: bytes, limits: Limits = LIMITS) -> bytes:
    """The answer of a child to `task`, with `data` on its standard input. Raises NoAnswerError."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
        given.write(data)
        given.seek(0)
        ended = _nursery.run(task, limits, [each.fileno() for each in (given, answer, said)])
        if ended != 0:
            raise NoAnswerError(_why(ended, said.fileno()))
        answer.seek(0)
        return answer.read()  # no longer than the child was allowed to write


class _Nursery:
    """The process that forks our children: started when first needed, and anew when it is gone."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asks: socket.socket | None = None
        self._owner = 0

    def run(self, task: list[str], limits: Limits, files: list[int]) -> int:
        """How a child ended that had `files` as its standard input, output and error: as `subprocess` counts it."""
        message = json.dumps([limits.memory, limits.processor_seconds, limits.wall_seconds, task]).encode()
        for _ in range(ATTEMPTS):
            asks = self._started()
            ours, theirs = socket.socketpair()
            with suppress(OSError), ours:
                with theirs:
                    socket.send_fds(asks, [message], [*files, theirs.fileno()])
                ours.settimeout(limits.wall_seconds + _SLACK_SECONDS)
                if ended := ours.recv(_LENGTH):
                    return int(ended)
            self.end(asks)  # it had just ended, or was ended; what it was asked is asked again
        return child.FAILED

    def _started(self) -> socket.socket:
        with self._lock:
            if self._asks is not None and self._owner != os.getpid():
                self._asks.close()  # a fork has one of its own
                self._asks = None
            if self._asks is None:
                self._asks, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self._owner = os.getpid()
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-E", "-s", "-m", "marketplace.listing.intake.nursery"],
                        stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=ENVIRONMENT, cwd=ROOT,
                    )  # fmt: skip
                    Thread(target=self._process.wait, daemon=True).start()  # so that nothing is left of it when it ends
            return self._asks

    def end(self, asks: socket.socket | None = None) -> None:
        """It ends by itself when nobody is there to ask; only if it is the one behind `asks`, where that is said."""
        with self._lock:
            if self._asks is None or asks not in (None, self._asks):
                return
            self._asks.close()
            if self._process is not None and self._owner == os.getpid():
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(_SLACK_SECONDS)
                self._process.kill()
                self._process.wait()
            self._asks = self._process = None


_nursery = _Nursery()
atexit.register(_nursery.end)


def _why(ended: int, said: int) -> str:
    """The finding for how a child ended."""
    match ended:
        case child.TOO_LARGE | child.KILLED:
            return "reading_too_large"
        case child.OUT_OF_TIME:
            return "reading_too_long"
    words = os.pread(said, _WORDS, max(0, os.fstat(said).st_size - _WORDS)).decode("utf-8", "replace")
    if ended == child.ABORTED and "memory allocation" in words:  # so ends the Rust in pydantic
        return "reading_too_large"
    log.warning("listing.reading_failed", ended=ended, said=words)
    return "reading_failed"

"""Who asks: starts the nursery of a module of tasks when first needed, and has each file read in a fork of it."""

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Lock, Thread

from marketplace.infra.confinement import child

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {
    "LANG": "C.UTF-8", "PYTHONHASHSEED": "random", "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
}  # fmt: skip
ATTEMPTS = 2
_SLACK_SECONDS = 20
_LENGTH = 16
_WORDS = 4_000
"""How much is kept of what a failed child said."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take. Its time on the wall is longer than on a processor, for that may be shared."""

    memory: int = 2**30
    processor_seconds: int = 20
    wall_seconds: float = 40


class NoAnswer(StrEnum):
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    FAILED = "failed"


class NoAnswerError(Exception):
    """The child gave no answer: it took too much, or it `ended` otherwise, and `said` this."""

    def __init__(self, why: NoAnswer, ended: int, said: str = "") -> None:
        super().__init__(why)
        self.why, self.ended, self.said = why, ended, said


class Nursery:
    """The process that forks our children: started when first needed, and anew when it is gone."""

    def __init__(self, tasks: str) -> None:
        """`tasks` is the module of what they do (`child.Tasks`)."""
        self._tasks = tasks
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._asks: socket.socket | None = None
        self._owner = 0
        atexit.register(self.end)

    def ask(self, task: list[str], data: bytes, limits: Limits) -> bytes:
        """The answer of a child to `task`, with `data` on its standard input. Raises NoAnswerError."""
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as said:
            given.write(data)
            given.seek(0)
            ended = self._run(task, limits, [each.fileno() for each in (given, answer, said)])
            if ended != 0:
                raise _no_answer(ended, said.fileno())
            answer.seek(0)
            return answer.read()  # no longer than the child was allowed to write

    def _run(self, task: list[str], limits: Limits, files: list[int]) -> int:
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
                    self._process = subprocess.Popen(  # noqa: S603  ours
                        [sys.executable, "-E", "-s", "-m", "marketplace.infra.confinement.nursery", self._tasks],
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


def _no_answer(ended: int, said: int) -> NoAnswerError:
    match ended:
        case child.TOO_LARGE | child.KILLED:
            return NoAnswerError(NoAnswer.TOO_LARGE, ended)
        case child.OUT_OF_TIME:
            return NoAnswerError(NoAnswer.TOO_LONG, ended)
    words = os.pread(said, _WORDS, max(0, os.fstat(said).st_size - _WORDS)).decode("utf-8", "replace")
    if ended == child.ABORTED and "memory allocation" in words:  # so ends the Rust in pydantic
        return NoAnswerError(NoAnswer.TOO_LARGE, ended)
    return NoAnswerError(NoAnswer.FAILED, ended, words)

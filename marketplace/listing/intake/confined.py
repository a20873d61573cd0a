"""Files of insurers are opened in a process of their own, which may take memory and time up to a limit, nothing else.

A file that was made to do harm, or is merely too much, ends that process. Whoever asked gets one finding and lives on.
The process inherits no environment (no secret of ours is in it), has no network and can open no file; its answer is
read as JSON of the expected shape. It runs the same program from the same disk: a wall against a file that makes a
parser stumble, not against somebody who already runs code here.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
ENVIRONMENT = {"LANG": "C.UTF-8", "PYTHONHASHSEED": "random", "PYTHONDONTWRITEBYTECODE": "1"}
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
        command = [sys.executable, "-E", "-s", "-m", child.__name__]
        command += [str(limits.memory), str(limits.processor_seconds), *task]
        started = subprocess.Popen(  # noqa: S603  our own program; the task is ours, the data are on its input
            command, stdin=given, stdout=answer, stderr=said, env=ENVIRONMENT, cwd=ROOT, close_fds=True
        )
        try:
            ended = started.wait(limits.wall_seconds)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
            raise NoAnswerError("reading_too_long") from None
        if ended != 0:
            raise NoAnswerError(_why(ended, said.fileno()))
        answer.seek(0)
        return answer.read()  # no longer than the child was allowed to write


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

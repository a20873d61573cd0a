"""The process in which a file of somebody else is opened: forked for one file by the `nursery`, gone after it.

It first takes from itself what it does not need (`confine`), then reads standard input, then answers on standard
output. What it does is said by a module of tasks (`Tasks`).
"""

import ctypes
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from typing import Protocol

ANSWER = 256 * 2**20
FAILED, TOO_LARGE = 1, 3
KILLED, OUT_OF_TIME, ABORTED = -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGABRT
"""How a parent sees it end: for its memory the kernel kills, for its time it signals first."""
_NOBODY = 65_534
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_NO_NEW_PRIVILEGES = 38


class Tasks(Protocol):
    """A module whose functions a nursery and its children call."""

    def load(self) -> None:
        """Import everything that an answer needs, also what is imported late: afterwards no file can be opened."""

    def rehearse(self) -> None:
        """Answer once from something of our own, so that what is made when first used is there before a fork."""

    def answer(self, task: str, *told: str) -> bytes:
        """Confine the process, read what was given, and answer."""


def run(tasks: Tasks, memory: int, seconds: int, task: list[str]) -> int:
    """Answer a task in so many bytes of memory and seconds of a processor. Returns how the process is to end."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER, ANSWER))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = tasks.answer(*task)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    except MemoryError:
        return TOO_LARGE
    except Exception:  # noqa: BLE001  as Python itself would end
        traceback.print_exc()
        return FAILED
    return 0


def given() -> bytes:
    """The file that the task is about."""
    return sys.stdin.buffer.read()


def confine(*, files: int) -> None:
    """No network, no privileges, no further process, and no more than `files` files or sockets besides the three."""
    libc = ctypes.CDLL(None, use_errno=True)
    # Where the machine allows it, a network of its own, with nothing in it; elsewhere no socket can be opened either,
    # for a socket is a file and there is none left to open.
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if os.geteuid() == 0:
        with suppress(OSError):  # in a namespace without that user
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 + files, 3 + files))

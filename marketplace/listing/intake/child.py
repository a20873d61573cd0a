"""The process in which a file of somebody else is opened: forked for one file by the `nursery`, gone after it.

It first takes from itself what it does not need (`confine`), then reads standard input, then answers on standard
output.
"""

import ctypes
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from importlib import import_module

from marketplace.listing.intake import files_of, pack, passage, read_container
from marketplace.listing.intake.example import INSURER, example_files

ANSWER = 256 * 2**20
FAILED, TOO_LARGE = 1, 3
KILLED, OUT_OF_TIME, ABORTED = -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGABRT
"""How a parent sees it end: for its memory the kernel kills, for its time it signals first."""
_NOBODY = 65_534
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000
_NO_NEW_PRIVILEGES = 38
_LATE = ("encodings.cp437", "encodings.utf_8_sig", "marketplace.listing.intake.gaps")
"""Modules that are loaded when first needed (names in a zip, tables in CSV), which is when no file can be opened."""


def load() -> None:
    """Everything that reading a container needs, so that it is there before the door is shut, and before a fork."""
    for late in _LATE:
        import_module(late)


def rehearse() -> None:
    """Read a catalog of our own, so that what is made when first used is there before a fork, and once for all."""
    passage.reading_to_json(read_container(pack(example_files()), INSURER))


def run(memory: int, seconds: int, task: list[str]) -> int:
    """`read <code of the insurer>` a container, give its `files` as a zip, the `grid` of a rate card, or the copy that
    `mark` makes, in so many bytes of memory and seconds of a processor. Returns how the process is to end.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER, ANSWER))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = _answer(*task)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()
    except MemoryError:
        return TOO_LARGE
    except Exception:  # noqa: BLE001  as Python itself would end
        traceback.print_exc()
        return FAILED
    return 0


def _answer(task: str, *told: str) -> bytes:
    """All modules are loaded before the door is shut."""
    match task:
        case "read":
            confine(files=0)
            return passage.reading_to_json(read_container(_given(), told[0]))
        case "files":
            confine(files=0)
            return pack(files_of(_given()))
        case "grid":
            from marketplace.listing.intake.rate_card import read_grid  # noqa: PLC0415  this task alone needs it

            confine(files=0)
            return passage.grid_to_json(read_grid(_given()))
        case _:
            from marketplace.listing.intake.workbook import marking  # noqa: PLC0415  this task alone needs it

            marking.rehearse()
            confine(files=16)  # openpyxl writes each sheet to a file of its own first
            return marking.mark(*passage.from_mark(_given()))


def _given() -> bytes:
    return sys.stdin.buffer.read()


def confine(*, files: int) -> None:
    """No network, no privileges, no further process, and no more than `files` files or sockets besides the three."""
    load()
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

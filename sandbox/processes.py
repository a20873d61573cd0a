"""Child processes that do not outlive us: tethers, proof of identity against recycled ids, orderly ends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

# A process id alone may have been given to somebody else since; with the start time it names one process.
_START_TIME_TOLERANCE_SECONDS = 0.05


def tethered(command: Sequence[str], at_our_death: signal.Signals = signal.SIGTERM) -> list[str]:
    """The command, to which the kernel sends `at_our_death` once the thread that started it is dead.

    `setpriv` of util-linux asks for that just before it becomes the command; `unshare` clears the wish, so this
    goes inside it. Without setpriv the command is returned as it is, and the next start takes the survivors over.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return list(command)
    return [setpriv, "--pdeathsig", at_our_death.name.removeprefix("SIG"), "--", *command]


def start(
    command: Sequence[str],
    *,
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own: Ctrl-C reaches only us, and we end the children in order."""
    return subprocess.Popen(  # noqa: S603 (commands are composed here from our own files, no shell)
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=None if environment is None else dict(environment),
        cwd=folder,
        start_new_session=True,
    )


def find_living(process_id: int, started_at: float | None = None) -> psutil.Process | None:
    """The process of that id if it runs (a zombie does not) and, when told, started then (Unix seconds)."""
    try:
        process = psutil.Process(process_id)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        if started_at is not None and abs(process.create_time() - started_at) > _START_TIME_TOLERANCE_SECONDS:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def wait_for_end(process: psutil.Process, seconds: float) -> bool:
    """True when the process has ended, or is only a zombie that its parent has not collected."""
    try:
        process.wait(timeout=seconds)
    except psutil.TimeoutExpired:
        return find_living(process.pid) is None
    return True


def end_group(process: psutil.Process, signals: Sequence[tuple[signal.Signals, float]]) -> None:
    """Send each signal to the whole group of the process, waiting the seconds beside it, until it is gone."""
    for number, seconds in signals:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        if wait_for_end(process, seconds):
            return

"""Child processes that do not outlive us: tethers, marks, and orderly ends."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil


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


def find_living(process_id: int) -> psutil.Process | None:
    """The process of that id if it runs. A zombie, which only waits for its parent to notice, does not."""
    try:
        process = psutil.Process(process_id)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def find_marked(variable: str, value: str) -> list[psutil.Process]:
    """All other living processes with that variable in their environment, however far down they were started.

    Unlike a noted process id, the mark cannot be mistaken for a stranger's who was given the same id later.
    """
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.pid != os.getpid() and process.environ().get(variable) == value
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone meanwhile
    return found


def wait_for_end(process: psutil.Process, seconds: float) -> bool:
    """True when the process has ended, or is only a zombie that its parent has not collected."""
    try:
        process.wait(timeout=seconds)
    except psutil.TimeoutExpired:
        return find_living(process.pid) is None
    return True


def end_marked(variable: str, value: str, grace_seconds: float) -> int:
    """End all marked processes, at first politely; the number that were found."""
    found = find_marked(variable, value)
    for process in found:
        _send(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(found, timeout=grace_seconds)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=grace_seconds)
    return len(found)


def kill_group(leader: int) -> None:
    """Kill what is left of the group that `start` made for a child."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # nobody left; macOS says "not permitted" of a group of zombies


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return

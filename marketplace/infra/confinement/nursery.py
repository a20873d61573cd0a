"""The process from which readers of files are forked: it has loaded what they need, so that each begins at once.

`asking` starts it with an environment of its own, which holds no secret, and asks it over the socket that is its
standard input. It never looks at a file itself: each goes to a fork, and the fork takes from itself what it does not
need before it looks. It ends when the one who asks is gone, or when nothing was asked for a while, so that its memory
is held only while files are read. Its one argument is the module of what its children do (`child.Tasks`).
"""

import gc
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from marketplace.infra.confinement import child

IDLE_SECONDS = 30.0
MESSAGE = 4_096
FILES = 4
"""Standard input, output and error of the child, and the socket on which its end is told."""


@dataclass(slots=True)
class _Running:
    """A child, the time on the wall by which it must end, who wants to know, and whether it was ended as too late."""

    pid: int
    until: float
    reply: int
    late: bool = False


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks, whose end is also this one's
    tasks = cast("child.Tasks", import_module(sys.argv[1]))
    tasks.load()
    tasks.rehearse()
    gc.collect()
    gc.freeze()  # forks share what was loaded and leave it alone
    gc.disable()  # a fork is gone before it has left much to collect
    with socket.socket(fileno=0) as asked, selectors.DefaultSelector() as selector:
        _serve(tasks, asked, selector)


def _serve(tasks: child.Tasks, asked: socket.socket, selector: selectors.BaseSelector) -> None:
    running: dict[int, _Running] = {}
    selector.register(asked, selectors.EVENT_READ)
    while True:
        ready = selector.select(_patience(running))
        if not ready and not running:
            return
        for key, _ in ready:
            if key.fd in running:
                _tell_end(running.pop(key.fd))
                selector.unregister(key.fd)
                os.close(key.fd)
            elif (started := _start(tasks, asked)) is not None:
                process = os.pidfd_open(started.pid)
                running[process] = started
                selector.register(process, selectors.EVENT_READ)
            else:  # whoever asked is gone
                for each in running.values():
                    os.kill(each.pid, signal.SIGKILL)
                return
        for process, each in running.items():
            if time.monotonic() >= each.until and not each.late:
                each.late = True
                signal.pidfd_send_signal(process, signal.SIGKILL)


def _patience(running: dict[int, _Running]) -> float:
    if not running:
        return IDLE_SECONDS
    return max(0.01, min(each.until for each in running.values()) - time.monotonic())


def _tell_end(ended: _Running) -> None:
    """As `subprocess` counts: negative for the signal that ended it."""
    _, status = os.waitpid(ended.pid, 0)
    code = child.OUT_OF_TIME if ended.late else os.waitstatus_to_exitcode(status)
    with socket.socket(fileno=ended.reply) as reply:
        reply.sendall(str(code).encode())


def _start(tasks: child.Tasks, asked: socket.socket) -> _Running | None:
    message, files, _, _ = socket.recv_fds(asked, MESSAGE, FILES)
    if not message:
        return None
    memory, seconds, wall, task = json.loads(message)
    pid = os.fork()
    if pid == 0:
        os._exit(_be_child(tasks, files[:3], memory, seconds, task))
    for each in files[:3]:
        os.close(each)
    return _Running(pid, time.monotonic() + wall, files[3])


def _be_child(tasks: child.Tasks, standard: list[int], memory: int, seconds: int, task: list[str]) -> int:
    for number, each in enumerate(standard):
        os.dup2(each, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    return child.run(tasks, memory, seconds, task)


if __name__ == "__main__":
    main()

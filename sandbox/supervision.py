"""Keeping the demonstration's programs alive: steps that run once, services that are started again when they die."""

import asyncio
import signal
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sandbox import processes

Report = Callable[[str], None]
"""Says one line to the person at the terminal."""

_LOOK_SECONDS = 0.05
_LARGEST_LOG_BYTES = 10_000_000
_SHOWN_LINES = 15
_SHOWN_BYTES = 10_000


class StepFailedError(Exception):
    """A step of the start failed. The message holds its last lines and where the rest is."""


@dataclass(slots=True)
class RestartPauses:
    """How long to wait before the next start: 1, 2, 4 … at most 30 seconds, from the first again after health."""

    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    healthy_seconds: float = 60.0
    _deaths_in_a_row: int = field(default=0, init=False)

    def after_life_of(self, seconds: float) -> float:
        """The pause after a life of that length."""
        if seconds >= self.healthy_seconds:
            self._deaths_in_a_row = 0
        pause = min(self.first_seconds * 2.0**self._deaths_in_a_row, self.longest_seconds)
        self._deaths_in_a_row += 1
        return pause


class Kept(Protocol):
    """Something with lives: it can be started, ends by itself or is stopped, and can be started again."""

    @property
    def name(self) -> str: ...

    async def start(self) -> None:
        """Begin a life."""

    async def wait(self) -> str:
        """Wait until the life ends by itself; why it ended, in a few words."""

    async def stop(self) -> None:
        """End it and everything it started. Without a life, nothing happens."""


class Program:
    """A command with its environment; its output is appended to `log_path`. Told to stop, it has `grace_seconds`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log_path: Path,
        grace_seconds: float = 10.0,
    ) -> None:
        self._name = name
        self._command = command
        self._environment = dict(environment)
        self._folder = folder
        self.log_path = log_path
        self._grace_seconds = grace_seconds
        self._process: Process | None = None
        self._life_begins_at = 0

    @property
    def name(self) -> str:
        return self._name

    @property
    def process_id(self) -> int | None:
        """Of the present life."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it in a session of its own (Ctrl-C reaches only us), tethered to the life of this thread."""
        _prepare_log(self.log_path)
        self._life_begins_at = self.log_path.stat().st_size
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *processes.tethered(self._command),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env=self._environment,
                cwd=self._folder,
                start_new_session=True,
            )

    async def wait(self) -> str:
        """Wait for its end and clear away what it left behind in its group."""
        status = await self.status()
        return f"{_describe(status)}; its last line: {self.last_lines() or 'none'}"

    async def status(self) -> int:
        """Wait for its end; the exit status, negative for a signal."""
        if self._process is None:
            raise RuntimeError(f"{self._name} was not started")
        status = await self._process.wait()
        processes.kill_group(self._process.pid)
        self._process = None
        return status

    async def stop(self) -> None:
        """SIGTERM to the leader, who ends its own in order; after the grace SIGKILL to all that is left."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), self._grace_seconds)
        processes.kill_group(process.pid)
        await process.wait()

    async def run_to_end(self) -> None:
        """Run it once. Raises StepFailedError when it fails; cancelled, it is stopped."""
        await self.start()
        try:
            status = await self.status()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if status != 0:
            raise StepFailedError(
                f"{self._name} failed ({_describe(status)}):\n{self.last_lines(_SHOWN_LINES)}\n"
                f"(all of it: {self.log_path})"
            )

    def last_lines(self, count: int = 1) -> str:
        """The end of what it said in its latest life, for the terminal."""
        with self.log_path.open("rb") as log:
            log.seek(max(self._life_begins_at, self.log_path.stat().st_size - _SHOWN_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if line.strip()][-count:])


class Service:
    """Keeps something alive until it is stopped: whenever it ends by itself it is started again, after a pause."""

    def __init__(self, kept: Kept, report: Report, pauses: RestartPauses | None = None) -> None:
        self._kept = kept
        self._report = report
        self._pauses = pauses or RestartPauses()
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the first life, and watch over it from now on. Raises what the first start raises."""
        await self._kept.start()
        self._watch = asyncio.get_running_loop().create_task(self._keep_alive())

    async def stop(self) -> None:
        """End it for good."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._kept.stop()

    async def _keep_alive(self) -> None:
        born, why = time.monotonic(), await self._kept.wait()
        while True:
            pause = self._pauses.after_life_of(time.monotonic() - born)
            self._report(f"{self._kept.name} ended, starting it again in {pause:g} s ({why})")
            await asyncio.sleep(pause)
            born = time.monotonic()
            try:
                await self._kept.start()
                why = await self._kept.wait()
            except Exception as error:  # noqa: BLE001 (whatever it is, the next try comes after a longer pause)
                why = str(error)


async def wait_until(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask until the answer is yes; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True


def _describe(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def _prepare_log(path: Path) -> None:
    """Set an old log aside when it has grown large, and make sure that there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    path.touch()

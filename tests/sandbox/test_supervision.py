"""The supervisor's parts: pauses that grow, steps that fail loudly, services that come back and end for good."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.supervision import Program, RestartPauses, Service, StepFailedError, wait_until

PATIENCE = 20.0


def program(folder: Path, code: str, grace_seconds: float = 10.0) -> Program:
    return Program(
        "child",
        [sys.executable, "-c", code],
        environment=os.environ,
        folder=folder,
        log_path=folder / "logs/child.log",
        grace_seconds=grace_seconds,
    )


async def said(child: Program, text: str) -> None:
    async def is_in_log() -> bool:
        return child.log_path.exists() and text in child.log_path.read_text()

    assert await wait_until(is_in_log, PATIENCE), child.log_path.read_text()


def test_pauses_double_up_to_half_a_minute():
    pauses = RestartPauses()
    assert [pauses.after_life_of(0.1) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_minute_of_health_begins_the_pauses_anew():
    pauses = RestartPauses()
    assert [pauses.after_life_of(life) for life in (1, 1, 59.9, 60, 1)] == [1, 2, 4, 1, 2]


def test_a_step_that_succeeds_leaves_its_log(tmp_path):
    step = program(tmp_path, "print('done')")
    asyncio.run(step.run_to_end())
    assert step.log_path.read_text() == "done\n"


def test_a_step_that_fails_shows_its_last_lines_and_where_the_rest_is(tmp_path):
    asyncio.run(program(tmp_path, "print('of an earlier run')").run_to_end())
    step = program(tmp_path, "for n in range(20, 30): print('line', n)\nraise SystemExit(3)")
    with pytest.raises(StepFailedError) as failure:
        asyncio.run(step.run_to_end())
    lines = str(failure.value).splitlines()
    assert lines[0] == "child failed (exit status 3):"
    assert lines[1:-1] == [f"line {n}" for n in range(20, 30)]
    assert lines[-1] == f"(all of it: {step.log_path})"


def test_no_more_than_the_last_lines_are_shown(tmp_path):
    step = program(tmp_path, "for n in range(30): print('line', n)\nraise SystemExit(1)")
    with pytest.raises(StepFailedError) as failure:
        asyncio.run(step.run_to_end())
    assert str(failure.value).splitlines()[1:-1] == [f"line {n}" for n in range(15, 30)]


def test_a_cancelled_step_is_ended(tmp_path):
    step = program(tmp_path, "import time; print('begun', flush=True); time.sleep(60)")

    async def cancel_when_begun() -> int:
        running = asyncio.ensure_future(step.run_to_end())
        await said(step, "begun")
        process_id = step.process_id
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return process_id

    process_id = asyncio.run(cancel_when_begun())
    assert processes.find_living(process_id) is None


def test_a_service_that_dies_is_started_again_and_the_reason_is_told(tmp_path):
    told: list[str] = []
    child = program(tmp_path, "import time; print('alive', flush=True); time.sleep(60)")
    service = Service(child, told.append, RestartPauses(first_seconds=0.01))

    async def kill_twice() -> int:
        await service.start()
        for count in (1, 2):
            await said(child, "alive\n" * count)
            os.kill(child.process_id, signal.SIGKILL)
        await said(child, "alive\n" * 3)
        last = child.process_id
        await service.stop()
        return last

    last = asyncio.run(kill_twice())
    assert told == [
        "child ended, starting it again in 0.01 s (signal SIGKILL; its last line: alive)",
        "child ended, starting it again in 0.02 s (signal SIGKILL; its last line: alive)",
    ]
    assert processes.find_living(last) is None


def test_a_stopped_service_is_told_politely_and_not_started_again(tmp_path):
    told: list[str] = []
    child = program(
        tmp_path,
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('farewell')))\n"
        "print('alive', flush=True)\n"
        "time.sleep(60)",
    )
    service = Service(child, told.append)

    async def start_and_stop() -> None:
        await service.start()
        await said(child, "alive")
        await service.stop()

    asyncio.run(start_and_stop())
    assert child.log_path.read_text() == "alive\nfarewell\n"
    assert told == []


def test_who_does_not_listen_is_killed_with_all_its_children(tmp_path):
    child = program(
        tmp_path,
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('grandchild', child.pid, flush=True)\n"
        "time.sleep(60)",
        grace_seconds=0.1,
    )

    async def start_and_stop() -> tuple[int, int]:
        await child.start()
        await said(child, "grandchild")
        ids = child.process_id, int(child.last_lines().split()[-1])
        await child.stop()
        return ids

    for process_id in asyncio.run(start_and_stop()):
        process = processes.find_living(process_id)
        assert process is None or processes.wait_for_end(process, PATIENCE)


def test_a_log_that_has_grown_large_is_set_aside(tmp_path):
    step = program(tmp_path, "print('new')")
    step.log_path.parent.mkdir()
    with step.log_path.open("wb") as log:
        log.truncate(10_000_001)
    asyncio.run(step.run_to_end())
    assert step.log_path.read_text() == "new\n"
    assert (tmp_path / "logs/child.old.log").stat().st_size == 10_000_001


def test_waiting_for_what_never_comes_ends():
    async def never() -> bool:
        return False

    assert asyncio.run(wait_until(never, 0.0)) is False

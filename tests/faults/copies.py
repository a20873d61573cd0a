"""Copies of a running server that have each commit before anybody is told of it, and take its place when it is gone."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

from sandbox.embedded_db import EmbeddedServer
from tests.faults.waiting import until

TakeOver = Callable[[], None]
"""The server dies with everything that it had; the copy goes on under its address."""

_NAME = "the_copy"
_IS_SYNCHRONOUS: LiteralString = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'the_copy'"


@contextmanager
def standby(server: EmbeddedServer, folder: Path) -> Iterator[TakeOver]:
    """A second server, which follows the first."""
    second = EmbeddedServer(folder / "standby")
    _base_backup(server, second, "--write-recovery-conf")
    with second:
        _commits_wait(server)

        def take_over() -> None:
            _lose(server)
            with second.connect_as_superuser() as superuser:
                superuser.execute("SELECT pg_promote()")
            second.stop()
            _bring_in(server, second)

        yield take_over


@contextmanager
def written_log(server: EmbeddedServer, folder: Path) -> Iterator[TakeOver]:
    """A base backup, and what was written since then, taken down as it is written."""
    backup, written = EmbeddedServer(folder / "backup"), folder / "written"
    _base_backup(server, backup)
    written.mkdir(mode=0o700)
    words = server.program("pg_receivewal")
    with subprocess.Popen([*words, f"--directory={written}", "--synchronous"], env=_environment(server)) as taking:
        try:
            _commits_wait(server)

            def take_over() -> None:
                _lose(server)
                taking.send_signal(signal.SIGINT)
                taking.wait()
                for each in written.glob("*.partial"):
                    each.rename(each.with_suffix(""))
                (backup.cluster / "recovery.signal").touch()
                with (backup.cluster / "postgresql.auto.conf").open("a") as settings:
                    settings.write(f'\nrestore_command = \'cp "{written}/%f" "%p"\'\n')
                _bring_in(server, backup)

            yield take_over
        finally:
            taking.kill()


def _environment(server: EmbeddedServer) -> dict[str, str]:
    return os.environ | server.superuser_environment() | {"PGAPPNAME": _NAME}


def _base_backup(server: EmbeddedServer, copy: EmbeddedServer, *more: str) -> None:
    copy.data_folder.mkdir(mode=0o700)
    shutil.copy(server.data_folder / "passwords.json", copy.data_folder)
    words = [*server.program("pg_basebackup"), f"--pgdata={copy.cluster}", "--checkpoint=fast", *more]
    subprocess.run(words, env=_environment(server), check=True)


def _commits_wait(server: EmbeddedServer) -> None:
    """From now on, until the copy has them."""
    with server.connect_as_superuser() as superuser:
        superuser.execute("ALTER SYSTEM SET synchronous_standby_names = 'the_copy'")
        superuser.execute("SELECT pg_reload_conf()")
        until(lambda: superuser.execute(_IS_SYNCHRONOUS).fetchone() == ("sync",), "the copy")


def _lose(server: EmbeddedServer) -> None:
    assert server.process
    server.process.kill()
    server.process.wait()
    server.stop()
    shutil.rmtree(server.cluster)


def _bring_in(server: EmbeddedServer, copy: EmbeddedServer) -> None:
    copy.cluster.rename(server.cluster)
    server.start()
    with server.connect_as_superuser() as superuser:
        until(lambda: superuser.execute("SELECT pg_is_in_recovery()").fetchone() == (False,), "the end of recovery")

"""`make run`: the whole demonstration under one supervisor, on loopback only.

In this order: the keeper of keys, PostgreSQL (unless DATABASE_URL is set), migrations, the sequencer of the evidence
log, the Stripe simulator, the worker, the catalogs and the history, the site. Ctrl-C stops all of it in the opposite
order. Every program carries the mark of the instance, so that a next start finds and ends whatever a killed supervisor
may have left.
"""

import asyncio
import hashlib
import math
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Self
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psycopg

from config import Settings, UnsafeSettingsError
from sandbox import processes
from sandbox.embedded_db import EmbeddedDatabaseError, EmbeddedServer
from sandbox.instance import MARK, AlreadyRunningError, Instance
from sandbox.supervision import Program, Service, StepFailedError, wait_until

ROOT = Path(__file__).parents[1]
NAMES = ROOT / "sandbox" / "demo" / "names.toml"
LOOPBACK = "127.0.0.1"
_LEFTOVER_GRACE_SECONDS = 3.0  # the kernel told them to end when their supervisor died
_READY_SECONDS = 60.0
_KEEPER_SECONDS = 20.0
_WORKER_GRACE_SECONDS = 25.0  # a little more than the worker gives its present jobs
_HIGHEST_PORT = 65_535
_ACCOUNTS_SHOWN = 6  # the customer, three of the marketplace, and two people of one insurer


PROGRAMS: dict[str, tuple[str, ...]] = {
    "keeper": ("-m", "marketplace.infra.keeper", "serve", "{keys}", "{socket}"),
    "migrations": ("-m", "flask", "--app", "wsgi", "db", "upgrade"),
    "sequencer": ("-m", "marketplace.sequencer"),
    "simulator": ("-m", "sandbox.stripe_simulator"),
    "worker": ("-m", "marketplace.worker"),
    "demonstration": ("-m", "sandbox.demo"),
    "site": (
        *("-m", "gunicorn", "sandbox.site:demonstration()", "--bind", "{address}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
        *("--preload", "--graceful-timeout", "5", "--no-control-socket"),
    ),
}
"""What Python is told for each program; `{address}` is where the site listens, the rest lies in the instance."""


STOPPING_ORDER = ("site", "worker", "simulator", "sequencer", "keeper", "PostgreSQL")


class CannotStartError(Exception):
    """The demonstration cannot start as asked. The message is for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the demonstration is to be: what a person may choose by environment variables."""

    port: int
    simulator_port: int
    public_url: str
    bind_address: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """PORT, SIMULATOR_PORT, PUBLIC_URL and BIND_ADDRESS, each with its default."""
        port = _port(environment, "PORT", 8000)
        return cls(
            port=port,
            simulator_port=_port(environment, "SIMULATOR_PORT", 8001),
            public_url=environment.get("PUBLIC_URL") or f"http://localhost:{port}",
            bind_address=environment.get("BIND_ADDRESS") or LOOPBACK,
        )

    @property
    def replay_origin(self) -> str:
        """Another name of the same machine, which browsers know by themselves."""
        return f"http://replay.localhost:{self.port}"

    @property
    def simulator_url(self) -> str:
        return f"http://{LOOPBACK}:{self.simulator_port}"

    @property
    def site_address(self) -> str:
        """Where the site listens, as `host:port`."""
        host = f"[{self.bind_address}]" if ":" in self.bind_address else self.bind_address
        return f"{host}:{self.port}"

    def refuse_ports_in_use(self) -> None:
        """Raises CannotStartError naming the port and the variable that chooses another."""
        for name, address, port in (
            ("PORT", self.bind_address, self.port),
            ("SIMULATOR_PORT", LOOPBACK, self.simulator_port),
        ):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except OSError as error:
                    raise CannotStartError(
                        f"Port {port} on {address} cannot be used ({error.strerror}); "
                        f"choose another one, for example: make run {name}={port + 10}"
                    ) from None


class KeptDatabase:
    """The embedded PostgreSQL as something the supervisor keeps alive."""

    name = "PostgreSQL"

    def __init__(self, server: EmbeddedServer) -> None:
        self._server = server

    async def start(self) -> None:
        """Blocks for the second that it may take, because the server is tied to the thread that starts it."""
        self._server.stop()
        self._server.start()

    async def wait(self) -> str:
        """Look now and then whether it still runs."""
        await wait_until(self._has_ended, math.inf)
        return f"see {self._server.log_path}"

    async def _has_ended(self) -> bool:
        process = self._server.process
        return process is None or process.poll() is not None

    async def stop(self) -> None:
        """Stop it; open work is rolled back."""
        self._server.stop()


class Demonstration:
    """The programs of one instance, and the order in which they start."""

    def __init__(self, instance: Instance, plan: Plan) -> None:
        self._instance = instance
        self._plan = plan
        self._services: dict[str, Service] = {}
        self._embedded = False
        self._site_says = ""

    async def run(self) -> None:
        """Start everything, say that it is ready, and stay until cancelled. Whatever happens, all is stopped."""
        try:
            await self._start()
            self._announce()
            await asyncio.Event().wait()
        finally:
            for name in STOPPING_ORDER:
                if name in self._services:
                    await self._services[name].stop()

    async def _start(self) -> None:
        await self._start_keeper()
        databases = await self._start_database()
        common = self._environment(databases)
        _refuse_unsafe(common)
        if not _is_migrated(databases["DATABASE_URL"]):
            owner = common | {"DATABASE_OWNER_URL": databases["DATABASE_OWNER_URL"]}
            await self._program("migrations", owner).run_to_end()
        await self._keep(self._program("sequencer", self._told_sequencer(databases["DATABASE_SEQUENCER_URL"])))
        await self._start_simulator()
        worker = self._program("worker", common, grace_seconds=_WORKER_GRACE_SECONDS)
        if self._is_loaded():
            await self._start_site(common)
            await self._keep(worker)  # last: its start would only make the visitor wait
        else:
            await self._keep(worker)
            say(self._what_is_loaded())
            await self._program("demonstration", common).run_to_end()
            self._note_loaded()
            await self._start_site(common)

    async def _start_database(self) -> dict[str, str]:
        names = {
            "DATABASE_URL": "marketplace_app",
            "DATABASE_OWNER_URL": "marketplace_owner",
            "DATABASE_SEQUENCER_URL": "marketplace_sequencer",
            "DATABASE_READER_URL": "marketplace_reader",
        }
        if os.environ.get("DATABASE_URL"):
            missing = [name for name in names if not os.environ.get(name)]
            if missing:
                raise CannotStartError(f"With DATABASE_URL, set {', '.join(missing)} too (docs/running.md).")
            return {name: os.environ[name] for name in names}
        self._embedded = True
        server = EmbeddedServer(self._instance.database)
        if not server.cluster.exists():
            self._instance.begin_log()
        await self._keep(KeptDatabase(server))
        return {name: server.url(role) for name, role in names.items()}

    def _environment(self, databases: Mapping[str, str]) -> dict[str, str]:
        """What every program of the marketplace is told. The owner of the tables only goes to the migrations."""
        return {
            **self._inherited(),
            **self._instance.secrets(),
            "DEMONSTRATION": "1",
            "BIND_ADDRESS": self._plan.bind_address,
            "PUBLIC_URL": self._plan.public_url,
            "REPLAY_ORIGIN": self._plan.replay_origin,
            "DATABASE_URL": databases["DATABASE_URL"],
            "DATABASE_READER_URL": databases["DATABASE_READER_URL"],
            "STORAGE_FOLDER": str(self._instance.storage),
            "SEALS_FOLDER": str(self._instance.seals),
            "COMPLIANCE_REPORT": str(self._instance.compliance_report),
            "KEEPER_SOCKET": str(self._instance.keeper_socket),
            "STRIPE_API_BASE": self._plan.simulator_url,
            "AGENCY_ADDRESS": "SPECIMEN, 1 Example Road, Shanghai",
            "SUPPORT_PHONE": "400-000-0000",
            "SUPPORT_HOURS": "08:00-20:00",
            "MAIL_TRANSPORT": "demonstration",
            "IDENTITY_VERIFIER": "demonstration",
            "SCREENING_LIST": str(NAMES),
        }

    def _told_sequencer(self, database_url: str) -> dict[str, str]:
        """It alone is told where the key of the log lies, and no secret of the site."""
        return {
            **self._inherited(),
            "DEMONSTRATION": "1",
            "PUBLIC_URL": self._plan.public_url,
            "DATABASE_SEQUENCER_URL": database_url,
            "LOG_KEY_FOLDER": str(self._instance.log),
        }

    def _inherited(self) -> dict[str, str]:
        """Our own environment without any setting (a real key must not get in here), and the mark."""
        settings = {*Settings.model_fields, "database_sequencer_url", "log_key_folder"}
        kept = {name: value for name, value in os.environ.items() if name.lower() not in settings}
        # Two heaps for each process: by default glibc makes one for each thread, and gives little of them back.
        return kept | {MARK: str(self._instance.folder), "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}

    @property
    def _loaded_note(self) -> Path:
        """Lies beside the embedded cluster, so that both are removed together."""
        return self._instance.database / "loaded"

    def _is_loaded(self) -> bool:
        """Whether this embedded database already holds this very demonstration. Of another database we know nothing."""
        return (
            self._embedded
            and self._loaded_note.exists()
            and self._loaded_note.read_text() == _digest_of_demonstration()
        )

    def _what_is_loaded(self) -> str:
        if self._embedded and self._loaded_note.exists():
            return (
                "The demonstration's catalogs have changed since they were loaded. What is on sale stays; "
                f"to begin anew, stop this and remove {_short(self._instance.folder)}/."
            )
        return "Loading the catalogs and the history of the demonstration."

    def _note_loaded(self) -> None:
        if self._embedded:
            self._loaded_note.write_text(_digest_of_demonstration())

    async def _start_simulator(self) -> None:
        """It knows nothing of the marketplace but where to send its webhooks."""
        secrets = self._instance.secrets()
        environment = {
            **self._inherited(),
            "SIMULATOR_PORT": str(self._plan.simulator_port),
            "SIMULATOR_DATABASE": str(self._instance.folder / "simulator.sqlite3"),
            "SIMULATOR_PUBLIC_URL": self._plan.simulator_url,
            "SIMULATOR_WEBHOOK_URL": f"http://{self._plan.site_address}/hooks/stripe",
            "SIMULATOR_WEBHOOK_SECRET": secrets["STRIPE_WEBHOOK_SECRET"],
            "SIMULATOR_SECRET_KEY": secrets["STRIPE_SECRET_KEY"],
        }
        await self._keep(self._program("simulator", environment))

    async def _start_keeper(self) -> None:
        """It alone is told where the keys lie, and is told nothing else."""
        socket_path = self._instance.keeper_socket
        socket_path.unlink(missing_ok=True)
        keeper = self._program("keeper", self._inherited())
        await self._keep(keeper)
        if not await wait_until(self._keeper_listens, _KEEPER_SECONDS):
            raise StepFailedError(f"The keeper of keys did not start.\n{keeper.last_lines(15)}")

    async def _keeper_listens(self) -> bool:
        return self._instance.keeper_socket.is_socket()

    async def _start_site(self, environment: Mapping[str, str]) -> None:
        site = self._program("site", environment)
        await self._keep(site)
        if not await wait_until(self._is_ready, _READY_SECONDS):
            raise StepFailedError(
                f"The site did not become ready: {self._site_says}\n{site.last_lines(15)}\n(all of it: {site.log_path})"
            )

    async def _is_ready(self) -> bool:
        """Asks as a visitor would: by the public name, which the site insists on."""
        status, self._site_says = await asyncio.to_thread(self._ask_site)
        return status == HTTPStatus.OK

    def _ask_site(self) -> tuple[int | None, str]:
        url = f"http://{self._plan.site_address}/healthz/ready"
        request = Request(url, headers={"Host": urlsplit(self._plan.public_url).netloc})
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310 (our own address)
                return answer.status, ""
        except HTTPError as error:
            return error.code, error.read().decode(errors="replace").strip()
        except (HTTPException, OSError) as error:
            return None, str(error)

    def _program(self, name: str, environment: Mapping[str, str], grace_seconds: float = 10.0) -> Program:
        return Program(
            name,
            [sys.executable, *(self._filled(word) for word in PROGRAMS[name])],
            environment=environment,
            folder=ROOT,
            log_path=self._instance.logs / f"{name}.log",
            grace_seconds=grace_seconds,
        )

    def _filled(self, word: str) -> str:
        places = {
            "{address}": self._plan.site_address,
            "{keys}": str(self._instance.keeper_keys),
            "{socket}": str(self._instance.keeper_socket),
        }
        return places.get(word, word)

    async def _keep(self, kept: Program | KeptDatabase) -> None:
        self._services[kept.name] = Service(kept, say)
        await self._services[kept.name].start()

    def _announce(self) -> None:
        say(f"ready {self._plan.public_url}\n")
        accounts = self._instance.accounts()
        for account in accounts[:_ACCOUNTS_SHOWN]:
            say(f"  {account.who:<28} {account.email:<36} {account.password}")
        if len(accounts) > _ACCOUNTS_SHOWN:
            say(f"  staff of the other insurers  {_short(self._instance.folder)}/accounts.json")
        say(f"\n  second steps of the staff    {self._plan.public_url}/demonstration/codes")
        say(f"  mails                        {self._plan.public_url}/inbox")
        say(f"  logs, keys, data             {_short(self._instance.folder)}")
        say("\nEverything is a specimen: no money moves, the insurers are fictional. Ctrl-C stops it.")


def say(line: str) -> None:
    """One line to the terminal, if there still is one."""
    with suppress(OSError):
        print(line, flush=True)


def main() -> int:
    """Run the demonstration until Ctrl-C or SIGTERM. 0 when it was stopped so, 1 when it could not start."""
    instance = Instance(Path(os.environ.get("INSTANCE_FOLDER") or ROOT / "instance").absolute())
    try:
        plan = Plan.from_environment(os.environ)
        instance.make()
        with instance.locked():
            # whatever carries the mark now belongs to no living supervisor: we hold the lock
            if processes.end_marked(MARK, str(instance.folder), _LEFTOVER_GRACE_SECONDS):
                say("Ended what an earlier run had left.")
            plan.refuse_ports_in_use()
            if instance.make_keys():
                say("The data here was made before there were all of its keys; the demonstration begins anew.")
            try:
                asyncio.run(_until_stopped(Demonstration(instance, plan)))
            finally:
                processes.end_marked(MARK, str(instance.folder), _LEFTOVER_GRACE_SECONDS)
    except (
        CannotStartError,
        AlreadyRunningError,
        EmbeddedDatabaseError,
        StepFailedError,
        UnsafeSettingsError,
    ) as error:
        say(str(error))
        return 1
    return 0


async def _until_stopped(demonstration: Demonstration) -> None:
    """The first signal stops everything in order; those after it change nothing, the order is kept."""
    running = asyncio.ensure_future(demonstration.run())
    loop = asyncio.get_running_loop()
    asked: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if not asked:
            say("\nStopping.")
            running.cancel()
        asked.append(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    with suppress(asyncio.CancelledError):
        await running


def _is_migrated(url: str) -> bool:
    """Whether the database is at the version this code expects; asking is much quicker than migrating nothing."""
    expected = (ROOT / "migrations" / "HEAD").read_text().strip()
    try:
        with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1), connect_timeout=5) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(expected,)]
    except psycopg.Error:
        return False  # the migrations will say what is wrong


def _digest_of_demonstration() -> str:
    """Changes with any file of `sandbox/demo` and with the tables."""
    digest = hashlib.sha256((ROOT / "migrations" / "HEAD").read_bytes())
    for path in sorted((ROOT / "sandbox" / "demo").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _refuse_unsafe(environment: Mapping[str, str]) -> None:
    """Let the settings speak before the programs start; each would refuse by itself, less readably."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        Settings.from_env()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or not 0 < int(text) <= _HIGHEST_PORT:
        raise CannotStartError(f"{name} must be a port number, 1 to {_HIGHEST_PORT}; it is {text!r}.")
    return int(text)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    sys.exit(main())

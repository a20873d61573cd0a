"""The whole house as processes of its own, on a PostgreSQL of its own that waits for its disk: to be killed.

Programs that end are started again, as a supervisor would. The payment simulator and the keeper of keys live on in this
process. Where the house is `mortal`, its programs die of themselves as well (`dying`).
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, LiteralString, TextIO

import psutil
import psycopg
import requests

from config import Settings
from marketplace.kernel.merkle import GrowingTree, leaf_hash
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.notes import Checkpoint, Verifier, opened
from sandbox.embedded_db import DATABASE, EmbeddedServer
from tests.environment import ROOT, environment_of
from tests.factories.log import ORIGIN, a_key_folder
from tests.faults.dying import Dying
from tests.faults.invariants import world
from tests.faults.mailbox import mails
from tests.faults.people import ONLY, Customer, Habits
from tests.faults.waiting import until
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator

SITE = (
    *("-m", "gunicorn", "{site}", "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--preload"),
    *("--no-control-socket", "--graceful-timeout", "5", "--bind", "fd://{listener}"),
)
MAIL = ("-m", "tests.faults.mailbox", "{mail}", "{mails}")
LONGEST_WAIT_SECONDS = 180
REST_SECONDS = 600
CLOCKWORK = ["payment.reconcile", "payment.reconcile_transfers", "payment.take_movements", "checkout.sweep"]
_DEFER = "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
IDLE_WORK = """
SELECT (SELECT count(*) FROM traceability_evidence_intake)
     + (SELECT count(*) FROM checkout_order WHERE state = 'paid')
     + (SELECT count(*) FROM payment_transfer WHERE state = 'asked' OR state = 'waiting' AND due_at <= now())
     + (SELECT count(*) FROM payment_transfer_reversal WHERE state = 'asked')
     + (SELECT count(*) FROM policy_document WHERE state <> 'sealed')
     + (SELECT count(*) FROM correspondence_message WHERE state IN ('queued', 'ready'))
     + (SELECT count(*) FROM procrastinate_jobs WHERE task_name <> 'oversight.take_pictures' AND (status = 'doing'
        OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) AND task_name NOT LIKE 'infra.%'))
"""
"""Pictures are made one sale after the other, when nothing else is to be done: neither money nor contract waits for
them."""


@dataclass
class House:
    """`checkpoints`: those that somebody was shown."""

    url: str
    server: EmbeddedServer
    keys: KeyFolder
    environment: dict[str, str]
    sequencers: dict[str, str]
    simulator: SimulatorServer
    listener: socket.socket
    mail_listener: socket.socket
    mails: Path
    log: Path
    dying: Dying | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    checkpoints: list[str] = field(default_factory=list)

    # --- its programs -------------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        program = "tests.faults.dying" if self.dying else f"marketplace.{name}"
        told = {
            "site": (SITE, self.environment),
            "worker": (worker := ("-m", program, *(["worker"] if self.dying else [])), self.environment),
            "second worker": (worker, self.environment),
            "sequencer": (("-m", program, *(["sequencer"] if self.dying else [])), self.sequencers),
            "mail": (MAIL, self.environment),
        }  # fmt: skip
        words, environment = told[name]
        listeners = self.listener.fileno(), self.mail_listener.fileno()
        said = {"listener": listeners[0], "mail": listeners[1], "mails": self.mails,
                "site": "tests.faults.dying:site()" if self.dying else "wsgi:app"}  # fmt: skip
        with self.log.open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *(word.format(**said) for word in words)],
                env=environment, cwd=ROOT, stdout=log, stderr=log, pass_fds=listeners,
                start_new_session=True,
            )  # fmt: skip

    def run(self, *words: str, told: str | None = None) -> str:
        """Of one command of the marketplace to its end, what it says; `told` is what it reads."""
        done = subprocess.run(
            [sys.executable, *words],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, input=told,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def keep(self, over: threading.Event) -> None:
        """Start again whatever ends."""
        while not over.wait(0.2):
            for name in [name for name, process in list(self.running.items()) if process.poll() is not None]:
                self.start(name)

    def end(self) -> None:
        for process in self.running.values():
            _kill_group(process)
        self.server.stop()

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz/ready", timeout=15).status_code == 200
        except requests.RequestException:
            return False

    def wait(self, ask: Callable[[], object], what: str) -> None:
        """What a dead worker had begun is taken up after half a minute."""
        until(ask, what, LONGEST_WAIT_SECONDS, 0.2)

    def has_nothing_to_do(self) -> bool:
        with self.server.connect_as_superuser(DATABASE) as superuser:
            return superuser.execute(IDLE_WORK).fetchone() == (0,)

    # --- killing ------------------------------------------------------------------------------------------------------

    @property
    def kinds(self) -> dict[str, Callable[[random.Random], None]]:
        return {
            "a process of the site": self._kill_child,
            "worker": lambda _chance: _kill_group(self.running["worker"]),
            "the database": lambda _chance: self._kill_database(),
            "sequencer": lambda _chance: _kill_group(self.running["sequencer"]),
            "a backend of the database": self._kill_backend,
            "the mail server": lambda _chance: self.running["mail"].kill(),
            "the whole site": lambda _chance: self.running["site"].kill(),
        }

    def _kill_child(self, chance: random.Random) -> None:
        """Gunicorn starts another one by itself. Just after it was started, the site may still be answered for by a
        process of the one that was killed.
        """
        site = psutil.Process(self.running["site"].pid)
        self.wait(site.children, "processes of the site")
        chance.choice(sorted(site.children(), key=lambda each: each.pid)).kill()

    def _kill_backend(self, chance: random.Random) -> None:
        """PostgreSQL then ends all others and recovers by itself."""
        with self.server.connect_as_superuser(DATABASE) as superuser:
            ours = "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'marketplace%' ORDER BY pid"
            pids = [int(str(row[0])) for row in superuser.execute(ours)]
            if pids:
                os.kill(chance.choice(pids), signal.SIGKILL)

    def _kill_database(self) -> None:
        process = self.server.process
        assert process
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.server.stop()
        self.server.start()

    # --- looking ------------------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Note the checkpoint that everybody is shown now, where there is one."""
        try:
            told = requests.get(f"{self.url}/log/checkpoint", timeout=5)
        except requests.RequestException:
            return
        if told.status_code == 200:
            self.checkpoints.append(told.text)

    def leaves(self, size: int) -> list[bytes]:
        """Those that everybody is shown, in their order."""
        found: list[bytes] = []
        for index in range(-(-size // 256)):
            width = min(256, size - 256 * index)
            place = f"{index // 1000:03}/{index % 1000:03}" if index >= 1000 else f"{index:03}"
            place = f"x{place}" if index >= 1000 else place
            part = "" if width == 256 else f".p/{width}"
            bundle = requests.get(f"{self.url}/log/tile/entries/{place}{part}", timeout=15).content
            while bundle:
                end = 2 + int.from_bytes(bundle[:2])
                found.append(bundle[2:end])
                bundle = bundle[end:]
        return found

    def books(self) -> Any:
        """What the database holds, and what is broken in it by all that provider and mail server say, at rest."""
        with self.simulator.simulator.store.transaction() as books:
            said = world(books, mails(self.mails))
        return json.loads(self.run("-m", "tests.faults.books", told=json.dumps(asdict(said))))

    def at_rest(self, patience: float = REST_SECONDS) -> Any:
        """The books, once nothing more is found, or the last ones; time passes for what was put off. Two work off what
        is left: one has not kept up where much was bought.
        """
        end = time.monotonic() + patience
        self.start("second worker")
        while True:
            self.cool_off()
            self.strike()
            self.hasten()
            until(self.has_nothing_to_do, "the worker and the log", patience, 0.5)
            self.watch()  # before the books are read: the clock goes on, and what it has entered comes into the log
            books = self.books()
            if not books["violations"] or time.monotonic() > end:
                return books
            threading.Event().wait(5)

    def hasten(self) -> None:
        """What was put off is due: time passes."""
        self._tell("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")

    def void(self, application: str) -> None:
        """What is applied for cannot be had any more."""
        offer = "(SELECT offer_id FROM application_application WHERE id = %s)"
        self._tell(f"UPDATE quoting_offer SET voided_at = now() WHERE id = {offer}", application)

    def lapse(self, application: str) -> None:
        """The time of its order is over."""
        order = "(SELECT max(order_id::text) FROM checkout_order_line WHERE application_id = %s AND live)"
        job = f"SELECT 'checkout', 'checkout.lapse_order', jsonb_build_object('order_id', {order})"
        self._tell(f"{_DEFER} {job}", application)

    def cool_off(self) -> None:
        """Nobody can withdraw from what was concluded any more."""
        self._tell("UPDATE payment_transfer SET due_at = now() WHERE due_at > now()")

    def strike(self) -> None:
        """What comes by the clock comes now, unless it waits for its turn already."""
        each = "SELECT split_part(each, '.', 1), each, jsonb_build_object() FROM unnest(%s::text[]) each"
        waits = "SELECT FROM procrastinate_jobs WHERE task_name = each AND status = 'todo'"
        self._tell(f"{_DEFER} {each} WHERE NOT EXISTS ({waits})", CLOCKWORK)

    def _tell(self, statement: LiteralString, *told: object) -> None:
        """As soon as the database is there."""

        def tell() -> bool:
            with suppress(psycopg.OperationalError), self.server.connect_as_superuser(DATABASE) as superuser:
                superuser.execute(statement, told)
                return True
            return False

        self.wait(tell, "the database")

    @contextmanager
    def refund_desk(self) -> Iterator[Callable[[], None]]:
        """Each call has a part of one more payment given back; in the end all of them are."""
        words = [sys.executable, "-m", "tests.faults.desk"]
        with subprocess.Popen(words, env=self.environment, cwd=ROOT, stdin=subprocess.PIPE, text=True) as desk:
            assert desk.stdin

            def give_back(asked: TextIO = desk.stdin) -> None:
                asked.write("\n")
                asked.flush()

            yield give_back
        assert desk.returncode == 0

    def customer(self, number: int, habits: Habits = Habits.NONE) -> Customer:
        return Customer(self.url, self.mails, number, habits, self.void, self.lapse)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def a_house(settings: Settings, folder: Path, dying: Dying | None = None) -> Iterator[House]:
    """Ready to sell Harbour Term."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        mail_listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
        port = listener.getsockname()[1]
        simulator = stack.enter_context(running_simulator(folder, f"http://127.0.0.1:{port}/hooks/stripe"))
        server = EmbeddedServer(folder / "database")
        server.start()
        # Pictures of pages take longer than all else; where dying is the matter, nobody finds the browser for them.
        shared = {"DYING_FOLDER": str(dying.folder), "PATH": str(Path(sys.executable).parent)} if dying else {}
        environment = environment_of(
            settings,
            PUBLIC_URL=f"http://localhost:{port}",
            TRUSTED_PROXIES=1,
            DATABASE_URL=server.url("marketplace_app"),
            DATABASE_OWNER_URL=server.url("marketplace_owner"),
            DATABASE_READER_URL=server.url("marketplace_reader"),
            STORAGE_FOLDER=folder / "files",
            STRIPE_API_BASE=simulator.url,
            STRIPE_SECRET_KEY=SECRET_KEY,
            STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
            LOG_ORIGIN=ORIGIN,
            MAIL_TRANSPORT="smtp",
            IDENTITY_VERIFIER="demonstration",
            SMTP_HOST="127.0.0.1",
            SMTP_PORT=mail_listener.getsockname()[1],
            SMTP_TLS="none",
            **shared,
        )
        keys = a_key_folder(folder / "log")
        sequencers = os.environ | {
            "DEMONSTRATION": "1", "LOG_ORIGIN": ORIGIN, "LOG_KEY_FOLDER": str(keys.path),
            "DATABASE_SEQUENCER_URL": server.url("marketplace_sequencer"),
        } | shared  # fmt: skip
        log = folder / "house.log"
        house = House(
            f"http://localhost:{port}", server, keys, environment, sequencers, simulator, listener, mail_listener,
            folder / "mails", log, dying,
        )  # fmt: skip
        stack.callback(lambda: sys.stdout.write(log.read_text()[-20_000:]))  # shown where a test failed
        stack.callback(house.end)
        house.run("-m", "flask", "--app", "wsgi", "db", "upgrade")
        house.run("-m", "tests.faults.stock")
        for name in ("mail", "sequencer", "worker", "site"):
            house.start(name)
        house.wait(house.is_ready, "the site")
        over = threading.Event()
        keeping = threading.Thread(target=house.keep, args=(over,), daemon=True)
        keeping.start()
        try:
            yield house
        finally:
            over.set()
            keeping.join()


@contextmanager
def customers(house: House, numbers: int) -> Iterator[list[Customer]]:
    """So many at a time, all the while, one after the other; the list grows. Whoever came goes on until it is paid."""
    over, came, lost, numbered = threading.Event(), list[Customer](), list[Exception](), count()

    def live() -> None:
        while not over.is_set():
            came.append(customer := house.customer(next(numbered)))
            try:
                customer.buy()
            except Exception as error:  # noqa: BLE001  told below, by the thread that tests
                lost.append(error)
                return

    threads = [threading.Thread(target=live, daemon=True) for _ in range(numbers)]
    for thread in threads:
        thread.start()
    try:
        yield came
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not lost, ["".join(traceback.format_exception(each)) for each in lost]


# --- what must hold of the books whatever happened -------------------------------------------------------------------

CONCLUDED = ("payment:succeeded", "contract:concluded", "policy:signed")
ADDRESS = ("field:entered", "email")
"""Entered again by whoever asks for another code."""
ONCE = {
    *CONCLUDED, "policy:mailed", *ONLY.values(), "field:entered", "answer:given", "health_notice:acknowledged",
    "health_consent:given", "document:confirmed", "exclusions:confirmed",
}  # fmt: skip


def hold_each_act_once(books: Any, people: Sequence[Customer]) -> int:
    """Every act that was acknowledged is in the log, and none is there twice; how many were acknowledged."""
    by_id = {each["id"]: each for each in books["applications"]}
    for told in by_id.values():
        acts = [tuple(each) for each in told["acts"] if each[0] in ONCE and tuple(each) != ADDRESS]
        assert sorted(acts) == sorted(set(acts)), told
    acknowledged = 0
    for customer in (each for each in people if each.application):
        told = by_id[customer.application]
        acts, types = Counter(map(tuple, told["acts"])), Counter(kind for kind, _about in told["acts"])
        for act in set(customer.acknowledged):
            found = types[act[0]] if act[1] is None else acts[act]
            assert found == 1 or (act == ADDRESS and found > 1), (act, found, told)
        acknowledged += len(set(customer.acknowledged))
        if customer.concludes:
            assert [types[kind] for kind in CONCLUDED] == [1] * len(CONCLUDED), told
            assert types["policy:mailed"] in {1, 2}, told  # the second brings receipts that were not to be had before
    return acknowledged


def hold_one_tree(leaves: Sequence[bytes], committed: Sequence[str], shown: Sequence[str], verifier: Verifier) -> int:
    """Each checkpoint that was ever committed is signed by the log and is that of these leaves, which everybody is
    shown; whatever anybody was shown before was committed. How many there are.
    """
    checkpoints = [Checkpoint.parse(opened(note, verifier)) for note in committed]
    tree, roots = GrowingTree(), {}
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
        roots[tree.size] = tree.root
    assert [each.root for each in checkpoints] == [roots[each.size] for each in checkpoints]
    assert [each.size for each in checkpoints] == sorted({each.size for each in checkpoints})
    assert checkpoints[-1].size == tree.size
    seen = [Checkpoint.parse(opened(note, verifier)) for note in shown]
    assert seen
    assert set(seen) <= set(checkpoints)
    assert [each.size for each in seen] == sorted(each.size for each in seen)
    return len(checkpoints)


def hold_nothing_crosses(books: Any, people: Sequence[Customer]) -> None:
    """On the pages of a journey only its own customer is named; its entries are numbered without gaps."""
    journeys: dict[str, set[str]] = {}
    for told in books["applications"]:
        named = {told["email"], told["name"]} - {None}
        journeys.setdefault(told["journey"], set()).update(named, told["marks"])
    of_whom = {mark: each.number for each in people for mark in (each.who.name, each.who.email)}
    for journey, marks in journeys.items():
        assert len({of_whom[mark] for mark in marks}) <= 1, (journey, marks)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in books["numbers"].values())
    assert len({each["journey"] for each in books["applications"]}) >= len([each for each in people if each.done])


def hold_each_paid_once(books: Any, people: Sequence[Customer]) -> None:
    """Each paid order has one policy, each policy a number of its own, everybody who paid one policy."""
    paid = sorted(order["id"] for order in books["orders"] if order["paid"])
    assert sorted(policy["order_id"] for policy in books["policies"]) == paid
    numbers = sorted(int(policy["number"].rsplit("-", 1)[1]) for policy in books["policies"])
    assert numbers == list(range(1, len(numbers) + 1))
    bought = [policy["application_id"] for policy in books["policies"]]
    assert {each.application for each in people if each.done} <= set(bought)
    assert len(bought) == len(set(bought))

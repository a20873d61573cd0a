"""The whole marketplace inside this process, to be stopped at each of its moments (`infra.failpoints`).

Site, worker and sequencer are what they do: each act is done as one process would do it, on a real PostgreSQL, against
a payment simulator and a mail server over real sockets. Where it dies, only what it committed stays. Nothing runs by
itself: who tests decides what comes next.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from queue import Empty
from typing import Any
from uuid import UUID

from flask import Flask
from psycopg import Connection as Psycopg
from sqlalchemy import Engine, create_engine, text
from werkzeug.test import Client

from config import Settings
from marketplace.accounts.values import Role
from marketplace.catalog.values import Line
from marketplace.checkout import services as checkout
from marketplace.checkout.queries import order
from marketplace.checkout.values import OrderState, PaymentUrls
from marketplace.infra import failpoints, jobs, mail
from marketplace.infra.db import db
from marketplace.infra.failpoints import At
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.errors import MarketplaceError
from marketplace.payment import services as payment
from marketplace.payment.queries import attempts_of
from marketplace.payment.values import Attempt, Purpose
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.jobs.sequencing import TreeRefused
from marketplace.web import transaction
from sandbox.embedded_db import EmbeddedServer
from sandbox.stripe_simulator import outbox
from tests.conftest import empty_tables
from tests.factories.accounts import a_guest, a_member_of_staff, agreed_terms
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.factories.log import ORIGIN, a_key_folder, a_sequencer
from tests.factories.payment import a_payable_insurer, a_wish
from tests.factories.quoting import an_offer
from tests.factories.traceability import a_journey
from tests.fakes.mail_server import Mailbox, mail_server
from tests.faults.invariants import Violation, World, alterations, violations, world
from tests.faults.waiting import until
from tests.simulator_server import GOOD_CARD, Delivery, SimulatorServer, simulator_in_use

SITE = "http://localhost:8000"
URLS = PaymentUrls(f"{SITE}/return", f"{SITE}/pay")
ROUNDS = 40
LONG_ENOUGH = timedelta(minutes=11)
"""After this everything that stands still is looked after: attempts, refunds, paid orders."""

_TAKE = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
    SELECT id FROM procrastinate_jobs j WHERE status = 'todo' AND task_name = ANY(%s)
    AND (scheduled_at IS NULL OR scheduled_at <= now())
    AND NOT EXISTS (SELECT FROM procrastinate_jobs doing WHERE doing.status = 'doing' AND doing.lock = j.lock)
    ORDER BY priority DESC, id LIMIT 1)
RETURNING id, task_name, args, attempts
"""
_END = "UPDATE procrastinate_jobs SET status = %s, attempts = attempts + 1, scheduled_at = now() + %s WHERE id = %s"
_RESCUE = "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1 WHERE status = 'doing'"
_HASTEN = "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"
_LEFT = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name = ANY(%s)"
_people = count(1)


class Died(BaseException):
    """The process ended here."""


Fuse = Callable[[At], bool]
"""Called at each moment; whether the process dies there."""


def _lives(_point: At) -> bool:
    return False


@dataclass
class After:
    """At the `moments`-th moment that is reached, whichever that is; once."""

    moments: int

    def __call__(self, _point: At) -> bool:
        self.moments -= 1
        return self.moments == 0


@dataclass
class Here:
    """At this one moment, the `hit`-th time; once."""

    point: At
    hit: int = 1

    def __call__(self, point: At) -> bool:
        self.hit -= point is self.point
        if self.hit == 0 and point is self.point:
            self.hit = -1
            return True
        return False


@dataclass
class OnceEach:
    """At each of these moments in its turn, the `hit`-th time that it is reached."""

    points: Iterable[At] = tuple(At)
    hit: int = 1

    def __post_init__(self) -> None:
        self.left = dict.fromkeys(self.points, self.hit)

    def __call__(self, point: At) -> bool:
        self.left[point] = self.left.get(point, 0) - 1
        return self.left[point] == 0


@dataclass
class Purchase:
    """One application, accepted. `page` is the hosted page that its customer was led to last."""

    account_id: UUID
    application_id: UUID
    offer_id: UUID
    order_id: UUID | None = None
    page: str | None = None
    paid: bool = False


@dataclass
class Shop:
    """`deaths`: where processes ended. `undelivered`: what the provider tries again, because nobody said 200."""

    app: Flask
    server: EmbeddedServer
    folder: KeyFolder
    simulator: SimulatorServer
    mailbox: Mailbox
    superuser: Psycopg[Any]
    owner: Engine
    deaths: list[At] = field(default_factory=list)
    undelivered: list[Delivery] = field(default_factory=list)
    heard: list[Delivery] = field(default_factory=list)
    refusals: list[Violation] = field(default_factory=list)
    reconciles: bool = True
    dies: Fuse = _lives
    finance: UUID = field(init=False)

    def begin_anew(self) -> None:
        """A product on sale, terms agreed, its insurer can be paid, a log that is alive, and nothing else anywhere."""
        empty_tables(self.app)
        with self.simulator.simulator.store.transaction() as records:
            records.sql.execute("DELETE FROM object WHERE kind <> 'webhook_endpoint'")
            for table in ("delivery", "appointment", "idempotent_answer"):
                records.sql.execute(f"DELETE FROM {table}")
        self.simulator.switch()
        self.collect()
        for each in (self.undelivered, self.heard, self.refusals, self.deaths, self.mailbox.taken):
            each.clear()
        self.reconciles = True
        shutil.rmtree(self.folder.path, ignore_errors=True)
        a_key_folder(self.folder.path)
        with self.app.app_context():
            agreed_terms(insurer := a_payable_insurer())
            finance = a_member_of_staff(Role.ADMIN_FINANCE)
            an_offer_of(insurer)
            db.session.commit()
            self.finance = finance.id
        self.sequence()

    # --- processes ----------------------------------------------------------------------------------------------------

    @contextmanager
    def fuse(self, dies: Fuse) -> Iterator[None]:
        """Inside, processes end where this says so."""
        self.dies = dies
        try:
            yield
        finally:
            self.dies = _lives

    @contextmanager
    def process(self) -> Iterator[None]:
        """What one process does, until it dies: then the rest is not done, and nothing that it did not commit stays."""

        def die(point: At) -> None:
            if self.dies(point):
                self.deaths.append(point)
                raise Died

        failpoints.arm(die)
        try:
            with self.app.app_context(), suppress(Died):
                yield
        finally:
            failpoints.arm(None)

    # --- a customer ---------------------------------------------------------------------------------------------------

    def apply(self) -> Purchase:
        with self.app.app_context():
            customer = a_guest(f"buyer{next(_people)}@marked.example")
            offer = an_offer(a_journey(), Line.TRAVEL, start_on=clock.today(ZONE) + timedelta(days=7))
            application = an_accepted_application(customer, offer)
            db.session.commit()
            return Purchase(customer.id, application.id, offer.id)

    def go_to_pay(self, purchase: Purchase) -> None:
        """The button of our payment page; where it does not lead on, the customer stays."""
        with self.process(), suppress(MarketplaceError):
            placed = checkout.place_order([purchase.application_id], purchase.account_id)
            attempt = checkout.pay(placed.id, URLS)
            purchase.order_id = placed.id
            transaction.commit_now()
            page = payment.open_session(attempt.id)
            db.session.commit()
            purchase.page = page

    def pay(self, purchase: Purchase, card: str = GOOD_CARD) -> None:
        """At the provider; nothing of ours hears of it yet."""
        if purchase.page and self.simulator.pay(purchase.page, card).status_code == 303:
            purchase.paid = True

    def come_back(self, purchase: Purchase) -> None:
        if purchase.order_id:
            with self.process(), suppress(MarketplaceError):
                if checkout.check_payment(purchase.order_id).state is OrderState.PAID:
                    transaction.commit_now()
                    checkout.conclude_at_once(purchase.order_id)
                db.session.commit()

    def lapse(self, purchase: Purchase) -> None:
        """Its time is over; whoever pays all the same gets the money back."""
        if purchase.order_id:
            with self.process(), suppress(MarketplaceError):
                checkout.lapse_order(purchase.order_id)
                db.session.commit()

    def void(self, purchase: Purchase) -> None:
        """What was paid for cannot be had any more: its money is to go back."""
        self.superuser.execute("UPDATE quoting_offer SET voided_at = now() WHERE id = %s", [purchase.offer_id])

    def cool_off(self) -> None:
        """Nobody can withdraw from what was concluded any more."""
        self.superuser.execute("UPDATE payment_transfer SET due_at = now() WHERE due_at > now()")

    def give_part_back(self, purchase: Purchase) -> None:
        """Finance wishes to, once."""
        with self.process(), suppress(MarketplaceError):
            attempt = next((each for each in self._attempts(purchase) if each.succeeded_at), None)
            if attempt is not None:
                a_wish(attempt.id, self.finance, id=purchase.application_id)
                db.session.commit()

    def _attempts(self, purchase: Purchase) -> tuple[Attempt, ...]:
        return attempts_of(Purpose.NEW_BUSINESS, purchase.order_id) if purchase.order_id else ()

    def outcome(self, purchase: Purchase) -> str:
        """How its order stands."""
        with self.app.app_context():
            return order(purchase.order_id).state.value if purchase.order_id else ""

    # --- the provider's words -----------------------------------------------------------------------------------------

    def collect(self) -> None:
        """What was sent since last time is to be delivered, once it is all here."""
        until(lambda: not self._on_its_way(), "the provider to say what it has to say")
        with suppress(Empty):
            while True:
                self.undelivered.append(self.simulator.deliveries.get_nowait())

    def _on_its_way(self) -> int:
        with self.simulator.simulator.store.transaction() as books:
            return outbox.backlog(books).get("pending", 0)

    def hear(self, delivery: Delivery) -> None:
        """The provider posts an event; what is not answered with 200 comes again."""
        said = {"Stripe-Signature": delivery.signature, "Content-Type": "application/json"}
        acknowledged = False
        with self.process():
            answer = Client(self.app).post("/hooks/stripe", base_url=SITE, data=delivery.payload, headers=said)
            acknowledged = answer.status_code == 200
        if acknowledged:
            self.heard.append(delivery)
            if delivery in self.undelivered:
                self.undelivered.remove(delivery)

    # --- the worker ---------------------------------------------------------------------------------------------------

    def work(self) -> bool:
        """One job that is due, as the worker does it; whether there was one."""
        taken = self.superuser.execute(_TAKE, [list(jobs.known_tasks())]).fetchone()
        if taken is None:
            return False
        job_id, name, arguments, attempts = taken
        task = jobs.known_tasks()[name]
        retry = jobs.GrowingPauses(task.attempts, moves_money=task.moves_money)
        with self.process():
            try:
                jobs.run_once(task, **arguments)
            except Exception as error:  # noqa: BLE001  as the worker, which tries again or gives up
                final = attempts + 1 >= task.attempts or retry._is_final(error)
                pause = timedelta(seconds=jobs.pause_after(attempts + 1))
                self.superuser.execute(_END, ["failed" if final else "todo", pause, job_id])
            else:
                self.superuser.execute(_END, ["succeeded", timedelta(), job_id])
        return True

    def drain(self) -> None:
        while self.work():
            pass

    def again(self, name: str) -> None:
        """The last job of this name comes again, as after a worker that died before the queue knew that it was done."""
        last = "(SELECT max(id) FROM procrastinate_jobs WHERE task_name = %s)"
        self.superuser.execute(f"UPDATE procrastinate_jobs SET status = 'todo' WHERE id = {last}", [name])

    def rescue(self) -> None:
        """What a dead worker had begun goes back into the queue, and what was put off is due."""
        self.superuser.execute(_RESCUE)
        self.superuser.execute(_HASTEN)

    def periodic(self, name: str, later: timedelta = LONG_ENOUGH) -> None:
        """A job that comes by the clock, as it would be done after a while."""
        with clock.frozen(clock.now() + later), self.process(), suppress(MarketplaceError):
            jobs.run_once(jobs.known_tasks()[name])

    def look_after(self) -> None:
        if self.reconciles:
            self.periodic("payment.reconcile")
            self.periodic("payment.reconcile_transfers")
        self.periodic("checkout.sweep")
        self.periodic("payment.take_movements", timedelta())

    # --- the sequencer ------------------------------------------------------------------------------------------------

    def sequence(self) -> None:
        """A sequencer begins, takes in what is there, and ends. One that refuses to sign says why."""
        try:
            with self.process(), a_sequencer(self.server, self.folder) as sequencer:
                while sequencer.integrate():
                    pass
        except TreeRefused as refusal:
            self.refusals.append(("I15 the log is not signed any more", str(refusal)))

    # --- looking ------------------------------------------------------------------------------------------------------

    def come_to_rest(self) -> None:
        """Every process lives and every neighbour answers: until nothing is left to be done."""
        self.simulator.switch()
        for _ in range(ROUNDS):
            self.collect()
            for delivery in list(self.undelivered):
                self.hear(delivery)
            self.look_after()
            self.rescue()
            self.drain()
            self.sequence()
            self.collect()
            if not self.undelivered and not self.left():
                break
        self.look_after()

    def left(self) -> int:
        """How many jobs are not done."""
        row = self.superuser.execute(_LEFT, [list(jobs.known_tasks())]).fetchone()
        return int(row[0]) if row else 0

    def world(self) -> World:
        with self.simulator.simulator.store.transaction() as books:
            return world(books, [eml for _recipients, eml in self.mailbox.taken])

    def violations(self, *, at_rest: bool = False) -> list[Violation]:
        with self.owner.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
            return violations(connection, self.world(), at_rest=at_rest)

    def violations_at_rest(self) -> list[Violation]:
        """Bring it to rest, and ask everything."""
        self.come_to_rest()
        found = self.violations(at_rest=True)
        with self.app.app_context():
            return self.refusals + found + alterations()


@contextmanager
def a_shop(app: Flask, settings: Settings, server: EmbeddedServer, folder: Path) -> Iterator[Shop]:
    """Begun anew. Nothing of it stays."""
    owner = create_engine(app.config["DATABASE_OWNER_URL"])
    with ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)  # what dies says much
        simulator = stack.enter_context(simulator_in_use(folder))
        mailbox = stack.enter_context(mail_server())
        smtp = mail.SmtpSettings(mailbox.host, mailbox.port, tls="none")
        mail.configure(mail.SmtpTransport(smtp), settings.mail_from)
        stack.callback(mail.configure, mail.DemonstrationTransport(), settings.mail_from)
        stack.callback(owner.dispose)
        stack.callback(empty_tables, app)
        keys = KeyFolder(folder / "log", ORIGIN)
        shop = Shop(app, server, keys, simulator, mailbox, app.extensions["superuser"], owner)
        shop.begin_anew()
        yield shop

"""Purchases by pages: how soon who paid has a policy number, the signed policy and its mail while the worker is idle;
how many a second all programs together make, and where the time goes; and what a second worker adds.

The demonstration's mail goes no further than its inbox: the same message handed to a mail server is measured beside it.
"""

import re
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from itertools import count
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from sqlalchemy import Engine, create_engine, pool, text

from bench.demonstration import ROOT, Demonstration, free_port
from bench.results import Figure
from marketplace.kernel import clock
from sandbox.demo.browser import Browser
from sandbox.demo.history import ANSWERS
from sandbox.demo.visitor import Identity, Visitor
from sandbox.embedded_db import EmbeddedServer

ALONE, AT_ONCE, SECONDS, BACKLOG = 9, 6, 20, 24
MOST_NUMBER, MOST_PAPER, MOST_MAIL = 0.5, 2.0, 3.0
LINE = "travel"
LONGEST_SECONDS = 120.0
_WORKER = "marketplace.worker"
_sources = (f"127.0.{number // 250}.{number % 250 + 2}" for number in count())

_STAGES = text("""
    SELECT o.created_at, o.paid_at, v.recorded_at, d.sealed_at, m.sent_at FROM checkout_order o
    JOIN policy_policy p ON p.order_id = o.id JOIN policy_version v ON v.policy_id = p.id
    JOIN policy_document d ON d.version_id = v.id AND d.kind = 'policy'
    JOIN correspondence_message m ON m.kind = 'policy_issued' AND m.subject_key = p.id::text
    WHERE o.paid_at >= :since AND m.sent_at IS NOT NULL ORDER BY o.paid_at
""")


class Stages(NamedTuple):
    """When an order was placed, paid, concluded, its policy sealed and mailed."""

    placed: datetime
    paid: datetime
    concluded: datetime
    sealed: datetime
    mailed: datetime


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    owner = EmbeddedServer(demonstration.folder / "instance" / "database").url("marketplace_owner")
    books = _Books(create_engine(owner, poolclass=pool.NullPool))
    yield from _one_at_a_time(demonstration, books)
    yield from _many_at_once(demonstration, books)
    yield _workers(demonstration, books)


def _one_at_a_time(demonstration: Demonstration, books: "_Books") -> Iterator[Figure]:
    numbers, papers, mails = [], [], []
    for _ in range(ALONE):
        begun = clock.now()
        buyer = _Buyer(demonstration)
        paid = buyer.pay()
        numbers.append(buyer.seconds_to_number())
        (stages,) = books.wait(begun, 1)
        papers.append((stages.sealed - paid).total_seconds())
        mails.append((stages.mailed - paid).total_seconds())
    handed = _handed_over(buyer.newest_mail())
    yield _median(
        "paid to the page with its number", numbers, MOST_NUMBER, "by the page that the payment leads back to"
    )
    yield _median("paid to the signed policy", papers, MOST_PAPER, "in the store, with the receipt of its conclusion")
    detail = f"in the inbox of the demonstration; to a mail server {handed:.2f} s more"
    yield _median("paid to its mail", [each + handed for each in mails], MOST_MAIL, detail)


def _median(name: str, seconds: list[float], most: float, detail: str) -> Figure:
    low, middle, high = (round(each, 2) for each in statistics.quantiles(seconds, n=4))
    return Figure(name, middle, "s", low=low, high=high, most=most, detail=f"{detail}; {len(seconds)} purchases")


def _many_at_once(demonstration: Demonstration, books: "_Books") -> Iterator[Figure]:
    begun, end = clock.now(), time.monotonic() + SECONDS

    def buy_on() -> int:
        bought = 0
        while time.monotonic() < end:
            _Buyer(demonstration).pay()
            bought += 1
        return bought

    with ThreadPoolExecutor(AT_ONCE) as buyers:
        bought = sum(each.result() for each in [buyers.submit(buy_on) for _ in range(AT_ONCE)])
    found = books.wait(begun, bought)
    took = (max(each.mailed for each in found) - begun).total_seconds()
    waits = ", ".join(
        f"{name} {statistics.median(seconds):.1f} s"
        for name, seconds in {
            "placed to paid": [(each.paid - each.placed).total_seconds() for each in found],
            "to concluded": [(each.concluded - each.paid).total_seconds() for each in found],
            "to sealed": [(each.sealed - each.concluded).total_seconds() for each in found],
            "to mailed": [(each.mailed - each.sealed).total_seconds() for each in found],
        }.items()
    )
    detail = f"{bought} by {AT_ONCE} at once, from the comparison to the mail, their browsers too; {waits}"
    yield Figure("purchases a second, two cores", round(bought / took, 2), "", detail=detail)


def _workers(demonstration: Demonstration, books: "_Books") -> Figure:
    """Policies and mails of a backlog that came while no worker was there."""
    alone = _drained(demonstration, books)
    with _another_worker(demonstration):
        together = _drained(demonstration, books)
    name, beside = "policies a second, two workers", "one worker's"
    detail = f"{together:.1f} against {alone:.1f} a second: papers, seals and mails of {BACKLOG}"
    return Figure(name, round(together / alone, 2), "x", beside, detail=detail)


def _drained(demonstration: Demonstration, books: "_Books") -> float:
    buyer = _Buyer(demonstration)
    buyer.pay()
    books.wait(buyer.begun, 1)
    with _no_worker(demonstration):
        begun = clock.now()
        for _ in range(BACKLOG):
            buyer.come_again()
            buyer.pay()
        ready = clock.now()
    found = books.wait(begun, BACKLOG)
    return BACKLOG / (max(each.mailed for each in found) - ready).total_seconds()


class _Buyer:
    """Comes from an address of its own, as limits count by those."""

    def __init__(self, demonstration: Demonstration) -> None:
        self.begun = clock.now()
        source = next(_sources)
        self._who = Identity("Specimen Buyer", date(1990, 6, 15), f"buyer.{source}.{time.time_ns()}@mail.example")
        browser = Browser(f"http://127.0.0.1:{demonstration.port}", source)
        self._visitor = Visitor(browser)  # type: ignore[arg-type]  # all that it uses of a client
        self._inbox = Visitor(browser)  # type: ignore[arg-type]
        self._enter()
        self._visitor.give_code(self._code())
        self._to_payment()

    def come_again(self) -> None:
        """By an address that is proven."""
        self._enter()
        self._to_payment()

    def pay(self) -> datetime:
        """At the payment page, and back; when Stripe had the money."""
        back = self._visitor.give_card()
        paid, begun = clock.now(), time.perf_counter()
        if back is None:
            raise RuntimeError("the card was declined")
        self._visitor.get(back)
        self._seconds = time.perf_counter() - begun
        return paid

    def seconds_to_number(self) -> float:
        """Of the way back; a page without the number would be looked at again by its own script, after two seconds."""
        if "policy-number" not in self._visitor.text:
            return self._seconds + 2.0
        return self._seconds

    def newest_mail(self) -> bytes:
        """As it was sent."""
        return self._inbox.get(f"{self._mails()[0]}/source").encode()

    def _code(self) -> str:
        end = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < end:
            for mail in self._mails():
                found = re.search(r"(?<!\d)\d{6}(?!\d)", self._inbox.get(mail).split("<pre", 1)[-1])
                if found:
                    return found[0]
            time.sleep(0.05)
        raise RuntimeError("no code came")

    def _mails(self) -> list[str]:
        return re.findall(r'href="(/inbox/[0-9a-f-]{36})"', self._inbox.get(f"/inbox?to={self._who.email}"))

    def _enter(self) -> None:
        answers = ANSWERS[LINE][0]
        self._visitor.enter(self._visitor.compare(LINE, answers)[0])
        if self._visitor.at.endswith("/email"):
            self._visitor.give_address(self._who.email)

    def _to_payment(self) -> None:
        self._visitor.give_people(self._who)
        self._visitor.answer(self._who)
        self._visitor.submit()


class _Books:
    """What the database says of purchases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def wait(self, since: datetime, number: int) -> list[Stages]:
        """Those paid since then, as soon as so many are mailed. Raises RuntimeError where they do not come."""
        end = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < end:
            with self._engine.connect() as connection:
                connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
                found = [Stages(*row) for row in connection.execute(_STAGES, {"since": since})]
            if len(found) >= number:
                return found
            time.sleep(0.05)
        raise RuntimeError(f"{number} purchases did not come to their end")


@contextmanager
def _no_worker(demonstration: Demonstration) -> Iterator[None]:
    """It and what it started stand still meanwhile."""
    worker = next(each for each in demonstration.processes() if _WORKER in each.cmdline())
    standing = [worker, *worker.children(recursive=True)]
    for each in standing:
        each.suspend()
    try:
        yield
    finally:
        for each in reversed(standing):
            each.resume()


@contextmanager
def _another_worker(demonstration: Demonstration) -> Iterator[None]:
    environment = demonstration.environment_of(_WORKER)
    worker = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-m", _WORKER], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(LONGEST_SECONDS)


def _handed_over(mail: bytes) -> float:
    """Seconds that handing it to a mail server on this machine takes, connection included."""
    taken: list[bytes] = []

    class Taking:
        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
            taken.append(envelope.content)
            return "250 taken"

    server = Controller(Taking(), hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        begun = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", server.port) as connection:
            connection.sendmail("policies@example.com", ["buyer@example.com"], mail)
        return time.perf_counter() - begun
    finally:
        server.stop()

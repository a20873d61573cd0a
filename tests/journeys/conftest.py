"""The whole marketplace as its processes (site, worker, payment simulator) and customers at a real Chromium."""

import fcntl
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from config import Settings
from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import Message, MessageState
from marketplace.disclosure import services as disclosure
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.infra.identity.demonstration import specimen_number
from marketplace.web import released
from sandbox.demo.visitor import SUITS
from sandbox.embedded_db import EmbeddedServer
from sandbox.releasing import SPECIMEN
from tests.conftest import empty_tables
from tests.environment import ROOT, environment_of
from tests.factories.catalog import harbour_term
from tests.factories.log import a_key_folder
from tests.journeys.every_page import every_page
from tests.journeys.kept import LOCALES, Seen
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_SECONDS = 20
START_SECONDS = 90  # a site starting beside other tests on a busy machine
SITE = ("-m", "gunicorn", "wsgi:app", "--worker-class", "gthread", "--threads", "4", "--no-control-socket")
WORKER = ("-m", "marketplace.worker")
Answer = TypeVar("Answer")


def until(ask: Callable[[], Answer | None], what: str, seconds: float = PATIENCE_SECONDS) -> Answer:
    """Ask until there is an answer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        threading.Event().wait(0.1)
    pytest.fail(f"waited {seconds} s for {what}")


@dataclass
class Marketplace:
    """A running site. `app` looks into the same database; `worker` may be killed and started again."""

    url: str
    app: Flask
    simulator: SimulatorServer
    environment: dict[str, str]
    log: Path
    worker: subprocess.Popen[bytes] | None = None

    def start_worker(self) -> None:
        self.worker = self.started(*WORKER)

    def kill_worker(self) -> None:
        """As `kill -9` does."""
        if self.worker is not None:
            self.worker.kill()
            self.worker.wait()
            self.worker = None

    def started(self, *arguments: str, keep: int | None = None, **other: str) -> subprocess.Popen[bytes]:
        """A program of the marketplace, told `other` settings than the rest; `keep` is a socket handed on to it."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment | other,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                pass_fds=() if keep is None else (keep,),
            )

    def mail(self, recipient: str, kind: str) -> Message:
        """The newest mail of a kind to an address, as soon as it was sent."""

        def look() -> Message | None:
            with self.app.app_context():
                found = correspondence.inbox(recipient=recipient)
            return next((mail for mail in found if mail.kind == kind and mail.state == MessageState.SENT), None)

        return until(look, f"the mail {kind}")

    def code(self, recipient: str) -> str:
        mail = self.mail(recipient, "application_code")
        with self.app.app_context():
            text = correspondence.message_parts(mail.id).text
        return next(word for word in text.split() if word.isdigit() and len(word) == 6)

    def reconcile(self) -> None:
        """What the clock of the worker does each minute."""
        with self.app.app_context():
            jobs.defer("payment.reconcile")
            db.session.commit()


@pytest.fixture(scope="module")
def marketplace(
    migrated_app: Flask, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Marketplace]:
    """Harbour Term on sale, site and worker as processes of their own, Stripe's words going to the site."""
    folder = tmp_path_factory.mktemp("journeys")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with running_simulator(folder, f"http://127.0.0.1:{port}/hooks/stripe") as simulator, _goods(migrated_app):
            environment = _environment(settings, f"http://localhost:{port}", simulator.url)
            running = Marketplace(f"http://localhost:{port}", migrated_app, simulator, environment, folder / "log")
            site = running.started(*SITE, "--bind", f"fd://{listener.fileno()}", keep=listener.fileno())
            running.start_worker()
            try:
                until(lambda: _ready(running.url), "the site", START_SECONDS)
                yield running
            finally:
                for process in (site, running.worker):
                    if process is not None:
                        process.terminate()
                        process.wait()


@contextmanager
def _goods(app: Flask) -> Iterator[None]:
    with app.app_context():
        released.release(SPECIMEN)
        disclosure.publish_wordings()
        harbour_term()
        db.session.commit()
    yield
    empty_tables(app)


@pytest.fixture(scope="module")
def log(marketplace: Marketplace, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The sequencer works."""
    keys = a_key_folder(tmp_path_factory.mktemp("log"))
    told = {"DATABASE_SEQUENCER_URL": server.url("marketplace_sequencer"), "LOG_KEY_FOLDER": str(keys.path)}
    sequencer = marketplace.started("-m", "marketplace.sequencer", **told)
    yield
    sequencer.terminate()
    sequencer.wait()


def _environment(settings: Settings, url: str, simulator_url: str) -> dict[str, str]:
    """Under another address, and paying at this simulator."""
    return environment_of(
        settings,
        PUBLIC_URL=url,
        REPLAY_ORIGIN=url.replace("localhost", "replay.localhost"),
        STRIPE_API_BASE=simulator_url,
        STRIPE_SECRET_KEY=SECRET_KEY,
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
    )


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz/ready", timeout=PATIENCE_SECONDS).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(scope="session")
def walked(migrated_app: Flask, tmp_path_factory: pytest.TempPathFactory) -> tuple[Seen, ...]:
    """Every page in every language, as it was sent. Not to be asked for beside a running `marketplace`.

    Processes that share a run of the tests share the walk: the first one walks, the others wait and read.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return _walk(migrated_app, tmp_path_factory.mktemp("walk"))
    kept = tmp_path_factory.getbasetemp().parent / f"walked-{run}"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(_walk(migrated_app, tmp_path_factory.mktemp("walk"))))
    pages: tuple[Seen, ...] = pickle.loads(kept.read_bytes())  # noqa: S301  written a moment ago by this run
    return pages


def _walk(app: Flask, folder: Path) -> tuple[Seen, ...]:
    pages: list[Seen] = []
    with running_simulator(folder) as simulator:
        for locale in LOCALES:
            pages += every_page(app, simulator, locale)
            empty_tables(app)
    return tuple(pages)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module: while its driver runs, nothing else in this process can run an event loop, as sealing does."""
    if CHROMIUM is None:
        pytest.skip("no Chromium in PATH and CHROMIUM= is not set: journeys in a browser are left out")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Buyer:
    """A person at a browser window of their own. Every page of the site is held to be free of errors."""

    page: Page
    market: Marketplace
    email: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        """The console also tells refusals of the content policy."""
        ours = message.location.get("url", "").startswith(self.market.url) or "Content Security" in message.text
        if message.type == "error" and ours:
            self.complaints.append(f"{self.page.url}: {message.text}")

    @property
    def step(self) -> str:
        return self.page.url.removeprefix(self.market.url).split("?")[0].rsplit("/", 1)[-1]

    def fits(self) -> bool:
        """Whether nothing is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def fill(self, **answers: str) -> None:
        for name, value in answers.items():
            control = self.page.locator(f'main [name="{name}"]').first
            if control.evaluate("each => each.tagName") == "SELECT":
                control.select_option(value)
            elif control.get_attribute("type") in {"radio", "checkbox"}:
                self.page.locator(f'main [name="{name}"][value="{value}"]').check()
            else:
                control.fill(value)

    def press(self) -> None:
        """The main button of the page, by keyboard."""
        self.page.locator("main form button.btn").first.focus()
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def tick(self, name: str) -> None:
        """By keyboard."""
        box = self.page.locator(f"#{name}")
        assert not box.is_checked()
        box.focus()
        self.page.keyboard.press("Space")

    def apply(self, name: str = "Li Na") -> None:
        """From the start page to our own payment page."""
        self.compare("term_life", age="34", sex="female", smoker="no", sum_insured="1000000", term_years="20",
                     occupation_class="1", region="shanghai")  # fmt: skip
        self.page.locator("article.offer a.btn").first.click()
        self.page.locator("aside a.btn").click()
        self.go_through(name)
        assert self.step == "pay"

    def compare(self, line: str, **answers: str) -> None:
        """From the start page to the offers."""
        self.page.goto(self.market.url)
        self.page.locator(f'a[href="/compare/{line}"]').click()
        self.fill(**answers)
        self.press()

    def pass_entry(self) -> None:
        """Both notices, each confirmed by itself."""
        self.tick("client_notice")
        self.tick("privacy_notice")
        self.press()

    def tell_needs(self) -> None:
        """Where it is asked whether the insurance suits: that it does; against a warning, on of one's own will."""
        asked = {name: said for name, said in SUITS.items() if self.page.locator(f'main [name="{name}"]').count()}
        if self.step == "needs" and asked:
            self.fill(**asked)
            self.press()
        if self.step == "needs":
            self.tick("own_will")
            self.page.locator("main form button.btn").last.focus()
            with self.page.expect_navigation():
                self.page.keyboard.press("Enter")

    def go_through(self, name: str, born_on: date = date(1992, 3, 5), yes_to: Container[int] = ()) -> None:
        """From the entry page of an application to where its declaration leads, whatever its product asks for."""
        self.pass_entry()
        if self.step == "email":
            self.fill(email=self.email)
            self.press()
            self.fill(code=self.market.code(self.email))
            self.press()
        self.tell_needs()
        told = {"applicant_name": name, "applicant_birth_on": born_on.isoformat(), "relationship": "self"}
        asked = {each: value for each, value in told.items() if self.page.locator(f'main [name="{each}"]').count()}
        self.fill(**asked)
        self.press()
        if self.step == "identity":
            self.fill(kind="resident_card", name=name, number=specimen_number(born_on))
            self.press()
        self.answer(yes_to)
        self.tick("declare")
        self.press()

    def answer(self, yes_to: Container[int] = ()) -> None:
        """Every question, with no but for those at these places; every document and the exclusions confirmed."""
        if self.step == "questions":
            self.tick("notice")
            self.tick("health_consent")
            for place, no in enumerate(self.page.locator('main input[type="radio"][value="no"]').all()):
                name, said = no.get_attribute("name"), "yes" if place in yes_to else "no"
                self.page.locator(f'main [name="{name}"][value="{said}"]').check()
            self.press()
        while self.step != "review":
            self.tick("confirm")
            self.press()

    def card(self, number: str) -> None:
        """On the hosted page, by keyboard."""
        for name, typed in {"number": number, "expiry": "12/34", "cvc": "123", "name": "Li Na"}.items():
            self.page.locator(f"#{name}").fill("")
            self.page.locator(f"#{name}").focus()
            self.page.keyboard.type(typed)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


@pytest.fixture
def buyer(chromium: Browser, marketplace: Marketplace, request: pytest.FixtureRequest) -> Iterator[Buyer]:
    """A buyer of the test's own. Parametrize indirectly with the options of the browser's context."""
    options = getattr(request, "param", {"locale": "en-GB"})
    context = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    buyer = Buyer(context.new_page(), marketplace, f"{request.node.originalname.replace('_', '.')}@example.com")
    yield buyer
    context.close()
    assert buyer.complaints == []

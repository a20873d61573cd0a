"""The demonstration under measurement: `make run` in a folder and on ports of its own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import requests

from sandbox.demo.history import ANSWERS
from sandbox.demo.loading import CUSTOMER
from sandbox.demo.visitor import hidden_fields
from sandbox.instance import Instance

ROOT = Path(__file__).parents[1]
_STARTING_SECONDS = 900.0
_STOPPING_SECONDS = 60.0
_ANSWER_SECONDS = 10.0


class Demonstration:
    """All programs of one instance. `start` says how many seconds it took from nothing to its ready page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._simulator_port = free_port(), free_port()
        self._supervisor: subprocess.Popen[str] | None = None

    def start(self) -> float:
        begun = time.perf_counter()
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "sandbox.run"],
            cwd=ROOT,
            env=os.environ
            | {
                "INSTANCE_FOLDER": str(self.folder / "instance"),
                "PORT": str(self.port),
                "SIMULATOR_PORT": str(self._simulator_port),
            },
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        said = ""
        for line in self._supervisor.stdout or ():
            said += line
            if line.startswith("ready "):
                return time.perf_counter() - begun
            if time.perf_counter() - begun > _STARTING_SECONDS:
                break
        raise RuntimeError(f"the demonstration did not start:\n{said}")

    def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.send_signal(signal.SIGTERM)
            self._supervisor.communicate(timeout=_STOPPING_SECONDS)
            self._supervisor = None

    def remove_data(self) -> None:
        """So that the next start is a cold one."""
        shutil.rmtree(self.folder / "instance", ignore_errors=True)

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything it started, however far down."""
        if self._supervisor is None:
            return []
        supervisor = psutil.Process(self._supervisor.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def environment_of(self, program: str) -> dict[str, str]:
        """What one of its programs (`python -m program`) was told."""
        return next(each.environ() for each in self.processes() if program in each.cmdline())

    def visitor(self) -> "Visitor":
        return Visitor(self.port)

    def customer(self) -> "Visitor":
        """The demonstration's customer, signed in."""
        account = next(each for each in Instance(self.folder / "instance").accounts() if each.email == CUSTOMER)
        visitor = self.visitor()
        visitor.sign_in(account.email, account.password)
        return visitor


class Visitor:
    """A browser that makes comparisons."""

    def __init__(self, port: int) -> None:
        self._browser = requests.Session()
        self._site = f"http://localhost:{port}"

    def compare(self, line: str = "term_life", **other: str) -> str:
        """The path of a new comparison, whose page nobody has seen yet; `other` answers than the usual."""
        form = self._browser.get(f"{self._site}/compare/{line}", timeout=_ANSWER_SECONDS).text
        first_day = re.findall(r'name="start_on"[^>]*value="([^"]+)"', form)
        answers = hidden_fields(form) | ANSWERS[line][0] | other | ({"start_on": first_day[0]} if first_day else {})
        return self._send(f"/compare/{line}", answers)

    def product_of(self, comparison: str) -> str:
        """The path of the first product of a comparison."""
        page = self._browser.get(self._site + comparison, timeout=_ANSWER_SECONDS).text
        return str(re.findall(r'href="(/offers/[0-9a-f-]+)"', page)[0])

    def sign_in(self, email: str, password: str) -> None:
        form = self._browser.get(f"{self._site}/sign-in", timeout=_ANSWER_SECONDS).text
        self._send("/sign-in", hidden_fields(form) | {"email": email, "password": password})

    def find(self, path: str, address: str) -> list[str]:
        """The addresses of this kind that the page at `path` leads to, each once."""
        page = self._browser.get(self._site + path, timeout=_ANSWER_SECONDS).text
        return list(dict.fromkeys(re.findall(f'href="({address})"', page)))

    def ask(self, path: str) -> str:
        """Press the only button of the page at `path`; where that leads."""
        page = self._browser.get(self._site + path, timeout=_ANSWER_SECONDS).text
        return self._send(path, hidden_fields(page))

    def _send(self, path: str, fields: dict[str, str]) -> str:
        """Send a form; the path to which its answer leads."""
        answer = self._browser.post(self._site + path, fields, timeout=_ANSWER_SECONDS, allow_redirects=False)
        if not answer.is_redirect:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        return urlsplit(answer.headers["Location"]).path

    @property
    def cookie(self) -> str:
        return "; ".join(f"{each.name}={each.value}" for each in self._browser.cookies)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

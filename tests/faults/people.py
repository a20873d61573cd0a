"""Customers at browsers of their own, each with a name and an address that nobody else has.

They go the way of a purchase over HTTP. Whatever answers with an error, or not at all, they ask again how far they are
and go on from there. What a page acknowledged, by leading on to the next one, is remembered.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import requests

from sandbox.demo.visitor import Identity, LostError, Visitor

ANSWERS = {
    "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
    "occupation_class": "1", "region": "shanghai",
}  # fmt: skip
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.2
MAIL_LOOKS = 25
LONGEST_SECONDS = 900
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_numbers = count()


class GivenUpError(Exception):
    """Somebody came to no end however often they tried."""


@dataclass
class Answer:
    """As much of a Werkzeug response as `Visitor` looks at."""

    full_path: str
    status_code: int
    headers: Any
    text: str

    @property
    def request(self) -> "Answer":
        return self

    def get_data(self, *, as_text: bool) -> str:
        assert as_text
        return self.text


class Browser:
    """As much of Flask's test client as `Visitor` uses, over HTTP, from an address of its own."""

    def __init__(self, url: str, source: str) -> None:
        self._url, self._session = url, requests.Session()
        self._session.headers["X-Forwarded-For"] = source

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self._ask("GET", path, headers)

    def post(self, path: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        return self._ask("POST", path, headers, data)

    def _ask(self, method: str, path: str, headers: Any, data: Any = None) -> Answer:
        told = self._session.request(
            method, self._url + path, headers=headers, data=data, allow_redirects=False, timeout=PATIENCE_SECONDS
        )
        return Answer(path, told.status_code, told.headers, told.text)


@dataclass
class Customer:
    """`acknowledged`: the steps that a page confirmed by leading on. `application` is known once it is begun, `done`
    once it is paid.
    """

    url: str
    number: int = field(default_factory=lambda: next(_numbers))
    application: str = ""
    acknowledged: list[str] = field(default_factory=list)
    done: bool = False
    tried: list[str] = field(default_factory=list)
    asked_after: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        letters = "".join(_LETTERS[self.number // 26**place % 26] for place in range(4))
        self.who = Identity(f"Marker {letters}", date(1992, 3, 5), f"{letters.lower()}@marked.example")
        source = f"10.{self.number // 62_500 % 250}.{self.number // 250 % 250}.{self.number % 250 + 1}"
        self.visitor = Visitor(Browser(self.url, source))  # type: ignore[arg-type]  # all that it uses of a client

    def buy(self, over: Callable[[], bool] = lambda: False) -> None:
        """Until it is paid, or `over`; nobody waits for the policy. Raises GivenUpError."""
        end = time.monotonic() + LONGEST_SECONDS
        while not self.done and not over():
            try:
                self._go_on(over)
            except (LostError, requests.RequestException) as error:
                if time.monotonic() > end:
                    raise GivenUpError(f"{self.who.name} after {self.acknowledged}: {error!r}") from error
                threading.Event().wait(PAUSE_SECONDS)

    def _go_on(self, over: Callable[[], bool]) -> None:
        if self.application:
            self.visitor.get(f"/application/{self.application}")
        else:
            self._begin()
        while not self.done and not over():
            self._step()

    def _begin(self) -> None:
        offers = self.visitor.compare("term_life", ANSWERS)
        if not offers:
            raise LostError(f"{self.visitor.status} at {self.visitor.at}")
        self.visitor.enter(offers[0])
        self.application = self.visitor.at.split("/")[2]
        self.acknowledged.append("entry")

    def _step(self) -> None:
        before, parts = self.visitor.at, urlsplit(self.visitor.at).path.split("/")
        step = parts[3] if len(parts) > 3 else ""
        acts: dict[str, Callable[[], object]] = {
            "email": lambda: self.visitor.give_address(self.who.email),
            "code": self._prove,
            "people": lambda: self.visitor.give_people(self.who),
            "questions": self._answer,
            "documents": lambda: self.visitor.post({"confirm": "yes"}),
            "exclusions": lambda: self.visitor.post({"confirm": "yes"}),
            "review": self.visitor.submit,
            "pay": self.visitor.pay,
        }
        if step == "done":
            self.done = True
            return
        if step not in acts:
            raise LostError(f"{self.visitor.status} at {self.visitor.at}")
        acts[step]()
        if self.visitor.status != 200 or self.visitor.at == before:
            raise LostError(f"{self.visitor.status} at {self.visitor.at}")
        self.acknowledged.append(step)

    def _answer(self) -> None:
        asked = dict.fromkeys(re.findall(r'<input type="radio" name="([^"]+)"', self.visitor.text), "no")
        ticks = {name: "yes" for name in ("notice", "health_consent") if f'name="{name}"' in self.visitor.text}
        self.visitor.post(ticks | asked)

    def _prove(self) -> None:
        """By a code that was not tried yet; where none is left, which is so when an answer was lost, by another one."""
        codes = [code for code in self._codes() if code not in self.tried]
        if codes:
            self.tried.append(codes[0])
            self.visitor.give_code(codes[0])
            return
        if self.tried and self.asked_after != self.tried:
            self.asked_after = list(self.tried)
            self.visitor.get(f"/application/{self.application}/email")
            self.visitor.give_address(self.who.email)
        raise LostError("no new code came yet")

    def _codes(self) -> list[str]:
        """Those in the mails, the newest first, as soon as there is one."""
        reader = Browser(self.url, "10.255.0.1")
        for _ in range(MAIL_LOOKS):
            mails = re.findall(r'href="(/inbox/[0-9a-f-]{36})"', reader.get(f"/inbox?to={self.who.email}").text)
            texts = (reader.get(mail).text.split("<pre", 1)[-1] for mail in mails)
            if codes := [code[0] for text in texts if (code := re.search(r"(?<!\d)\d{6}(?!\d)", text))]:
                return codes
            threading.Event().wait(PAUSE_SECONDS)
        return []

"""Customers at browsers of their own, each with a name and an address that nobody else has.

They go the way of a purchase over HTTP. Whatever answers with an error, or not at all, they ask again how far they are
and go on from there. What they sent and a page acknowledged, by leading on to the next one, is remembered act by act.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from email import message_from_bytes
from email.policy import default
from enum import Flag, auto
from pathlib import Path
from urllib.parse import urlsplit

import requests

from sandbox.demo.browser import PATIENCE_SECONDS, Browser
from sandbox.demo.visitor import DECLINED_CARD, GOOD_CARD, Identity, LostError, Visitor, hidden_fields, ticked
from tests.faults.mailbox import mails

ANSWERS = {
    "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
    "occupation_class": "1", "region": "shanghai",
}  # fmt: skip
PAUSE_SECONDS = 0.2
MAIL_LOOKS = 25
LONGEST_SECONDS = 900
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Act = tuple[str, str | None]
"""What an entry of the trail says: its type, and what it is about; None where that is for the house to say, and the
type is there once.
"""
FIELDS = {"applicant_name": "applicant.name", "applicant_birth_on": "applicant.birth_on",
          "relationship": "relationship"}  # fmt: skip
CONFIRMED = {"documents": "document:confirmed", "exclusions": "exclusions:confirmed"}
ONLY = {
    "code": "email:verified", "needs": "needs:stated", "identity": "identity:verified",
    "review": "application:submitted", "pay": "payment:succeeded",
}  # fmt: skip
"""Step -> its one act; a payment is acknowledged by the customer's coming back from it."""


def told(step: str, page: str) -> list[Act]:
    """What sending the form of this page does, once it is answered by the next page."""
    hidden = hidden_fields(page)
    if step == "entry":
        return [(f"{each}:acknowledged", None) for each in ("entry", "privacy_notice", "client_notice")]
    if step == "email":
        return [("field:entered", "email")]
    if step == "people":
        return [("field:entered", field) for name, field in FIELDS.items() if f'name="{name}"' in page]
    if step == "questions":
        ticks: dict[str, Act] = {"notice": ("health_notice:acknowledged", None),
                                 "health_consent": ("health_consent:given", hidden.get("consent_sha256"))}  # fmt: skip
        return [*(ticks[name] for name in ticked(page)), *(("answer:given", name) for name in questions(page))]
    if step in CONFIRMED:
        return [(CONFIRMED[step], hidden["sha256"])]
    return [(ONLY[step], None)]


def questions(page: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r'<input type="radio" name="([^"]+)"', page)))


class Habits(Flag):
    """What some customers do. `VOID`: what they pay for cannot be had any more, a moment before they pay."""

    NONE = 0
    DECLINED = auto()  # the first card is
    LEAVES = auto()  # once it is paid, and does not come back
    VOID = auto()
    LATE = auto()  # their order ends by the clock while they pay, and they do not come back


class GivenUpError(Exception):
    """Somebody came to no end however often they tried."""


@dataclass
class Customer:
    """`acknowledged`: the acts that a page confirmed by leading on. `application` is known once it is begun, `done`
    once it is paid.
    """

    url: str
    mails: Path
    number: int
    habits: Habits = Habits.NONE
    void: Callable[[str], None] = lambda _application: None
    lapse: Callable[[str], None] = lambda _application: None
    application: str = ""
    acknowledged: list[Act] = field(default_factory=list)
    done: bool = False
    tried: list[str] = field(default_factory=list)
    asked_after: list[str] = field(default_factory=list)
    back_after: list[str] | None = None

    def __post_init__(self) -> None:
        letters = "".join(_LETTERS[self.number // 26**place % 26] for place in range(4))
        self.who = Identity(f"Marker {letters}", date(1992, 3, 5), f"{letters.lower()}@marked.example")
        source = f"10.{self.number // 62_500 % 250}.{self.number // 250 % 250}.{self.number % 250 + 1}"
        self.visitor = Visitor(Browser(self.url, source, forwarded=True))  # type: ignore[arg-type]  # all that it uses of a client

    @property
    def concludes(self) -> bool:
        """Whether they have come back, and have a contract."""
        return self.done and self.habits & (Habits.VOID | Habits.LEAVES | Habits.LATE) == Habits.NONE

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
        self._must_be_shown()
        self.application = self.visitor.at.split("/")[2]
        self.acknowledged += told("entry", "")

    def _must_be_shown(self) -> None:
        """An error has the address of the page in whose place it stands."""
        if self.visitor.status != 200:
            raise LostError(f"{self.visitor.status} at {self.visitor.at}")

    def _step(self) -> None:
        if self.visitor.status == 409 and Habits.VOID in self.habits:  # void, and nothing was paid for it
            self.done = True
            return
        self._must_be_shown()
        before, path = self.visitor.at, urlsplit(self.visitor.at).path
        if path == "/find":
            self._prove_again()
            return
        parts = path.split("/")
        step = parts[3] if len(parts) > 3 else ""
        acts: dict[str, Callable[[], object]] = {
            "email": lambda: self.visitor.give_address(self.who.email),
            "code": self._prove,
            "needs": self.visitor.tell_needs,
            "people": lambda: self.visitor.give_people(self.who),
            "identity": lambda: self.visitor.prove(self.who),
            "questions": self._answer,
            "documents": lambda: self.visitor.post({"confirm": "yes"}),
            "exclusions": lambda: self.visitor.post({"confirm": "yes"}),
            "review": self.visitor.submit,
            "pay": self._pay,
        }
        if step == "done":
            self.done = True
            return
        if step not in acts:
            raise LostError(f"{self.visitor.status} at {self.visitor.at}")
        said = told(step, self.visitor.text)
        acts[step]()
        if self.done:
            return
        self._must_be_shown()
        if self.visitor.at == before:
            raise LostError(f"still at {before}")
        self.acknowledged += said

    def _answer(self) -> None:
        self.visitor.post(ticked(self.visitor.text) | dict.fromkeys(questions(self.visitor.text), "no"))

    def _prove(self) -> None:
        """By a code that was not tried yet; where none is left, which is so when an answer was lost, by another one."""
        codes = [code for code in self._codes() if code not in self.tried]
        if codes:
            self.tried.append(codes[0])
            self.visitor.give_code(codes[0])
            return
        if self.tried and self.asked_after != self.tried:
            self.visitor.get(f"/application/{self.application}/email")
            self.visitor.give_address(self.who.email)
            self._must_be_shown()
            self.asked_after = list(self.tried)
        raise LostError("no new code came yet")

    def _prove_again(self) -> None:
        """The answer that would have signed them in was lost: by a code they come back to their application."""
        if self.back_after != self.tried:
            self.visitor.post({"email": self.who.email})
            self._must_be_shown()
            self.back_after = list(self.tried)
        else:
            self.visitor.get(f"/find/code?next=/application/{self.application}")
        codes = [code for code in self._codes() if code not in self.tried]
        if not codes:
            raise LostError("no code to come back with came yet")
        self.tried.append(codes[0])
        self.visitor.post({"code": codes[0]})
        self._must_be_shown()

    def _codes(self) -> list[str]:
        """Those in the mails, the newest first, as soon as there is one."""
        for _ in range(MAIL_LOOKS):
            found = [code for code in map(_code_in, mails(self.mails, self.who.email)) if code]
            if found:
                return found[::-1]
            threading.Event().wait(PAUSE_SECONDS)
        return []

    def _pay(self) -> None:
        """From our page to the hosted one, each in its own way."""
        self.visitor.post({})
        if Habits.VOID in self.habits:
            self.void(self.application)
        if Habits.DECLINED in self.habits:
            self.visitor.pay(DECLINED_CARD)
        if Habits.LATE in self.habits:
            self.lapse(self.application)
        if self.habits & (Habits.LEAVES | Habits.LATE):
            self.done = pays_at(self.visitor.at)
        else:
            self.visitor.pay()


def pays_at(page: str) -> bool:
    """Whether the card was taken, or the page is closed; nobody comes back from it."""
    form = {"email": "somebody@example.com", "number": GOOD_CARD, "expiry": "12/34", "cvc": "123", "name": ""}
    answer = requests.post(page, data=form, allow_redirects=False, timeout=PATIENCE_SECONDS)
    return answer.status_code in {303, 410}


def _code_in(eml: bytes) -> str | None:
    body = message_from_bytes(eml, policy=default).get_body(("plain",))
    code = re.search(r"(?<!\d)\d{6}(?!\d)", body.get_content() if body else "")
    return code[0] if code else None
